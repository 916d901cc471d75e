"""Dropout modules that use a given generator instead of the global state."""

import torch
from torch import Tensor, nn

__all__ = ["Dropout", "LockedDropout", "WordDropout", "drop"]


def drop(
    x: Tensor, p: float, shape: tuple[int, ...], generator: torch.Generator | None
) -> Tensor:
    """Multiply by a mask of `shape`: zero with probability `p`, else 1 / (1 - p)."""
    keep = torch.empty(shape, dtype=x.dtype, device=x.device)
    return x * keep.bernoulli_(1 - p, generator=generator).div_(1 - p)


class Dropout(nn.Module):
    """Dropout of single features (Srivastava et al., 2014).

    Parameters
    ----------
    p : float
        Probability of zeroing a feature, in [0, 1).
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Apply dropout to `x`, of any shape."""
        if not self.training or self.p == 0:
            return x
        return drop(x, self.p, x.shape, generator)


class LockedDropout(nn.Module):
    """Dropout of the same features at every step of a sequence.

    It is also called variational dropout (Gal and Ghahramani, 2016).

    Parameters
    ----------
    p : float
        Probability of zeroing a feature, in [0, 1).
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Apply dropout to `x`, of shape (B, T, features)."""
        if not self.training or self.p == 0:
            return x
        return drop(x, self.p, (x.shape[0], 1, x.shape[2]), generator)


class WordDropout(nn.Module):
    """Replace tokens with the unknown token in training.

    This regularises the network and trains the embedding of the unknown token.

    Parameters
    ----------
    p : float
        Probability of replacing a token, in [0, 1).
    unknown_id : int
        Id of the unknown token.
    """

    def __init__(self, p: float, unknown_id: int) -> None:
        super().__init__()
        self.p = p
        self.unknown_id = unknown_id

    def forward(
        self, ids: Tensor, mask: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Replace tokens of `ids`, of shape (B, T), where `mask` is true."""
        if not self.training or self.p == 0:
            return ids
        dropped = torch.empty_like(mask).bernoulli_(self.p, generator=generator)
        return ids.masked_fill(dropped & mask, self.unknown_id)  # (B, T)
