"""Rows of unequal length in one flat array."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

__all__ = [
    "Ragged",
    "RaggedArray",
    "RaggedRows",
    "Sequences",
    "largest_id",
    "parts_of_rows",
]

# Maximum number of steps that `RaggedRows.take` copies, at least those of a chunk of
# rows in prediction.
_MOST_COPIED_STEPS = 2**22


class Ragged(Protocol):
    """Protocol of objects with the interface of a :class:`RaggedArray`."""

    @property
    def lengths(self) -> np.ndarray:
        """Number of steps of each sequence."""

    @property
    def values(self) -> np.ndarray:
        """The steps of all sequences."""

    def take(self, rows: np.ndarray) -> "Ragged":
        """Return the sequences at `rows`, in that order."""


@dataclass(frozen=True)
class RaggedArray:
    """Concatenated sequences of unequal length.

    Parameters
    ----------
    values : ndarray of shape (n_steps,) or (n_steps, n_channels)
        Concatenated steps of all sequences.
    offsets : ndarray of shape (n_sequences + 1,)
        Sequence i is `values[offsets[i]:offsets[i + 1]]`.
    """

    values: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Number of steps of each sequence."""
        return self.offsets[1:] - self.offsets[:-1]  # faster than np.diff for few rows

    @property
    def row_of_steps(self) -> np.ndarray:
        """Index of the sequence of each step, as int32."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.lengths)

    def take(self, rows: np.ndarray) -> "RaggedArray":
        """Return the sequences at `rows`, in that order.

        All sequences in their order are not copied.
        """
        if len(rows) == len(self) and np.array_equal(rows, np.arange(len(self))):
            return self
        # not `lengths[rows]`, whose time depends on the number of all sequences
        starts = self.offsets[rows]
        lengths = self.offsets[rows + 1] - starts
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        # index of each step: its position in the new array plus the offset of its
        # sequence
        shifts = np.repeat(starts - offsets[:-1], lengths)
        return RaggedArray(self.values[np.arange(offsets[-1]) + shifts], offsets)

    def part(self, start: int, stop: int) -> "RaggedArray":
        """Return consecutive sequences, whose steps are a view."""
        offsets = self.offsets[start : stop + 1]
        values = self.values[offsets[0] : offsets[-1]]
        return RaggedArray(values, offsets - offsets[0])

    def joined(self, other: "Sequences") -> "Sequences":
        """Return these sequences, followed by others."""
        if isinstance(other, RaggedRows):
            return RaggedRows((self,)).joined(other)
        values = np.concatenate([self.values, other.values])
        offsets = np.concatenate([self.offsets, self.offsets[-1] + other.offsets[1:]])
        return RaggedArray(values, offsets)


@dataclass(frozen=True)
class RaggedRows:
    """Selected sequences of arrays that can be larger than the memory.

    It has the interface of a :class:`RaggedArray`. Sequences are copied when few of
    them are taken, as for a batch. `values` copies all of them, unless none are left
    out.

    Parameters
    ----------
    arrays : tuple of RaggedArray
        Concatenated arrays, such as memory-mapped ones.
    rows : ndarray of int, shape (n_sequences,), or None, default=None
        Indices of the sequences in the concatenated arrays. None means all of them.
    """

    arrays: tuple[RaggedArray, ...]
    rows: np.ndarray | None = None

    def __len__(self) -> int:
        if self.rows is not None:
            return len(self.rows)
        return sum(map(len, self.arrays))

    @cached_property
    def lengths(self) -> np.ndarray:
        """Number of steps of each sequence."""
        lengths = np.concatenate([array.lengths for array in self.arrays])
        return lengths if self.rows is None else lengths[self.rows]

    @cached_property
    def offsets(self) -> np.ndarray:
        """Offsets of the sequences in `values`."""
        if self._is_whole:
            return self.arrays[0].offsets
        return np.concatenate([[0], np.cumsum(self.lengths)])

    @property
    def values(self) -> np.ndarray:
        """The steps of all sequences."""
        return self.part(0, len(self)).values

    @property
    def row_of_steps(self) -> np.ndarray:
        """Index of the sequence of each step, as int32."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.lengths)

    def take(self, rows: np.ndarray) -> "Sequences":
        """Return the sequences at `rows`, in that order, as a copy if they are few."""
        selected = rows if self.rows is None else self.rows[rows]
        if self.lengths[rows].sum() > _MOST_COPIED_STEPS:
            is_whole = len(rows) == len(self)
            if is_whole and np.array_equal(rows, np.arange(len(self))):
                return self
            return RaggedRows(self.arrays, selected)
        return self._copied(selected)

    def part(self, start: int, stop: int) -> RaggedArray:
        """Return consecutive sequences in memory."""
        if self._is_whole:
            return self.arrays[0].part(start, stop)
        if self.rows is None:
            return self._copied(np.arange(start, stop))
        return self._copied(self.rows[start:stop])

    def joined(self, other: "Sequences") -> "RaggedRows":
        """Return these sequences, followed by others."""
        if isinstance(other, RaggedArray):
            other = RaggedRows((other,))
        arrays = self.arrays + other.arrays
        if self.rows is None and other.rows is None:
            return RaggedRows(arrays)
        rows, other_rows = (
            np.arange(sum(map(len, part.arrays))) if part.rows is None else part.rows
            for part in (self, other)
        )
        n_before = sum(map(len, self.arrays))
        return RaggedRows(arrays, np.concatenate([rows, other_rows + n_before]))

    @property
    def _is_whole(self) -> bool:
        return self.rows is None and len(self.arrays) == 1

    def _copied(self, rows: np.ndarray) -> RaggedArray:
        if len(self.arrays) == 1:
            return self.arrays[0].take(rows)
        ends = np.cumsum([len(array) for array in self.arrays])
        array_indices = np.searchsorted(ends, rows, side="right")
        starts = np.concatenate([[0], ends[:-1]])
        joined, order = (
            RaggedArray(self.arrays[0].values[:0], np.zeros(1, np.int64)),
            [],
        )
        for index, array in enumerate(self.arrays):
            positions = np.flatnonzero(array_indices == index)
            extended: Any = joined.joined(array.take(rows[positions] - starts[index]))
            joined = extended
            order.append(positions)
        inverse = np.empty(len(rows), np.intp)
        inverse[np.concatenate(order)] = np.arange(len(rows))
        return joined.take(inverse)


Sequences = RaggedArray | RaggedRows


def largest_id(sequences: Sequences) -> int:
    """Return the largest token id, 0 if there is none."""
    parts = parts_of_rows(sequences, _MOST_COPIED_STEPS)
    return max(int(part.values.max(initial=0)) for part in parts)


def parts_of_rows(sequences: Sequences, n_steps: int) -> Iterator[RaggedArray]:
    """Yield parts of consecutive sequences in memory.

    Parameters
    ----------
    sequences : RaggedArray or RaggedRows
    n_steps : int
        Maximum number of steps of a part. A longer sequence has its own part.

    Yields
    ------
    part : RaggedArray
        Each sequence occurs once. There is at least one part.
    """
    offsets, start = sequences.offsets, 0
    while True:
        fitting = np.searchsorted(offsets, offsets[start] + n_steps, side="right") - 1
        stop = min(max(int(fitting), start + 1), len(sequences))
        yield sequences.part(start, stop)
        start = stop
        if start >= len(sequences):
            return
