"""Batches of rows of like length."""

from collections.abc import Iterator, Sequence

import numpy as np

from sklearn_bilstm.sequences._padding import width_of_batch

__all__ = ["LengthBuckets", "batches_to_read"]

# Batches in a pool of random rows that is sorted by length. A larger pool has less
# padding, a smaller one more random batches.
_BATCHES_PER_POOL = 50

# Steps of a batch that is not learnt from, padding among them, so that one very long
# row does not multiply the memory that all rows of its batch take.
_MOST_STEPS = 2**16

# Rows of a batch that is read: as few where there are few for each core, and otherwise
# as many, twice as many, and so on. Kernels keep what they prepare for every number.
_FEWEST_ROWS, _ROWS = 16, 48


def batches_to_read(
    lengths: np.ndarray, n_steps: int, n_cores: int = 1
) -> list[np.ndarray]:
    """Cut rows into batches for which a network is called, but not changed.

    The longest rows come first, and a very long row is alone.

    Parameters
    ----------
    lengths : ndarray of shape (n_rows,)
        Number of steps of each row.
    n_steps : int
        Number of steps of a batch, padding among them, up to which there are more rows
        in it the shorter they are.
    n_cores : int, default=1
        Number of cores that are to have batches to read.

    Returns
    -------
    batches : list of ndarray of shape (B,)
        Indices of rows. Every row comes once.
    """
    rows = np.argsort(-lengths, kind="stable")
    share = max(_FEWEST_ROWS, -(-len(rows) // (2 * n_cores)))
    batches = []
    while len(rows):
        width = width_of_batch(int(lengths[rows[0]]))
        n_rows = _ROWS
        while 2 * n_rows * width <= n_steps:
            n_rows *= 2
        n_rows = min(n_rows, share, max(1, _MOST_STEPS // width))
        batches.append(rows[:n_rows])
        rows = rows[n_rows:]
    return batches


class LengthBuckets:
    """Cut rows into batches of like length; every row comes once.

    Parameters
    ----------
    lengths : ndarray of shape (n_rows,)
        Number of steps of each row.
    batch_size : int
        Largest number of rows in a batch. Where they do not divide evenly, several
        batches hold fewer rather than one very few.
    seed : sequence of int or None, default=None
        None gives the rows sorted by length, the longest first, and cuts batches of too
        many steps further; a very long row is alone. A seed gives random batches in
        random order: rows are shuffled, cut into pools of several batches, and sorted
        within their pool.
    """

    def __init__(
        self,
        lengths: np.ndarray,
        batch_size: int,
        seed: Sequence[int] | None = None,
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
        if self.seed is None:
            batches = self._sorted_batches(np.arange(len(self.lengths)))
            return [part for batch in batches for part in self._parts(batch)]
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

    def _parts(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """Cut a batch, whose longest row comes first, where it has too many steps."""
        while len(rows):
            most = max(1, _MOST_STEPS // width_of_batch(int(self.lengths[rows[0]])))
            part, *_ = np.array_split(rows, -(-len(rows) // most))
            yield part
            rows = rows[len(part) :]
