"""Validation and encoding of class labels and weights."""

import warnings
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

from sklearn_bilstm.fitting._task_labels import check_label_columns, n_columns
from sklearn_bilstm.utils._containers import as_target
from sklearn_bilstm.utils._nesting import unnested
from sklearn_bilstm.utils._sklearn import check_y
from sklearn_bilstm.utils._unlabelled import check_all_labelled

__all__ = [
    "check_labels",
    "checked_classes",
    "encode",
    "relative_weights",
    "scaled_to_mean_one",
    "warn_of_missing_label_codes",
    "weight_of_classes",
]


# Far from the smallest float, so that sums of many weights can be divided by it.
_LEAST_RELATIVE_WEIGHT = 1e-290
# Largest usual ratio of negative texts to neutral and positive ones.
_LARGEST_RATIO = 4


def check_labels(y: Any, *, estimator: str) -> np.ndarray:
    """Validate labels as scikit-learn does.

    Parameters
    ----------
    y : array-like of shape (n_samples,), or {array-like, sparse matrix} of shape \
            (n_samples, n_columns)
        A label for each row, a label for each row and task, or an indicator matrix of
        zeros and ones.
    estimator : str
        Name of the estimator, for error messages.

    Returns
    -------
    labels : ndarray of shape (n_samples,) or (n_samples, n_columns)
        A missing label of a task is None.

    Raises
    ------
    ValueError
        If y is None, has a continuous label, or a row without a label.
    """
    if y is None:
        raise ValueError(
            f"{estimator} requires y to be passed, but the target y is None."
        )
    y = unnested(as_target(y))
    check_all_labelled(y)
    if n_columns(y) > 1:
        return check_label_columns(y)
    labels = check_y(y, estimator=estimator)
    try:
        check_classification_targets(labels)
    except (TypeError, ValueError) as error:
        kinds = sorted({type(label).__name__ for label in labels.tolist()})
        if isinstance(error, ValueError) and len(kinds) < 2:
            raise
        raise ValueError(
            "y must hold labels of one type, such as str or int: got values of types "
            f"{kinds}. scikit-learn: {error}"
        ) from error
    return labels


def warn_of_missing_label_codes(
    classes: np.ndarray,
    advice: str,
    counts: np.ndarray | None = None,
    name: str = "y",
) -> None:
    """Warn about a class that is likely to mark missing labels.

    These are -100, which torch's losses ignore, and -1, which marks missing labels in
    scikit-learn's semi-supervised estimators, if no other class is negative. The
    classes (-1, 1) and (-1, 0, 1) are common. The first raise no warning, since one
    class would be left; the second only if -1 is far more frequent than the others.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        In ascending order.
    advice : str
        What to do if it marks missing labels.
    counts : ndarray of int, shape (n_classes,), or None, default=None
        Number of rows of each class. None if they are unknown.
    name : str, default="y"
        Name of the labels in the warning.
    """
    if classes.dtype.kind != "i" or len(classes) < 2 or classes[1] < 0:
        return
    is_usual = len(classes) == 2 or (
        np.array_equal(classes, [-1, 0, 1])
        and (counts is None or counts[0] <= _LARGEST_RATIO * counts[1:].sum())
    )
    if classes[0] == -100 or (classes[0] == -1 and not is_usual):
        warnings.warn(
            f"{name} contains the label {classes[0]}, which is treated as an ordinary "
            f"class. If it marks missing labels, {advice}.",
            UserWarning,
            stacklevel=2,
        )


def encode(labels: np.ndarray | list, classes: np.ndarray, *, name: str) -> np.ndarray:
    """Return the index into `classes` of each label.

    Parameters
    ----------
    labels : ndarray or list of shape (n_samples,)
    classes : ndarray of shape (n_classes,)
    name : str
        Name of the labels in error messages.

    Returns
    -------
    codes : ndarray of int64, shape (n_samples,)

    Raises
    ------
    ValueError
        If a label is not one of the classes.
    """
    index_of = {label: index for index, label in enumerate(classes.tolist())}
    labels = labels if isinstance(labels, list) else labels.tolist()
    codes = [index_of.get(label, -1) for label in labels]
    if -1 in codes:
        raise ValueError(
            f"{name} must only contain labels of classes_, {classes.tolist()}: got "
            f"{labels[codes.index(-1)]!r}."
        )
    return np.array(codes, dtype=np.int64)


def weight_of_classes(
    class_weight: Any, classes: np.ndarray, target: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Return the weight of each class for a `class_weight` parameter.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
    classes : ndarray of shape (n_classes,)
    target : ndarray of int, shape (n_samples,)
        Index into `classes` of each row.
    weight : ndarray of shape (n_samples,)
        Weight of each row.

    Returns
    -------
    weights : ndarray of float64, shape (n_classes,)

    Raises
    ------
    ValueError
        If `class_weight` is of another type, a weight is not a non-negative number, or
        a label with a weight is not a class while some class has no weight.
    """
    if class_weight == "balanced":
        totals = np.bincount(target, weights=weight, minlength=len(classes))
        return np.divide(1.0, totals, out=np.zeros(len(classes)), where=totals > 0)
    if not isinstance(class_weight, dict | None):
        raise ValueError(
            "The 'class_weight' parameter must be a dict, 'balanced' or None, or a "
            "list of them if y has a column for each of several tasks: got "
            f"{class_weight!r}."
        )
    weights: dict[Any, Any] = class_weight or {}
    for label, label_weight in weights.items():
        is_number = isinstance(label_weight, Real)
        if not (is_number and 0 <= label_weight < np.inf):
            raise ValueError(
                "The 'class_weight' parameter must map labels to non-negative "
                f"numbers. Got {label_weight!r} for {label!r} instead."
            )
    labels = classes.tolist()
    unknown = [label for label in weights if label not in labels]
    missing = [label for label in labels if label not in weights]
    if unknown and missing:
        raise ValueError(
            f"The 'class_weight' parameter must map labels of {labels} to weights: got "
            f"a weight for {unknown[0]!r}, but none for {missing[0]!r}. "
            "Labels of y that the dict lacks have the weight 1."
        )
    return np.array([weights.get(label, 1.0) for label in labels], dtype=np.float64)


def relative_weights(weight: np.ndarray) -> np.ndarray:
    """Divide weights by the largest one, so that their products and sums are finite.

    Parameters
    ----------
    weight : ndarray of shape (n_samples,)

    Returns
    -------
    relative : ndarray of float64, shape (n_samples,)
        From 0 to 1. Very small values are 0, since their reciprocals would overflow.
    """
    largest = weight.max(initial=0)
    if largest == 0:
        return weight
    relative = weight / largest
    return np.where(relative < _LEAST_RELATIVE_WEIGHT, 0.0, relative)


def scaled_to_mean_one(weight: np.ndarray) -> np.ndarray:
    """Scale weights so that their mean is one.

    Parameters
    ----------
    weight : ndarray of shape (n_samples,)

    Returns
    -------
    scaled : ndarray of float64, shape (n_samples,)

    Raises
    ------
    ValueError
        If all weights are zero.
    """
    weight = relative_weights(weight)  # a sum of large ones would overflow
    if not weight.any():
        raise ValueError(
            "Sample weights must contain at least one non-zero number: at least one "
            "row must have a non-zero weight after multiplication by class_weight."
        )
    return weight / weight.mean()


def checked_classes(classes: Any) -> np.ndarray:
    """Return the classes of a state; raise a ValueError for other values."""
    if not isinstance(classes, np.ndarray) or classes.ndim != 1 or not len(classes):
        raise ValueError("classes must be an array of labels.")
    if len(np.unique(classes)) != len(classes):
        raise ValueError("classes must be distinct.")
    return classes
