"""The targets of a classifier: a label per row, or an indicator matrix."""

from typing import Any, Self

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.metrics import accuracy_score
from skorch.callbacks import Callback

from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._labels import (
    check_labels,
    checked_classes,
    encode,
    weight_of_classes,
)
from sklearn_bilstm.fitting._target import Target
from sklearn_bilstm.fitting._task_labels import as_indicators
from sklearn_bilstm.training import (
    Accuracy,
    WeightedBinaryCrossEntropy,
    WeightedCrossEntropy,
)
from sklearn_bilstm.utils._containers import as_target
from sklearn_bilstm.utils._state import state_int
from sklearn_bilstm.utils._unlabelled import check_all_labelled

__all__ = ["IndicatorTarget", "LabelTarget"]


class LabelTarget(Target):
    """One class label per row.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted labels.
    """

    multilabel = False
    linear_kind = "classes"

    def __init__(self, classes: np.ndarray) -> None:
        self.classes = classes
        self.n_outputs = self.n_classes = len(classes)

    @staticmethod
    def check(y: Any, estimator: str) -> np.ndarray:
        """Validate labels, or an indicator matrix."""
        return check_labels(y, estimator=estimator)

    def encode(self, y: np.ndarray, name: str) -> np.ndarray:
        """Return the index of each label, int64 of shape (n,)."""
        _check_format(y, None, name)
        return encode(y, self.classes, name=name)

    def row_weights(
        self, target: np.ndarray, weight: np.ndarray, config: Config
    ) -> np.ndarray:
        """Return the weight of the class of each row."""
        _check_no_tasks(config)
        weights = weight_of_classes(config.class_weight, self.classes, target, weight)
        return weights[target]

    def strata(self, target: np.ndarray) -> np.ndarray:
        """Return the class of each row."""
        return target

    def decisions(self, logits: np.ndarray) -> np.ndarray:
        """Return the logits, or the log odds of the second of two classes."""
        if logits.shape[1] == 2:
            return logits[:, 1] - logits[:, 0]
        return logits

    def predictions(self, logits: np.ndarray) -> np.ndarray:
        """Return the most probable label of each row."""
        return self.classes[logits.argmax(1)]

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return the probability of each class."""
        return softmax(logits, axis=1)

    def log_probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return the logarithm of the probability of each class."""
        return log_softmax(logits, axis=1)

    @staticmethod
    def accuracy(predictions: np.ndarray, y: Any, sample_weight: Any) -> float:
        """Return the fraction of rows with the right label."""
        check_all_labelled(as_target(y))
        return accuracy_score(y, predictions, sample_weight=sample_weight)

    def loss(self, config: Config) -> tuple[type, dict[str, Any]]:
        """Return the cross-entropy."""
        return WeightedCrossEntropy, {}

    def scores(self) -> list[Callback]:
        """Return the accuracy."""
        return [Accuracy()]

    def attributes(self) -> dict[str, Any]:
        """Return the classes."""
        return {"classes_": self.classes, "multilabel_": False}

    def state(self) -> dict[str, Any]:
        """Return the classes."""
        return {"classes": self.classes}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Restore the target from its classes."""
        return cls(checked_classes(state["classes"]))


class IndicatorTarget(Target):
    """Any number of labels per row, as an indicator matrix of zeros and ones.

    Parameters
    ----------
    n_outputs : int
        Number of labels.
    """

    multilabel = True
    linear_kind = "labels"
    check = staticmethod(LabelTarget.check)

    def __init__(self, n_outputs: int) -> None:
        self.n_outputs = self.n_classes = n_outputs

    @property
    def classes(self) -> np.ndarray:
        """Indices of the labels."""
        return np.arange(self.n_outputs)

    def encode(self, y: np.ndarray, name: str) -> np.ndarray:
        """Return the indicators, float32 of shape (n, n_outputs)."""
        _check_format(y, self.n_outputs, name)
        return as_indicators(y, name).astype(np.float32)

    def row_weights(
        self, target: np.ndarray, weight: np.ndarray, config: Config
    ) -> np.ndarray:
        """Return ones; class weights are not supported."""
        _check_no_tasks(config)
        if config.class_weight is not None:
            raise ValueError(
                "The 'class_weight' parameter must be None if y is an indicator "
                f"matrix: pass a sample_weight instead. Got {config.class_weight!r}."
            )
        return np.ones(len(target))

    def decisions(self, logits: np.ndarray) -> np.ndarray:
        """Return the logits, which are the log odds of each label."""
        return logits

    def predictions(self, logits: np.ndarray) -> np.ndarray:
        """Return one for each label that is more probable than not."""
        return (logits > 0).astype(np.int64)

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return the probability of each label."""
        return expit(logits)

    def log_probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return the logarithm of the probability of each label."""
        return log_expit(logits)

    def accuracy(self, predictions: np.ndarray, y: Any, sample_weight: Any) -> float:
        """Return the fraction of rows without a wrong label."""
        y = self.encode(self.check(y, "score"), "y")
        return float(accuracy_score(y, predictions, sample_weight=sample_weight))

    def loss(self, config: Config) -> tuple[type, dict[str, Any]]:
        """Return the binary cross-entropy of each label."""
        return WeightedBinaryCrossEntropy, {}

    def scores(self) -> list[Callback]:
        """Return the subset accuracy."""
        return [Accuracy()]

    def attributes(self) -> dict[str, Any]:
        """Return the column indices as classes."""
        return {"classes_": self.classes, "multilabel_": True}

    def state(self) -> dict[str, Any]:
        """Return the number of labels."""
        return {"n_outputs": self.n_outputs}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Restore the target from the number of labels."""
        return cls(state_int(state["n_outputs"], "n_outputs", least=1))


def _check_no_tasks(config: Config) -> None:
    if config.task_weight is not None:
        raise ValueError(
            "The 'task_weight' parameter must be None unless y has a column for each "
            f"of several tasks: got {config.task_weight!r}."
        )


def _check_format(y: np.ndarray, n_labels: int | None, name: str) -> None:
    """Raise an error if y has another format than the y in fit."""
    n_columns = y.shape[1] if y.ndim == 2 else None
    if n_columns != n_labels:
        raise ValueError(
            f"{name} must hold {_format_of('an indicator matrix', n_labels)}, as y did "
            f"in fit: got {_format_of('a matrix', n_columns)}."
        )


def _format_of(matrix: str, n_columns: int | None) -> str:
    if n_columns is None:
        return "a label for each row"
    return f"{matrix} of {n_columns} columns"
