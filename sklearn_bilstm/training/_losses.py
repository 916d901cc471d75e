"""Weighted losses of logits."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

__all__ = [
    "REGRESSION_LOSSES",
    "WeightedBinaryCrossEntropy",
    "WeightedCrossEntropy",
    "WeightedRegressionLoss",
    "WeightedStepRegressionLoss",
    "WeightedTaggingLoss",
    "WeightedTasksCrossEntropy",
]


class WeightedCrossEntropy(nn.Module):
    """Weighted cross entropy, averaged over the rows of a batch.

    The sum is divided by the number of rows, not by the sum of weights. With weights
    whose mean over the training set is one, each batch then gives an unbiased estimate
    of the weighted mean over the set, regardless of the weights of its rows.
    """

    def of_rows(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the losses (B,) of logits (B, K), for classes (B,)."""
        return cross_entropy(logits, target, reduction="none")  # (B,)

    def forward(self, logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Return the loss of logits (B, K), for classes (B,) and weights (B,)."""
        return (self.of_rows(logits, target) * weight).mean()


class WeightedTasksCrossEntropy(nn.Module):
    """Weighted cross entropy, averaged over the tasks and rows of a batch.

    Parameters
    ----------
    n_classes : sequence of int
        Number of classes of each of M tasks, whose sum is K.
    """

    def __init__(self, n_classes: Sequence[int]) -> None:
        super().__init__()
        self.n_classes = tuple(n_classes)

    def forward(self, logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Return the loss of logits (B, K), for classes (B, M) and weights (B, M).

        The class -1 marks a missing label, which has no loss.
        """
        losses = [
            cross_entropy(task_logits, classes, reduction="none", ignore_index=-1)
            for task_logits, classes in zip(
                logits.split(self.n_classes, 1), target.unbind(1), strict=True
            )
        ]
        return (torch.stack(losses, 1) * weight).mean()


class WeightedBinaryCrossEntropy(nn.Module):
    """Binary cross entropy, averaged over labels and rows."""

    def of_rows(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the losses (B,) of logits (B, K), for targets (B, K)."""
        losses = binary_cross_entropy_with_logits(logits, target, reduction="none")
        return losses.mean(1)  # (B,)

    def forward(self, logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Return the loss of logits (B, K), for targets (B, K) and weights (B,)."""
        return (self.of_rows(logits, target) * weight).mean()


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
    """Weighted regression loss, averaged over outputs and rows.

    Parameters
    ----------
    loss : {"absolute_error", "quantile", "squared_error"}
        Loss function. It estimates the median, a quantile or the mean of the target.
    quantile : float, default=0.5
        Quantile to estimate, in [0, 1] (Koenker and Bassett, 1978).
    """

    def __init__(self, loss: str, quantile: float = 0.5) -> None:
        super().__init__()
        self.loss = loss
        self.quantile = quantile

    def of_rows(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the losses (B,) of predictions (B, K), for targets (B, K)."""
        errors = target - logits  # (B, K)
        return REGRESSION_LOSSES[self.loss](errors, self.quantile).mean(1)  # (B,)

    def forward(self, logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Return the loss of predictions (B, K), for targets (B, K), weights (B,)."""
        return (self.of_rows(logits, target) * weight).mean()


class WeightedStepRegressionLoss(nn.Module):
    """Weighted regression loss of the numbers of steps.

    Parameters
    ----------
    loss : {"absolute_error", "quantile", "squared_error"}
        Loss function, as for :class:`WeightedRegressionLoss`.
    quantile : float, default=0.5
        Quantile to estimate, in [0, 1].
    n_numbers : float, default=1.0
        Mean number of numbers per row, by which the loss is divided.
    """

    def __init__(
        self, loss: str, quantile: float = 0.5, n_numbers: float = 1.0
    ) -> None:
        super().__init__()
        self.loss = loss
        self.quantile = quantile
        self.n_numbers = n_numbers

    def forward(self, outputs: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Return the loss of outputs.

        Parameters
        ----------
        outputs : tensor of shape (B, T, K)
        target : tensor of shape (B, T, K)
            NaN on padding, and for missing numbers.
        weight : tensor of shape (B,)
        """
        target = target[:, : outputs.shape[1]]  # a shard may have shorter rows
        is_missing = target.isnan()
        errors = target.nan_to_num(0.0) - outputs  # (B, T, K)
        losses = REGRESSION_LOSSES[self.loss](errors, self.quantile)
        losses = losses.masked_fill(is_missing, 0.0)  # (B, T, K)
        return (losses.sum((1, 2)) * weight).mean() / self.n_numbers


class WeightedTaggingLoss(nn.Module):
    """Weighted negative log-likelihood of the labels of steps.

    Parameters
    ----------
    n_steps : float
        Mean number of steps per row, by which the loss is divided.
    """

    def __init__(self, n_steps: float) -> None:
        super().__init__()
        self.n_steps = n_steps

    def forward(
        self,
        emissions: Tensor,
        target: Tensor,
        weight: Tensor,
        decoder: nn.Module,
        step_weight: Tensor | None = None,
    ) -> Tensor:
        """Return the loss of emissions.

        Parameters
        ----------
        emissions : tensor of shape (B, T, K)
        target : int64 tensor of shape (B, T)
            Labels; -1 on padding, and -100 for a missing label.
        weight : tensor of shape (B,)
        decoder : CRF or IndependentLabels
            Decoder of the network, which computes the log-likelihood of labels.
        step_weight : tensor of shape (B, T), default=None
            Weights of the steps. None means ones.
        """
        target = target[:, : emissions.shape[1]]  # a shard may have shorter rows
        if step_weight is not None:
            step_weight = step_weight[:, : emissions.shape[1]]
        mask = target != -1  # (B, T)
        log_likelihood = decoder(emissions, target, mask, step_weight)  # (B,)
        return -(log_likelihood * weight).mean() / self.n_steps
