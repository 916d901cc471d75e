"""Validation of the parts of an ONNX file, before onnxruntime reads it.

An ONNX file can name other files to read, contain loops that never end, and use
operators of any library. Since a graph of :func:`export_onnx` has none of these, this
module only accepts what such a graph consists of. It reads the encoding of protocol
buffers, so that the package onnx is not needed:
https://protobuf.dev/programming-guides/encoding
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["check_contents"]

# Operators of exported graphs. None of them has a subgraph.
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
_INPUTS_OF_A_NODE = 1
_NODE = _Message(
    "NodeProto", {**dict.fromkeys([1, 2, 3, 6]), 4: _OPERATORS, 5: _ATTRIBUTE}
)
_SHAPE = _Message("TensorShapeProto", {1: _Message("Dimension", dict.fromkeys([1, 2]))})
_TYPE = _Message("TypeProto", {1: _Message("TypeProto.Tensor", {1: None, 2: _SHAPE})})
_VALUE = _Message("ValueInfoProto", {1: None, 2: _TYPE, 3: None})
_GRAPH = _Message(
    "GraphProto",
    {**dict.fromkeys([2, 10]), 1: _NODE, 5: _TENSOR, 11: _VALUE, 12: _VALUE},
)
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
    _check_message(memoryview(model), _MODEL)


def _check_message(data: memoryview, message: _Message) -> None:
    for number, is_sized, value in _fields_of(data):
        if number not in message.fields:
            raise ValueError(
                f"field {number} of its {message.name} is not one of an exported model."
            )
        if message is _NODE and number == _INPUTS_OF_A_NODE and not value:
            raise ValueError("an operator lacks an input.")  # onnxruntime can crash
        allowed = message.fields[number]
        if allowed is None:
            continue
        if not is_sized:
            raise ValueError(f"field {number} of its {message.name} has no length.")
        if isinstance(allowed, _Message):
            _check_message(value, allowed)
        elif str(value, "utf-8") not in allowed:
            raise ValueError(
                f"its operator {str(value, 'utf-8')!r:.80} is not one of an exported "
                "model."
            )


def _fields_of(data: memoryview) -> Iterator[tuple[int, bool, memoryview]]:
    """Yield the number of each field, whether it stores its length, and its value."""
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
        yield key >> 3, kind == _SIZED, data[start:end]


def _varint(data: memoryview, start: int) -> tuple[int, int]:
    """Return an integer of variable length, and the place after it."""
    number = 0
    for i, byte in enumerate(data[start : start + _LONGEST_VARINT]):
        number |= (byte & 127) << 7 * i
        if byte < 128:
            return number, start + i + 1
    raise ValueError("it is incomplete, or not a protocol buffer.")
