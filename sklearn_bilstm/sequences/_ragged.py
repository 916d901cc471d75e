"""Rows of unequal length in one flat array."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

__all__ = ["Ragged", "RaggedArray"]


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
        """Return the sequences at `rows`, in that order."""
        lengths = self.lengths[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        # index of each step: its position in the new array plus the offset of its
        # sequence
        moved = np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return RaggedArray(self.values[np.arange(offsets[-1]) + moved], offsets)

    def joined(self, other: "RaggedArray") -> "RaggedArray":
        """Return these sequences, followed by those of another array."""
        values = np.concatenate([self.values, other.values])
        offsets = np.concatenate([self.offsets, self.offsets[-1] + other.offsets[1:]])
        return RaggedArray(values, offsets)
