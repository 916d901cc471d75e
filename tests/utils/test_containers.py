import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from scipy import sparse

from sklearn_bilstm.utils._containers import (
    as_rows,
    as_target,
    lists_of_ids,
    unwrap_container,
)

IDS = np.array([[5, 6, 7], [8, 9, 0]])
MASKED = np.ma.masked_equal(IDS, 0)
NAN = np.where(IDS == 0, np.nan, IDS)
NULLABLE = {
    "nullable": pd.DataFrame(IDS).convert_dtypes().replace(0, pd.NA),
    "arrow": pd.DataFrame({"a": [5, 8], "b": [6, 9], "c": [7, None]}).convert_dtypes(
        dtype_backend="pyarrow"
    ),
    "polars": pl.DataFrame({"a": [5, 8], "b": [6, 9], "c": [7, None]}),
    "pyarrow": pa.table({"a": [5, 8], "b": [6, 9], "c": [7, None]}),
    "objects": np.array([[5, 6, 7], [8, 9, None]], dtype=object),
}
nullable = pytest.mark.parametrize("X", NULLABLE.values(), ids=NULLABLE)


@nullable
@pytest.mark.parametrize("input_type", ["auto", "tokens"])
def test_integers_with_missing_values_stay_integers(X, input_type):
    found = as_rows(X, input_type=input_type)
    assert found.dtype.kind == "i"
    assert np.array_equal(found, IDS)


@nullable
def test_missing_values_are_nan_if_input_type_is_numeric(X):
    found = as_rows(X, input_type="numeric")
    assert np.array_equal(found, NAN, equal_nan=True)


@pytest.mark.parametrize(
    "X",
    [
        np.ma.masked_equal([[5, 6], [7, 8]], 7),
        [np.array([5, 6]), np.ma.masked_equal([7, 8], 7)],
        np.array([[5, 6], [None, 8]], dtype=object),
    ],
    ids=["masked", "masked row", "objects"],
)
def test_a_missing_id_before_the_last_raises_with_its_row(X):
    with pytest.raises(ValueError, match="without gaps: row 1"):
        as_rows(X, input_type="tokens")


def test_masked_integers_are_numbers_unless_input_type_is_tokens():
    for X in (MASKED, MASKED / 1.0):
        assert np.array_equal(as_rows(X, input_type="auto"), NAN, equal_nan=True)
    assert np.array_equal(as_rows(MASKED, input_type="tokens"), IDS)
    series = np.ma.dstack([MASKED, MASKED])
    found = as_rows(series, input_type="auto")
    assert np.array_equal(found, np.dstack([NAN, NAN]), equal_nan=True)


def test_fractional_numbers_are_not_converted_to_integers():
    mixed = np.array([[5, 0.5], [None, True]], dtype=object)
    assert as_rows(mixed, input_type="auto") is mixed
    found = as_rows(np.array([[5, 0.5], [pd.NA, 1]], object), input_type="auto")
    assert np.array_equal(found, [[5, 0.5], [np.nan, 1]], equal_nan=True)


def test_supported_input_is_not_copied():
    for X in (IDS, sparse.csr_array(IDS), pd.DataFrame(IDS)):
        assert as_rows(X, input_type="auto") is X


def test_tensors_of_any_dtype_become_arrays():
    for tensor in (
        torch.ones(2, 3, dtype=torch.bfloat16),
        torch.ones(2, 3, requires_grad=True),
    ):
        assert np.array_equal(unwrap_container(tensor), np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"sparse tensor. Convert it to a scipy"):
        unwrap_container(torch.ones(2, 3).to_sparse())


def test_columns_of_a_nested_frame_are_channels_of_equal_length():
    frame = pd.DataFrame({name: [pd.Series([1.0, 2.0])] for name in "ab"})
    (row,) = as_rows(frame, input_type="auto")
    assert row.tolist() == [[1, 1], [2, 2]]
    frame["b"] = [pd.Series([1.0])]
    with pytest.raises(ValueError, match=r"same length: .* row 0 have \[1, 2\]"):
        as_rows(frame, input_type="auto")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [[5], None]}, "column 'a' has None .* in row 1"),
        ({"a": [None, [5]]}, "column 'a' has None .* in row 0"),
        ({"a": [pd.Series([1.0])], "b": [2.0]}, r"column 'b' has 2\.0 .* in row 0"),
        ({"b": [2.0], "a": [np.array([1.0])]}, r"column 'b' has 2\.0 .* in row 0"),
    ],
)
def test_a_cell_of_a_nested_frame_without_a_sequence_raises(columns, message):
    with pytest.raises(ValueError, match=message):
        as_rows(pd.DataFrame(columns), input_type="auto")


def test_text_next_to_sequences_is_left_to_later_checks():
    X = pd.DataFrame({"text": ["good film"], "ids": [[5, 6]]})
    assert as_rows(X, input_type="auto").tolist() == [["good film", [5, 6]]]


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_several_columns_of_lists_raise(frame):
    X = frame({"input_ids": [[5, 6]], "attention_mask": [[1, 1]]})
    with pytest.raises(ValueError, match=r"Select one, such as X\['input_ids'\]"):
        as_rows(X, input_type="auto")


def test_an_object_whose_conversion_fails_raises():
    class Broken:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("on another device")

    with pytest.raises(ValueError, match="type Broken .*on another device"):
        as_rows(Broken(), input_type="auto")


@pytest.mark.parametrize("row", [object(), {1: 2}, {3}])
def test_an_invalid_row_raises(row):
    with pytest.raises(ValueError, match=r"row 1 is|X\[1\] must"):
        as_rows([[5, 6], row], input_type="auto")


def test_lists_of_ids_of_unequal_length_become_arrays():
    floats = [[5.0, 6.0, 7.0], [8.0, 9.0]]
    for X, input_type in [
        ([[5, 6, 7], [8, 9]], "auto"),
        ([(5, 6, 7), np.array([8, 9])], "auto"),
        (floats, "tokens"),
    ]:
        rows = lists_of_ids(X, input_type=input_type)
        assert [row.tolist() for row in rows] == [[5, 6, 7], [8, 9]]


@pytest.mark.parametrize(
    ("X", "input_type"),
    [
        ([[5, 6], [8]], "numeric"),
        ([[5.0, 6.0], [8.0]], "auto"),
        ([[5, 6], [8, 9]], "tokens"),
        ([[[5], [6]], [[8]]], "tokens"),
        ([[5, 6], ["a"]], "tokens"),
        ([5, 6], "tokens"),
    ],
    ids=str,
)
def test_other_lists_are_not_read_as_lists_of_ids(X, input_type):
    assert lists_of_ids(X, input_type=input_type) is None


def test_a_masked_target_is_none_and_an_unmasked_one_keeps_its_dtype():
    y = np.ma.masked_array([1, 2], [False, True])
    assert as_target(y).tolist() == [1, None]
    assert as_target(y[:1]).dtype == y.dtype


@pytest.mark.parametrize("y", [iter([1]), {"a": 1}.values(), {"a": 1}, {1}])
def test_an_invalid_target_container_raises(y):
    with pytest.raises(ValueError, match="^y must be"):
        as_target(y)


def test_a_sparse_pandas_frame_equals_a_dense_one():
    frame = pd.DataFrame(IDS / 2).astype(pd.SparseDtype(float, np.nan))
    assert np.array_equal(as_rows(frame, input_type="auto"), IDS / 2)


@pytest.mark.parametrize(
    "X", [{"a": 1}.keys(), {"a": 1}.items()], ids=["keys", "items"]
)
def test_views_of_a_dict_raise(X):
    with pytest.raises(ValueError, match=r"pass list\(X\)"):
        as_rows(X, input_type="auto")


def test_a_pandas_group_by_raises():
    grouped = pd.Series([1, 2]).groupby([0, 1])
    with pytest.raises(ValueError, match="X must be a list.*SeriesGroupBy"):
        as_rows(grouped, input_type="auto")


def test_a_series_with_dates_among_its_channels_raises():
    row = pd.DataFrame({"a": [1.0, 2.0], "t": pd.date_range("2020", periods=2)})
    with pytest.raises(ValueError, match=r"X\[1\] must have numeric columns"):
        as_rows([row[["a"]], row], input_type="auto")


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="needs numpy 2")
def test_labels_of_numpy_string_dtype_become_objects():
    y = np.array(["a", "b"], dtype=np.dtypes.StringDType())
    assert as_target(y).tolist() == ["a", "b"]
    assert as_target(y).dtype == object
