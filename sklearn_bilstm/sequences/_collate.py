"""From the rows of a batch to one padded tensor and its mask."""

import numpy as np
import torch
from torch import Tensor

from sklearn_bilstm.sequences._ragged import RaggedArray

__all__ = ["pad"]

# The fused kernels keep what they prepared for every width they have met, so long
# batches are widened to a multiple of this many steps.
_WIDTH_STEP = 8


def pad(sequences: RaggedArray, rows: np.ndarray) -> tuple[Tensor, Tensor]:
    """Fill up the sequences at `rows` to a common width.

    Parameters
    ----------
    sequences : RaggedArray
    rows : ndarray of shape (B,)
        Indices into `sequences`.

    Returns
    -------
    steps : tensor of shape (B, T) or (B, T, C)
        Zero on padding. Token ids are int64, numbers keep their dtype. T is the length
        of the longest of the sequences, at least 1 and rounded up if it is long.
    mask : bool tensor of shape (B, T)
        True on real steps.
    """
    lengths = sequences.lengths[rows]
    width = max(int(lengths.max(initial=0)), 1)
    if width > 4 * _WIDTH_STEP:
        width = -(-width // _WIDTH_STEP) * _WIDTH_STEP
    mask = np.arange(width) < lengths[:, None]  # (B, T)
    values = sequences.take(rows).values
    dtype = np.int64 if values.dtype.kind in "iu" else values.dtype
    steps = np.zeros((*mask.shape, *values.shape[1:]), dtype)  # (B, T) or (B, T, C)
    steps[mask] = values
    return torch.from_numpy(steps), torch.from_numpy(mask)
