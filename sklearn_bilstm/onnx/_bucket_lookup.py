"""ONNX operators that look up the columns of hashed n-grams.

The column of a bucket is its rank among the buckets of the vocabulary. Buckets with the
same first bits form a block. The file contains the sizes of the blocks and the low
bits of each bucket, which are a byte or two. A binary search finds a bucket within its
block. The largest block determines the number of steps, so that it needs no loop.

A bitmap of all buckets would need fewer operators (Jacobson, 1989). But onnxruntime
evaluates operators of constants in advance, and keeps all their results until the
session is created: to compute the bitmap of 2 ** 24 buckets takes 100 MB.
"""

import numpy as np

from sklearn_bilstm.onnx._graph import Graph
from sklearn_bilstm.onnx._hash_lookup import running_total

__all__ = ["ranks"]

# Number of bits of a bucket in a block, if there are many buckets, and its maximum.
_BITS_OF_MANY, _MOST_BITS = 8, 16


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
    n_low_bits = _n_low_bits(len(fitted), n_bits)
    width = 1 << n_low_bits
    sizes = np.bincount(fitted >> n_low_bits, minlength=1 << n_bits - n_low_bits)
    n_steps = int(sizes.max()).bit_length()
    # the last index is that of buckets which exceed all others
    fitted_low_bits = np.append(fitted % width, 0).astype(np.min_scalar_type(width - 1))
    block = graph.op("Div", buckets, np.int32(width))
    low_bits = graph.op("Mod", buckets, np.int32(width))
    first = graph.op("Gather", running_total(graph, sizes, exclusive=1), block)
    end = graph.op("Gather", running_total(graph, sizes), block)
    index = end  # no bucket of the block from here on is smaller
    for step in reversed(range(n_steps)):
        earlier = graph.op("Sub", index, np.int32(1 << step))
        earlier = graph.op("Max", earlier, first)
        earlier_low_bits = _integers_at(graph, fitted_low_bits, earlier)
        is_smaller = graph.op("Less", earlier_low_bits, low_bits)
        index = graph.op("Where", is_smaller, index, earlier)
    is_same = graph.op("Equal", _integers_at(graph, fitted_low_bits, index), low_bits)
    return index, graph.op("And", is_same, graph.op("Less", index, end))


def _n_low_bits(n_fitted: int, n_bits: int) -> int:
    """Return the number of low bits of a bucket, which its block does not determine.

    Many buckets have a byte each. Few have two bytes, if this takes less space than the
    sizes of so many blocks; hashes are uniform, so that a block has few of them.
    """
    if n_fitted >> max(0, n_bits - _BITS_OF_MANY):
        return min(n_bits, _BITS_OF_MANY)
    return min(n_bits - n_fitted.bit_length() + 2, n_bits, _MOST_BITS)


def _integers_at(graph: Graph, array: np.ndarray, indices: str) -> str:
    """Return items of an array, int32."""
    return graph.cast(graph.op("Gather", array, indices), np.int32)
