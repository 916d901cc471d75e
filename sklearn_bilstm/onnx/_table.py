"""Tables of a served model, without scikit-learn.

The columns are transformed by the steps of a description, see
:mod:`sklearn_bilstm.onnx._table_description`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from sklearn_bilstm.onnx._texts import TextReader
from sklearn_bilstm.sequences import RaggedArray
from sklearn_bilstm.text._column_values import categories_of
from sklearn_bilstm.text._documents import Documents, documents_of
from sklearn_bilstm.text._static_values import numeric_features, read_as
from sklearn_bilstm.utils._containers import (
    LIST_METHODS,
    columns_of,
    describe,
    to_list,
    unwrap_container,
)
from sklearn_bilstm.utils._finite import find_non_finite
from sklearn_bilstm.utils._missing import is_missing

__all__ = ["TableReader"]

_NUMBERS = Real, Decimal, np.bool_


class _Column(NamedTuple):
    """A column between two steps.

    Parameters
    ----------
    name : str or int
        The original column of the table.
    values : list or ndarray of float64, shape (n_rows,)
        Numbers are an array if they have been converted. For a "static" step, which
        needs the dtype, the column of the frame.
    """

    name: str | int
    values: Any


@dataclass(frozen=True)
class TableReader:
    """Converts tables to token ids and static features.

    Parameters
    ----------
    texts : TextReader
    names : list of str or None
        Column names seen in `fit`. None if X was an array.
    n_columns : int
        Number of columns seen in `fit`.
    text : list of str or int
        Columns with text.
    parts : list of dict
        Other columns, and the steps that transform them.
    """

    texts: TextReader
    names: list[str] | None
    n_columns: int
    text: list
    parts: list[dict[str, Any]]

    @property
    def columns(self) -> list:
        """The columns that a table must have."""
        other_columns = [name for part in self.parts for name in part["columns"]]
        return list(dict.fromkeys([*self.text, *other_columns]))

    def read(self, X: Any) -> tuple[RaggedArray, np.ndarray]:
        """Return the token ids, and the static features of shape (n_rows, n_static).

        Parameters
        ----------
        X : frame, mapping of columns, or list of mappings
            The rows of a list are mappings from the names of columns to values. If the
            model was fitted to an array, X can be a table of as many columns.

        Raises
        ------
        ValueError
            If X is not such a table, lacks a column, or has a value that the steps do
            not support.
        """
        column_of = self._columns(X)
        columns = {name: _checked(column_of(name), name) for name in self.columns}
        n_rows = len(columns[self.text[0]])
        for name, column in columns.items():
            if len(column) != n_rows:
                raise ValueError(
                    f"All columns of X must have the same length: {self.text[0]!r} has "
                    f"{n_rows} rows and {name!r} {len(column)}."
                )
        text = [to_list(columns[name]) for name in self.text]
        ids = self.texts.encode(self._documents(text))
        return ids, self._static(columns, n_rows)

    def _documents(self, columns: list[list]) -> Documents:
        names: list | None = None
        if self.texts.is_table:
            names = [f"column{index}" for index in range(len(columns))]
            names = names if self.names is None else self.text
        missing = self.texts.settings["missing"]
        return documents_of(columns, names, missing=missing, any_type=False)

    def _static(self, columns: dict[Any, Any], n_rows: int) -> np.ndarray:
        """Return the static features, which must be finite."""
        features = []
        for part, steps in zip(self.parts, self._steps, strict=True):
            is_typed = part["steps"] and part["steps"][0]["kind"] == "static"
            block = [
                _Column(
                    name,
                    columns[name] if is_typed else _plain_values(columns[name], name),
                )
                for name in part["columns"]
            ]
            for function, step in steps:
                block = function(step, block)
            features += [_with_numbers(column) for column in block]
        if not features:
            return np.empty((n_rows, 0))
        static = np.column_stack([feature.values for feature in features])
        non_finite = find_non_finite(static)
        if non_finite is not None:
            index, value = non_finite
            row, column = divmod(index, len(features))
            raise ValueError(
                f"The column {features[column].name!r} of X must hold finite numbers: "
                f"row {row} is {value}. Missing numbers need a SimpleImputer in the "
                "fitted pipeline."
            )
        return static

    @cached_property
    def _steps(self) -> list[list[tuple[Callable, dict[str, Any]]]]:
        """Function and arguments of each step of each part."""
        return [
            [(_STEPS[step["kind"]], _with_lookups(step)) for step in part["steps"]]
            for part in self.parts
        ]

    def _columns(self, X: Any) -> Callable[[str | int], Any]:
        """Return a function from the name or index to a column."""
        if isinstance(X, list | tuple) and not X:
            raise ValueError("X must contain at least one row: got none.")
        if isinstance(X, list | tuple) and any(isinstance(row, Mapping) for row in X):
            return lambda name: [_cell(row, name, i) for i, row in enumerate(X)]
        if isinstance(X, Mapping):
            return lambda name: _cell(X, name)
        X = unwrap_container(X)
        table = columns_of(X)
        if table is None:
            return self._columns_of_array(X)
        names, columns = table
        if self.names is None:
            self._check_n_columns(len(names))
            return lambda index: columns[int(index)]
        self._check_repeated(names)
        by_name = dict(zip(names, columns, strict=True))
        return lambda name: _cell(by_name, name)

    def _columns_of_array(self, X: Any) -> Callable[[str | int], list]:
        rows = X.tolist() if isinstance(X, np.ndarray) else X
        is_table = isinstance(rows, list | tuple) and all(
            isinstance(row, list | tuple) for row in rows
        )
        if self.names is not None or not is_table:
            expected = self.names or f"{self.n_columns} columns"
            raise ValueError(
                f"X must be a frame, a dict of columns or a list of dicts, with "
                f"{expected!r:.200}: got {describe(X)}."
            )
        for row in rows:
            self._check_n_columns(len(row))
        return lambda index: [row[int(index)] for row in rows]

    def _check_repeated(self, names: list) -> None:
        used = [name for name in names if name in self.columns]
        repeated = [name for name in self.columns if used.count(name) > 1]
        if repeated:
            raise ValueError(
                "X must have one column of each name: got several named "
                f"{repeated[0]!r}."
            )

    def _check_n_columns(self, n_columns: int) -> None:
        if n_columns != self.n_columns:
            raise ValueError(
                f"X must have {self.n_columns} columns, as in fit: got {n_columns}."
            )


def _cell(row: Any, name: Any, number: int | None = None) -> Any:
    """Return a value of a mapping, which must have it."""
    if not isinstance(row, Mapping):
        raise ValueError(f"X must be a list of dicts: row {number} is {describe(row)}.")
    if name not in row:
        where = "X" if number is None else f"Row {number} of X"
        raise ValueError(
            f"{where} must have the column {name!r}, as in fit: got "
            f"{[*row]!r:.200}. A missing value is None."
        )
    return row[name]


def _checked(column: Any, name: Any) -> Any:
    """Return the column of a frame, a list or an array, or raise an error."""
    is_array = any(hasattr(column, method) for method in LIST_METHODS)
    is_scalar = getattr(column, "shape", None) == ()
    if not isinstance(column, list | tuple) and (is_scalar or not is_array):
        raise ValueError(
            f"The column {name!r} of X must be a list, an array or a column of a "
            f"frame: got {describe(column)}. For a single row, pass a list with its "
            "dict."
        )
    return column


def _plain_values(column: Any, name: Any) -> list:
    """Return the values of a column that is not one of dates or durations.

    Raises
    ------
    ValueError
        If the column is an array of dates or durations, which NumPy lists as ints.
    """
    if isinstance(column, np.ndarray) and column.dtype.kind in "mM":
        raise ValueError(
            f"The column {name!r} of X must hold numbers, strings or bools: got an "
            f"array of dtype {column.dtype}. Convert it to numbers, as before fit."
        )
    return to_list(column)


def _with_numbers(column: _Column) -> _Column:
    """Return a column as float64; missing values become NaN."""
    if isinstance(column.values, np.ndarray):
        return column
    if {*map(type, column.values)} <= {bool, int, float}:
        try:
            return column._replace(values=np.array(column.values, np.float64))
        except OverflowError:  # an int, which the error message below shows
            pass
    numbers = [_number(value, column, row) for row, value in enumerate(column.values)]
    return column._replace(values=np.array(numbers, np.float64))


def _number(value: Any, column: _Column, row: int) -> float:
    if is_missing(value):
        return np.nan
    try:
        if isinstance(value, _NUMBERS) and not isinstance(value, np.timedelta64):
            return float(value)
    except OverflowError:
        pass
    raise ValueError(
        f"The column {column.name!r} of X must hold finite numbers: row {row} is "
        f"{describe(value)}."
    )


def _scale(step: dict[str, Any], columns: list[_Column]) -> list[_Column]:
    scaled = []
    for column, shift, scale in zip(
        columns, step["subtract"], step["divide"], strict=True
    ):
        with np.errstate(all="ignore"):
            values = (_with_numbers(column).values - shift) / scale
        if step["bounds"] is not None:
            values = np.clip(values, *step["bounds"])
        scaled.append(column._replace(values=values))
    return scaled


def _impute(step: dict[str, Any], columns: list[_Column]) -> list[_Column]:
    gaps = [_gaps(column.values, step["missing"]) for column in columns]
    filled = [
        column._replace(values=_filled(column.values, gap, fill))
        for column, gap, fill in zip(columns, gaps, step["fill"], strict=True)
        if fill is not None
    ]
    indicators = [
        _Column(columns[index].name, gaps[index].astype(np.float64))
        for index in step["indicators"]
    ]
    return filled + indicators


def _gaps(values: Any, missing: Any) -> np.ndarray:
    """Return the mask of missing values, which are None, NaN or a given value."""
    if missing is None:
        return np.fromiter(map(is_missing, values), bool, len(values))
    return np.fromiter((value == missing for value in values), bool, len(values))


def _filled(values: Any, gap: np.ndarray, fill: Any) -> Any:
    if isinstance(values, np.ndarray) and not isinstance(fill, str):
        return np.where(gap, fill, values)
    return [fill if is_gap else v for is_gap, v in zip(gap, values, strict=True)]


def _encode(step: dict[str, Any], columns: list[_Column]) -> list[_Column]:
    encoded = []
    for encoding, column in zip(step["columns"], columns, strict=True):
        codes = _codes(encoding, column)
        if encoding["width"] is None:
            encoded.append(column._replace(values=codes))
        else:
            is_code = codes[:, np.newaxis] == np.arange(encoding["width"])
            encoded += [column._replace(values=row) for row in is_code.T.astype(float)]
    return encoded


def _static(step: dict[str, Any], columns: list[_Column]) -> list[_Column]:
    numbers, categories = [], []
    for kind, column in zip(step["kinds"], columns, strict=True):
        name = str(column.name)
        typed = read_as(column.values, name, kind)
        if kind == "category":
            strings = categories_of(typed.values).tolist()
            categories.append(column._replace(values=strings))
        else:
            features = numeric_features(typed, name, kind).T
            numbers += [column._replace(values=values) for values in features]
    return _impute(step["impute"], numbers) + _encode(step["encode"], categories)


def _with_lookups(step: dict[str, Any]) -> dict[str, Any]:
    """Return encodings with the code of each category; other steps are unchanged."""
    if step["kind"] == "static":
        return {**step, "encode": _with_lookups(step["encode"])}
    if step["kind"] != "encode":
        return step
    columns = []
    for column in step["columns"]:
        pairs = zip(column["categories"], column["codes"], strict=True)
        columns.append({**column, "code_of": dict(pairs)})
    return {**step, "columns": columns}


def _codes(encoding: dict[str, Any], column: _Column) -> np.ndarray:
    """Return the code of each value of a column."""
    code_of, unknown = encoding["code_of"], encoding["unknown"]
    codes = []
    for row, value in enumerate(column.values):
        category = None if is_missing(value) else value
        try:
            matches = [code_of[category]] if category in code_of else unknown
        except TypeError:  # a list, for instance
            matches = []
        if not matches:
            raise ValueError(
                f"The column {column.name!r} of X has an unknown category: row {row} "
                f"is {describe(value)}. Set handle_unknown of the fitted encoder to "
                "accept unknown categories."
            )
        codes.append(np.nan if matches[0] is None else matches[0])
    return np.array(codes, np.float64)


_STEPS: dict[str, Callable[[dict[str, Any], list[_Column]], list[_Column]]] = {
    "encode": _encode,
    "impute": _impute,
    "scale": _scale,
    "static": _static,
}
