"""Scores of training and validation rows per epoch."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from skorch.callbacks import Callback
from torch import Tensor

from sklearn_bilstm.metrics import find_spans

__all__ = ["R2", "Accuracy", "LabelAccuracy", "SpanF1", "TasksAccuracy"]

# A smaller fraction of a sum of squares is a rounding error.
_ROUNDING = 1e-12


class _Score(Callback):
    """Record a weighted score of each epoch as "train_" or "valid_" plus its name.

    Training scores use the predictions during training: with dropout, and with weights
    that change from batch to batch. They require no additional pass.
    """

    name: str

    @abstractmethod
    def _sums(self, y_pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Return sums over the rows of a batch."""

    @abstractmethod
    def _score(self, sums: Tensor) -> Tensor:
        """Compute the score of all rows from the sums over all batches."""

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Reset the sums."""
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
        """Add the rows of a batch."""
        target, weight = batch[1]["target"], batch[1]["weight"].double()
        sums = self._sums(y_pred.to(target.device), target, weight)
        rows = "train" if training else "valid"
        self.sums_[rows] = self.sums_.get(rows, 0) + sums

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Record the scores."""
        for rows, sums in self.sums_.items():
            net.history.record(f"{rows}_{self.name}", float(self._score(sums)))


class Accuracy(_Score):
    """Record the weighted accuracy.

    For several labels, it is the subset accuracy.
    """

    name = "accuracy"

    def _sums(self, y_pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        if target.ndim == 2:
            is_correct = ((y_pred > 0) == (target > 0)).all(1)  # (B,)
        else:
            is_correct = y_pred.argmax(1) == target  # (B,)
        return torch.stack([weight @ is_correct.double(), weight.sum()])

    def _score(self, sums: Tensor) -> Tensor:
        n_correct, total = sums
        return n_correct / total


class TasksAccuracy(_Score):
    """Record the weighted accuracy of the labels of several tasks.

    Missing labels have weight zero.

    Parameters
    ----------
    n_classes : sequence of int
        Number of classes of each task.
    """

    name = "accuracy"

    def __init__(self, n_classes: Sequence[int]) -> None:
        self.n_classes = tuple(n_classes)

    def _sums(self, y_pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        parts = y_pred.split(self.n_classes, 1)
        predicted = torch.stack([part.argmax(1) for part in parts], 1)  # (B, M)
        is_correct = (predicted == target).double()  # (B, M)
        return torch.stack([(weight * is_correct).sum(), weight.sum()])

    def _score(self, sums: Tensor) -> Tensor:
        n_correct, total = sums
        return n_correct / total


class R2(_Score):
    """Record the coefficient of determination.

    For several outputs, it is their mean, as in :func:`sklearn.metrics.r2_score`. For
    outputs of steps, it is computed over all steps with a number.
    """

    name = "r2"

    def _sums(self, y_pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        if target.ndim == 3:
            return self._sums_of_steps(y_pred, target, weight)
        target = target.double()
        first, second = weight @ target, weight @ target.square()  # (K,), (K,)
        unexplained = weight @ (target - y_pred).square()  # (K,)
        total = weight.sum().expand_as(first)  # (K,)
        return torch.stack([total, first, second, unexplained])  # (4, K)

    @staticmethod
    def _sums_of_steps(y_pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        target = target[:, : y_pred.shape[1]].double()  # (B, T, K)
        known_weight = weight[:, None, None] * ~target.isnan()  # (B, T, K)
        target = target.nan_to_num(0.0)
        terms = torch.ones_like(target), target, target.square(), target - y_pred
        total, first, second = ((known_weight * term).sum((0, 1)) for term in terms[:3])
        unexplained = (known_weight * terms[3].square()).sum((0, 1))
        return torch.stack([total, first, second, unexplained])  # (4, K)

    def _score(self, sums: Tensor) -> Tensor:
        total, first, second, unexplained = sums
        variance = second - first.square() / total.where(total > 0, 1.0)  # (K,)
        varies = variance > _ROUNDING * second
        explained = 1 - unexplained / variance.where(varies, 1.0)
        constant_scores = (unexplained <= _ROUNDING * second).double()
        return explained.where(varies, constant_scores).mean()


class _TaggingScore(_Score):
    """Record a score of the labels of steps.

    It is computed for validation rows only, since decoding takes time.
    """

    @torch.no_grad()
    def on_batch_end(
        self,
        net: Any,
        batch: tuple,
        training: bool,
        y_pred: Tensor,
        **kwargs: Any,
    ) -> None:
        """Add the labels of a batch of validation rows."""
        if training:
            return
        mask = (batch[1]["target"] != -1).to(y_pred.device)  # (B, T)
        labels = net.module_.decoder.decode(y_pred, mask)  # (B, T)
        super().on_batch_end(net, batch, training, labels, **kwargs)


class LabelAccuracy(_TaggingScore):
    """Record the weighted accuracy over steps."""

    name = "accuracy"

    def _sums(self, y_pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        n_correct = (y_pred == target).sum(1)  # (B,), negative targets are never right
        n_steps = (target >= 0).sum(1)  # (B,)
        return torch.stack([weight @ n_correct.double(), weight @ n_steps.double()])

    def _score(self, sums: Tensor) -> Tensor:
        n_correct, total = sums
        return n_correct / total if total else total  # no steps


class SpanF1(_TaggingScore):
    """Record the weighted F1 score of spans.

    Parameters
    ----------
    labels : sequence of str
        The labels, in the order of their codes.
    """

    name = "f1"

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = labels

    def _sums(self, y_pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        counts = []
        for output, codes, is_known in zip(y_pred, target, target >= 0, strict=True):
            pair = output[is_known], codes[is_known]
            predicted, true = (set(self._spans(part.tolist())) for part in pair)
            counts.append([len(predicted & true), len(predicted) + len(true)])
        return weight @ torch.tensor(counts, dtype=torch.float64)  # (2,)

    def _spans(self, codes: list[int]) -> list:
        return find_spans([self.labels[code] for code in codes])

    def _score(self, sums: Tensor) -> Tensor:
        n_correct, n_spans = sums
        return 2 * n_correct / n_spans if n_spans else n_spans  # no spans
