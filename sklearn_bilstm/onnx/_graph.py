"""Builder of ONNX graphs."""

from typing import Any

import numpy as np

from sklearn_bilstm.utils._optional import import_optional

__all__ = ["Graph", "Operand"]

# First opset with bitwise operators, supported by onnxruntime since 1.14.
_OPSET = 18
_IR_VERSION = 8
# Maximum size of a protocol buffer.
_MOST_BYTES = 2**31 - 1

# Name of a value of the graph, or a constant. Ints and lists of ints become int64
# constants; other constants are numbers or NumPy arrays.
Operand = str | int | list[int] | np.ndarray | np.generic


class Graph:
    """Builder of a graph without duplicate nodes and constants.

    Values of the graph are referred to by name. Nodes with the same operator and
    operands share one value, and nodes that no output depends on are dropped.

    Parameters
    ----------
    weights : {"float32", "float16", "int8"}, default="float32"
        Format of the weights, see :mod:`sklearn_bilstm.onnx._weights`.
    prefix : str, default=""
        Prefix of the names of values and constants. Names of a subgraph must differ
        from those of the graph.
    """

    def __init__(self, weights: str = "float32", *, prefix: str = "") -> None:
        self.weights = weights
        self._prefix = prefix
        self._onnx = import_optional("onnx", purpose="export_onnx", extra="onnx")
        self._inputs: list = []
        self._outputs: list = []
        self._nodes: list = []
        self._values: dict[tuple, list[str]] = {}
        self._constants: dict[tuple, str] = {}
        self._arrays: dict[str, np.ndarray] = {}

    def input(self, name: str, dtype: type, shape: list) -> str:
        """Declare an input, unless it exists; dimensions given as str are dynamic."""
        if all(declared.name != name for declared in self._inputs):
            self._inputs.append(self._declaration(name, dtype, shape))
        return name

    def output(self, name: str, value: str, dtype: type, shape: list) -> None:
        """Declare a value as an output of the given name."""
        self._nodes.append(self._onnx.helper.make_node("Identity", [value], [name]))
        self._outputs.append(self._declaration(name, dtype, shape))

    def op(self, kind: str, *operands: Operand, **attributes: Any) -> str:
        """Add an ONNX operator, and return the name of its value."""
        return self.ops(kind, 1, *operands, **attributes)[0]

    def ops(
        self, kind: str, n_values: int, *operands: Operand, **attributes: Any
    ) -> list[str]:
        """Add an ONNX operator with several outputs, and return their names."""
        names = [o if isinstance(o, str) else self._constant(o) for o in operands]
        key = kind, n_values, *names, repr(sorted(attributes.items()))
        if key not in self._values:
            number = len(self._values)
            values = [f"{self._prefix}{kind}_{number}_{i}" for i in range(n_values)]
            node = self._onnx.helper.make_node(kind, names, values, **attributes)
            self._nodes.append(node)
            self._values[key] = values
        return self._values[key]

    def cast(self, value: Operand, dtype: type) -> str:
        """Convert a value to another dtype."""
        return self.op("Cast", value, to=self._type(dtype))

    def to_graph(self, name: str) -> Any:
        """Return the graph as a `GraphProto`, such as for a subgraph."""
        nodes = self._needed_nodes()
        used = {value for node in nodes for value in node.input}
        constants = {n: array for n, array in self._arrays.items() if n in used}
        self._check_size(constants)
        return self._onnx.helper.make_graph(
            nodes,
            name,
            self._inputs,
            self._outputs,
            [self._onnx.numpy_helper.from_array(a, n) for n, a in constants.items()],
        )

    def to_model(self, name: str, metadata: dict[str, str]) -> Any:
        """Return the graph as a checked `ModelProto`.

        Parameters
        ----------
        name : str
            Name of the graph and of its producer.
        metadata : dict
            Metadata strings by name.
        """
        make = self._onnx.helper
        model = make.make_model(
            self.to_graph(name),
            producer_name=name,
            ir_version=_IR_VERSION,
            opset_imports=[make.make_opsetid("", _OPSET)],
        )
        make.set_model_props(model, metadata)
        self._onnx.checker.check_model(model, full_check=True)
        return model

    def _constant(self, value: Any) -> str:
        array = np.asarray(value, None if hasattr(value, "dtype") else np.int64)
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self._constants:
            self._constants[key] = f"{self._prefix}constant_{len(self._constants)}"
            self._arrays[self._constants[key]] = array
        return self._constants[key]

    def _declaration(self, name: str, dtype: type, shape: list) -> Any:
        make = self._onnx.helper.make_tensor_value_info
        return make(name, self._type(dtype), shape)

    def _type(self, dtype: type) -> int:
        return self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))

    def _needed_nodes(self) -> list:
        needed = {output.name for output in self._outputs}
        nodes: list = []
        for node in reversed(self._nodes):
            if needed.intersection(node.output):
                needed.update(node.input)
                nodes.insert(0, node)
        return nodes

    @staticmethod
    def _check_size(constants: dict[str, np.ndarray]) -> None:
        n_bytes = sum(array.nbytes for array in constants.values())
        if n_bytes > _MOST_BYTES:
            raise ValueError(
                "An ONNX model must be smaller than 2 GB, the maximum size of a "
                f"protocol buffer: its weights have {n_bytes:,} bytes. Use a smaller "
                "vocabulary, by max_features of TextVectorizer."
            )
