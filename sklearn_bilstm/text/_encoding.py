"""Conversion of documents to token ids with a fitted vocabulary."""

import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from sklearn_bilstm.text._analysis import Analyzer, analyze_fields
from sklearn_bilstm.text._checks import check_tokens, hashable_tokens
from sklearn_bilstm.text._documents import Documents
from sklearn_bilstm.text._vocabulary import EncodedDocuments, encode

__all__ = ["check_columns", "dropped_part", "encode_rows", "row_analyzer", "truncated"]

# Number of tokens kept from the beginning of a document that is too long. The remaining
# kept tokens come from its end.
_KEPT_HEAD = {
    "post": lambda width: width,
    "pre": lambda width: 0,
    "middle": lambda width: -(-width // 2),
}
_MOST_NAMES = 5  # in an error message


def row_analyzer(analyze: Analyzer, markers: list[str]) -> Analyzer:
    """Return a function that splits a row into tokens.

    Parameters
    ----------
    analyze : callable
        Result of `make_analyzer`.
    markers : list of str
        Tokens that precede the fields of a row; empty if a row is a document.
    """
    if not markers:
        return analyze
    return partial(analyze_fields, markers=markers, analyze=analyze)


def encode_rows(
    rows: list, analyze: Analyzer, settings: dict[str, Any]
) -> EncodedDocuments:
    """Analyse and encode rows.

    Parameters
    ----------
    rows : list
        As in :class:`Documents`.
    analyze : callable
        Result of :func:`row_analyzer`.
    settings : dict
        Arguments of `make_analyzer`, for error messages.

    Raises
    ------
    ValueError
        If a function of the user returns invalid tokens.
    """
    with hashable_tokens(**settings):
        encoded = encode(rows, analyze)
    check_tokens(encoded.tokens, rows, analyze, **settings)
    return encoded


def dropped_part(
    length: int | np.ndarray, max_length: int, truncation: str
) -> tuple[int, int | np.ndarray]:
    """Return start and end of the dropped part of a document that is too long.

    Parameters
    ----------
    length : int or ndarray of int
        Number of tokens of the document.
    max_length, truncation
        Parameters of the vectorizer.
    """
    head = _KEPT_HEAD[truncation](max_length)
    return head, head + length - max_length


def truncated(
    ids: np.ndarray, lengths: np.ndarray, max_length: int, truncation: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ids and lengths of documents without what exceeds the maximum length.

    Parameters
    ----------
    ids : ndarray of shape (n_tokens_in_all_documents,)
    lengths : ndarray of shape (n_documents,)
    max_length, truncation
        Parameters of the vectorizer.
    """
    too_long = np.flatnonzero(lengths > max_length)
    if not len(too_long):
        return ids, lengths
    is_kept = np.ones(len(ids), bool)
    first, last = dropped_part(lengths[too_long], max_length, truncation)
    starts = np.cumsum(lengths)[too_long] - lengths[too_long]
    for start, end in zip(starts + first, starts + last, strict=True):
        is_kept[start:end] = False
    return ids[is_kept], np.minimum(lengths, max_length)


def check_columns(
    documents: Documents, *, n_columns: int, is_table: bool, names: Sequence[str] | None
) -> None:
    """Check that documents have the text columns seen in `fit`.

    Parameters
    ----------
    documents : Documents
    n_columns : int
        Number of columns seen in `fit`.
    is_table : bool
        Whether X was a table in `fit`.
    names : sequence of str or None
        Column names seen in `fit`, if X was a frame.

    Warns
    -----
    UserWarning
        If there are column names only now, or only in `fit`.

    Raises
    ------
    ValueError
        If the number or the names of columns differ.
    """
    if documents.is_table and is_table:
        _check_names(documents.frame_names, names)
    if documents.n_columns != n_columns:
        raise ValueError(
            f"X has {documents.n_columns} columns of text, but TextVectorizer is "
            f"expecting {n_columns} columns, as in fit."
        )


def _check_names(
    names: Sequence[str] | None, fitted_names: Sequence[str] | None
) -> None:
    """Check names as scikit-learn does for its estimators, with the same messages."""
    if names is None and fitted_names is None:
        return
    if fitted_names is None:
        warnings.warn(
            "X has feature names, but TextVectorizer was fitted without feature names",
            stacklevel=2,
        )
    elif names is None:
        warnings.warn(
            "X does not have valid feature names, but TextVectorizer was fitted with "
            "feature names",
            stacklevel=2,
        )
    elif list(names) != list(fitted_names):
        raise ValueError(
            "The feature names should match those that were passed during fit.\n"
            + _difference(set(names), set(fitted_names))
        )


def _difference(names: set[str], fitted_names: set[str]) -> str:
    message = ""
    if names - fitted_names:
        message += f"Feature names unseen at fit time:\n{_listed(names - fitted_names)}"
    if fitted_names - names:
        message += "Feature names seen at fit time, yet now missing:\n"
        message += _listed(fitted_names - names)
    order = "Feature names must be in the same order as they were in fit.\n"
    return message or order


def _listed(names: set[str]) -> str:
    lines = [f"- {name}\n" for name in sorted(names)]
    if len(lines) > _MOST_NAMES:
        lines[_MOST_NAMES:] = ["- ...\n"]
    return "".join(lines)
