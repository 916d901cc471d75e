"""Token ids with a fingerprint of their vocabulary, and the boundary after them."""

from typing import Any

import numpy as np
from scipy import sparse

from sklearn_bilstm.utils._ids import BOUNDARY

__all__ = ["TokenIds", "csr_of_rows", "find_boundary", "without_boundary"]


class TokenIds(sparse.csr_array):
    """A matrix of token ids with the fingerprint of their vocabulary.

    Indexing, copies, casts and pickles keep the fingerprint. Results of other SciPy
    functions, such as stacked matrices, have none.

    Attributes
    ----------
    fingerprint : ndarray of uint16, shape (n_tokens,), or None
        Result of :func:`vocabulary_fingerprint`. None if the vocabulary is unknown.
    """

    fingerprint: np.ndarray | None = None

    def _with_fingerprint(self, derived: Any) -> Any:
        if isinstance(derived, TokenIds):
            derived.fingerprint = self.fingerprint
        return derived

    def __getitem__(self, key: Any) -> Any:
        return self._with_fingerprint(super().__getitem__(key))

    def copy(self) -> "TokenIds":
        """Return a copy."""
        return self._with_fingerprint(super().copy())

    def astype(
        self, dtype: Any, casting: str = "unsafe", copy: bool = True
    ) -> "TokenIds":
        """Cast the ids to another type."""
        return self._with_fingerprint(super().astype(dtype, casting, copy))


def csr_of_rows(rows: list[np.ndarray]) -> sparse.csr_array:
    """Return 1-D arrays as the rows of a matrix, as wide as the longest of them."""
    lengths = [len(row) for row in rows]
    ends = np.cumsum([0, *lengths])
    # the dtype of empty rows is arbitrary
    values = np.concatenate([row for row in rows if len(row)] or rows)
    columns = np.arange(len(values)) - np.repeat(ends[:-1], lengths)
    return sparse.csr_array((values, columns, ends), (len(rows), max(1, *lengths)))


def find_boundary(X: Any) -> int | None:
    """Return the index of the column that separates token ids from static features.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_columns)

    Returns
    -------
    index : int or None
        None if no column holds the value `BOUNDARY` in every row, or if it has no ids
        before it.
    """
    if sparse.issparse(X):
        X = X.tocsr()
        columns = X.indices[X.data == BOUNDARY]
        is_in_all_rows = len(columns) == X.shape[0] > 0
        found = np.unique(columns) if is_in_all_rows else columns[:0]
    else:
        found = np.flatnonzero((X == BOUNDARY).all(axis=0)) if len(X) else X[:0]
    return int(found[0]) if len(found) == 1 and found[0] > 0 else None


def without_boundary(ids: Any) -> Any:
    """Return the columns before a boundary, which is the last column if there is one.

    Parameters
    ----------
    ids : {ndarray, sparse matrix} of shape (n_samples, n_columns)
        The columns before the static features.
    """
    last = ids[:, [-1]]
    last = last.toarray() if sparse.issparse(last) else last
    return ids[:, :-1] if len(last) and (last == BOUNDARY).all() else ids
