"""Losses from logits, with a weight for each row."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

__all__ = [
    "REGRESSION_LOSSES",
    "WeightedBinaryCrossEntropy",
    "WeightedCrossEntropy",
    "WeightedLabellingLoss",
    "WeightedRegressionLoss",
]


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


class WeightedBinaryCrossEntropy(nn.Module):
    """Cross entropy of each label for itself, averaged over labels and rows."""

    def forward(self, logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Compare logits (B, K) with zeros and ones (B, K), by weights (B,)."""
        losses = binary_cross_entropy_with_logits(logits, target, reduction="none")
        return (losses.mean(1) * weight).mean()


def _squared_error(errors: Tensor, quantile: float) -> Tensor:
    return errors.square()


def _absolute_error(errors: Tensor, quantile: float) -> Tensor:
    return errors.abs()


def _quantile(errors: Tensor, quantile: float) -> Tensor:
    return torch.maximum(quantile * errors, (quantile - 1) * errors)


REGRESSION_LOSSES: dict[str, Callable[[Tensor, float], Tensor]] = {
    "absolute_error": _absolute_error,
    "quantile": _quantile,
    "squared_error": _squared_error,
}


class WeightedRegressionLoss(nn.Module):
    """Loss of numbers, each row times its weight, averaged over outputs and rows.

    Parameters
    ----------
    loss : {"absolute_error", "quantile", "squared_error"}
        What is lost by an error. The first two are least at the median and at a
        quantile of the target, the last at its mean.
    quantile : float, default=0.5
        Level of the quantile, in [0, 1] (Koenker and Bassett, 1978).
    """

    def __init__(self, loss: str, quantile: float = 0.5) -> None:
        super().__init__()
        self.loss = loss
        self.quantile = quantile

    def forward(self, logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Compare numbers of shape (B, K) with targets, by weights of shape (B,)."""
        errors = target - logits  # (B, K)
        losses = REGRESSION_LOSSES[self.loss](errors, self.quantile).mean(1)  # (B,)
        return (losses * weight).mean()


class WeightedLabellingLoss(nn.Module):
    """Negative log-likelihood of the labels of steps, by the weights of their rows.

    Parameters
    ----------
    n_steps : float
        Number of steps of a row, on average; the loss is that of a step.
    """

    def __init__(self, n_steps: float) -> None:
        super().__init__()
        self.n_steps = n_steps

    def forward(
        self, emissions: Tensor, target: Tensor, weight: Tensor, labelling: nn.Module
    ) -> Tensor:
        """Compare emissions with labels.

        Parameters
        ----------
        emissions : tensor of shape (B, T, K)
        target : int64 tensor of shape (B, T)
            Labels, -1 on padding.
        weight : tensor of shape (B,)
        labelling : CRF or IndependentLabels
            The part of the network that gives the log-likelihood of labels.
        """
        target = target[:, : emissions.shape[1]]  # a shard may have shorter rows
        mask = target >= 0  # (B, T)
        log_likelihood = labelling(emissions, target.clamp(min=0), mask)  # (B,)
        return -(log_likelihood * weight).mean() / self.n_steps
