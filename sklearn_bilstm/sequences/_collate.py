"""From the rows of a batch to one padded tensor and its mask."""

import numpy as np
import torch
from torch import Tensor

from sklearn_bilstm.sequences._ragged import Ragged

__all__ = ["cut", "pad"]

# Input and target of a batch, as keyword arguments.
Batch = tuple[dict[str, Tensor], dict[str, Tensor]]

# The fused kernels keep what they prepared for every width they have met, so long
# batches are widened to a multiple of this many steps.
_WIDTH_STEP = 8


def pad(sequences: Ragged, rows: np.ndarray) -> tuple[Tensor, Tensor]:
    """Fill up the sequences at `rows` to a common width.

    Parameters
    ----------
    sequences : Ragged
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
    mask = np.arange(_width(int(lengths.max(initial=0)))) < lengths[:, None]  # (B, T)
    values = sequences.take(rows).values
    dtype = np.int64 if values.dtype.kind in "iu" else values.dtype
    steps = np.zeros((*mask.shape, *values.shape[1:]), dtype)  # (B, T) or (B, T, C)
    steps[mask] = values
    return torch.from_numpy(steps), torch.from_numpy(mask)


def cut(batch: Batch, n_shards: int) -> list[Batch]:
    """Cut a padded batch into shards of nearly as many rows.

    Parameters
    ----------
    batch : tuple of dict
        The input of a batch, as :func:`pad` gives it, and its target. Each dict maps
        names to tensors with a row for each sequence.
    n_shards : int
        Not more than there are rows.

    Returns
    -------
    shards : list of tuple of dict
        Views of the tensors, the input trimmed to the longest row of its shard.
    """
    inputs, target = (_split(tensors, n_shards) for tensors in batch)
    return list(zip(map(_trimmed, inputs), target, strict=True))


def _split(tensors: dict[str, Tensor], n_shards: int) -> list[dict[str, Tensor]]:
    pieces = zip(*(x.tensor_split(n_shards) for x in tensors.values()), strict=True)
    return [dict(zip(tensors, piece, strict=True)) for piece in pieces]


def _trimmed(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    width = _width(int(inputs["mask"].sum(1).max()))
    # numbers beside a sequence have no steps
    return {name: x if name == "static" else x[:, :width] for name, x in inputs.items()}


def _width(longest: int) -> int:
    """Return how wide a batch is whose longest row has `longest` steps."""
    if longest <= 4 * _WIDTH_STEP:
        return max(longest, 1)
    return -(-longest // _WIDTH_STEP) * _WIDTH_STEP
