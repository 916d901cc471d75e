"""Checks of the description of a table in an exported file."""

from collections.abc import Callable, Container
from typing import Any

import numpy as np

from sklearn_bilstm.onnx._checks import is_count, require
from sklearn_bilstm.text._static_values import PARTS_OF_DATES

__all__ = ["check_table", "static_width"]

_PLAIN = str, bool, int, float
# Keys of the steps, by their kind.
_KEYS = {
    "encode": {"kind", "columns"},
    "impute": {"kind", "fill", "indicators", "missing"},
    "scale": {"kind", "subtract", "divide", "bounds"},
    "static": {"kind", "kinds", "impute", "encode"},
}
# Number of features of a column, by its kind.
_WIDTHS = {"number": 1, "date": len(PARTS_OF_DATES), "category": 1, "missing": 1}


def static_width(parts: list[dict[str, Any]]) -> int:
    """Return the number of static features of the parts of a valid description."""
    return sum(_width(len(part["columns"]), part["steps"]) for part in parts)


def _width(n_columns: int, steps: list[dict[str, Any]]) -> int:
    for step in steps:
        n_columns = _CHECKS[step["kind"]](step, n_columns)
    return n_columns


def check_table(table: dict[str, Any], n_static: int) -> None:
    """Check the description of a table.

    Raises
    ------
    ValueError
        If it differs from the format of :func:`~._table_description.describe_table`.
    """
    keys = {"names", "n_columns", "text", "parts"}
    require(table.keys() == keys, "the parts of a table", sorted(table))
    names, n_columns = table["names"], table["n_columns"]
    require(is_count(n_columns), "a number of columns", n_columns)
    if names is not None:
        are_names = type(names) is list and all(type(name) is str for name in names)
        require(are_names and len(names) == n_columns, "names of columns", names)
    _check_columns(table["text"], table)
    require(len(table["text"]) > 0, "columns of text", table["text"])
    require(type(table["parts"]) is list, "a list of parts", table["parts"])
    for part in table["parts"]:
        is_part = type(part) is dict and part.keys() == {"columns", "steps"}
        require(is_part, "columns and steps", part)
        _check_columns(part["columns"], table)
        require(type(part["steps"]) is list, "a list of steps", part["steps"])
        for step in part["steps"]:
            _check_keys(step)
    width = static_width(table["parts"])
    require(width == n_static, f"{n_static} static features", width)


def _check_keys(step: Any, kinds: Container[str] = _KEYS.keys()) -> None:
    is_step = type(step) is dict and type(step.get("kind")) is str
    is_known = is_step and step["kind"] in kinds
    require(is_known and step.keys() == _KEYS[step["kind"]], "a step", step)


def _check_columns(columns: Any, table: dict[str, Any]) -> None:
    require(type(columns) is list, "a list of columns", columns)
    names = table["names"]
    for column in columns:
        if names is None:
            is_known = is_count(column, 0) and column < table["n_columns"]
        else:
            is_known = type(column) is str and column in names
        require(is_known, "known columns", column)


def _check_scale(step: dict[str, Any], n_columns: int) -> int:
    for name in ("subtract", "divide"):
        _check_numbers(step[name], n_columns)
    if step["bounds"] is not None:
        _check_numbers(step["bounds"], 2)
    return n_columns


def _check_numbers(numbers: Any, n_numbers: int) -> None:
    are_numbers = type(numbers) is list and {*map(type, numbers)} <= {int, float}
    are_valid = are_numbers and len(numbers) == n_numbers and np.isfinite(numbers).all()
    require(bool(are_valid), f"{n_numbers} numbers", numbers)


def _check_impute(step: dict[str, Any], n_columns: int) -> int:
    fill, indicators = step["fill"], step["indicators"]
    are_values = type(fill) is list and all(_is_category(value) for value in fill)
    require(are_values and len(fill) == n_columns, f"{n_columns} imputed values", fill)
    require(_is_category(step["missing"]), "a missing value", step["missing"])
    are_indices = type(indicators) is list and all(
        is_count(index, 0) and index < n_columns for index in indicators
    )
    require(are_indices, "indices of columns", indicators)
    return len(fill) - fill.count(None) + len(indicators)


def _check_encode(step: dict[str, Any], n_columns: int) -> int:
    columns = step["columns"]
    is_list = type(columns) is list and len(columns) == n_columns
    require(is_list, f"encodings of {n_columns} columns", columns)
    return sum(map(_check_encoded, columns))


def _check_encoded(encoded: Any) -> int:
    keys = {"categories", "codes", "unknown", "width"}
    require(type(encoded) is dict and encoded.keys() == keys, "an encoding", encoded)
    categories, codes, unknown, width = (
        encoded[name] for name in ("categories", "codes", "unknown", "width")
    )
    are_categories = type(categories) is list and all(map(_is_category, categories))
    require(are_categories, "categories", categories)
    for numbers in (codes, unknown):
        are_codes = type(numbers) is list and all(map(_is_code, numbers))
        require(are_codes, "codes of categories", numbers)
    require(len(codes) == len(categories), "a code for each category", codes)
    require(len(unknown) < 2, "one code of unknown categories", unknown)
    if width is None:
        return 1
    require(is_count(width, 0) and width <= len(codes), "a number of codes", width)
    return width


def _check_static(step: dict[str, Any], n_columns: int) -> int:
    kinds = step["kinds"]
    are_kinds = type(kinds) is list and {*map(str, kinds)} <= _WIDTHS.keys()
    require(are_kinds and len(kinds) == n_columns, f"{n_columns} kinds", kinds)
    for name in ("impute", "encode"):
        _check_keys(step[name], {name})
    n_categories = kinds.count("category")
    n_numbers = sum(_WIDTHS[kind] for kind in kinds) - n_categories
    n_features = _check_impute(step["impute"], n_numbers)
    return n_features + _check_encode(step["encode"], n_categories)


def _is_category(value: Any) -> bool:
    return value is None or type(value) in _PLAIN


def _is_code(value: Any) -> bool:
    return value is None or type(value) in (int, float)


_CHECKS: dict[str, Callable[[dict[str, Any], int], int]] = {
    "encode": _check_encode,
    "impute": _check_impute,
    "scale": _check_scale,
    "static": _check_static,
}
