"""Validation of sentences and of their labels: what comes from a user, as lists."""

import numpy as np
from scipy import sparse

__all__ = ["as_sentences", "check_label_rows", "check_lengths", "matrix_of_lists"]


def as_sentences(X):
    """Return X as sentences, if that is what it can only be.

    Parameters
    ----------
    X : object
        What a user calls X.

    Returns
    -------
    sentences : list of list of str, or None
        None if X holds ids or numbers.

    Raises
    ------
    ValueError
        If a row is a string, or holds something else than strings beside them.
    """
    if sparse.issparse(X) or (isinstance(X, np.ndarray) and X.dtype.kind not in "OU"):
        return None
    rows = _as_lists(X, "X")
    if rows is None or not any(isinstance(t, str) for row in rows for t in row[:1]):
        return None
    for number, row in enumerate(rows):
        for token in row:
            if not isinstance(token, str):
                raise ValueError(
                    "X must hold lists of tokens, which are strings: got "
                    f"{token!r} in row {number}."
                )
    return rows


def matrix_of_lists(X):
    """Return lists of token ids as a matrix, or None if X holds no such lists.

    Parameters
    ----------
    X : object
        What a user calls X.

    Returns
    -------
    ids : csr_array of int64, shape (n_samples, longest), or None
    """
    if not isinstance(X, list | tuple):
        return None
    rows = [np.asarray(row) for row in X]
    if any(row.ndim != 1 or (len(row) and row.dtype.kind not in "iu") for row in rows):
        return None
    lengths = [len(row) for row in rows]
    ends = np.cumsum([0, *lengths])
    values = np.concatenate([np.zeros(0, np.int64), *rows]).astype(np.int64)
    columns = np.arange(len(values)) - np.repeat(ends[:-1], lengths)
    shape = len(rows), max(1, *lengths, 1)
    return sparse.csr_array((values, columns, ends), shape)


def check_label_rows(y, name="y"):
    """Return labels as a list of lists.

    Raises
    ------
    ValueError
        If y does not hold a list of labels for each row.
    """
    rows = None if y is None else _as_lists(y, name)
    if rows is None:
        raise ValueError(
            f"{name} must hold a list of labels for each row of X, one a token: got "
            f"{_describe(y)}."
        )
    of_strings = [isinstance(label, str) for row in rows for label in row]
    if any(of_strings) and not all(of_strings):
        raise ValueError(
            f"{name} must hold labels of one kind: got strings and others together."
        )
    return rows


def check_lengths(lengths, label_rows, name):
    """Refuse rows that have not as many labels as steps.

    Raises
    ------
    ValueError
        It names the row.
    """
    for row, (n_steps, labels) in enumerate(zip(lengths, label_rows, strict=True)):
        if n_steps != len(labels):
            raise ValueError(
                f"{name} must hold a label for each token of X: row {row} has "
                f"{len(labels)} labels for {n_steps} tokens."
            )


def _as_lists(rows, name):
    """Return rows, which may be arrays or in a column of a frame, as lists, or None."""
    if (
        isinstance(rows, str)
        or not hasattr(rows, "__len__")
        or not hasattr(rows, "__iter__")
    ):
        return None
    found = []
    for number, row in enumerate(rows):
        if isinstance(row, str):
            raise ValueError(
                f"{name} must hold a list of strings for each sentence: row {number} "
                f"is the string {_short(row)}. Split it into tokens, as "
                "str.split does."
            )
        if not hasattr(row, "__len__"):
            return None
        found.append(row.tolist() if isinstance(row, np.ndarray) else list(row))
    return found


def _short(text):
    return repr(text if len(text) <= 40 else f"{text[:40]}...")


def _describe(thing):
    return "None" if thing is None else f"an object of type {type(thing).__name__}"
