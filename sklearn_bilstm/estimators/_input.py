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
        If X is text, holds NaN, infinity or what is too large for float32, or is not
        2-D.
    """
    name = type(estimator).__name__
    if _holds_text(X):
        raise ValueError(
            f"X holds text, and {name} reads token ids or numbers. Put a "
            f"TextVectorizer in front: make_pipeline(TextVectorizer(), {name}())."
        )
    if isinstance(X, list | tuple) or _is_array_of_rows(X):
        X = _stacked(X)
    X = check_array(
        X,
        accept_sparse=False if input_type == "numeric" else "csr",
        ensure_all_finite=False,
        estimator=estimator,
        input_name="X",
    )
    _check_finite(X)
    return X


def infer_input_type(X, input_type):
    """Say whether a validated X holds "tokens" or is "numeric"."""
    if input_type != "auto":
        return input_type
    return "tokens" if sparse.issparse(X) or X.dtype.kind in "iu" else "numeric"


def _check_finite(X):
    """Refuse what is no number or none of float32, naming the row."""
    values = X.data if sparse.issparse(X) else X
    if values.dtype.kind != "f":
        return
    with np.errstate(invalid="ignore"):
        fits = np.abs(values) <= np.finfo(np.float32).max
    if fits.all():
        return
    place = int(np.argmin(fits))
    if sparse.issparse(X):
        row = int(np.searchsorted(X.indptr, place, side="right")) - 1
    else:
        row = place // X.shape[1]
    value = values.flat[place]
    found = "NaN" if np.isnan(value) else "infinity" if np.isinf(value) else value
    raise ValueError(
        f"X contains {found} in row {row}: it must hold finite numbers of the range of "
        "float32."
    )


def _is_array_of_rows(X):
    return isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1


def _stacked(rows):
    try:
        return np.asarray(rows.tolist() if isinstance(rows, np.ndarray) else rows)
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
