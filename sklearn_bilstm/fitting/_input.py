"""Validation of X."""

import warnings
from collections.abc import Iterable
from numbers import Number
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from sklearn_bilstm.utils._containers import describe, resolve_masked
from sklearn_bilstm.utils._finite import find_non_finite
from sklearn_bilstm.utils._missing import is_missing
from sklearn_bilstm.utils._stored_ids import StoredTokenIds

__all__ = [
    "as_series",
    "check_finite",
    "check_matrix",
    "check_stored",
    "holds_text",
    "infer_input_type",
    "refuse_panel",
    "refuse_text",
    "warn_of_integers",
    "warn_of_swapped_axes",
]

# Axes are suspected to be swapped if there are at least this many times as many
# channels as steps, and at most this many steps. Real sets rarely have so few steps of
# so many channels, except for series of embeddings, which are not smooth across their
# channels. Series are: their neighbouring numbers differ less.
_MIN_CHANNELS_PER_STEP, _MOST_SUSPECTED_STEPS = 10, 32
_MOST_ROUGHNESS = 0.8
_ROWS_OF_SAMPLE = 200


def refuse_text(X: Any, *, estimator: str) -> None:
    """Raise an error that recommends the vectorizer, if X contains text.

    Raises
    ------
    ValueError
        If X contains text.
    """
    if holds_text(X):
        raise ValueError(
            f"X contains text, but {estimator} requires token ids or numbers. Use a "
            f"pipeline: make_pipeline(TextVectorizer(), {estimator}())."
        )


def holds_text(X: Any) -> bool:
    """Return whether X contains a string, at any depth of lists.

    Parameters
    ----------
    X : object
        X as passed by the user.
    """
    if sparse.issparse(X):
        return False
    try:
        array = np.asarray(X)
    except ValueError:  # rows of unequal length
        return _is_text(list(X))
    return array.dtype.kind in "USTO" and any(map(_is_text, array.flat))


def as_series(X: Any, input_type: str) -> Any:
    """Return X as numeric series, if it cannot be a matrix.

    Parameters
    ----------
    X : object
        Result of :func:`~sklearn_bilstm.utils._containers.as_rows`.
    input_type : {"auto", "tokens", "numeric"}

    Returns
    -------
    series : ndarray of shape (n_samples, n_timesteps, n_channels), list of ndarray or \
            None
        A list if the number of steps differs. None if X is a matrix.
    """
    if getattr(X, "ndim", 1) > 2:
        return _as_array_of_series(X)
    if not isinstance(X, list):
        return None
    if not all(isinstance(row, list | tuple | np.ndarray) for row in X):
        return None
    try:
        rows = [np.asarray(row) for row in X]
    except ValueError:  # steps with unequal channels
        return None
    n_dims = {row.ndim for row in rows}
    if n_dims == {2}:
        return _checked_series(rows)
    # a list of lists is a matrix if it can be one, a list of arrays is not
    unequal = len({len(row) for row in rows}) > 1
    arrays = all(isinstance(row, np.ndarray) for row in X)
    fractions = any(row.dtype.kind == "f" for row in rows if len(row))
    is_numeric = input_type == "numeric" or fractions
    is_empty = not any(map(len, rows))  # the matrix would have no columns
    if n_dims == {1} and is_numeric and (unequal or arrays or is_empty):
        return _checked_series(rows)
    return None


def _as_array_of_series(X: Any) -> np.ndarray:
    X = np.asarray(X)
    if X.ndim > 3:
        raise ValueError(
            "X must be 2-D, or 3-D of shape (n_samples, n_timesteps, n_channels): got "
            f"an array of shape {X.shape}."
        )
    return _checked_series([X])[0]


def _checked_series(rows: list) -> list:
    """Raise an error if a series does not hold numbers."""
    for row, values in enumerate(rows):
        if values.dtype.kind == "O":
            rows[row] = values = _floats_of(values)
        if values.dtype.kind not in "biufc":
            raise ValueError(
                f"X must hold series of numbers: got values of type {values.dtype} in "
                f"row {row}."
            )
    return rows


def _floats_of(values: np.ndarray) -> np.ndarray:
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError):
        return values


def check_matrix(X: Any, *, input_type: str, estimator: str) -> Any:
    """Validate a matrix as scikit-learn does.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_timesteps)
    input_type : {"auto", "tokens", "numeric"}
    estimator : str
        Name of the estimator, for error messages.

    Returns
    -------
    X : ndarray or CSR array or matrix

    Raises
    ------
    ValueError
        If X is not 2-D or does not hold numbers.
    """
    if isinstance(X, list):
        X = resolve_masked(_stacked(X), input_type)
    if isinstance(X, np.ndarray) and X.dtype.kind == "O":
        _refuse_non_numbers(X.flat)
    if input_type != "numeric" and _is_plain_csr(X):
        return X  # the checks would dominate the prediction of a single row
    X = check_array(
        X,
        accept_sparse=False if input_type == "numeric" else "csr",
        ensure_all_finite=False,
        estimator=estimator,
        input_name="X",
    )
    if X.dtype.kind not in "biuf":
        raise ValueError(
            f"X must hold token ids or numbers: got values of type {X.dtype}."
        )
    # sparse matrices cannot hold float16, and neither can it hold a boundary
    return X.astype(np.float32) if X.dtype == np.float16 else X


def _refuse_non_numbers(cells: Iterable) -> None:
    """Raise an error for the first cell that is neither a number nor missing."""
    for cell in cells:
        if not (isinstance(cell, Number) or is_missing(cell)):
            raise TypeError(  # scikit-learn's suite wants this type and these words
                "X must hold token ids or numbers, and each argument must be not a "
                f"string but a number: got {describe(cell)}."
            )


def check_stored(
    X: StoredTokenIds, input_type: str, max_id: int | None, *, n_static: int
) -> None:
    """Validate token ids in a file.

    Parameters
    ----------
    X : StoredTokenIds
    input_type : {"auto", "tokens", "numeric"}
    max_id : int or None
        Largest valid id. None allows any id.
    n_static : int
        Number of static features.

    Raises
    ------
    ValueError
        If X must hold numbers or static features, or has no rows or a large id.
    """
    if input_type == "numeric":
        raise ValueError(
            "X must hold numbers, as with input_type='numeric': got token ids in a "
            "file."
        )
    if n_static:
        raise ValueError(
            "The 'n_static_features' parameter requires a 2-D X, whose last columns "
            "are the static features: got token ids in a file."
        )
    if not len(X):
        raise ValueError(
            f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is "
            "required."
        )
    if max_id is not None and X.largest_id > max_id:
        raise ValueError(
            f"X must hold token ids of at most {max_id:,}: got {X.largest_id}."
        )


def infer_input_type(X: Any, input_type: str, n_static_features: int = 0) -> str:
    """Return whether a validated X holds "tokens" or is "numeric"."""
    if input_type != "auto":
        return input_type
    holds_ids = sparse.issparse(X) or X.dtype.kind in "iu" or n_static_features
    return "tokens" if holds_ids else "numeric"


def warn_of_integers(estimator: str) -> None:
    """Warn that integers are read as token ids, although they may be numbers."""
    warnings.warn(
        f"X holds integers, which {estimator} reads as token ids with "
        "input_type='auto'. Set input_type='tokens' if they are token ids, or "
        "input_type='numeric' if they are counts, measurements or other numbers.",
        UserWarning,
        stacklevel=2,
    )


def warn_of_swapped_axes(X: np.ndarray) -> None:
    """Warn if an array of series seems to have its channels before its steps.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_timesteps, n_channels)
    """
    n_timesteps, n_channels = X.shape[1:]
    most_suspected = min(n_channels / _MIN_CHANNELS_PER_STEP, _MOST_SUSPECTED_STEPS)
    if not X.size or n_timesteps > most_suspected:
        return
    if n_timesteps > 1 and not _is_smoother_across_channels(X):
        return
    warnings.warn(
        f"X has the shape {X.shape}, which is (n_samples, n_timesteps, n_channels), "
        "but its values look as if the last two axes were swapped. If channels come "
        "first, as in aeon and sktime, pass sklearn_bilstm.sequences.channels_last(X). "
        "If the shape is correct, list(X) avoids this warning.",
        UserWarning,
        stacklevel=2,
    )


def _is_smoother_across_channels(X: np.ndarray) -> bool:
    values = X[:_ROWS_OF_SAMPLE].real.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # validated later
        step_roughness, channel_roughness = (
            np.nan_to_num(np.square(np.diff(values, axis=axis))).mean()
            for axis in (1, 2)
        )
        return bool(channel_roughness < _MOST_ROUGHNESS * step_roughness)


def refuse_panel(X: Any) -> None:
    """Raise an error if X seems to be a frame of several series, a row for each step.

    Parameters
    ----------
    X : object
        X as passed by the user, whose rows do not match y, or the series in fit.

    Raises
    ------
    ValueError
        If X is a frame with an index of several levels.
    """
    n_levels = getattr(getattr(X, "index", None), "nlevels", 1)
    if n_levels > 1:
        raise ValueError(
            f"X must hold a series in each row: got a frame of {len(X)} rows with an "
            f"index of {n_levels} levels. If its rows are steps of series, pass "
            "sklearn_bilstm.sequences.split_panel(X). If they are series, pass "
            "X.to_numpy()."
        )


def check_finite(X: Any, *, name: str = "X") -> None:
    """Raise an error if a value is not finite or out of the range of float32.

    Parameters
    ----------
    X : ndarray or CSR array or matrix
    name : str, default="X"
        Name of X in error messages.

    Raises
    ------
    ValueError
        If X holds NaN, infinity or a value too large for float32.
    """
    values = X.data if sparse.issparse(X) else X
    if values.dtype.kind != "f":
        return
    non_finite = find_non_finite(values)
    if non_finite is None:
        return
    index, value = non_finite
    if sparse.issparse(X):
        row = int(np.searchsorted(X.indptr, index, side="right")) - 1
    else:
        row = index // X.shape[1]
    raise ValueError(
        f"{name} contains {value} in row {row}: it must hold finite numbers within the "
        "range of float32."
    )


def _is_plain_csr(X: Any) -> bool:
    """Return whether scikit-learn's checks would return X unchanged."""
    is_csr = sparse.issparse(X) and X.format == "csr" and X.ndim == 2
    return is_csr and X.dtype.kind in "biuf" and min(X.shape) > 0


def _stacked(rows: list) -> np.ndarray:
    try:
        return np.asarray(rows)
    except ValueError as error:
        _refuse_non_numbers(
            cell for row in rows for cell in np.ravel(np.array(row, dtype=object))
        )
        single = [i for i, row in enumerate(rows) if not hasattr(row, "__len__")]
        if len(single) not in (0, len(rows)):
            raise ValueError(
                f"X must be a sequence of rows: row {single[0]} is "
                f"{rows[single[0]]!r:.80}, which is no sequence, unlike other rows."
            ) from error
        raise ValueError(
            "X must be 2-D, but its rows have unequal length. Pass token ids of "
            "unequal length as lists of ints, and numeric series as a list of arrays, "
            "with input_type='numeric' if they are ints."
        ) from error


def _is_text(cell: Any) -> bool:
    if isinstance(cell, np.ndarray):
        return cell.dtype.kind in "USTO" and any(map(_is_text, cell.flat))
    if isinstance(cell, list | tuple):
        return any(map(_is_text, cell))
    return isinstance(cell, str | bytes)
