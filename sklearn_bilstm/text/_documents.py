"""From whatever holds text to rows of documents."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_bilstm.utils._containers import columns_of, describe, plain
from sklearn_bilstm.utils._missing import is_missing

__all__ = ["Documents", "read_documents"]


@dataclass(frozen=True)
class Documents:
    """Documents, or rows of a table of documents.

    Parameters
    ----------
    rows : list
        A document each, or a tuple of documents where there are several columns. None
        stands for a missing document.
    names : list of str or None
        Names of the columns. None where the documents came without a table.
    """

    rows: list
    names: list[str] | None

    @property
    def is_table(self) -> bool:
        """Whether the documents came in columns."""
        return self.names is not None

    @property
    def n_columns(self) -> int:
        """Number of columns; documents without a table are one."""
        return 1 if self.names is None else len(self.names)

    @property
    def markers(self) -> list[str]:
        """Tokens to put before the fields of a row, none for a single column."""
        return [f"<{name}>" for name in self.names or []] * (self.n_columns > 1)


def read_documents(X: Any, *, missing: str, any_type: bool) -> Documents:
    """Read documents from a container.

    Parameters
    ----------
    X : iterable, array, column or frame
        One column of documents, or a table with documents in every cell, of numpy,
        pandas, polars or pyarrow.
    missing : {"empty", "error"}
        Whether a missing document is allowed.
    any_type : bool
        Whether documents may be other things than strings.

    Raises
    ------
    ValueError
        If X is no such container, or if a document is missing and must not be, or is
        not a string and must be one.
    """
    columns, names = _columns(X)
    for j, name in enumerate(names or [None]):
        columns[j] = _checked(columns[j], name, missing, any_type)
    rows = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
    return Documents(rows, names)


def _columns(X: Any) -> tuple[list[list], list[str] | None]:
    X = plain(X)
    table = columns_of(X)
    if table is not None:
        names, columns = table[0], [_list(column) for column in table[1]]
    elif isinstance(X, np.ndarray) and X.ndim == 2:
        names = [f"column{j}" for j in range(X.shape[1])]
        columns = X.T.tolist()
    else:
        return [_list(X)], None
    if not names:
        raise ValueError("X must have a column of text: it has no column at all.")
    return columns, names


def _list(X: Any) -> list:
    one_of_many = isinstance(X, Iterable) and getattr(X, "ndim", 1) == 1
    if hasattr(X, "to_pylist"):  # a column of Arrow
        return X.to_pylist()
    if isinstance(X, str | bytes) or sparse.issparse(X) or not one_of_many:
        raise ValueError(
            "X must be an iterable of documents or a table of them: got "
            f"{describe(X)}. Put a single document into a list."
        )
    for method in ("to_list", "tolist"):
        if hasattr(X, method):
            return getattr(X, method)()
    return list(X)


def _checked(column: list, name: str | None, missing: str, any_type: bool) -> list:
    """Check the documents of a column and put None for each missing one."""
    if set(map(type, column)) <= {str}:
        return column
    place = "" if name is None else f" of column {name!r}"
    documents = [None if is_missing(document) else document for document in column]
    for row, document in enumerate(documents):
        if document is None and missing == "error":
            raise ValueError(
                f"X has a missing document: row {row}{place} holds {column[row]!r}. "
                "TextVectorizer(missing='empty') reads it as a text without a word."
            )
        if not (document is None or any_type or isinstance(document, str)):
            raise ValueError(
                f"X must hold strings: row {row}{place} holds {describe(document)}. "
                f"{_way_out(document)}"
            )
    return documents


def _way_out(document: Any) -> str:
    if isinstance(document, bytes):
        return "Decode it first, for instance by document.decode('utf-8')."
    if isinstance(document, Mapping):
        key = next(iter(document), "text")
        return f"Select what holds the text: [row[{key!r}] for row in X]."
    if isinstance(getattr(document, "text", None), str):
        return "Give its text: [row.text for row in X]."
    if isinstance(document, list | tuple | np.ndarray):
        return "Documents that are tokenised already take a callable analyzer."
    return "Select the columns that hold text, or convert them by astype(str)."
