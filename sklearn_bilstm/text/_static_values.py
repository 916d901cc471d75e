"""Numeric features and categories of the columns of a table, without scikit-learn."""

import re
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from sklearn_bilstm.text._column_values import (
    TypedColumn,
    cells_of,
    in_utc,
    read_column,
)
from sklearn_bilstm.utils._containers import describe
from sklearn_bilstm.utils._finite import find_non_finite

__all__ = ["PARTS_OF_DATES", "numeric_features", "read_as", "read_in_fit"]

# Features of a date, in this order.
PARTS_OF_DATES = "days", "month", "weekday", "hour"

_KINDS = {"number": "numbers", "date": "dates"}

# Strings that are dates. Of the format ISO 8601, those without hyphens are excluded,
# such as 20240131, since codes can look the same.
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?")


def read_in_fit(column: Any, name: str) -> TypedColumn:
    """Read a column of a table to fit to.

    The result is that of :func:`read_column`, except that strings are dates if all of
    them are in the format ISO 8601, or blank.

    Parameters
    ----------
    column : array-like
        A column of pandas, polars, pyarrow or NumPy.
    name : str
        Name of the column, for error messages.

    Raises
    ------
    ValueError
        As by :func:`read_column`.
    """
    kind, values = read_column(column, name)
    if kind == "text" and not all(map(_is_blank, values)):
        try:
            return TypedColumn("date", _dates_of_strings(values, name))
        except ValueError:
            pass
    return TypedColumn(kind, values)


def read_as(column: Any, name: str, wanted: str) -> TypedColumn:
    """Read a column whose kind in `fit` is known.

    The result is that of :func:`read_column`, except that strings in a column of dates
    are read as dates, and that numbers in a column of categories keep their type. The
    values of a column that had none in `fit` are ignored.

    Parameters
    ----------
    column : array-like
        A column of pandas, polars, pyarrow or NumPy, or a list.
    name : str
        Name of the column, for error messages.
    wanted : {"number", "date", "category", "missing"}
        Kind in `fit`.

    Raises
    ------
    ValueError
        As by :func:`read_column`, if a string is not in the format ISO 8601, or if a
        column of categories holds dates or durations.
    """
    if wanted == "missing":
        return TypedColumn("missing", np.full(len(column), None))
    kind, values = read_column(column, name)
    if wanted == "date" and kind == "text":
        return TypedColumn("date", _dates_of_strings(values, name))
    if wanted == "category" and kind not in ("category", "text"):
        cells = cells_of(column)
        _check_categories(cells, name)
        return TypedColumn(kind, cells)
    return TypedColumn(kind, values)


def numeric_features(column: TypedColumn, name: str, wanted: str) -> np.ndarray:
    """Return the features of a column of numbers or dates, NaN for missing values.

    Parameters
    ----------
    column : TypedColumn
        Result of :func:`read_as`.
    name : str
        Name of the column, for error messages.
    wanted : {"number", "date", "missing"}
        Kind in `fit`.

    Returns
    -------
    features : ndarray of float64, shape (n_rows, n_features)
        A date has the features `PARTS_OF_DATES`.

    Raises
    ------
    ValueError
        If the values are of another kind, or infinite.
    """
    kind, values = column
    if kind == "missing":
        width = len(PARTS_OF_DATES) if wanted == "date" else 1
        return np.full((len(values), width), np.nan)
    if kind != wanted:
        raise ValueError(
            f"The column {name!r} of X must hold {_KINDS[wanted]}, as in fit: got "
            f"{_KINDS.get(kind, 'strings or categories')}."
        )
    features = _parts_of_dates(values) if wanted == "date" else values[:, None]
    _check_finite(features, name)
    return features


def _check_categories(cells: np.ndarray, name: str) -> None:
    for row, cell in enumerate(cells):
        if isinstance(cell, date | timedelta):
            raise ValueError(
                f"The column {name!r} of X must hold strings, numbers, booleans or "
                f"categories, as in fit: row {row} is {describe(cell)}. Convert the "
                "column as for fit, such as with astype('category')."
            )


def _is_blank(text: str | None) -> bool:
    return text is None or not text.strip()


def _dates_of_strings(strings: np.ndarray, name: str) -> np.ndarray:
    """Return dates in UTC, NaT for blank strings.

    Raises
    ------
    ValueError
        If a string is not in the format ISO 8601, or not in the calendar.
    """
    dates = np.full(len(strings), np.datetime64("NaT"), "datetime64[us]")
    for row, text in enumerate(strings):
        if _is_blank(text):
            continue
        try:
            if not _DATE.fullmatch(text):
                raise ValueError
            dates[row] = in_utc(datetime.fromisoformat(text))
        except ValueError:
            raise ValueError(
                f"The column {name!r} of X must hold dates, as in fit, or strings in "
                "the format ISO 8601, such as '2024-01-31' or '2024-01-31T12:30:00Z': "
                f"row {row} is {describe(text)}. A missing date is None or blank."
            ) from None
    return dates


def _parts_of_dates(dates: np.ndarray) -> np.ndarray:
    """Return days since 1970, month, weekday and hour, NaN for missing dates."""
    whole = {
        unit: dates.astype(f"datetime64[{unit}]").astype(np.int64) for unit in "MDh"
    }
    parts = {
        "days": (dates - np.datetime64(0, "D")) / np.timedelta64(1, "D"),
        "month": whole["M"] % 12 + 1,
        "weekday": (whole["D"] + 3) % 7,  # 1970 began on a Thursday
        "hour": whole["h"] % 24,
    }
    features = np.column_stack([parts[part] for part in PARTS_OF_DATES])
    features[np.isnat(dates)] = np.nan
    return features


def _check_finite(features: np.ndarray, name: str) -> None:
    non_finite = find_non_finite(np.where(np.isnan(features), 0.0, features))
    if non_finite is not None:
        index, value = non_finite
        raise ValueError(
            f"The column {name!r} of X contains {value} in row "
            f"{index // features.shape[1]}: it must hold finite numbers within the "
            "range of float32, or missing values."
        )
