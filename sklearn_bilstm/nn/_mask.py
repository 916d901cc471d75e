"""What a mask tells: lengths, last steps, and the order of a reversed sequence."""

import torch
from torch import Tensor

__all__ = ["last_step", "masked_softmax", "reversed_order"]


def reversed_order(mask: Tensor) -> Tensor:
    """Return the order that reverses each row within its own length.

    Real steps change places with each other and padding keeps its place, so the order
    is its own inverse: gathering by it twice gives back the original.

    Parameters
    ----------
    mask : bool tensor of shape (B, T)

    Returns
    -------
    order : int64 tensor of shape (B, T)
    """
    steps = torch.arange(mask.shape[1], device=mask.device)  # (T,)
    mirrored = mask.sum(1, keepdim=True) - 1 - steps  # (B, T)
    return torch.where(mask, mirrored, steps)  # (B, T)


def last_step(states: Tensor, mask: Tensor) -> Tensor:
    """Return the states at the last real step of each row, zeros for an empty row."""
    lengths = mask.sum(1)  # (B,)
    rows = torch.arange(len(states), device=states.device)  # (B,)
    last = states[rows, (lengths - 1).clamp(min=0)]  # (B, H)
    return last.masked_fill((lengths == 0)[:, None], 0.0)  # (B, H)


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the real steps of each row; an empty row gets zeros.

    Parameters
    ----------
    scores : tensor of shape (B, T)
    mask : bool tensor of shape (B, T)
    """
    # the smallest number instead of -inf: softmax of a row of -inf is NaN
    lowest = torch.finfo(scores.dtype).min
    weights = scores.masked_fill(~mask, lowest).softmax(1)  # (B, T)
    return weights.masked_fill(~mask, 0.0)  # (B, T)
