"""ONNX operators that look up the columns of hashed n-grams.

The column of a bucket is its rank among the buckets of the vocabulary. A bitmap of all
buckets finds it in constant time (Jacobson, 1989). The file contains the gaps between
the buckets instead, which have a byte or two each, unless the bitmap is smaller.
onnxruntime computes the bitmap when it creates a session, since it evaluates operators
of constants in advance.
"""

import numpy as np

from sklearn_bilstm.onnx._graph import Graph, Operand

__all__ = ["ranks"]

# Number of bits of a word of the bitmap.
_WORD_BITS = 16
_POWERS = 2 ** np.arange(_WORD_BITS, dtype=np.int32)
_N_ONES_OF_BYTE = np.unpackbits(np.arange(256, dtype=np.uint8)[:, np.newaxis], axis=1)


def ranks(
    graph: Graph, fitted: np.ndarray, n_bits: int, buckets: str
) -> tuple[str, str]:
    """Return the ranks of buckets, and whether they are among the fitted ones.

    Parameters
    ----------
    graph : Graph
    fitted : ndarray of int
        Sorted buckets, below `2 ** n_bits`.
    n_bits : int
        Number of bits of a bucket.
    buckets : str
        Buckets to look up, int32.

    Returns
    -------
    rank : str
        Number of smaller fitted buckets, int32.
    is_fitted : str
    """
    words = _words(graph, fitted, n_bits)
    ones_of_word = _ones_of_word(graph)
    before = graph.op("CumSum", graph.op("Gather", ones_of_word, words), 0, exclusive=1)
    place = graph.op("Div", buckets, np.int32(_WORD_BITS))
    bit = graph.op("Mod", buckets, np.int32(_WORD_BITS))
    power = graph.op("Gather", _POWERS, bit)
    word = graph.op("Gather", words, place)
    below = graph.op("Gather", ones_of_word, graph.op("Mod", word, power))
    rank = graph.op("Add", graph.op("Gather", before, place), below)
    has_bit = graph.op("Mod", graph.op("Div", word, power), np.int32(2))
    return rank, graph.op("Equal", has_bit, np.int32(1))


def _ones_of_word(graph: Graph) -> str:
    """Return the number of ones of every word, from those of every byte."""
    of_byte = _N_ONES_OF_BYTE.sum(1, dtype=np.int32)
    of_word = graph.op("Add", of_byte[:, np.newaxis], of_byte)
    return graph.op("Reshape", of_word, [-1])


def _words(graph: Graph, fitted: np.ndarray, n_bits: int) -> str:
    """Return the bitmap of fitted buckets, int32."""
    is_fitted = np.zeros(2**n_bits, bool)
    is_fitted[fitted] = True
    words = np.packbits(is_fitted, bitorder="little").view("<u2")
    steps = min((_steps(fitted, d) for d in (np.uint8, np.uint16)), key=_n_bytes)
    if words.nbytes < steps.nbytes:
        return graph.cast(words, np.int32)
    largest = np.int32(np.iinfo(steps.dtype).max)
    size = graph.cast(steps, np.int32)
    is_skip = graph.op("Equal", size, np.int32(0))
    size = graph.op("Where", is_skip, largest, size)
    bucket = graph.op("Sub", graph.op("CumSum", size, 0), np.int32(1))
    place = graph.op("Div", bucket, np.int32(_WORD_BITS))
    bit = graph.op("Mod", bucket, np.int32(_WORD_BITS))
    power = graph.op("Gather", _POWERS, bit)
    power = graph.op("Where", is_skip, np.int32(0), power)
    empty: Operand = graph.op("Expand", np.int32(0), [len(words)])
    return graph.op("ScatterElements", empty, place, power, axis=0, reduction="add")


def _steps(fitted: np.ndarray, dtype: type) -> np.ndarray:
    """Return the steps from each bucket to the next one, from -1 on.

    A zero stands for a step by the largest number of the dtype to a bucket that is not
    fitted.
    """
    largest = np.iinfo(dtype).max
    gaps = np.diff(fitted.astype(np.int64), prepend=-1)
    n_skips = (gaps - 1) // largest
    steps = np.zeros(len(gaps) + n_skips.sum(), dtype)
    steps[np.cumsum(n_skips + 1) - 1] = gaps - largest * n_skips
    return steps


def _n_bytes(array: np.ndarray) -> int:
    return array.nbytes
