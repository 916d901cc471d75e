"""Rows of y without a label."""

from numbers import Number
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_bilstm.utils._missing import is_missing
from sklearn_bilstm.utils._sklearn import safe_indexing

__all__ = ["check_all_labelled", "check_complete", "find_unlabelled", "labels_of"]


def find_unlabelled(y: Any) -> np.ndarray:
    """Return which rows of y have no label.

    Parameters
    ----------
    y : object
        Result of :func:`as_target`. A row has no label if it is None, NaN, pandas' NA
        or NaT, or holds several values that are all missing, at one or several steps.

    Returns
    -------
    is_unlabelled : ndarray of bool, shape (n_samples,)
        Of length 0 if y does not consist of rows.
    """
    if sparse.issparse(y):
        return np.zeros(y.shape[0], bool)
    rows = y if isinstance(y, list | tuple) else np.asarray(y)
    if isinstance(rows, np.ndarray):
        if rows.ndim == 0:
            return np.zeros(0, bool)
        if rows.dtype.kind in "fmM":
            are_missing = np.isnan if rows.dtype.kind == "f" else np.isnat
            return are_missing(rows).reshape(len(rows), -1).all(1)
        if rows.dtype.kind != "O":
            return np.zeros(len(rows), bool)
    return np.fromiter(map(_is_unlabelled, rows), bool, len(rows))


def _is_unlabelled(row: Any) -> bool:
    if isinstance(row, list | tuple) or (isinstance(row, np.ndarray) and row.ndim):
        return len(row) > 0 and all(map(_is_unlabelled, row))
    return is_missing(row)


def labels_of(y: Any, rows: np.ndarray) -> Any:
    """Return the labels of some rows, which all have one.

    A column of objects that are all numbers becomes numbers, since missing values are
    the usual reason for objects. The columns of a matrix can differ in their type.

    Parameters
    ----------
    y : object
        Result of :func:`as_target`.
    rows : ndarray of int, shape (n_rows,)
    """
    if hasattr(y, "column_names") and len(y.column_names) > 1:  # pyarrow
        return y.take(rows)
    is_indexable = hasattr(y, "__getitem__") and not hasattr(y, "column_names")
    labels = safe_indexing(y if is_indexable else np.asarray(y), rows)
    if isinstance(labels, list | tuple) or len(getattr(labels, "shape", ())) == 2:
        return labels
    values = np.asarray(labels)
    if values.dtype.kind == "O" and all(map(_is_number, values.flat)):
        return np.array(values.tolist())
    return labels


def _is_number(label: Any) -> bool:
    return isinstance(label, Number | np.bool_)


def check_all_labelled(y: Any) -> None:
    """Raise an error that names the first row without a label.

    Parameters
    ----------
    y : object
        Result of :func:`as_target`.

    Raises
    ------
    ValueError
        If a row has no label.
    """
    missing = np.flatnonzero(find_unlabelled(y))
    if len(missing):
        row = int(missing[0])
        label = (y if isinstance(y, list | tuple) else np.asarray(y))[row]
        raise ValueError(
            f"y has a missing label: row {row} is {label}. Remove rows without a label."
        )


def check_complete(y: Any) -> None:
    """Raise an error that names the first row with some missing values.

    Parameters
    ----------
    y : object
        Result of :func:`as_target`, all of whose rows have a label.

    Raises
    ------
    ValueError
        If a row holds several values some of which are missing.
    """
    if sparse.issparse(y):
        return
    rows = y if isinstance(y, list | tuple) else np.asarray(y)
    if isinstance(rows, np.ndarray):
        if rows.ndim != 2 or rows.dtype.kind not in "fO":
            return
        if rows.dtype.kind == "f" and not np.isnan(rows).any():
            return
    for number, row in enumerate(rows):
        if isinstance(row, list | tuple | np.ndarray) and any(map(is_missing, row)):
            values = row.tolist() if isinstance(row, np.ndarray) else row
            raise ValueError(
                f"y has a missing value: row {number} is {values!s:.100}. Fill in "
                "the value, or remove the row. A row whose values are all missing has "
                "no label. For numbers for each step, padded with NaN, set "
                "output_type='steps'."
            )
