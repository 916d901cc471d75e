"""Functions of masks: lengths, last steps, reversal and masked reductions."""

from typing import Any

import torch
from torch import Tensor

__all__ = [
    "Order",
    "last_step",
    "masked_max",
    "masked_mean",
    "masked_softmax",
    "reorder",
    "reversed_order",
    "time_major",
]

# Source index of each step after reversal, in an int64 tensor of shape (T * B,), with
# indices in time-major layout. If all rows have the same length, this length.
Order = Tensor | int


def time_major(x: Tensor) -> Tensor:
    """Return `x`, of shape (B, T, features), in time-major memory layout.

    The recurrent kernels process one step of all rows after the other, and copy their
    input if it has another layout.
    """
    return x.transpose(0, 1).contiguous().transpose(0, 1)  # (B, T, features)


def reversed_order(mask: Tensor) -> Order:
    """Return the order that reverses each row within its own length.

    Padding keeps its position, so the order is its own inverse: applying it twice
    restores the original.

    Parameters
    ----------
    mask : bool tensor of shape (B, T)
        True on real steps, which come first in a row.

    Returns
    -------
    order : Order
        Argument of :func:`reorder`.
    """
    shortest, longest = _shortest_and_longest(mask)
    if shortest == longest:
        return longest
    n_rows, n_steps = mask.shape
    steps = torch.arange(n_steps, device=mask.device)[:, None]  # (T, 1)
    mirrored = mask.sum(1) - 1 - steps  # (T, B)
    source = torch.where(mask.T, mirrored, steps)  # (T, B)
    return (source * n_rows + torch.arange(n_rows, device=mask.device)).flatten()


def reorder(x: Tensor, order: Order) -> Tensor:
    """Reorder the steps of `x`.

    Parameters
    ----------
    x : tensor of shape (B, T, features)
    order : Order
        An order that is its own inverse, from :func:`reversed_order`.

    Returns
    -------
    reordered : tensor of shape (B, T, features)
        Time-major in memory.
    """
    return _Reordered.apply(x, order)


class _Reordered(torch.autograd.Function):
    # Gathering single numbers and its scattering gradient take three times as long as
    # copying whole vectors, by index or, if all rows have the same length, by a flip.
    # With `setup_context`, torch would look up the signature of `forward` in every
    # call.

    @staticmethod
    def forward(ctx: Any, x: Tensor, order: Order) -> Tensor:
        ctx.order = order
        by_step = x.transpose(0, 1)  # (T, B, features)
        if isinstance(order, int):
            steps = by_step[:order].contiguous().flip(0)  # (order, B, features)
            if order < len(by_step):
                steps = torch.cat([steps, by_step[order:]])  # (T, B, features)
        else:
            steps = by_step.flatten(0, 1).index_select(0, order)  # (T * B, features)
        return steps.view(by_step.shape).transpose(0, 1)  # (B, T, features)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return reorder(gradient, ctx.order), None


def last_step(states: Tensor, mask: Tensor) -> Tensor:
    """Return the states at the last real step of each row, zeros for empty rows."""
    lengths = mask.sum(1)  # (B,)
    n_rows = len(lengths)
    rows = torch.arange(n_rows, device=states.device)  # (B,)
    index = (lengths - 1).clamp_(min=0) * n_rows + rows  # (B,)
    last = states.transpose(0, 1).flatten(0, 1).index_select(0, index)  # (B, H)
    return last.masked_fill((lengths == 0)[:, None], 0.0)  # (B, H)


def masked_mean(states: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over the real steps of each row, zeros for empty rows.

    Parameters
    ----------
    states : tensor of shape (B, T, H)
        Finite, also on padding.
    mask : bool tensor of shape (B, T)
    """
    total = (states * mask[..., None]).sum(1)  # (B, H)
    return total / mask.sum(1, keepdim=True).clamp(min=1)  # (B, H)


def masked_max(states: Tensor, mask: Tensor) -> Tensor:
    """Return the maximum over the real steps of each row, zeros for empty rows.

    The gradient is divided equally among ties.

    Parameters
    ----------
    states : tensor of shape (B, T, H)
        Finite, also on padding.
    mask : bool tensor of shape (B, T)
        True on real steps, which come first in a row.
    """
    shortest, longest = _shortest_and_longest(mask)
    # torch's own gradient of a maximum takes twice as long
    if shortest == longest > 0 and not states.requires_grad:
        return states[:, :longest].amax(1)  # (B, H)
    # at least one step, since the maximum of an empty tensor is undefined
    first = min(shortest, mask.shape[1] - 1)
    return _MaskedMax.apply(states, mask, first)  # (B, H)


class _MaskedMax(torch.autograd.Function):
    # Sums and signs of floats instead of masked_fill and comparisons, which torch does
    # not vectorise: a quarter of the time.

    @staticmethod
    def forward(ctx: Any, states: Tensor, mask: Tensor, first: int) -> Tensor:
        ends = states[:, first:] + _minus_infinity(states, mask, first)
        highest = ends.amax(1)  # (B, H)
        if first > 0:  # then no row is empty
            highest = highest.maximum(states[:, :first].amax(1))  # (B, H)
        else:
            highest = highest.masked_fill(~mask.any(1, keepdim=True), 0.0)  # (B, H)
        ctx.save_for_backward(states, mask, highest)
        ctx.first = first
        return highest

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        states, mask, highest = ctx.saved_tensors
        # one at the maxima, zero elsewhere
        share = states - highest[:, None]  # (B, T, H)
        share[:, ctx.first :].add_(_minus_infinity(states, mask, ctx.first))
        share.sign_().add_(1)
        n_highest = share.sum(1).clamp_(min=1)  # (B, H)
        return share.mul_((gradient / n_highest)[:, None]), None, None


def _shortest_and_longest(mask: Tensor) -> tuple[int, int]:
    """Return the lengths of the shortest and of the longest row.

    On a GPU, and in a compiled graph, bounds are returned instead, to avoid a
    synchronisation or a graph break.
    """
    compiles = torch.compiler.is_compiling() or torch.jit.is_tracing()
    if mask.device.type != "cpu" or compiles or not len(mask):
        return 0, mask.shape[1]
    shortest, longest = mask.sum(1).aminmax()
    return int(shortest), int(longest)


def _minus_infinity(states: Tensor, mask: Tensor, first: int) -> Tensor:
    """Return a term that removes padding from a maximum when added to later steps."""
    padding = ~mask[:, first:]
    zeros = states.new_zeros(padding.shape)  # (B, T - first)
    return zeros.masked_fill_(padding, -torch.inf)[..., None]  # (B, T - first, 1)


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the real steps of each row, zeros for empty rows.

    Parameters
    ----------
    scores : tensor of shape (B, T)
    mask : bool tensor of shape (B, T)
    """
    # the smallest number instead of -inf: the softmax of a row of -inf is NaN
    lowest = torch.finfo(scores.dtype).min
    weights = scores.masked_fill(~mask, lowest).softmax(1)  # (B, T)
    return weights.masked_fill(~mask, 0.0)  # (B, T)
