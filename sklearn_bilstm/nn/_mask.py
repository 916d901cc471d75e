"""What a mask tells: lengths, last steps, and the order of a reversed sequence."""

from typing import Any

import torch
from torch import Tensor

__all__ = ["last_step", "masked_softmax", "reorder", "reversed_order"]


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


def reorder(x: Tensor, order: Tensor) -> Tensor:
    """Put the steps of `x`, of shape (B, T, features), into an order.

    Parameters
    ----------
    x : tensor of shape (B, T, features)
    order : int64 tensor of shape (B, T)
        Of each row a permutation that is its own inverse.
    """
    return _Reordered.apply(x, order)


class _Reordered(torch.autograd.Function):
    # A gather by single numbers and its scattering gradient take three times as long
    # as these copies of whole vectors.

    @staticmethod
    def forward(x: Tensor, order: Tensor) -> Tensor:
        n_rows, n_steps = order.shape
        first = n_steps * torch.arange(n_rows, device=order.device)  # (B,)
        flat = (order + first[:, None]).flatten()  # (B * T,)
        return x.flatten(0, 1).index_select(0, flat).view_as(x)  # (B, T, features)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (order,) = ctx.saved_tensors
        return reorder(gradient, order), None


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
