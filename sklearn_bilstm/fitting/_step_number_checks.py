"""Validation of a y with numbers for each step of a row."""

from typing import Any

import numpy as np
from scipy import sparse

from sklearn_bilstm.utils._containers import as_target, describe
from sklearn_bilstm.utils._finite import find_non_finite
from sklearn_bilstm.utils._missing import is_missing
from sklearn_bilstm.utils._nesting import as_column
from sklearn_bilstm.utils._rows import RowsOfNumbers

__all__ = ["check_step_numbers", "has_step_numbers"]


def has_step_numbers(y: Any, output_type: str) -> bool:
    """Return whether y holds numbers for each step instead of each row.

    With `output_type="auto"`, it does if it is 3-D, or a list or a column of arrays, or
    a frame with such a column only. Any subset of the rows gives the same result.

    Parameters
    ----------
    y : object
        y as passed by the user.
    output_type : {"auto", "rows", "steps"}
    """
    if output_type != "auto":
        return output_type == "steps"
    y = as_column(as_target(y))
    if isinstance(y, str | bytes) or sparse.issparse(y) or np.isscalar(y) or y is None:
        return False
    n_dimensions = 1 if isinstance(y, list | tuple) else getattr(y, "ndim", 0)
    if n_dimensions != 1:
        return n_dimensions == 3
    rows = [row for row in y if not is_missing(row)]
    return bool(rows) and all(map(_is_array, rows))


def _is_array(row: Any) -> bool:
    # tensors and columns of frames are arrays too; NumPy scalars have no dimensions
    return hasattr(row, "__array__") and getattr(row, "ndim", 0) in (1, 2)


def check_step_numbers(y: Any, estimator: str) -> RowsOfNumbers:
    """Validate numbers of steps.

    Parameters
    ----------
    y : object
        A list, an array of objects or a column with an array of shape (n_timesteps,) or
        (n_timesteps, n_outputs) per row, or an array of shape (n_samples, n_timesteps)
        or (n_samples, n_timesteps, n_outputs).
    estimator : str
        Name of the estimator, for error messages.

    Returns
    -------
    rows : RowsOfNumbers of ndarray of float64
        All 1-D or all 2-D, with the same number of outputs. They can contain NaN.

    Raises
    ------
    ValueError
        If y is no such object, or if a row has an invalid number or no number at all.
        The message names the row.
    """
    if y is None:
        raise ValueError(
            f"{estimator} requires y to be passed, but the target y is None."
        )
    rows = [_checked_row(row, index) for index, row in enumerate(_rows_of(y))]
    if not rows:
        raise ValueError("y must hold numbers for at least one row: got 0 rows.")
    shapes = [row.shape[1:] for row in rows if len(row)]
    if not shapes:
        raise ValueError("y must hold at least one number: all rows are empty.")
    for index, row in enumerate(rows):
        if not len(row):
            rows[index] = np.empty((0, *shapes[0]))
        elif row.shape[1:] != shapes[0]:
            raise ValueError(
                "All rows of y must have the same number of outputs per step: the "
                f"first one has the shape {_shape(shapes[0])} and row {index} has "
                f"{_shape(row.shape[1:])}."
            )
        elif np.isnan(row).all():
            raise ValueError(
                f"y has a missing label: row {index} has no number at any step. "
                "Remove rows without a number."
            )
    return RowsOfNumbers(rows)


def _shape(shape_of_step: tuple[int, ...]) -> str:
    return f"(n_timesteps, {shape_of_step[0]})" if shape_of_step else "(n_timesteps,)"


def _rows_of(y: Any) -> list:
    """Return the rows of a container of y, not yet validated."""
    y = as_column(as_target(y))
    if isinstance(y, list | tuple):
        return list(y)
    rows = y.toarray() if sparse.issparse(y) else np.asarray(y)
    is_flat = rows.ndim == 1 and rows.dtype.kind != "O"
    if is_flat or rows.ndim not in (1, 2, 3):
        raise ValueError(
            "y must hold an array of numbers for each row of X, with one number or "
            "several per step; for one number per row, set output_type='rows'. Got "
            f"{describe(y)}."
        )
    return list(rows)


def _checked_row(row: Any, index: int) -> np.ndarray:
    """Return a row as an array of float64; missing numbers become NaN."""
    try:
        row = as_target(row, name=f"y[{index}]")
        values = np.asarray(row)
        if values.dtype.kind == "O":
            cells = [np.nan if is_missing(cell) else cell for cell in values.flat]
            values = np.array(cells).reshape(values.shape)
    except ValueError as error:
        raise _row_error(index, f"{error}") from error
    if values.dtype.kind not in "biuf":
        raise _row_error(index, f"values of type {values.dtype}")
    if values.ndim not in (1, 2) or (values.ndim == 2 and not values.shape[1]):
        raise _row_error(index, describe(row))
    values = values.astype(np.float64)
    non_finite = find_non_finite(np.where(np.isnan(values), 0.0, values))
    if non_finite is not None:
        raise ValueError(
            f"y contains {non_finite[1]} in row {index}: it must hold finite numbers "
            "within the range of float32, or NaN at steps without a number."
        )
    return values


def _row_error(index: int, got: str) -> ValueError:
    return ValueError(
        "y must hold real numbers for each row of X, of shape (n_timesteps,) or "
        f"(n_timesteps, n_outputs): got for row {index} {got}. For one number per "
        "row, or several, set output_type='rows'."
    )
