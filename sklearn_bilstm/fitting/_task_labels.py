"""Validation of labels with a column for each task, or an indicator matrix."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import type_of_target

from sklearn_bilstm.utils._containers import columns_of
from sklearn_bilstm.utils._missing import is_missing
from sklearn_bilstm.utils._sklearn import check_y

__all__ = ["as_indicators", "check_label_columns", "is_indicator_matrix"]


def check_label_columns(y: Any) -> np.ndarray:
    """Validate labels with several columns.

    Parameters
    ----------
    y : {array-like, sparse matrix} of shape (n_samples, n_columns)
        Several labels of each row, or an indicator matrix.

    Returns
    -------
    labels : ndarray of shape (n_samples, n_columns)
        Of dtype object if columns have labels of several types, or if labels are
        missing, which are None.

    Raises
    ------
    ValueError
        If rows have different lengths, or a column has labels that are continuous or of
        several types.
    """
    if sparse.issparse(y):
        return np.asarray(check_y(y.toarray(), multi_output=True))
    columns = [_checked_column(column, j) for j, column in enumerate(_columns(y))]
    kinds = {column.dtype.kind for column in columns}
    is_plain = len(kinds) == 1 or kinds <= set("iu") or kinds <= set("b")
    if is_plain and "O" not in kinds:
        return np.stack(columns, axis=1)
    labels = np.empty((len(columns[0]), len(columns)), object)
    for j, column in enumerate(columns):
        labels[:, j] = column.tolist()
    return labels


def _columns(y: Any) -> list[np.ndarray]:
    """Return the columns of labels, as arrays."""
    table = columns_of(y)
    if table is not None:
        return [np.asarray(column) for column in table[1]]
    if isinstance(y, list | tuple):
        _check_equal_lengths(y)
        return [_array([row[j] for row in y]) for j in range(len(y[0]))]
    return list(np.asarray(y).T)


def _check_equal_lengths(y: list | tuple) -> None:
    lengths = [len(row) if hasattr(row, "__len__") else 0 for row in y]
    for row, length in enumerate(lengths):
        if length != lengths[0]:
            raise ValueError(
                f"y must have the same number of labels in each row: row {row} has "
                f"{length}, and row 0 has {lengths[0]}. For any number of labels per "
                "row, convert y by sklearn.preprocessing.MultiLabelBinarizer."
            )


def _array(labels: list) -> np.ndarray:
    """Return an array of labels, without a conversion of numbers to strings."""
    found = np.empty(len(labels), object)
    found[:] = labels
    return found


def _checked_column(column: np.ndarray, number: int) -> np.ndarray:
    """Return the labels of a column, of dtype object if some are missing."""
    if column.ndim != 1:
        raise ValueError(
            f"y must have one or two dimensions: got {column.ndim + 1} dimensions."
        )
    missing = np.fromiter(map(is_missing, column.tolist()), bool, len(column))
    labels = column[~missing]
    if labels.dtype.kind == "O":
        labels = np.array(labels.tolist()) if len(labels) else labels
        kinds = sorted({type(label).__name__ for label in column[~missing].tolist()})
        if len(kinds) > 1 and labels.dtype.kind not in "iuf":
            raise ValueError(
                f"Column {number} of y must hold labels of one type, such as str or "
                f"int: got values of types {kinds}."
            )
    if len(labels) and type_of_target(labels) not in ("binary", "multiclass"):
        raise ValueError(
            f"Column {number} of y must hold class labels, such as strings or ints: "
            f"got {type_of_target(labels)} values. For numbers, use BiLSTMRegressor."
        )
    if not missing.any():
        return labels
    found = np.full(len(column), None, object)
    found[~missing] = labels.tolist()
    return found


def is_indicator_matrix(labels: np.ndarray) -> bool:
    """Return whether labels are an indicator matrix, and not those of several tasks.

    Like :func:`sklearn.utils.multiclass.type_of_target`, it is one if it holds at most
    two numbers, which are integers or bools. Missing labels are ignored.

    Parameters
    ----------
    labels : ndarray of shape (n_samples, n_columns)
        Result of `check_label_columns`.
    """
    values = {value for value in labels.ravel().tolist() if value is not None}
    are_numbers = all(isinstance(value, bool | int | float) for value in values)
    return len(values) <= 2 and are_numbers and all(v == int(v) for v in values)


def as_indicators(labels: np.ndarray, name: str) -> np.ndarray:
    """Return an indicator matrix as int64.

    Parameters
    ----------
    labels : ndarray of shape (n_samples, n_columns)
        Result of `check_label_columns`.
    name : str
        Name of the labels in error messages.

    Raises
    ------
    ValueError
        If there are other values than zero and one.
    """
    missing = [row for row, values in enumerate(labels.tolist()) if None in values]
    if missing:
        row = missing[0]
        raise ValueError(
            f"{name} has a missing value: row {row} is {labels[row].tolist()}. Fill in "
            "the value, or remove the row. If each column holds the classes of a task, "
            "replace its numbers by strings, such as 'no' and 'yes': only the columns "
            "of an indicator matrix must be complete."
        )
    others = set(labels.ravel().tolist()) - {0, 1}
    if others:
        raise ValueError(
            f"{name} must contain only zeros and ones if it is an indicator matrix: "
            f"got {min(others, key=str)}. If each column holds the classes of a task, "
            "replace its numbers by strings."
        )
    return labels.astype(np.int64)
