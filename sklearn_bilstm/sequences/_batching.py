"""Batches of rows of like length."""

from collections.abc import Iterator, Sequence

import numpy as np

from sklearn_bilstm.sequences._padding import width_of_batch

__all__ = ["LengthBuckets", "batches_to_read"]

# Batches in a pool of random rows that is sorted by length. A larger pool has less
# padding, a smaller one more random batches.
_BATCHES_PER_POOL = 50

# Steps of a batch to read, padding among them, so that one very long row does not
# multiply the memory that all rows of its batch take.
_MOST_STEPS = 2**16

# Batches to read where there are rows enough, to have some for each of several cores,
# and what is enough.
_N_BATCHES, _FEWEST_ROWS = 8, 16


class LengthBuckets:
    """Cut rows into random batches of like length; every row comes once.

    Rows are shuffled, cut into pools of several batches, and sorted within their pool.

    Parameters
    ----------
    lengths : ndarray of shape (n_rows,)
        Number of steps of each row.
    batch_size : int
        Largest number of rows in a batch. Where they do not divide evenly, several
        batches hold fewer rather than one very few.
    seed : sequence of int
        Decides on the batches and their order.
    """

    def __init__(
        self, lengths: np.ndarray, batch_size: int, seed: Sequence[int]
    ) -> None:
        self.lengths = lengths
        self.batch_size = batch_size
        self.seed = seed

    def __len__(self) -> int:
        return len(self._batches())

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield arrays of rows."""
        return iter(self._batches())

    def _batches(self) -> list[np.ndarray]:
        random = np.random.default_rng(self.seed)
        rows = random.permutation(len(self.lengths))
        pool_size = self.batch_size * _BATCHES_PER_POOL
        batches = [
            batch
            for start in range(0, len(rows), pool_size)
            for batch in self._sorted_batches(rows[start : start + pool_size])
        ]
        return [batches[i] for i in random.permutation(len(batches))]

    def _sorted_batches(self, rows: np.ndarray) -> list[np.ndarray]:
        rows = rows[np.argsort(-self.lengths[rows], kind="stable")]
        return np.array_split(rows, -(-len(rows) // self.batch_size))


def batches_to_read(
    lengths: np.ndarray, batch_size: int, n_steps: int = 0
) -> list[np.ndarray]:
    """Cut rows into batches for which a network is called, but not changed.

    The longest rows come first, and a very long row is alone. Where there are few rows,
    batches are smaller.

    Parameters
    ----------
    lengths : ndarray of shape (n_rows,)
        Number of steps of each row.
    batch_size : int
        Number of rows in a batch.
    n_steps : int, default=0
        Number of steps, padding among them, up to which a batch has twice as many rows,
        four times, and so on. Kernels keep what they prepare for each number of rows,
        so there are few.

    Returns
    -------
    batches : list of ndarray of shape (B,)
        Indices of rows. Every row comes once.
    """
    rows = np.argsort(-lengths, kind="stable")
    share = max(_FEWEST_ROWS, -(-len(rows) // _N_BATCHES))
    batches = []
    while len(rows):
        width = width_of_batch(int(lengths[rows[0]]))
        n_rows = batch_size
        while 2 * n_rows * width <= n_steps:
            n_rows *= 2
        n_rows = min(n_rows, share, max(1, _MOST_STEPS // width))
        batches.append(rows[:n_rows])
        rows = rows[n_rows:]
    return batches
