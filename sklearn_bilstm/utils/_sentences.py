"""Validation of sentences and of their token labels."""

from collections.abc import Iterable, Iterator, Sequence, Set
from numbers import Integral, Real
from typing import Any

import numpy as np

from sklearn_bilstm.utils._containers import unwrap_container
from sklearn_bilstm.utils._missing import is_missing, is_missing_label
from sklearn_bilstm.utils._sparse import is_sparse

__all__ = [
    "as_sentences",
    "check_label_rows",
    "check_lengths",
    "check_no_gaps",
    "lists_of_token_ids",
]


def as_sentences(X: Any, *, if_empty: bool) -> list[list[str]] | None:
    """Return X as sentences, if it holds text.

    Parameters
    ----------
    X : object
        X as passed by the user.
    if_empty : bool
        Whether rows that are all empty are sentences.

    Returns
    -------
    sentences : list of list of str, or None
        None if X holds ids or numbers.

    Raises
    ------
    ValueError
        If there is no row, a row is a string, or a row mixes strings with other
        objects.
    """
    if X is None or isinstance(X, str | bytes | Iterator | Real):
        advice = " Convert it to a list with list(X)."
        raise ValueError(
            f"X must hold a list of tokens for each sentence: got {_short(X)}."
            f"{advice if isinstance(X, Iterator) else ''}"
        )
    rows = _rows_of(X)
    if rows is None:
        return None
    if not rows:
        raise ValueError("X must hold at least one row: got 0 samples.")
    for number, row in enumerate(rows):
        _refuse_token_objects(row, number)
    if any(map(_has_strings, rows)):
        return [_sentence(row, number) for number, row in enumerate(rows)]
    if if_empty and all(_list_or_none(row) == [] for row in rows):
        return [[] for _ in rows]
    return None


def _refuse_token_objects(row: Any, number: int) -> None:
    """Raise an error if tokens are objects with a `text`, such as those of spaCy."""
    if isinstance(row, np.ndarray | Set | str | bytes) or not isinstance(row, Iterable):
        return
    if isinstance(getattr(next(iter(row), None), "text", None), str):
        raise ValueError(
            f"X must hold lists of tokens, which are strings: row {number} is an "
            f"object of type {type(row).__name__} that holds other objects. Pass their "
            "texts: [[token.text for token in row] for row in X]."
        )


def _has_strings(row: Any) -> bool:
    if isinstance(row, str | bytes):
        return True
    if isinstance(row, np.ndarray) and row.dtype.kind not in "OSUT":
        return False
    tokens = _list_or_none(row) or []
    return any(isinstance(token, str | bytes) for token in tokens)


def _sentence(row: Any, number: int) -> list[str]:
    tokens = _list_or_none(row)
    if tokens is None:
        advice = ". Split it, such as with str.split" if isinstance(row, str) else ""
        raise ValueError(
            f"X must hold a list of tokens for each sentence: row {number} is "
            f"{_short(row)}{advice}."
        )
    for index, token in enumerate(tokens):
        if not isinstance(token, str):
            raise ValueError(
                f"X must hold lists of tokens, which are strings: row {number} holds "
                f"{_short(token)} at token {index}.{_advice(token)}"
            )
    return tokens


def _advice(token: Any) -> str:
    if is_missing(token):
        return (
            " Read CSV files with keep_default_na=False, since pandas reads tokens "
            "such as 'null' or 'NA' as missing values."
        )
    if isinstance(token, Real):
        return " Convert numbers to strings, such as by astype(str) of the column."
    return ""


def lists_of_token_ids(X: Any) -> list[np.ndarray] | None:
    """Return lists of token ids as arrays, or None if X holds no such lists.

    Parameters
    ----------
    X : object
        X as passed by the user.

    Returns
    -------
    ids : list of ndarray of int64, shape (n_timesteps,), or None
    """
    if isinstance(X, np.ndarray) and X.dtype != object:
        return None
    rows: list[Any] = [_ids(row) for row in _rows_of(X) or [None]]
    if any(row is None for row in rows):
        return None
    return rows


def check_no_gaps(ids: Any) -> None:
    """Raise an error for padding between token ids, since each has a label.

    Parameters
    ----------
    ids : ndarray or sparse matrix of shape (n_samples, n_timesteps), or list
        A list contains an array for each row.

    Raises
    ------
    ValueError
        The message names the row.
    """
    if isinstance(ids, list):
        gaps = [row for row, sentence in enumerate(ids) if _has_gap(sentence)]
    else:
        rows, columns = ids.nonzero()
        last = np.full(ids.shape[0], -1)
        np.maximum.at(last, rows, columns)
        is_gap = last + 1 > np.bincount(rows, minlength=len(last))
        gaps = np.flatnonzero(is_gap).tolist()
    if gaps:
        raise ValueError(
            "X must contain 0, which is padding, only after the ids of a row: row "
            f"{gaps[0]} contains 0 before its last id. Id 1 is the unknown token. "
            "Integers and a sparse X are interpreted as token ids; for numbers, "
            "pass a dense X and input_type='numeric'."
        )


def _has_gap(ids: np.ndarray) -> bool:
    return not ids[: np.count_nonzero(ids)].all()


def _ids(row: Any) -> np.ndarray | None:
    """Return a list of ints as an array, or None."""
    tokens = _list_or_none(row)
    if tokens is None or not all(isinstance(token, Integral) for token in tokens):
        return None
    try:
        return np.array(tokens, dtype=np.int64)
    except OverflowError as error:
        raise ValueError(
            f"X must hold token ids that fit into 64 bits: got {max(tokens, key=abs)}."
        ) from error


def check_label_rows(y: Any, *, name: str, allow_missing: bool = False) -> list[list]:
    """Return labels as a list of lists.

    Parameters
    ----------
    y : object
        y as passed by the user.
    name : str
        Name of the caller, for error messages.
    allow_missing : bool, default=False
        Whether tokens can lack a label. Missing labels and -100 then become None.

    Returns
    -------
    label_rows : list of list

    Raises
    ------
    ValueError
        If y does not hold a list of strings or ints for each row.
    """
    if y is None:
        raise ValueError(f"{name} requires y to be passed, but the target y is None.")
    rows = _rows_of(y, "y")
    if rows is None:
        raise ValueError(
            "y must hold a list of labels for each row of X, with one label per token: "
            f"got {_short(y)}."
        )
    label_rows = [
        _labels(row, number, allow_missing) for number, row in enumerate(rows)
    ]
    present_labels = (
        label for labels in label_rows for label in labels if label is not None
    )
    if len({isinstance(label, str) for label in present_labels}) > 1:
        raise ValueError("y must hold labels of one type: got both strings and ints.")
    return label_rows


def _labels(row: Any, number: int, allow_missing: bool) -> list:
    labels = _list_or_none(row)
    if labels is None:
        raise ValueError(
            "y must hold a list of labels for each row of X, with one label per token: "
            f"row {number} is {_short(row)}."
        )
    if allow_missing:
        labels = [None if is_missing_label(label) else label for label in labels]
    for token, label in enumerate(labels):
        is_allowed = allow_missing and label is None
        if not is_allowed and not isinstance(label, str | Integral):
            advice = " Predictions cannot lack a label." if is_missing(label) else ""
            raise ValueError(
                f"y must hold labels that are strings or ints: row {number} holds "
                f"{_short(label)} at token {token}.{advice}"
            )
    return labels


def check_lengths(lengths: Any, label_rows: list[list], name: str) -> None:
    """Raise an error if a row does not have as many labels as steps.

    Parameters
    ----------
    lengths : array-like of shape (n_samples,)
        Number of steps of each row of X.
    label_rows : list of list
        Labels of each row.
    name : str
        Name of the labels in error messages.

    Raises
    ------
    ValueError
        The message names the row.
    """
    for row, (n_steps, labels) in enumerate(zip(lengths, label_rows, strict=True)):
        if n_steps != len(labels):
            raise ValueError(
                f"{name} must hold a label for each token of X: row {row} has "
                f"{len(labels)} labels for {n_steps} tokens."
            )


def _rows_of(data: Any, name: str = "X") -> list | None:
    """Return the rows of a list, an array or a column of a frame, or None."""
    data = unwrap_container(data, name=name)
    is_frame = hasattr(data, "columns")
    if isinstance(data, str | bytes):
        return None
    if is_frame or (isinstance(data, np.ndarray) and data.dtype == object):
        column = _column_of_lists(np.asarray(data))
        if column is not None or is_frame:
            return column
    if is_sparse(data) or getattr(data, "ndim", 1) not in (1, 2):
        return None
    if hasattr(data, "__len__") and hasattr(data, "__iter__"):
        return list(data)
    return list(np.asarray(data)) if hasattr(data, "__array__") else None


def _column_of_lists(table: np.ndarray) -> list | None:
    """Return the cells of a table of a single column, if they are lists, or None."""
    if table.ndim != 2 or table.shape[1] != 1:
        return None
    cells = list(table[:, 0])
    is_column = all(_list_or_none(cell) is not None for cell in cells)
    return cells if is_column else None


def _list_or_none(row: Any) -> list | None:
    """Return a list, a tuple, an array or a column of a frame as a list, or None."""
    if isinstance(row, str | bytes):  # those of NumPy look like arrays
        return None
    if isinstance(row, list | tuple):
        return list(row)
    if isinstance(row, np.ma.MaskedArray) and row.ndim:
        return row.tolist()  # masked values become None
    if isinstance(row, Sequence) and not hasattr(row, "__array__"):
        return list(row)
    is_column = hasattr(row, "__array__") and hasattr(row, "__len__")
    return np.asarray(row).tolist() if is_column and np.ndim(row) else None


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:40]}..."
