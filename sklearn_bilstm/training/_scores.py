"""How well rows are predicted, epoch by epoch."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from skorch.callbacks import Callback
from torch import Tensor

from sklearn_bilstm.metrics import find_spans

__all__ = ["R2", "Accuracy", "LabelAccuracy", "SpanF1"]

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


class _LabellingScore(_Score):
    """Record a score of labels of steps, of validation rows alone.

    Labels have to be decoded for it, which costs time.
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
        """Count the labels of a batch of validation rows."""
        if training:
            return
        mask = (batch[1]["target"] >= 0).to(y_pred.device)  # (B, T)
        found = net.module_.labelling.decode(y_pred, mask)  # (B, T)
        super().on_batch_end(net, batch, training, found, **kwargs)


class LabelAccuracy(_LabellingScore):
    """Record the weighted share of steps labelled right."""

    name = "accuracy"

    def _sums(self, y_pred: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        right = (y_pred == target).sum(1)  # (B,), padding is never right
        n_steps = (target >= 0).sum(1)  # (B,)
        return torch.stack([weight @ right.double(), weight @ n_steps.double()])

    def _score(self, sums: Tensor) -> Tensor:
        right, total = sums
        return right / total if total else total  # of no step


class SpanF1(_LabellingScore):
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
        n_steps = (target >= 0).sum(1).tolist()  # (B,)
        counts = []
        for n, *rows in zip(n_steps, y_pred.tolist(), target.tolist(), strict=True):
            found, true = (set(self._spans(codes[:n])) for codes in rows)
            counts.append([len(found & true), len(found) + len(true)])
        return weight @ torch.tensor(counts, dtype=torch.float64)  # (2,)

    def _spans(self, codes: list[int]) -> list:
        return find_spans([self.labels[code] for code in codes])

    def _score(self, sums: Tensor) -> Tensor:
        n_right, n_both = sums
        return 2 * n_right / n_both if n_both else n_both  # of no span
