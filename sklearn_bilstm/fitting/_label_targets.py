"""Choice of the target of a classifier."""

from typing import Any

import numpy as np
from sklearn.utils.multiclass import unique_labels

from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._labels import warn_of_missing_label_codes
from sklearn_bilstm.fitting._row_labels import IndicatorTarget, LabelTarget
from sklearn_bilstm.fitting._target import Target
from sklearn_bilstm.fitting._task_labels import as_indicators, is_indicator_matrix
from sklearn_bilstm.fitting._tasks import TasksTarget

__all__ = ["label_target", "label_target_of_stream"]

# Advice on rows with a label such as -1, if it marks missing labels.
_UNLABELLED_ROWS = (
    "set the label of those rows to None or remove the rows, or wrap the classifier "
    "in SelfTrainingClassifier"
)
_UNLABELLED_ROWS_OF_STREAM = "remove those rows from X and y"
_MISSING_LABELS_OF_TASKS = "replace it by None"


def label_target(y: np.ndarray, config: Config) -> Target:
    """Return the target of a classifier for a validated y.

    A 2-D y is an indicator matrix, or has a column for each task.
    """
    if y.ndim == 2 and is_indicator_matrix(y):
        return IndicatorTarget(as_indicators(y, "y").shape[1])
    if y.ndim == 2:
        tasks = TasksTarget.fit(y)
        _warn_of_codes(tasks, tasks.encode(y, "y"))
        return tasks
    classes, counts = np.unique(y, return_counts=True)
    warn_of_missing_label_codes(classes, _UNLABELLED_ROWS, counts)
    return LabelTarget(classes)


def label_target_of_stream(
    y: np.ndarray, classes: Any, previous: Target | None
) -> Target:
    """Return the target of a classifier for a validated batch of a stream.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_columns)
    classes : array-like of shape (n_classes,), list of array-like, or None
        Argument of `partial_fit`.
    previous : LabelTarget, IndicatorTarget, TasksTarget or None
        Target of the previous batch. None for the first batch.

    Raises
    ------
    ValueError
        If `classes` is missing in the first batch, or differs from those before.
    """
    if isinstance(previous, LabelTarget | TasksTarget):
        _check_same_classes(classes, previous.classes)
    if previous is not None:
        return previous
    if y.ndim == 2 and is_indicator_matrix(y) and not _is_nested(classes):
        return IndicatorTarget(as_indicators(y, "y").shape[1])
    if classes is None:
        raise ValueError("classes must be passed on the first call to partial_fit.")
    if y.ndim == 2:
        tasks = TasksTarget.of_stream(classes, y.shape[1])
        _warn_of_codes(tasks)
        return tasks
    classes = unique_labels(classes)
    warn_of_missing_label_codes(classes, _UNLABELLED_ROWS_OF_STREAM)
    return LabelTarget(classes)


def _warn_of_codes(tasks: TasksTarget, codes: np.ndarray | None = None) -> None:
    """Warn about a class of a task that is likely to mark missing labels."""
    for j, classes in enumerate(tasks.classes):
        labelled = None if codes is None else codes[codes[:, j] >= 0, j]
        warn_of_missing_label_codes(
            classes,
            _MISSING_LABELS_OF_TASKS,
            None if labelled is None else np.bincount(labelled, minlength=len(classes)),
            name=f"Column {j} of y",
        )


def _is_nested(classes: Any) -> bool:
    """Return whether classes are lists, one for each task."""
    return isinstance(classes, list | tuple) and any(
        hasattr(task_classes, "__len__") and not isinstance(task_classes, str | bytes)
        for task_classes in classes
    )


def _check_same_classes(classes: Any, previous: Any) -> None:
    if classes is None:
        return
    is_single = isinstance(previous, np.ndarray)
    expected = [previous] if is_single else previous
    given: Any = [classes] if is_single else classes
    are_equal = (
        is_single != _is_nested(classes)
        and len(given) == len(expected)
        and all(
            np.array_equal(unique_labels(labels), task_classes)
            for labels, task_classes in zip(given, expected, strict=True)
        )
    )
    if not are_equal:
        shown = [task_classes.tolist() for task_classes in expected]
        raise ValueError(
            "classes must be the same in every call to partial_fit: got "
            f"{classes!r} after {shown[0] if is_single else shown}."
        )
