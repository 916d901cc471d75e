from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from sklearn_bilstm.text._column_values import (
    categories_of,
    check_columns,
    columns_of_table,
    read_column,
)

ROME = timezone(timedelta(hours=2))
NOON = datetime(2020, 5, 1, 12)
# Values of a column, its kind, and what is read from it.
COLUMNS = {
    "ints": ([3, 1], "number", [3.0, 1.0]),
    "floats": ([0.5, None], "number", [0.5, np.nan]),
    "ints with a gap": ([3, None], "number", [3.0, np.nan]),
    "booleans": ([True, False], "number", [1.0, 0.0]),
    "booleans with a gap": ([True, None], "number", [1.0, np.nan]),
    "decimals": ([Decimal("0.5"), Decimal(2)], "number", [0.5, 2.0]),
    "durations": ([timedelta(hours=12), timedelta(1)], "number", [0.5, 1.0]),
    "dates": ([date(2020, 5, 1), None], "date", ["2020-05-01", "NaT"]),
    "times": ([NOON, None], "date", ["2020-05-01T12", "NaT"]),
    "times in Rome": ([NOON.replace(tzinfo=ROME)], "date", ["2020-05-01T10"]),
    "times in UTC": ([NOON.replace(tzinfo=UTC)], "date", ["2020-05-01T12"]),
    "strings": (["a", None], "text", ["a", None]),
    "nothing": ([None, None], "missing", [None, None]),
}
MAKERS = {
    "pandas": pd.Series,
    "pandas objects": lambda values: pd.Series(values, dtype=object),
    "pandas without NumPy": lambda values: pd.Series(values).convert_dtypes(),
    "pandas with Arrow": lambda v: pd.Series(v).convert_dtypes(dtype_backend="pyarrow"),
    "polars": pl.Series,
    "pyarrow": lambda values: pa.chunked_array([pa.array(values)]),
}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("name", COLUMNS)
def test_kinds_and_values_do_not_depend_on_the_library(name, maker):
    values, kind, expected = COLUMNS[name]
    found_kind, found = read_column(MAKERS[maker](values), name)
    assert found_kind == kind
    if kind == "date":
        np.testing.assert_array_equal(found, np.array(expected, "datetime64[us]"))
    elif kind == "number":
        assert found.dtype == np.float64
        np.testing.assert_array_equal(found, expected)
    elif kind == "text":
        assert found.tolist() == expected
    else:
        assert pd.isna(found).all()


def test_the_first_missing_column_is_named():
    check_columns(["a", "b", "c"], ["c", "a"], "Encoder")
    with pytest.raises(ValueError, match="that Encoder was fitted on: 'd' is missing"):
        check_columns(["a", "b"], ["b", "d", "e"], "Encoder")


def test_dates_of_arrow_can_be_missing_in_pandas():
    values = pd.array([date(2020, 5, 1), None], pd.ArrowDtype(pa.date32()))
    kind, found = read_column(pd.Series(values), "sent")
    assert kind == "date"
    np.testing.assert_array_equal(found, np.array(["2020-05-01", "NaT"], "M8[us]"))


@pytest.mark.parametrize("name", ["NaN", "sNaN"])
def test_decimals_that_are_no_numbers_are_missing(name):
    kind, found = read_column([Decimal(name), Decimal(2)], "price")
    assert kind == "number"
    np.testing.assert_array_equal(found, [np.nan, 2])


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["b", None, "b"], dtype="category"),
        pl.Series(["b", None, "b"], dtype=pl.Categorical),
        pl.Series(["b", None, "b"], dtype=pl.Enum(["a", "b"])),
        pa.chunked_array([pa.array(["b", None, "b"]).dictionary_encode()]),
    ],
)
def test_categorical_dtypes_are_categories(column):
    kind, values = read_column(column, "kind")
    assert kind == "category"
    assert values.tolist() == ["b", None, "b"]


def test_categories_are_strings_and_whole_numbers_have_no_decimals():
    values = np.array(["a", None, 1, 1.0, 0.5, True, np.nan], object)
    found = categories_of(values).tolist()
    assert found == ["a", "(missing)", "1", "1", "0.5", "True", "(missing)"]


@pytest.mark.parametrize("values", [["a", 1], [[1], [2]], [1j, 2j], [date.max, 1]])
def test_values_of_other_types_raise_an_error_that_names_the_column(values):
    with pytest.raises(ValueError, match="column 'mixed' of X must hold strings, num"):
        read_column(pd.Series(values, dtype=object), "mixed")


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([["a", 1]], "must be a table with names of columns"),
        (np.zeros((2, 2)), "must be a table with names of columns"),
        (pd.Series(["a"]), "use TextVectorizer"),
        (pd.DataFrame({"a": []}), r"one row and one column: got the shape \(0, 1\)"),
        (pd.DataFrame(index=[0, 1]), r"one row and one column: got the shape \(0, 0\)"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "'a' repeats"),
        ({"a": [1]}, "must be a list, an array, a column or a frame"),
    ],
)
def test_objects_that_are_no_tables_raise(X, message):
    with pytest.raises(ValueError, match=message):
        columns_of_table(X)
