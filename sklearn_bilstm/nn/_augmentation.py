"""Data augmentation of token sequences."""

from typing import Any

import torch
from torch import Tensor

from sklearn_bilstm.nn._layer import Layer

__all__ = ["Augmentation"]


class Augmentation(Layer):
    """Delete tokens and swap neighbouring tokens (Wei and Zou, 2019).

    Parameters
    ----------
    deletion : float, default=0.0
        Probability of deleting a token in training. Each row keeps at least one.
    swap : float, default=0.0
        Probability of swapping a token with a neighbour in training.
    """

    def __init__(self, deletion: float = 0.0, swap: float = 0.0) -> None:
        super().__init__()
        self.deletion = deletion
        self.swap = swap

    @property
    def config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"deletion": self.deletion, "swap": self.swap}

    def extra_repr(self) -> str:
        """Return the probabilities."""
        return f"deletion={self.deletion}, swap={self.swap}"

    def forward(
        self,
        steps: Tensor,
        mask: Tensor,
        log_odds: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Augment steps of shape (B, T), their mask, and their log-odds features."""
        if not self.training or self.deletion == self.swap == 0:
            return steps, mask, log_odds
        order = torch.arange(mask.shape[1], device=mask.device).expand(mask.shape)
        if self.swap > 0:
            order = _swapped(mask, self.swap, generator)  # (B, T)
        if self.deletion > 0:
            kept = _kept(mask, self.deletion, generator)  # (B, T)
            # kept tokens move to the front of their row, in the same order
            to_front = (~kept).to(torch.uint8).argsort(dim=1, stable=True)  # (B, T)
            order, mask = order.gather(1, to_front), kept.gather(1, to_front)
        steps = steps.gather(1, order).masked_fill(~mask, 0)  # (B, T)
        if log_odds is not None:
            places = order[..., None].expand_as(log_odds)
            log_odds = log_odds.gather(1, places)  # (B, T, n_channels)
        return steps, mask, log_odds


def _swapped(mask: Tensor, p: float, generator: torch.Generator | None) -> Tensor:
    """Return a permutation, (B, T), that swaps some neighbouring real steps."""
    n_rows, n_steps = mask.shape
    # pairs start at even or at odd steps, chosen at random for each row
    shift = torch.empty(n_rows, 1, device=mask.device)
    shift = shift.bernoulli_(0.5, generator=generator).long()  # (B, 1)
    steps = torch.arange(n_steps, device=mask.device).expand(mask.shape)  # (B, T)
    pair, side = (steps + shift) // 2, (steps + shift) % 2  # (B, T), (B, T)
    partner = steps + 1 - 2 * side  # (B, T)
    exists = (partner >= 0) & (partner < mask.sum(1, keepdim=True)) & mask  # (B, T)
    swaps = torch.empty(n_rows, n_steps // 2 + 1, device=mask.device)
    swaps = swaps.bernoulli_(p, generator=generator).bool().gather(1, pair)  # (B, T)
    return torch.where(swaps & exists, partner, steps)  # (B, T)


def _kept(mask: Tensor, p: float, generator: torch.Generator | None) -> Tensor:
    """Return a mask of the kept steps, at least one per non-empty row."""
    kept = mask & ~torch.empty_like(mask).bernoulli_(p, generator=generator)  # (B, T)
    none_left = ~kept.any(1, keepdim=True)  # (B, 1)
    return kept | (none_left & mask)
