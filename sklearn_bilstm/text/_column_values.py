"""Values of the columns of a table, as arrays of NumPy."""

from collections.abc import Callable, Container, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

from sklearn_bilstm.utils._containers import (
    columns_of,
    describe,
    to_list,
    unwrap_container,
)
from sklearn_bilstm.utils._missing import is_missing

__all__ = [
    "TypedColumn",
    "categories_of",
    "cells_of",
    "check_columns",
    "columns_of_table",
    "in_utc",
    "read_column",
    "tags_of_frames",
]

# Category of missing values.
_MISSING = "(missing)"

# Whole decimals with at most this number of digits are categories as integers.
_N_DIGITS = 30
_A_DAY = timedelta(days=1)


class TypedColumn(NamedTuple):
    """A column of a table.

    Parameters
    ----------
    kind : {"number", "date", "text", "category", "missing"}
        "number" includes booleans and durations. "text" is a column of strings.
        "missing" has no values at all.
    values : ndarray of shape (n_rows,)
        Float64 for numbers, with NaN for missing values and durations in days;
        datetime64 in UTC for dates; and otherwise objects, with None.
    """

    kind: str
    values: np.ndarray


def columns_of_table(X: Any) -> tuple[list[str], list]:
    """Return the names and the columns of a frame.

    Raises
    ------
    ValueError
        If X is no frame, has no columns or rows, or has two columns of one name.
    """
    table = columns_of(unwrap_container(X))
    if table is None:
        raise ValueError(
            "X must be a table with names of columns, such as a frame of pandas, "
            f"polars or pyarrow: got {describe(X)}. For texts alone, use "
            "TextVectorizer."
        )
    names, columns = table
    if not names or not len(columns[0]):
        raise ValueError(
            "X must have at least one row and one column: got the shape "
            f"{(len(columns[0]) if names else 0, len(names))}."
        )
    if len(set(names)) < len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"X must have one column of each name: {repeated!r} repeats.")
    return names, columns


def tags_of_frames(tags: Any) -> Any:
    """Return the tags of a transformer, changed to those of one that takes frames."""
    tags.input_tags.two_d_array = False
    tags.input_tags.string = True
    tags.input_tags.categorical = True
    tags.input_tags.allow_nan = True
    tags.transformer_tags.preserves_dtype = []
    return tags


def check_columns(names: Container[str], wanted: Iterable[str], estimator: str) -> None:
    """Raise a ValueError if the columns that an estimator was fitted on are missing."""
    missing = next((name for name in wanted if name not in names), None)
    if missing is not None:
        raise ValueError(
            f"X must have the columns that {estimator} was fitted on: {missing!r} is "
            "missing."
        )


def read_column(column: Any, name: str) -> TypedColumn:
    """Detect the kind of a column, and convert its values.

    Parameters
    ----------
    column : array-like
        A column of pandas, polars, pyarrow or NumPy.
    name : str
        Name of the column, for error messages.

    Returns
    -------
    column : TypedColumn

    Raises
    ------
    ValueError
        If the values are of another type, or of several types.
    """
    dtype: Any = getattr(column, "dtype", getattr(column, "type", None))
    if _is_categorical(dtype):
        return TypedColumn("category", cells_of(column))
    array = _typed(column, dtype)
    if array is None:
        return _inferred(cells_of(column), name)
    if array.dtype.kind == "m":
        array = array / np.timedelta64(1, "D")
    if array.dtype.kind == "M":
        return TypedColumn("missing" if np.isnat(array).all() else "date", array)
    values = array.astype(np.float64)
    return TypedColumn("missing" if np.isnan(values).all() else "number", values)


def categories_of(values: np.ndarray) -> np.ndarray:
    """Return values as strings, with "(missing)" for missing ones.

    Whole numbers have no decimals, so that 1 and 1.0 are one category.
    """
    return np.array([_category(value) for value in values.tolist()], object)


def _category(value: Any) -> str:
    if is_missing(value):
        return _MISSING
    if isinstance(value, Decimal):
        value = _plain_decimal(value)
    is_number = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    if is_number and not isinstance(value, Integral) and float(value).is_integer():
        value = int(value)
    return str(value)


def _plain_decimal(value: Decimal) -> int | float:
    is_exact = value.is_finite() and value.adjusted() < _N_DIGITS
    return int(value) if is_exact and value == int(value) else float(value)


def _is_categorical(dtype: Any) -> bool:
    kinds = "CategoricalDtype", "Categorical", "Enum", "DictionaryType"
    return type(dtype).__name__ in kinds


def _typed(column: Any, dtype: Any) -> np.ndarray | None:
    """Return a column as an array of numbers, dates or durations, None if it is not."""
    kind = getattr(dtype, "kind", "O")
    if isinstance(dtype, np.dtype):
        return np.asarray(column) if kind in "biufmM" else None
    if hasattr(column, "iloc"):  # an extension type of pandas
        if kind in "biuf":
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
        if dtype.type is date:  # of pyarrow, without a conversion of missing ones
            return None
        unit = {"M": "datetime64[us]", "m": "timedelta64[us]"}.get(kind)
        return None if unit is None else column.to_numpy(dtype=unit)
    if hasattr(dtype, "is_numeric"):  # polars
        if dtype.is_numeric() or str(dtype) == "Boolean":
            return column.cast(float).to_numpy()
        values = column.to_numpy() if dtype.is_temporal() else None
        return values if values is not None and values.dtype.kind in "mM" else None
    return None


def cells_of(column: Any) -> np.ndarray:
    """Return the values of a column as objects, None for missing ones."""
    cells = to_list(column)
    objects = np.empty(len(cells), object)
    objects[:] = [None if is_missing(cell) else cell for cell in cells]
    return objects


def _inferred(objects: np.ndarray, name: str) -> TypedColumn:
    """Detect the kind of a column of objects by their types."""
    present = [cell for cell in objects if cell is not None]
    if not present:
        return TypedColumn("missing", objects)
    if all(isinstance(cell, str) for cell in present):
        return TypedColumn("text", objects)
    for types_of_kind, convert, kind in _CONVERSIONS:
        if all(isinstance(cell, types_of_kind) for cell in present):
            return TypedColumn(kind, convert(objects))
    types = sorted({type(cell).__name__ for cell in present})
    raise ValueError(
        f"The column {name!r} of X must hold strings, numbers, booleans or dates, and "
        f"missing values: got values of the types {', '.join(types)}. Convert it, such "
        "as with astype(str), or leave it out."
    )


def _floats(objects: np.ndarray) -> np.ndarray:
    return np.array([np.nan if c is None else _float(c) for c in objects])


def _float(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return np.inf if number > 0 else -np.inf


def _dates(objects: np.ndarray) -> np.ndarray:
    return np.array([in_utc(cell) for cell in objects], "datetime64[us]")


def in_utc(cell: Any) -> Any:
    """Return a time with an offset as a datetime64; other values are unchanged.

    Unlike a datetime, it can be in the year 0 or 10000.
    """
    offset = cell.utcoffset() if isinstance(cell, datetime) else None
    if offset is None:
        return cell
    local = np.datetime64(cell.replace(tzinfo=None), "us")
    return local - np.timedelta64(offset, "us")


def _durations(objects: np.ndarray) -> np.ndarray:
    return np.array([np.nan if c is None else c / _A_DAY for c in objects])


_CONVERSIONS: list[tuple[tuple, Callable, str]] = [
    ((Real, np.bool_, Decimal), _floats, "number"),
    ((date, np.datetime64), _dates, "date"),
    ((timedelta,), _durations, "number"),
]
