"""How well rows are predicted, epoch by epoch."""

from abc import abstractmethod
from typing import Any

import torch
from skorch.callbacks import Callback
from torch import Tensor

__all__ = ["R2", "Accuracy"]

# A smaller share of a sum of squares is what rounding leaves of none.
_ROUNDING = 1e-12


class _Score(Callback):
    """Record a weighted score of an epoch as "train_" and "valid_" and its name.

    That of training rows is of what was predicted when they were learnt from: with
    dropout, by weights that changed from batch to batch. It costs no pass of its own.
    """

    name: str

    @abstractmethod
    def _sums(self, y_pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Return sums over the rows of a batch."""

    @abstractmethod
    def _score(self, sums: Tensor) -> Tensor:
        """Return the score of all rows from the sums of all batches."""

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Count from zero."""
        self.sums_: dict[str, Tensor] = {}

    @torch.no_grad()
    def on_batch_end(
        self,
        net: Any,
        batch: tuple,
        training: bool,
        y_pred: Tensor,
        **kwargs: Any,
    ) -> None:
        """Count the rows of a batch."""
        target, weight = batch[1]["target"], batch[1]["weight"].double()
        sums = self._sums(y_pred.to(target.device), target, weight)
        rows = "train" if training else "valid"
        self.sums_[rows] = self.sums_.get(rows, 0) + sums

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Record the scores."""
        for rows, sums in self.sums_.items():
            net.history.record(f"{rows}_{self.name}", float(self._score(sums)))


class Accuracy(_Score):
    """Record the weighted share of rows classified right.

    A row with several labels is right if all of them are.
    """

    name = "accuracy"

    def _sums(self, y_pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        if target.ndim == 2:
            right = ((y_pred > 0) == (target > 0)).all(1)  # (B,)
        else:
            right = y_pred.argmax(1) == target  # (B,)
        return torch.stack([weight @ right.double(), weight.sum()])

    def _score(self, sums: Tensor) -> Tensor:
        right, total = sums
        return right / total


class R2(_Score):
    """Record the share of the variance of the target that predictions account for.

    Of several outputs it is the mean, as of :func:`sklearn.metrics.r2_score`.
    """

    name = "r2"

    def _sums(self, y_pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        target = target.double()
        first, second = weight @ target, weight @ target.square()  # (K,), (K,)
        unexplained = weight @ (target - y_pred).square()  # (K,)
        total = weight.sum().expand_as(first)  # (K,)
        return torch.stack([total, first, second, unexplained])  # (4, K)

    def _score(self, sums: Tensor) -> Tensor:
        total, first, second, unexplained = sums
        variance = second - first.square() / total  # (K,)
        varies = variance > _ROUNDING * second
        explained = 1 - unexplained / variance.where(varies, 1.0)
        of_constants = (unexplained <= _ROUNDING * second).double()
        return explained.where(varies, of_constants).mean()
