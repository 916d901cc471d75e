"""The true labels or numbers of explained texts."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier

from sklearn_bilstm.utils._containers import as_target
from sklearn_bilstm.utils._missing import is_missing

__all__ = ["true_targets"]


def true_targets(
    y_true: Any, estimator: Any, columns: np.ndarray, task: int | None
) -> list[Any]:
    """Return what is true of each text, None if it is unknown.

    Parameters
    ----------
    y_true : object
        Parameter of `explain`.
    estimator : BiLSTMClassifier or BiLSTMRegressor
        Fitted estimator; of the task, if there are several.
    columns : ndarray of int, shape (n_texts,)
        Index of the explained class or output of each text.
    task : int or None
        Index of the task. None if there is only one.

    Returns
    -------
    truths : list
        A label for a classifier, a tuple of labels for a multilabel classifier, and a
        float for a regressor.

    Raises
    ------
    ValueError
        If `y_true` does not hold a label, a number, or a row of them for each text.
    """
    if y_true is None:
        return [None] * len(columns)
    y = as_target(y_true, name="y_true")
    y = y.toarray() if sparse.issparse(y) else y
    rows = list(y) if isinstance(y, list | tuple) else np.asarray(y).tolist()
    if not isinstance(rows, list) or len(rows) != len(columns):
        got = f"{len(rows)} rows" if isinstance(rows, list) else repr(y_true)
        raise ValueError(
            f"y_true must hold a row for each of {len(columns)} texts: got {got}."
        )
    pairs = zip(rows, columns.tolist(), strict=True)
    return [_truth(row, estimator, column, task) for row, column in pairs]


def _truth(row: Any, estimator: Any, column: int, task: int | None) -> Any:
    """Return what a row of `y_true` states on the explained output."""
    is_label = is_classifier(estimator)
    is_multilabel = is_label and estimator.multilabel_
    n_expected, values = 1, np.ravel(np.array(row, dtype=object)).tolist()
    if is_multilabel:
        n_expected = len(estimator.classes_)
    elif not is_label:
        n_expected = estimator.n_outputs_
    if (len(values) != n_expected and task is None) or (task or 0) >= len(values):
        raise ValueError(
            f"y_true must hold rows of {n_expected} values, as in fit: got {row!r:.80}."
        )
    if is_multilabel:
        pairs = zip(estimator.classes_.tolist(), values, strict=True)
        return tuple(label for label, is_true in pairs if is_true)
    value = values[task if task is not None else 0 if is_label else column]
    if is_missing(value):
        return None
    if is_label:
        return _class_equal_to(getattr(value, "item", lambda: value)(), estimator)
    return float(value)


def _class_equal_to(label: Any, estimator: Any) -> Any:
    """Return the class that equals a label: integers with gaps are read as floats."""
    if not isinstance(label, float):
        return label
    classes = estimator.classes_.tolist()
    return next((candidate for candidate in classes if candidate == label), label)
