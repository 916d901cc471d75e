"""From the rows of a batch to one padded tensor and its mask."""

import numpy as np
import torch
from torch import Tensor

from sklearn_bilstm.sequences._padding import is_too_large, padded, width_of_batch
from sklearn_bilstm.sequences._ragged import Ragged

__all__ = ["cut", "pad"]

# Input and target of a batch, as keyword arguments.
Batch = tuple[dict[str, Tensor], dict[str, Tensor]]


def pad(sequences: Ragged, rows: np.ndarray) -> tuple[Tensor, Tensor]:
    """Return the result of :func:`padded` as tensors.

    Parameters
    ----------
    sequences : Ragged
    rows : ndarray of shape (B,)
        Indices into `sequences`.

    Returns
    -------
    steps : tensor of shape (B, T) or (B, T, C)
    mask : bool tensor of shape (B, T)
    """
    steps, mask = padded(sequences, rows)
    return torch.from_numpy(steps), torch.from_numpy(mask)


def cut(batch: Batch, n_shards: int, max_steps: int) -> list[Batch]:
    """Cut a padded batch into shards of nearly equal numbers of rows.

    Shards that exceed the maximum number of steps are halved until they fit, or have a
    single row. Large shards with much padding are halved too.

    Parameters
    ----------
    batch : tuple of dict
        The input of a batch, as returned by :func:`pad`, and its target. Each dict maps
        names to tensors with a row per sequence.
    n_shards : int
        At most the number of rows.
    max_steps : int
        Maximum number of steps in a shard of several rows, including padding.

    Returns
    -------
    shards : list of tuple of dict
        Views of the tensors. Inputs are trimmed to the longest row of their shard.
    """
    inputs, target = (_split(tensors, n_shards) for tensors in batch)
    shards = zip(map(_trimmed, inputs), target, strict=True)
    return [part for shard in shards for part in _halved(shard, max_steps)]


def _halved(shard: Batch, max_steps: int) -> list[Batch]:
    mask = shard[0]["mask"]
    if len(mask) > 1 and is_too_large(int(mask.sum()), mask.numel(), max_steps):
        return cut(shard, 2, max_steps)
    return [shard]


def _split(tensors: dict[str, Tensor], n_shards: int) -> list[dict[str, Tensor]]:
    pieces = zip(*(x.tensor_split(n_shards) for x in tensors.values()), strict=True)
    return [dict(zip(tensors, piece, strict=True)) for piece in pieces]


def _trimmed(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    width = width_of_batch(int(inputs["mask"].sum(1).max()))
    # static features have no time dimension
    return {name: x if name == "static" else x[:, :width] for name, x in inputs.items()}
