"""Validation of labels with a column for each task, or an indicator matrix."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import type_of_target

from sklearn_bilstm.utils._containers import columns_of
from sklearn_bilstm.utils._missing import is_missing
from sklearn_bilstm.utils._nesting import is_nested_row

__all__ = ["as_indicators", "check_label_columns", "is_indicator_matrix", "n_columns"]


def n_columns(y: Any) -> int:
    """Return the number of columns of labels; 1 if y holds a label for each row."""
    if isinstance(y, list | tuple):
        return max([1, *(len(row) for row in y if is_nested_row(row))])
    shape: tuple = getattr(y, "shape", ())
    return shape[1] if len(shape) > 1 else 1


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
    columns = [_checked_column(column, j) for j, column in enumerate(_columns(y))]
    kinds = {column.dtype.kind for column in columns}
    # int64 and uint64 have float64 as their common dtype
    are_integers = kinds <= set("iu") and np.result_type(*columns).kind != "f"
    if (len(kinds) == 1 or are_integers) and "O" not in kinds:
        return np.stack(columns, axis=1)
    labels = np.empty((len(columns[0]), len(columns)), object)
    for j, column in enumerate(columns):
        labels[:, j] = column.tolist()
    return labels


def _columns(y: Any) -> list[np.ndarray]:
    """Return the columns of labels, as arrays."""
    table = columns_of(y)
    if table is not None:
        return [*map(_values, table[1])]
    if isinstance(y, list | tuple):
        _check_equal_lengths(y)
        rows = [row.tolist() if hasattr(row, "tolist") else row for row in y]
        return [_array([row[j] for row in rows]) for j in range(len(rows[0]))]
    return list((y.toarray() if sparse.issparse(y) else np.asarray(y)).T)


def _values(column: Any) -> np.ndarray:
    """Return the values of a column of a frame; integers with gaps stay integers."""
    values = np.asarray(column)
    if values.dtype.kind != "f" or not hasattr(column, "null_count"):
        return values
    is_arrow = hasattr(column, "to_pylist")  # else of polars
    return _array(column.to_pylist() if is_arrow else column.to_list())


def _check_equal_lengths(y: list | tuple) -> None:
    lengths = [len(row) if is_nested_row(row) else 1 for row in y]
    for row, length in enumerate(lengths):
        if length != lengths[0]:
            raise ValueError(
                f"y must have the same number of labels in each row: row {row} has "
                f"{length}, and row 0 has {lengths[0]}. For any number of labels per "
                "row, convert y by sklearn.preprocessing.MultiLabelBinarizer. For a "
                "label for each step, use BiLSTMTagger."
            )


def _array(labels: list) -> np.ndarray:
    """Return an array of labels, without a conversion of numbers to strings."""
    column = np.empty(len(labels), object)
    column[:] = labels
    return column


def _checked_column(column: np.ndarray, number: int) -> np.ndarray:
    """Return the labels of a column, of dtype object if some are missing."""
    _check_dimensions(column)
    if column.dtype.kind in "mM":  # Python has no nanoseconds
        column = column.astype(f"{column.dtype.kind}8[us]")
    missing = _are_missing(column)
    labels = column[~missing]
    if labels.dtype.kind == "O":
        items = [x.item() if isinstance(x, np.generic) else x for x in labels]
        labels = np.array(items) if items else labels
        _check_dimensions(labels)
        kinds = sorted({type(item).__name__ for item in items})
        if len(kinds) > 1 and labels.dtype.kind not in "iuf":
            raise ValueError(
                f"Column {number} of y must hold labels of one type, such as str or "
                f"int: got values of types {kinds}."
            )
    kind = _type_of_labels(labels) if len(labels) else "binary"
    if kind not in ("binary", "multiclass"):
        raise ValueError(
            f"Column {number} of y must hold class labels, such as strings or ints: "
            f"got {kind} values. For numbers, use BiLSTMRegressor."
        )
    if not missing.any():
        return labels
    completed = np.full(len(column), None, object)
    completed[~missing] = labels.tolist()
    return completed


def _check_dimensions(labels: np.ndarray) -> None:
    if labels.ndim != 1:
        raise ValueError(
            f"y must have one or two dimensions: got {labels.ndim + 1} dimensions."
        )


def _are_missing(column: np.ndarray) -> np.ndarray:
    """Return which labels of a column are missing."""
    if column.dtype.kind in "biuU":
        return np.zeros(len(column), bool)
    return np.fromiter(map(is_missing, column.tolist()), bool, len(column))


def _type_of_labels(labels: np.ndarray) -> str:
    """Return the type of the labels of a column, as scikit-learn names it."""
    try:
        return type_of_target(labels)
    except TypeError:  # it does not support bytes
        return type(labels.tolist()[0]).__name__


def is_indicator_matrix(labels: np.ndarray) -> bool:
    """Return whether labels are an indicator matrix, and not those of several tasks.

    Like :func:`sklearn.utils.multiclass.type_of_target`, it is one if it holds at most
    two numbers, which are integers or bools. Missing labels are ignored.

    Parameters
    ----------
    labels : ndarray of shape (n_samples, n_columns)
        Result of `check_label_columns`.
    """
    values = _distinct(labels) - {None}
    are_numbers = all(isinstance(value, bool | int | float) for value in values)
    return len(values) <= 2 and are_numbers and all(v == int(v) for v in values)


def _distinct(labels: np.ndarray) -> set:
    """Return the distinct labels, as Python values."""
    is_plain = labels.dtype.kind != "O"
    return set(np.unique(labels).tolist() if is_plain else labels.ravel().tolist())


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
    invalid = _distinct(labels) - {0, 1}
    if None in invalid:
        row = [None in values for values in labels.tolist()].index(True)
        raise ValueError(
            f"{name} has a missing value: row {row} is {labels[row].tolist()}. Fill in "
            "the value, or remove the row. If each column holds the classes of a task, "
            "replace its numbers by strings, such as 'no' and 'yes': only the columns "
            "of an indicator matrix must be complete."
        )
    if invalid:
        raise ValueError(
            f"{name} must contain only zeros and ones if it is an indicator matrix: "
            f"got {min(invalid, key=str)!r}. If each column holds the classes of a "
            "task, replace its numbers by strings."
        )
    return labels.astype(np.int64)
