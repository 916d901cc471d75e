"""Batches of rows of similar length."""

from collections.abc import Iterator, Sequence

import numpy as np

from sklearn_bilstm.sequences._padding import is_too_large, width_of_batch

__all__ = ["BucketBatchSampler", "inference_batches", "split_rows"]

# Number of batches in a random pool that is sorted by length. A larger pool has less
# padding, a smaller one more random batches.
_BATCHES_PER_POOL = 50

# Maximum number of steps of an inference batch, including padding, so that a single
# very long row does not multiply the memory of its batch.
_MOST_STEPS = 2**16

# Desired number of inference batches, to occupy several cores, and the number of rows
# per batch below which there are fewer batches instead.
_N_BATCHES, _FEWEST_ROWS = 8, 16


class BucketBatchSampler:
    """Split rows into random batches of similar length; each row occurs once.

    Rows are shuffled, split into pools of several batches, and sorted within their
    pool.

    Parameters
    ----------
    lengths : ndarray of shape (n_rows,)
        Number of steps of each row.
    batch_size : int
        Maximum number of rows per batch. If they do not divide evenly, several batches
        are smaller, rather than one much smaller.
    seed : sequence of int
        Seed of the batches and their order.
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


def inference_batches(
    lengths: np.ndarray, batch_size: int, n_steps: int = 0
) -> list[np.ndarray]:
    """Split rows into batches for inference.

    The longest rows come first, and a very long row has its own batch. Batches are
    smaller if there are few rows.

    Parameters
    ----------
    lengths : ndarray of shape (n_rows,)
        Number of steps of each row.
    batch_size : int
        Number of rows per batch.
    n_steps : int, default=0
        Step budget, including padding. The number of rows of a batch is doubled while
        it fits the budget. It only takes a few values, since kernels cache their
        preparation for each number of rows.

    Returns
    -------
    batches : list of ndarray of shape (B,)
        Indices of rows. Each row occurs once.
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
        batch = rows[:n_rows]
        while len(batch) > 1 and is_too_large(
            int(lengths[batch].sum()), len(batch) * width, _MOST_STEPS
        ):
            batch = batch[: len(batch) // 2]
        batches.append(batch)
        rows = rows[len(batch) :]
    return batches


def split_rows(offsets: np.ndarray, n_rows: int, n_steps: int) -> list[np.ndarray]:
    """Split rows into chunks of consecutive rows.

    Parameters
    ----------
    offsets : ndarray of shape (n + 1,)
        Offsets of the rows, as in :class:`RaggedArray`.
    n_rows, n_steps : int
        Maximum number of rows and of steps of a chunk. A longer row has its own chunk.

    Returns
    -------
    chunks : list of ndarray of int, shape (n_rows_of_chunk,)
        Indices of rows. Each row occurs once. There is at least one chunk.
    """
    chunks: list[np.ndarray] = []
    start, end = 0, len(offsets) - 1
    while start < end or not chunks:
        fitting = np.searchsorted(offsets, offsets[start] + n_steps, side="right") - 1
        stop = min(max(int(fitting), start + 1), start + n_rows, end)
        chunks.append(np.arange(start, stop))
        start = stop
    return chunks
