"""Conversion of containers of text to rows of documents."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sklearn_bilstm.utils._containers import (
    columns_of,
    describe,
    to_list,
    unwrap_container,
)
from sklearn_bilstm.utils._missing import is_missing
from sklearn_bilstm.utils._sparse import is_sparse

__all__ = ["Documents", "documents_of", "read_documents"]


@dataclass(frozen=True)
class Documents:
    """Documents, or rows of a table of documents.

    Parameters
    ----------
    rows : list
        Documents, or tuples of documents if there are several columns. None stands for
        a missing document.
    names : list of str or None
        Column names. None if X was not a table.
    frame_names : list of str or None, default=None
        Column names, if X was a frame and all of them are strings.
    """

    rows: list
    names: list[str] | None
    frame_names: list[str] | None = None

    @property
    def is_table(self) -> bool:
        """Whether X was a table."""
        return self.names is not None

    @property
    def n_columns(self) -> int:
        """Number of columns; one if X was not a table."""
        return 1 if self.names is None else len(self.names)

    @property
    def markers(self) -> list[str]:
        """Tokens that precede the fields of a row; none for a single column."""
        if self.names is None or len(self.names) == 1:
            return []
        return [f"<{name}>" for name in self.names]


def read_documents(X: Any, *, missing: str, any_type: bool) -> Documents:
    """Read documents from a container.

    Parameters
    ----------
    X : iterable, array, column or frame
        A column of documents, or a NumPy, pandas, polars or pyarrow table with a
        document in every cell.
    missing : {"empty", "error"}
        Whether a missing document is allowed.
    any_type : bool
        Whether documents of other types than strings are allowed.

    Raises
    ------
    ValueError
        If X is not a supported container, or if a document is missing or not a string
        although that is not allowed.
    """
    columns, names = _columns(X)
    documents = documents_of(columns, names, missing=missing, any_type=any_type)
    return replace(documents, frame_names=_frame_names(X))


def documents_of(
    columns: list[list], names: list[str] | None, *, missing: str, any_type: bool
) -> Documents:
    """Return the documents of columns of equal length.

    Parameters
    ----------
    columns : list of list
    names : list of str or None
        Column names, None if there is a single column and no table.
    missing, any_type
        As for :func:`read_documents`.
    """
    texts = [
        _checked(column, names[j] if names else None, missing, any_type)
        for j, column in enumerate(columns)
    ]
    rows = texts[0] if len(texts) == 1 else list(zip(*texts, strict=True))
    return Documents(rows, names)


def _columns(X: Any) -> tuple[list[list], list[str] | None]:
    X = unwrap_container(X)
    table = columns_of(X)
    if table is not None:
        names, columns = table[0], [_list(column) for column in table[1]]
    elif isinstance(X, np.ndarray) and X.ndim == 2:
        names = [f"column{j}" for j in range(X.shape[1])]
        columns = X.T.tolist()
    else:
        return [_list(X)], None
    if not names:
        raise ValueError("X must have at least one column of text: got none.")
    return columns, names


def _frame_names(X: Any) -> list[str] | None:
    """Return the names of columns that scikit-learn stores as feature names."""
    if not hasattr(X, "columns"):
        return None
    names = list(X.column_names if hasattr(X, "column_names") else X.columns)
    are_names = bool(names) and all(isinstance(name, str) for name in names)
    return names if are_names else None


def _list(X: Any) -> list:
    one_of_many = isinstance(X, Iterable) and getattr(X, "ndim", 1) == 1
    if hasattr(X, "to_pylist"):  # an Arrow column
        return X.to_pylist()
    if isinstance(X, str | bytes) or is_sparse(X) or not one_of_many:
        raise ValueError(
            "X must be an iterable of documents or a table of them: got "
            f"{describe(X)}. Put a single document into a list."
        )
    return to_list(X)


def _checked(column: list, name: str | None, missing: str, any_type: bool) -> list:
    """Check the documents of a column, and replace missing ones by None."""
    if set(map(type, column)) <= {str}:
        return column
    location = "" if name is None else f" of column {name!r}"
    documents = [None if is_missing(document) else document for document in column]
    for row, document in enumerate(documents):
        if document is None and missing == "error":
            raise ValueError(
                f"X has a missing document: row {row}{location} holds {column[row]!r}. "
                "Use TextVectorizer(missing='empty') to treat it as an empty document."
            )
        if not (document is None or any_type or isinstance(document, str)):
            raise ValueError(
                f"X must hold strings: row {row}{location} holds {describe(document)}. "
                f"{_advice(document)}"
            )
    return documents


def _advice(document: Any) -> str:
    if isinstance(document, bytes):
        return "Decode it first, for instance with document.decode('utf-8')."
    if isinstance(document, Mapping):
        key = next(iter(document), "text")
        return f"Select the field with the text: [row[{key!r}] for row in X]."
    if isinstance(getattr(document, "text", None), str):
        return "Pass its text: [row.text for row in X]."
    if isinstance(document, list | tuple | np.ndarray):
        return "For documents that are already tokenised, use a callable analyzer."
    return "Select the columns that hold text, or convert them with astype(str)."
