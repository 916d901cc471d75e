"""Validation of the protocol buffer of an ONNX file, before onnxruntime reads it.

An ONNX file can name other files to read, contain loops that never end, and use
operators of any library. Since a graph of :func:`export_onnx` has none of these, this
module only accepts what such a graph consists of. The only subgraphs are the bodies of
`Scan`, which have no subgraphs themselves. One of the sequences of a `Scan` is an input
of the graph, so that it has no more repetitions than a batch has steps.

The module reads the encoding of protocol buffers, so that the package onnx is not
needed: https://protobuf.dev/programming-guides/encoding
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["check_contents", "metadata_of"]

# Operators of exported graphs without a subgraph.
_OPERATORS = frozenset(
    [
        *("Add", "And", "ArgMax", "BitShift", "BitwiseXor", "Cast", "Clip", "Concat"),
        *("Conv", "CumSum", "Div", "Equal", "Expand", "GRU", "Gather", "Gemm"),
        *("Greater", "Identity", "LSTM", "LayerNormalization", "Less", "LessOrEqual"),
        *("Log", "MatMul", "Max", "Mean", "Mod", "Mul", "Not", "Pad", "RNN", "Range"),
        *("ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "Relu"),
        *("Reshape", "ScatterElements", "Shape", "Sigmoid", "Slice", "Softmax"),
        *("Squeeze", "Sub", "Sum", "Tanh", "TopK", "Transpose", "Unsqueeze", "Where"),
    ]
)

# Operators of the body of a Scan.
_OPERATORS_OF_BODY = frozenset(
    [
        *("Add", "And", "ArgMax", "Exp", "Gather", "GatherElements", "Greater"),
        *("Identity", "Less", "Log", "MatMul", "NonZero", "Not", "ReduceLogSumExp"),
        *("ReduceMax", "ReduceMin", "ScatterND", "Squeeze", "Sub", "Unsqueeze"),
        "Where",
    ]
)

# Numbers of the fields that limit the repetitions of a Scan.
_GRAPH_OF_MODEL = 7
_NODES_OF_GRAPH, _CONSTANTS_OF_GRAPH, _INPUTS_OF_GRAPH = 1, 5, 11
_INPUTS_OF_NODE, _OPERATOR_OF_NODE, _ATTRIBUTES_OF_NODE = 1, 4, 5
_INTEGER_OF_ATTRIBUTE = 3
_NAME_OF_VALUE, _NAME_OF_ATTRIBUTE, _NAME_OF_CONSTANT = 1, 1, 8

_VARINT, _EIGHT_BYTES, _SIZED, _FOUR_BYTES = 0, 1, 2, 5
_N_BYTES = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}
_LONGEST_VARINT = 10


class _Message(NamedTuple):
    """Fields that a message may have.

    Parameters
    ----------
    name : str
        Name in https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
    fields : dict
        By number: the message in the field, the allowed texts, or None for any value.
    """

    name: str
    fields: dict[int, Any]


_TENSOR = _Message("TensorProto", dict.fromkeys([1, 2, 8, 9, 12]))
_ATTRIBUTE = _Message("AttributeProto", dict.fromkeys([1, 2, 3, 4, 7, 8, 13, 20]))
_METADATA_OF_A_MODEL, _KEY_OF_AN_ENTRY, _VALUE_OF_AN_ENTRY = 14, 1, 2
_FIELDS_OF_NODE = dict.fromkeys([1, 2, 3, 6])
_NODE = _Message("NodeProto", {**_FIELDS_OF_NODE, 4: _OPERATORS, 5: _ATTRIBUTE})
_NODE_OF_BODY = _Message(
    "NodeProto", {**_FIELDS_OF_NODE, 4: _OPERATORS_OF_BODY, 5: _ATTRIBUTE}
)
_SHAPE = _Message("TensorShapeProto", {1: _Message("Dimension", dict.fromkeys([1, 2]))})
_TYPE = _Message("TypeProto", {1: _Message("TypeProto.Tensor", {1: None, 2: _SHAPE})})
_VALUE = _Message("ValueInfoProto", {1: None, 2: _TYPE, 3: None})
_FIELDS_OF_GRAPH = {**dict.fromkeys([2, 10]), 5: _TENSOR, 11: _VALUE, 12: _VALUE}
_BODY = _Message("GraphProto", {**_FIELDS_OF_GRAPH, 1: _NODE_OF_BODY})
_ATTRIBUTE_OF_SCAN = _Message("AttributeProto", {**_ATTRIBUTE.fields, 6: _BODY})
_SCAN = _Message(
    "NodeProto", {**_FIELDS_OF_NODE, 4: frozenset(["Scan"]), 5: _ATTRIBUTE_OF_SCAN}
)
_GRAPH = _Message("GraphProto", {**_FIELDS_OF_GRAPH, 1: _NODE})
_OPSET = _Message("OperatorSetIdProto", dict.fromkeys([1, 2]))
_ENTRY = _Message("StringStringEntryProto", dict.fromkeys([1, 2]))
_MODEL = _Message(
    "ModelProto",
    {**dict.fromkeys([1, 2, 3, 4, 5, 6]), 7: _GRAPH, 8: _OPSET, 14: _ENTRY},
)


def check_contents(model: bytes) -> None:
    """Check that a model only has parts that :func:`export_onnx` writes.

    Raises
    ------
    ValueError
        If the bytes are not a protocol buffer, or have another field or operator, such
        as external data, a subgraph, a function or a sparse tensor.
    """
    data = memoryview(model)
    _check_message(data, _MODEL)
    graphs = _values(data, _GRAPH_OF_MODEL)
    if len(graphs) > 1:  # protocol buffers would merge them
        raise ValueError("it has several graphs.")
    for graph in graphs:
        _check_scans(graph)


def _check_scans(graph: memoryview) -> None:
    """Check that an input of the graph limits the repetitions of each Scan."""
    inputs = {_name(i, _NAME_OF_VALUE) for i in _values(graph, _INPUTS_OF_GRAPH)}
    # an input with the name of a constant need not be given
    constants = _values(graph, _CONSTANTS_OF_GRAPH)
    inputs -= {_name(constant, _NAME_OF_CONSTANT) for constant in constants}
    for node in _values(graph, _NODES_OF_GRAPH):
        if _is_scan(node):
            _check_scan(node, inputs)


def _check_scan(node: memoryview, inputs: set[str]) -> None:
    """Check that the last input of a node is a sequence, and one of `inputs`."""
    counts = [
        _varint(count, 0)[0]
        for attribute in _values(node, _ATTRIBUTES_OF_NODE)
        if _name(attribute, _NAME_OF_ATTRIBUTE) == "num_scan_inputs"
        for count in _values(attribute, _INTEGER_OF_ATTRIBUTE, _VARINT)
    ]
    n_inputs = len(_values(node, _INPUTS_OF_NODE))
    has_sequence = bool(counts) and all(1 <= count <= n_inputs for count in counts)
    if not has_sequence or _name(node, _INPUTS_OF_NODE) not in inputs:
        raise ValueError("the last sequence of a Scan is not an input of the graph.")


def _values(data: memoryview, number: int, kind: int = _SIZED) -> list[memoryview]:
    """Return the values of a field; those of another kind do not count."""
    key = number, kind
    return [value for *found, value in _fields_of(data) if (*found,) == key]


def _name(data: memoryview, number: int) -> str:
    """Return the last text in a field, which is the one that counts."""
    texts = [str(value, "utf-8") for value in _values(data, number)]
    return texts[-1] if texts else ""


def _is_scan(value: memoryview, message: _Message = _NODE) -> bool:
    return message is _NODE and b"Scan" in _values(value, _OPERATOR_OF_NODE)


def metadata_of(model: bytes) -> dict[str, str]:
    """Return the metadata of a model, which may have parts that are not allowed.

    Raises
    ------
    ValueError
        If the bytes are not a protocol buffer.
    """
    entries = {}
    for entry in _values(memoryview(model), _METADATA_OF_A_MODEL):
        entries[_name(entry, _KEY_OF_AN_ENTRY)] = _name(entry, _VALUE_OF_AN_ENTRY)
    return entries


def _check_message(data: memoryview, message: _Message) -> None:
    for number, kind, value in _fields_of(data):
        if number not in message.fields:
            raise ValueError(
                f"field {number} of its {message.name} is not one of an exported model."
            )
        if message.name == _NODE.name and number == _INPUTS_OF_NODE and not value:
            raise ValueError("an operator lacks an input.")  # onnxruntime can crash
        allowed = message.fields[number]
        if allowed is None:
            continue
        if kind != _SIZED:
            raise ValueError(f"field {number} of its {message.name} has no length.")
        if isinstance(allowed, _Message):
            _check_message(value, _SCAN if _is_scan(value, allowed) else allowed)
        elif str(value, "utf-8") not in allowed:
            raise ValueError(
                f"its operator {str(value, 'utf-8')!r:.80} is not one of an exported "
                "model."
            )


def _fields_of(data: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """Yield the number of each field, its kind, and its value."""
    end = 0
    while end < len(data):
        key, start = _varint(data, end)
        kind = key & 7
        if kind == _VARINT:
            _, end = _varint(data, start)
        elif kind == _SIZED:
            size, start = _varint(data, start)
            end = start + size
        elif kind in _N_BYTES:
            end = start + _N_BYTES[kind]
        else:
            raise ValueError("it is not a protocol buffer.")
        if end > len(data):
            raise ValueError("it is incomplete.")
        yield key >> 3, kind, data[start:end]


def _varint(data: memoryview, start: int) -> tuple[int, int]:
    """Return an integer of variable length, and the position after it."""
    number = 0
    for i, byte in enumerate(data[start : start + _LONGEST_VARINT]):
        number |= (byte & 127) << 7 * i
        if byte < 128:
            return number, start + i + 1
    raise ValueError("it is incomplete, or not a protocol buffer.")
