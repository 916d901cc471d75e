"""Weights of a graph in single or half precision, or as 8-bit integers.

An 8-bit weight is a code from -127 to 127, times a scale that it shares with other
weights. Weights of compressed models are such products already, and are stored exactly
in every format. Standard operators restore the weights: wide rows of tables once they
are looked up, and all others when a session is created, since onnxruntime evaluates
operators of constants in advance.
"""

import numpy as np

from sklearn_bilstm.onnx._graph import Graph, Operand
from sklearn_bilstm.utils._rounding import scaled

__all__ = ["WEIGHTS", "restored", "rows_of"]

# Names of the formats.
WEIGHTS = "float32", "float16", "int8"
_LARGEST_CODE = 127
# Number of weights that share a scale, except for wide rows of tables.
_BLOCK = 32
# Number of columns from which on each row of a table has its own scale.
_FEWEST_COLUMNS = 32


def rows_of(graph: Graph, table: np.ndarray, index: str) -> str:
    """Return rows of a table in single precision.

    Wide rows are converted once they are looked up, to save memory, and each has its
    own scale. Narrow ones are converted in advance.

    Parameters
    ----------
    graph : Graph
    table : ndarray of shape (n,) or (n, n_columns)
        It is stored in half precision if that is exact.
    index : str
        Indices of rows, int64 of any shape.
    """
    if np.prod(table.shape[1:]) < _FEWEST_COLUMNS:
        return graph.op("Gather", restored(graph, table), index)
    parts = _exact_codes(table)
    if parts is None and graph.weights != "int8":
        stored = _floats(graph, table)
        values = graph.op("Gather", stored, index)
        return values if stored.dtype == np.float32 else graph.cast(values, np.float32)
    codes, scales = parts or _quantized(table)
    values = graph.cast(graph.op("Gather", codes, index), np.float32)
    return graph.op("Mul", values, graph.op("Gather", scales, index))


def restored(graph: Graph, weights: np.ndarray) -> Operand:
    """Return weights in single precision, converted when a session is created.

    Parameters
    ----------
    graph : Graph
    weights : ndarray of any shape
        In 8 bits, consecutive weights share a scale.
    """
    parts = _exact_codes(weights)
    if parts is None and graph.weights != "int8":
        return _in_single(graph, _floats(graph, weights))
    if parts is None:
        blocks = np.zeros((-(-weights.size // _BLOCK), _BLOCK), np.float32)
        blocks.ravel()[: weights.size] = weights.ravel()
        parts = _quantized(blocks)
    codes, scales = parts
    values = graph.op("Mul", graph.cast(codes, np.float32), scales)
    values = graph.op("Slice", graph.op("Reshape", values, [-1]), [0], [weights.size])
    return graph.op("Reshape", values, list(weights.shape))


def _exact_codes(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return codes and scales if their products are the weights, of any shape.

    The matrices of a three-dimensional array have scales of their own.
    """
    weights = weights.astype(np.float32)
    if weights.ndim < 3:
        return scaled(weights if weights.ndim > 1 else weights[:, np.newaxis])
    scaled_weights = [scaled(matrix) for matrix in weights]
    parts = [part for part in scaled_weights if part is not None]
    if not parts or len(parts) < len(scaled_weights):
        return None
    codes, scales = zip(*parts, strict=True)
    return np.stack(codes), np.stack(scales)


def _in_single(graph: Graph, weights: np.ndarray) -> Operand:
    is_single = weights.dtype == np.float32
    return weights if is_single else graph.cast(weights, np.float32)


def _floats(graph: Graph, weights: np.ndarray) -> np.ndarray:
    """Return weights in half precision if the graph has it, and in single otherwise.

    They are in half precision if it is exact, and in single if it cannot hold them.
    """
    single = weights.astype(np.float32)
    with np.errstate(over="ignore"):
        half = single.astype(np.float16)
    if graph.weights == "float16":
        return half if np.isfinite(half).all() else single
    return half if np.array_equal(half, single) else single


def _quantized(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the codes of weights, and the scale of each vector."""
    weights = weights.astype(np.float32)
    scales = np.abs(weights).max(-1, keepdims=True) / np.float32(_LARGEST_CODE)
    codes = np.rint(weights / np.where(scales > 0, scales, 1))
    return np.clip(codes, -_LARGEST_CODE, _LARGEST_CODE).astype(np.int8), scales
