"""Losses from logits, with a weight for each row."""

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

__all__ = ["WeightedCrossEntropy"]


class WeightedCrossEntropy(nn.Module):
    """Cross entropy of logits, each row times its weight, averaged over the rows.

    It divides by the number of rows and not by the sum of weights. With weights whose
    mean over the training set is one, every batch then gives an unbiased estimate of
    the weighted mean over the set, whatever weights its rows happen to have.
    """

    def forward(self, logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Compare logits of shape (B, K) with classes and weights of shape (B,)."""
        losses = cross_entropy(logits, target, reduction="none")  # (B,)
        return (losses * weight).mean()
