"""Runs of neighbouring tokens, as numbers of buckets."""

import numpy as np

from sklearn_bilstm.sequences._ragged import RaggedArray

__all__ = ["hashed_ngrams"]

# An odd number whose products spread over all bits: 2 ** 64 over the golden ratio
# (Knuth, The Art of Computer Programming, volume 3, section 6.4).
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


def hashed_ngrams(
    sequences: RaggedArray, lengths: tuple[int, int], n_bits: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find the n-grams of all sequences.

    Parameters
    ----------
    sequences : RaggedArray of int
        Token ids.
    lengths : tuple of int
        Tokens of the shortest and of the longest n-grams.
    n_bits : int
        There are `2 ** n_bits` buckets. Rarely, different n-grams share one.

    Returns
    -------
    rows : ndarray of int32, shape (n_ngrams,)
        Sequence of each n-gram. One that comes twice is there twice.
    buckets : ndarray of int32, shape (n_ngrams,)
        The same for equal n-grams.
    """
    shortest, longest = lengths
    row_of = np.repeat(np.arange(len(sequences), dtype=np.int32), sequences.lengths)
    tokens = sequences.values.astype(np.uint64)
    hashes = np.zeros(len(tokens), np.uint64)  # of the n-gram begun at each step
    rows, buckets = [row_of[:0]], [row_of[:0]]
    for length in range(1, longest + 1):
        if length > len(tokens):
            break
        last = tokens[length - 1 :]
        hashes = ((hashes[: len(last)] ^ last) + np.uint64(1)) * _SPREAD
        hashes ^= hashes >> _HALF  # the low bits of a product know little
        if length >= shortest:
            within = row_of[: len(last)] == row_of[length - 1 :]
            spread = hashes[within] * _SPREAD >> np.uint64(64 - n_bits)
            rows.append(row_of[: len(last)][within])
            buckets.append(spread.astype(np.int32))
    return np.concatenate(rows), np.concatenate(buckets)
