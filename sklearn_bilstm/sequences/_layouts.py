"""Conversion of the layouts of series that other libraries use."""

from typing import Any

import numpy as np

__all__ = ["channels_last", "split_panel"]

_ADVICE_OF_NESTED = (
    " Its cells are series: the estimators accept such a frame as it is, with a column "
    "for each channel."
)


def channels_last(X: Any) -> Any:
    """Convert series with channels before steps, as in aeon and sktime.

    The estimators of this package expect steps before channels, as Keras and tslearn
    do. They cannot detect swapped axes in general.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_channels, n_timesteps) or list of array-like
        An array, or a list of arrays of shape (n_channels, n_timesteps), whose lengths
        can differ.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, n_channels) or list of ndarray
        A view of an array, or a list of arrays of shape (n_timesteps, n_channels).

    Raises
    ------
    ValueError
        If X does not have this shape, or if series differ in their number of channels.

    See Also
    --------
    split_panel : Split a long frame into one frame per series.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_bilstm.sequences import channels_last
    >>> X = np.zeros((40, 6, 100))  # 6 channels of 100 steps
    >>> channels_last(X).shape
    (40, 100, 6)
    """
    if isinstance(X, list | tuple):
        return _transposed(X)
    series = np.asarray(X)
    if series.ndim == 1 and series.dtype == object:  # an array of arrays
        return _transposed(list(series))
    if series.ndim != 3:
        raise ValueError(
            "X must have the shape (n_samples, n_channels, n_timesteps): got an "
            f"object of type {type(X).__name__} with the shape {series.shape}."
            + _advice_of_shape(X, series)
        )
    return series.swapaxes(1, 2)


def _advice_of_shape(X: Any, series: np.ndarray) -> str:
    if getattr(getattr(X, "index", None), "nlevels", 1) > 1:
        return " For a frame with an index of series and times, use split_panel."
    if _is_nested(X):
        return _ADVICE_OF_NESTED
    if series.ndim == 2:
        return " The estimators accept series of one channel as they are."
    return ""


def _is_nested(X: Any) -> bool:
    """Return whether X is a frame of pandas whose first cell is a series."""
    is_frame = hasattr(X, "iloc") and np.ndim(X) == 2 and np.size(X) > 0
    return is_frame and np.ndim(X.iloc[0, 0]) == 1


def _transposed(X: list | tuple) -> list[np.ndarray]:
    series: list[np.ndarray] = []
    for row, values in enumerate(X):
        array = _array_of_row(values, row)
        if array.ndim != 2:
            raise ValueError(
                "Each series of X must have the shape (n_channels, n_timesteps): that "
                f"of row {row} is {array.shape}."
            )
        n_channels = series[0].shape[1] if series else len(array)
        if len(array) != n_channels:
            raise ValueError(
                "All series of X must have the same number of channels, their first "
                f"axis: row 0 has {n_channels} and row {row} has {len(array)}."
            )
        series.append(array.T)
    return series


def _array_of_row(values: Any, row: int) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError as error:
        lengths = [np.size(channel) for channel in values]
        raise ValueError(
            "All channels of a series of X must have the same length: those of row "
            f"{row} have {lengths} steps."
        ) from error


def split_panel(X: Any) -> list:
    """Split a frame of several series, one step per row, into one frame per series.

    Such frames are called panels, or data in long format. sktime and aeon call their
    type "pd-multiindex".

    Parameters
    ----------
    X : pandas DataFrame or Series
        One row per step and one column per channel. The last level of the index is the
        time, and the levels before it identify the series.

    Returns
    -------
    series : list of DataFrame
        The series, in the order in which they begin in X, each with its steps in the
        order of time. The estimators accept this list, and check the names of the
        columns in predictions.

    Raises
    ------
    ValueError
        If X has no such index, or if a series has two steps of the same time.

    See Also
    --------
    channels_last : Convert arrays of series with channels before steps.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_bilstm.sequences import split_panel
    >>> index = pd.MultiIndex.from_tuples([("a", 0), ("a", 1), ("b", 0)])
    >>> X = pd.DataFrame({"height": [1.0, 1.5, 2.0]}, index=index)
    >>> [len(series) for series in split_panel(X)]
    [2, 1]
    """
    n_levels = getattr(getattr(X, "index", None), "nlevels", 0)
    if n_levels < 2:
        given = "an index of one level" if n_levels else type(X).__name__
        if _is_nested(X):
            raise ValueError(f"X must have a row for each step.{_ADVICE_OF_NESTED}")
        raise ValueError(
            "X must be a pandas DataFrame whose index holds the series and the time of "
            f"each row: got {given}. Set the index, for instance with "
            "X.set_index(['series', 'time'])."
        )
    if hasattr(X, "to_frame"):  # a Series
        X = X.to_frame()
    levels = list(range(n_levels - 1))
    groups = X.groupby(level=levels, sort=False, dropna=False)
    return [_in_order(name, rows.droplevel(levels)) for name, rows in groups]


def _in_order(name: tuple, series: Any) -> Any:
    repeated = series.index[series.index.duplicated()]
    if len(repeated):
        raise ValueError(
            "Each series of X must have one row per time: series "
            f"{name[0] if len(name) == 1 else name!r} has several of time "
            f"{repeated[0]}."
        )
    return series.sort_index()
