"""Validation of X: what comes from a user, as sequences."""

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

__all__ = ["check_matrix", "infer_input_type"]


def check_matrix(X, *, input_type, estimator):
    """Validate X as scikit-learn does, after a look for text.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_timesteps)
    input_type : {"auto", "tokens", "numeric"}
    estimator : estimator
        For messages.

    Returns
    -------
    X : ndarray or CSR array or matrix

    Raises
    ------
    ValueError
        If X is text, holds NaN or infinity, or is not 2-D.
    """
    name = type(estimator).__name__
    if _holds_text(X):
        raise ValueError(
            f"X holds text, and {name} reads token ids or numbers. Put a "
            f"TextVectorizer in front: make_pipeline(TextVectorizer(), {name}())."
        )
    if isinstance(X, list | tuple):
        X = _stacked(X)
    return check_array(
        X,
        accept_sparse=False if input_type == "numeric" else "csr",
        estimator=estimator,
        input_name="X",
    )


def infer_input_type(X, input_type):
    """Say whether a validated X holds "tokens" or is "numeric"."""
    if input_type != "auto":
        return input_type
    return "tokens" if sparse.issparse(X) or X.dtype.kind in "iu" else "numeric"


def _stacked(rows):
    try:
        return np.asarray(rows)
    except ValueError as error:
        raise ValueError(
            "X must be 2-D, but its rows have unequal length. Token ids of unequal "
            "length come as a scipy.sparse.csr_array, or filled up with 0."
        ) from error


def _holds_text(X):
    if sparse.issparse(X):
        return False
    try:
        array = np.asarray(X)
    except ValueError:  # rows of unequal length
        return _is_text(list(X))
    return array.dtype.kind in "USTO" and any(map(_is_text, array.flat))


def _is_text(cell):
    if isinstance(cell, list | tuple):
        return any(map(_is_text, cell))
    return isinstance(cell, str | bytes)
