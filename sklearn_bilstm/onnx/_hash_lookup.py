"""ONNX operators that look up the hashed features of tokens, which have 64 bits.

The fitted hashes are sorted. A table of the indices at which those with the same first
bits begin leaves a few candidates for a binary search. Its number of steps is the same
for all hashes, so that it needs no loop.
"""

import numpy as np

from sklearn_bilstm.onnx._graph import Graph

__all__ = ["hash_indices", "running_total"]

# ONNX compares signed integers. With their first bits inverted, they have the order of
# unsigned ones.
_FIRST_BIT = np.int64(np.iinfo(np.int64).min)
_LARGEST = np.iinfo(np.int64).max
# Maximum number of first bits in the table.
_MOST_BITS = 24


def hash_indices(graph: Graph, sorted_hashes: np.ndarray, hashes: str) -> str:
    """Return the index of each hash in an array of sorted hashes, int32.

    Parameters
    ----------
    graph : Graph
    sorted_hashes : ndarray of uint64, shape (n,)
        Hashes of the fitted features, in ascending order.
    hashes : str
        Hashes to look up, int64 with the bits of unsigned ones.

    Returns
    -------
    indices : str
        `n` for unknown hashes.
    """
    n_bits = min(max(1, len(sorted_hashes).bit_length()), _MOST_BITS)
    n_low_bits = np.uint64(64 - n_bits)
    first = (sorted_hashes >> n_low_bits).astype(np.int64)
    counts = np.bincount(first, minlength=1 << n_bits)
    n_steps = int(counts.max()).bit_length()
    # not smaller than any hash, so that the search does not go beyond the fitted ones
    padding = np.full(1 << n_steps, _LARGEST)
    ordered = np.concatenate([sorted_hashes.view(np.int64) ^ _FIRST_BIT, padding])
    signed = graph.op("BitwiseXor", hashes, _FIRST_BIT)
    bits = graph.op(
        *("BitShift", graph.cast(hashes, np.uint64), n_low_bits), direction="RIGHT"
    )
    # index of the last smaller hash; at first, that with smaller first bits
    starts = running_total(graph, counts, exclusive=1)
    ends = graph.op("Sub", starts, np.int32(1))
    index = graph.op("Gather", ends, graph.cast(bits, np.int32))
    for step in reversed(range(n_steps)):
        later = graph.op("Add", index, np.int32(1 << step))
        is_smaller = graph.op("Less", graph.op("Gather", ordered, later), signed)
        index = graph.op("Where", is_smaller, later, index)
    index = graph.op("Add", index, np.int32(1))
    is_known = graph.op("Equal", graph.op("Gather", ordered, index), signed)
    return graph.op("Where", is_known, index, np.int32(len(sorted_hashes)))


def running_total(graph: Graph, sizes: np.ndarray, *, exclusive: int = 0) -> str:
    """Return the end of each of consecutive groups, or its start, from their sizes.

    Sizes are stored in as few bytes as they need, and onnxruntime adds them when it
    creates a session.

    Parameters
    ----------
    graph : Graph
    sizes : ndarray of int
    exclusive : {0, 1}, default=0
        1 returns starts.
    """
    stored = sizes.astype(np.min_scalar_type(int(sizes.max())))
    return graph.op("CumSum", graph.cast(stored, np.int32), 0, exclusive=exclusive)
