"""Hashed n-grams of tokens as columns of a matrix."""

from copy import copy
from typing import Any, Self

import numpy as np
from scipy import sparse

from sklearn_bilstm.sequences._hashing import SPREAD_FACTOR, spread
from sklearn_bilstm.sequences._ragged import (
    RaggedArray,
    Sequences,
    largest_id,
    parts_of_rows,
)
from sklearn_bilstm.utils._ids import UNKNOWN_ID
from sklearn_bilstm.utils._state import state_array, state_int

__all__ = [
    "BUCKET_BITS",
    "LONGEST_NGRAM",
    "HashedNgramVocabulary",
    "hashed_ngrams",
]

# Logarithm of the number of buckets. Of the millions of n-grams that occur once in a
# corpus, few share a bucket, and are then mistaken for one that occurs twice.
BUCKET_BITS = 24
# Valid logarithms of the number of buckets in files. Preparing a lookup in 2 ** 28
# buckets takes a gigabyte.
_BUCKET_BITS = range(8, 29)
# Maximum length of an n-gram, in tokens.
LONGEST_NGRAM = 10
# Minimum document frequency of an n-gram, if there are more sequences than that.
_MIN_SEQUENCES = 2
_MANY_SEQUENCES = 2000

# For each byte and bit: the number of set bits below it, and -1 if it is not set.
_BITS = np.unpackbits(
    np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little"
)
_RANKS_IN_BYTE = np.where(_BITS, _BITS.cumsum(1) - 1, -1).astype(np.int8)  # (256, 8)


# Number of steps whose n-grams are hashed at a time. Counts do not depend on it.
_STEPS_AT_A_TIME = 2**21

# Number of columns up to which a binary search stays in the cache.
_FEW_COLUMNS = 2**16


class _Ranks:
    """Ranks of numbers in a fixed set, by a bitmap (Jacobson, 1989).

    Each step of a binary search can be a cache miss; a lookup in the bitmap has two.
    This saves a fifth of the time of a prediction with a million n-grams.

    Parameters
    ----------
    numbers : ndarray of int, shape (n,)
        Distinct numbers from 0 to `2 ** n_bits - 1`.
    n_bits : int
        The bitmap has `2 ** n_bits / 8` bytes, and takes five times as much memory.
    """

    def __init__(self, numbers: np.ndarray, n_bits: int) -> None:
        byte, bit = numbers >> 3, numbers & 7
        n_bytes = (1 << max(n_bits, 3)) >> 3
        n_in_byte = np.bincount(byte, minlength=n_bytes)
        self._before = (n_in_byte.cumsum() - n_in_byte).astype(np.int32)
        self._bytes = np.bincount(byte, 1 << bit, n_bytes).astype(np.uint8)

    def of(self, wanted: np.ndarray) -> np.ndarray:
        """Return the ranks of numbers as int32, -1 for numbers outside of the set."""
        byte, bit = wanted >> 3, wanted & 7
        in_byte = _RANKS_IN_BYTE[self._bytes[byte], bit]
        ranks = self._before[byte] + in_byte
        return np.where((wanted >= 0) & (in_byte >= 0), ranks, np.int32(-1))


class HashedNgramVocabulary:
    """Hashed vocabulary of the n-grams with a minimum document frequency.

    Parameters
    ----------
    lengths : tuple of int
        Minimum and maximum length of the n-grams, in tokens.
    n_bits : int, default=24
        N-grams are hashed to `2 ** n_bits` buckets.

    Attributes
    ----------
    buckets : ndarray of int32, shape (n_columns,)
        Sorted buckets of the n-grams.
    largest_id : int
        Largest id seen in `fit`. Larger ids are unknown.
    """

    def __init__(self, lengths: tuple[int, int], n_bits: int = BUCKET_BITS) -> None:
        self.lengths = lengths
        self.n_bits = n_bits
        self.buckets = np.zeros(0, np.int32)
        self.largest_id = UNKNOWN_ID
        self._ranks: _Ranks | None = None  # computed when first used

    def fit(self, sequences: Sequences) -> Self:
        """Build the vocabulary."""
        self.largest_id = max(UNKNOWN_ID, largest_id(sequences))
        buckets, counts = self._document_frequencies(sequences)
        min_count = _MIN_SEQUENCES if len(sequences) > _MANY_SEQUENCES else 1
        self.buckets = buckets[counts >= min_count]
        self._ranks = None
        return self

    def _document_frequencies(
        self, sequences: Sequences
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return sorted buckets, and the number of sequences with an n-gram in each."""
        n_buckets = 1 << self.n_bits
        counts_by_part = (
            np.unique(
                _counts(
                    hashed_ngrams(part, self.lengths, self.n_bits), part, n_buckets
                ).indices,
                return_counts=True,
            )
            for part in parts_of_rows(sequences, _STEPS_AT_A_TIME)
        )
        buckets, counts = next(counts_by_part)
        total = None
        for part_buckets, part_counts in counts_by_part:
            if total is None:
                total = np.zeros(n_buckets, np.int32)
                total[buckets] = counts
            total[part_buckets] += part_counts.astype(np.int32)
        if total is None:
            return buckets, counts
        buckets = np.flatnonzero(total).astype(np.int32)
        return buckets, total[buckets]

    @property
    def n_columns(self) -> int:
        """Number of n-grams in the vocabulary."""
        return len(self.buckets)

    def at_steps(self, sequences: Sequences) -> np.ndarray:
        """Look up the n-grams that end at each step.

        Ids larger than those seen in `fit` are unknown.

        Parameters
        ----------
        sequences : RaggedArray of int
            Token ids.

        Returns
        -------
        columns : ndarray of int32, shape (n_lengths, n_steps)
            Columns; -1 if there is no n-gram, or if it is not in the vocabulary.
        """
        ids = sequences.values
        ids = np.where(ids > self.largest_id, UNKNOWN_ID, ids)
        known_ids = RaggedArray(ids, sequences.offsets)
        return self._of_buckets(hashed_ngrams(known_ids, self.lengths, self.n_bits))

    def counts(
        self, sequences: Sequences, columns: np.ndarray | None = None
    ) -> sparse.csr_array:
        """Count the n-grams of each sequence.

        Parameters
        ----------
        sequences : RaggedArray of int
            Token ids.
        columns : ndarray of int, shape (n_lengths, n_steps), default=None
            Result of `at_steps` for these sequences. None computes it.

        Returns
        -------
        counts : csr_array of shape (n_sequences, n_columns)
        """
        if columns is not None:
            return _counts(columns, sequences, self.n_columns)
        parts = [
            _counts(self.at_steps(part), part, self.n_columns)
            for part in parts_of_rows(sequences, _STEPS_AT_A_TIME)
        ]
        return parts[0] if len(parts) == 1 else _stacked(parts)

    def _of_buckets(self, buckets: np.ndarray) -> np.ndarray:
        """Return the column of each bucket, or -1."""
        if not self.n_columns:
            return np.full_like(buckets, -1)
        if self.n_columns <= _FEW_COLUMNS:
            columns = np.searchsorted(self.buckets, buckets).astype(np.int32)
            columns[columns == self.n_columns] = 0
            return np.where(self.buckets[columns] == buckets, columns, np.int32(-1))
        if self._ranks is None:
            self._ranks = _Ranks(self.buckets, self.n_bits)
        return self._ranks.of(buckets)

    def take(self, columns: np.ndarray, largest_id: int | None = None) -> Self:
        """Return a vocabulary with some of the n-grams.

        Parameters
        ----------
        columns : ndarray of int, shape (n,)
            Sorted columns of the n-grams to keep.
        largest_id : int or None, default=None
            Larger ids become unknown. None keeps the largest id.
        """
        vocabulary = copy(self)
        vocabulary.buckets, vocabulary._ranks = self.buckets[columns], None
        if largest_id is not None:
            vocabulary.largest_id = min(self.largest_id, largest_id)
        return vocabulary

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_ranks": None}

    def state(self) -> dict[str, Any]:
        """Return the values from which `from_state` restores the vocabulary."""
        names = "lengths", "n_bits", "buckets", "largest_id"
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Restore a vocabulary.

        Raises
        ------
        LookupError, TypeError, ValueError
            If `state` did not return the values. Sizes are checked before memory is
            allocated for them.
        """
        shortest, longest = state["lengths"]
        shortest = state_int(shortest, "shortest n-gram", least=1)
        longest = state_int(longest, "longest n-gram", least=shortest)
        if longest > LONGEST_NGRAM:
            raise ValueError("The lengths of n-grams are invalid.")
        n_bits = state_int(state["n_bits"], "n_bits")
        if n_bits not in _BUCKET_BITS:
            raise ValueError("The number of n-gram buckets is invalid.")
        buckets = state_array(state["buckets"], "buckets", kinds="i", shape=(None,))
        if buckets.min(initial=0) < 0 or buckets.max(initial=0) >> n_bits:
            raise ValueError("The bucket of an n-gram does not exist.")
        if (buckets[1:] <= buckets[:-1]).any():
            raise ValueError("The buckets of n-grams must be sorted.")
        vocabulary = cls((shortest, longest), n_bits)
        vocabulary.buckets = buckets
        vocabulary.largest_id = state_int(state["largest_id"], "largest_id")
        return vocabulary


def hashed_ngrams(
    sequences: RaggedArray, lengths: tuple[int, int], n_bits: int
) -> np.ndarray:
    """Hash the n-grams that end at each step.

    Parameters
    ----------
    sequences : RaggedArray of int
        Token ids.
    lengths : tuple of int
        Minimum and maximum length of the n-grams, in tokens.
    n_bits : int
        There are `2 ** n_bits` buckets, at most `2 ** 31`. Collisions of different
        n-grams are rare.

    Returns
    -------
    buckets : ndarray of int32, shape (n_lengths, n_steps)
        Bucket of each n-gram, -1 if it would start before the sequence.
    """
    shortest, longest = lengths
    rows = sequences.row_of_steps
    tokens = sequences.values.astype(np.uint64)
    hashes = np.zeros(len(tokens), np.uint64)  # of the n-gram that starts at each step
    buckets = np.full((longest - shortest + 1, len(tokens)), -1, np.int32)
    for length in range(1, min(longest, len(tokens)) + 1):
        last = tokens[length - 1 :]
        hashes = spread((hashes[: len(last)] ^ last) + np.uint64(1))
        if length >= shortest:
            is_in_row = rows[: len(last)] == rows[length - 1 :]
            numbers = hashes * SPREAD_FACTOR >> np.uint64(64 - n_bits)
            row = buckets[length - shortest, length - 1 :]
            np.copyto(row, numbers.astype(np.int32), where=is_in_row)
    return buckets


def _counts(
    columns: np.ndarray, sequences: Sequences, n_columns: int
) -> sparse.csr_array:
    by_step = columns.T  # (n_steps, n_lengths)
    is_known = by_step >= 0
    indices = by_step[is_known]
    dtype = np.int32 if len(indices) <= np.iinfo(np.int32).max else np.int64
    n_so_far = np.concatenate([[0], np.cumsum(is_known.sum(1))])
    indptr = n_so_far[sequences.offsets].astype(dtype)
    shape = (len(sequences), max(1, n_columns))
    counts = sparse.csr_array((np.ones(len(indices)), indices, indptr), shape)
    counts.sum_duplicates()
    return counts


def _stacked(parts: list[sparse.csr_array]) -> sparse.csr_array:
    """Stack counts of rows, and empty the list, so that they are hardly held twice."""
    ends = np.cumsum([part.nnz for part in parts])
    n_rows, n_columns = sum(part.shape[0] for part in parts), parts[0].shape[1]
    dtype = np.int32 if ends[-1] <= np.iinfo(np.int32).max else np.int64
    data, indices = np.empty(ends[-1]), np.empty(ends[-1], dtype)
    indptr = np.zeros(n_rows + 1, dtype)
    row = start = 0
    while parts:
        part = parts.pop(0)
        data[start : start + part.nnz] = part.data
        indices[start : start + part.nnz] = part.indices
        indptr[row + 1 : row + 1 + part.shape[0]] = part.indptr[1:] + dtype(start)
        row, start = row + part.shape[0], start + part.nnz
    return sparse.csr_array((data, indices, indptr), (n_rows, n_columns))
