"""The target of a classifier of several tasks: a label per row and task."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import unique_labels
from skorch.callbacks import Callback

from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._labels import (
    check_labels,
    checked_classes,
    encode,
    scaled_to_mean_one,
    weight_of_classes,
)
from sklearn_bilstm.fitting._row_labels import LabelTarget
from sklearn_bilstm.fitting._target import Target
from sklearn_bilstm.sequences import SequenceDataset
from sklearn_bilstm.training import TasksAccuracy, WeightedTasksCrossEntropy
from sklearn_bilstm.utils._missing import is_missing
from sklearn_bilstm.utils._stacking import stack_columns

__all__ = ["TasksTarget"]

# Code of a missing label.
_MISSING = -1


class TasksTarget(Target):
    """One class label per row and task. Some of them can be missing.

    The network has a softmax for each task, whose logits are next to each other
    (Caruana, 1997).

    Parameters
    ----------
    classes : sequence of ndarray of shape (n_classes_of_task,)
        Sorted labels of each task.
    """

    multilabel = False

    def __init__(self, classes: Sequence[np.ndarray]) -> None:
        self.tasks = [LabelTarget(task_classes) for task_classes in classes]
        self.n_outputs = sum(self.n_classes)

    @property
    def classes(self) -> list[np.ndarray]:
        """Sorted labels of each task."""
        return [task.classes for task in self.tasks]

    @property
    def n_classes(self) -> tuple[int, ...]:
        """Number of classes of each task."""
        return tuple(len(task.classes) for task in self.tasks)

    @classmethod
    def fit(cls, y: np.ndarray) -> Self:
        """Learn the classes of each column of validated labels.

        Raises
        ------
        ValueError
            If a column has no label.
        """
        classes = []
        for j, column in enumerate(y.T):
            labels = [label for label in column.tolist() if label is not None]
            if not labels:
                raise ValueError(
                    f"y must hold a label in each column: all labels of column {j} "
                    "are missing. Remove the column."
                )
            classes.append(np.unique(np.array(labels)))
        return cls(classes)

    @classmethod
    def of_stream(cls, classes: Any, n_tasks: int) -> Self:
        """Return the target for the argument `classes` of `partial_fit`."""
        is_list = isinstance(classes, list | tuple) and len(classes) == n_tasks
        if not is_list or any(np.ndim(task_classes) != 1 for task_classes in classes):
            raise ValueError(
                f"classes must be a list of the labels of each of {n_tasks} columns "
                f"of y: got {classes!r}."
            )
        if any(is_missing(label) for task_classes in classes for label in task_classes):
            raise ValueError(
                "classes must not contain missing labels, such as None or NaN: got "
                f"{classes!r}."
            )
        return cls([unique_labels(task_classes) for task_classes in classes])

    def split(self, logits: Any) -> Iterator[Any]:
        """Yield the logits of each task, views of the columns of an array."""
        ends = np.cumsum(self.n_classes).tolist()
        for start, end in zip([0, *ends], ends, strict=False):
            yield logits[:, start:end]

    # -- encoding

    @staticmethod
    def check(y: Any, estimator: str) -> np.ndarray:
        """Validate labels with a column for each task."""
        return check_labels(y, estimator=estimator)

    def encode(self, y: np.ndarray, name: str) -> np.ndarray:
        """Return the index of each label, int64 of shape (n, n_tasks).

        That of a missing label is -1.
        """
        n_columns = y.shape[1] if y.ndim == 2 else 1
        if n_columns != len(self.tasks):
            raise ValueError(
                f"{name} must have {len(self.tasks)} columns, one per task, as y had "
                f"in fit: got {n_columns}."
            )
        codes = np.full(y.shape, _MISSING, np.int64)
        for j, (column, task) in enumerate(zip(y.T, self.tasks, strict=True)):
            is_known = np.array([label is not None for label in column.tolist()], bool)
            codes[is_known, j] = encode(
                column[is_known].tolist(), task.classes, name=f"Column {j} of {name}"
            )
        return codes

    def row_weights(
        self, target: np.ndarray, weight: np.ndarray, config: Config
    ) -> np.ndarray:
        """Return the factor of the weight of each row and task; zero without label."""
        factors = np.zeros(target.shape)
        task_weights = self._task_weights(config)
        for j, class_weight in enumerate(self._class_weights(config)):
            labelled = np.flatnonzero(target[:, j] != _MISSING)
            codes, classes = target[labelled, j], self.tasks[j].classes
            sample_weight = weight[labelled]
            weights = weight_of_classes(class_weight, classes, codes, sample_weight)
            if class_weight == "balanced":  # with a mean of one, as other tasks
                weights = weights * sample_weight.sum() / len(classes)
            factors[labelled, j] = task_weights[j] * weights[codes]
        return factors

    def _class_weights(self, config: Config) -> list[Any]:
        given = config.class_weight
        if given is None or isinstance(given, str):
            return [given] * len(self.tasks)
        if not isinstance(given, list | tuple) or len(given) != len(self.tasks):
            raise ValueError(
                "The 'class_weight' parameter must be None, 'balanced', or a list of "
                f"{len(self.tasks)} dicts, one for each column of y: got {given!r}."
            )
        return list(given)

    def _task_weights(self, config: Config) -> np.ndarray:
        if config.task_weight is None:
            return np.ones(len(self.tasks))
        try:
            weights = np.asarray(config.task_weight, float)
        except (TypeError, ValueError):  # not numbers
            weights = np.zeros(0)
        is_positive = np.isfinite(weights).all() and (weights > 0).all()
        if weights.shape != (len(self.tasks),) or not is_positive:
            raise ValueError(
                f"The 'task_weight' parameter must hold {len(self.tasks)} positive "
                f"numbers, one for each column of y: got {config.task_weight!r}."
            )
        return weights

    def rows_of_task(self, rows: SequenceDataset, task: int) -> SequenceDataset:
        """Return the rows with a label of a task, as those of a single task."""
        labelled = rows.take(self.labelled_rows(rows, task))
        target: Any = labelled.target
        weight = scaled_to_mean_one(labelled.weight[:, task])
        return replace(labelled, target=target[:, task], weight=weight)

    def weights_of_tasks(self, rows: SequenceDataset) -> np.ndarray:
        """Return the weights of rows as those of single tasks.

        The mean over the labelled rows of each task is one.
        """
        weights = np.zeros(rows.weight.shape)
        for j in range(len(self.tasks)):
            labelled = self.labelled_rows(rows, j)
            if len(labelled):
                weights[labelled, j] = scaled_to_mean_one(rows.weight[labelled, j])
        return weights

    def check_training_rows(self, rows: SequenceDataset) -> None:
        """Raise a ValueError if no training row has a label of some task."""
        for j in range(len(self.tasks)):
            if not len(self.labelled_rows(rows, j)):
                raise ValueError(
                    f"Column {j} of y must have a label with a positive weight in the "
                    "training rows: its labels are missing, have weight 0 by "
                    "sample_weight or class_weight, or are held out for early "
                    "stopping. Pass more labels, or remove the column."
                )

    @staticmethod
    def labelled_rows(rows: SequenceDataset, task: int) -> np.ndarray:
        """Return the indices of rows with a label of a task and a positive weight."""
        return np.flatnonzero(rows.weight[:, task])

    # -- outputs

    def decisions(self, logits: np.ndarray) -> list[np.ndarray]:
        """Return the logits of each task, or log odds of the second of two classes."""
        return self._of_tasks("decisions", logits)

    def predictions(self, logits: np.ndarray) -> np.ndarray:
        """Return the most probable label of each row and task."""
        return stack_columns(self._of_tasks("predictions", logits))

    def probabilities(self, logits: np.ndarray) -> list[np.ndarray]:
        """Return the probability of each class of each task."""
        return self._of_tasks("probabilities", logits)

    def log_probabilities(self, logits: np.ndarray) -> list[np.ndarray]:
        """Return the logarithm of the probability of each class of each task."""
        return self._of_tasks("log_probabilities", logits)

    def _of_tasks(self, method: str, logits: np.ndarray) -> list[np.ndarray]:
        parts = zip(self.tasks, self.split(logits), strict=True)
        return [getattr(task, method)(task_logits) for task, task_logits in parts]

    @staticmethod
    def accuracy(predictions: np.ndarray, y: Any, sample_weight: Any) -> float:
        """Return the fraction of rows without a wrong label.

        Missing labels are ignored.
        """
        y = check_labels(y, estimator="score")
        check_consistent_length(predictions, y, sample_weight)
        if y.shape != predictions.shape:
            raise ValueError(
                f"y must have {predictions.shape[1]} columns, one per task, as y had "
                f"in fit: got an array of shape {y.shape}."
            )
        pairs = zip(y.tolist(), predictions.tolist(), strict=True)
        is_correct = [
            all(true is None or true == guess for true, guess in zip(*row, strict=True))
            for row in pairs
        ]
        return float(np.average(is_correct, weights=sample_weight))

    # -- training

    def loss(self, config: Config) -> tuple[type, dict[str, Any]]:
        """Return the mean of the cross-entropies of the tasks."""
        return WeightedTasksCrossEntropy, {"n_classes": self.n_classes}

    def scores(self) -> list[Callback]:
        """Return the mean accuracy of the tasks."""
        return [TasksAccuracy(self.n_classes)]

    # -- attributes and state

    def attributes(self) -> dict[str, Any]:
        """Return the classes of each task."""
        return {"classes_": self.classes, "multilabel_": False}

    def state(self) -> dict[str, Any]:
        """Return the classes of each task."""
        return {"classes": self.classes}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Restore the target from its classes."""
        classes = state["classes"]
        if not isinstance(classes, list | tuple) or len(classes) < 2:
            raise ValueError("There must be classes of at least two tasks.")
        return cls([*map(checked_classes, classes)])
