"""The column that separates token ids from static features, without SciPy."""

from typing import Any

import numpy as np

from sklearn_bilstm.utils._ids import BOUNDARY
from sklearn_bilstm.utils._sparse import is_sparse

__all__ = ["find_boundary", "without_boundary"]


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
    n_rows = X.shape[0]
    if not n_rows:
        return None
    if is_sparse(X):
        X = X.tocsr()
        columns = X.indices[X.data == BOUNDARY]
        if len(columns) != n_rows:
            return None
        columns = np.unique(columns)
    else:
        columns = np.flatnonzero((X == BOUNDARY).all(axis=0))
    return int(columns[0]) if len(columns) == 1 and columns[0] > 0 else None


def without_boundary(ids: Any) -> Any:
    """Return the columns before a boundary, which is the last column if there is one.

    Parameters
    ----------
    ids : {ndarray, sparse matrix} of shape (n_samples, n_columns)
        The columns before the static features.
    """
    last = ids[:, [-1]]
    last = last.toarray() if is_sparse(last) else last
    return ids[:, :-1] if len(last) and (last == BOUNDARY).all() else ids
