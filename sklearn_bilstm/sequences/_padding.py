"""Padding of sequences to a common length."""

import numpy as np

from sklearn_bilstm.sequences._ragged import Ragged

__all__ = ["is_too_large", "padded", "width_of_batch"]

# Kernels cache their preparation for each width, so the width of long batches is
# rounded up to a multiple of this number of steps.
_WIDTH_STEP = 8

# Maximum number of steps of a batch in which more than a third is padding, so that a
# long row does not multiply the memory of short ones. Other batches rarely reach it.
_MAX_STEPS_IF_UNEVEN = 2**13


def padded(sequences: Ragged, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pad the sequences at `rows` to a common length.

    Parameters
    ----------
    sequences : Ragged
    rows : ndarray of shape (B,)
        Indices into `sequences`.

    Returns
    -------
    steps : ndarray of shape (B, T) or (B, T, C)
        Zero on padding. Token ids are int64; numbers keep their dtype. T is the length
        of the longest sequence, at least 1, and rounded up if it is long.
    mask : ndarray of bool, shape (B, T)
        True on real steps.
    """
    selected = sequences.take(rows)
    lengths = selected.lengths
    width = width_of_batch(int(lengths.max(initial=0)))
    mask = np.arange(width) < lengths[:, None]  # (B, T)
    values = selected.values
    dtype = np.int64 if values.dtype.kind in "iu" else values.dtype
    steps = np.zeros((*mask.shape, *values.shape[1:]), dtype)  # (B, T) or (B, T, C)
    steps[mask] = values
    return steps, mask


def width_of_batch(longest: int) -> int:
    """Return the width of a batch whose longest row has `longest` steps."""
    if longest <= 4 * _WIDTH_STEP:
        return max(longest, 1)
    return -(-longest // _WIDTH_STEP) * _WIDTH_STEP


def is_too_large(n_real: int, n_steps: int, max_steps: int) -> bool:
    """Return whether a padded batch should be split to save memory.

    Parameters
    ----------
    n_real, n_steps : int
        Number of steps without and with padding.
    max_steps : int
        Maximum number of steps, including padding. It is smaller for a batch with much
        padding, as of a long row and short ones.
    """
    if 3 * n_real < 2 * n_steps:
        max_steps = min(max_steps, _MAX_STEPS_IF_UNEVEN)
    return n_steps > max_steps
