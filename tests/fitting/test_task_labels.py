from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.utils.multiclass import type_of_target

from sklearn_bilstm.fitting._task_labels import (
    as_indicators,
    check_label_columns,
    is_indicator_matrix,
    n_columns,
)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_missing_labels_of_any_kind_are_none(missing):
    found = check_label_columns([["a", 1], [missing, 2], ["b", missing]])
    assert found.tolist() == [["a", 1], [None, 2], ["b", None]]


@pytest.mark.parametrize(
    "y",
    [
        pd.DataFrame({"size": ["s", "l"], "stars": [3, 5]}),
        pd.DataFrame({"size": pd.Categorical(["s", "l"]), "stars": [3, 5]}),
        np.array([["s", 3], ["l", 5]], object),
        [["s", 3], ("l", 5)],
    ],
    ids=["frame", "categories", "objects", "lists"],
)
def test_columns_of_any_container_keep_their_types(y):
    assert check_label_columns(y).tolist() == [["s", 3], ["l", 5]]


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_frames_of_other_libraries_are_columns(library):
    frame = pd.DataFrame({"size": ["s", "l"], "stars": [3, 5]})
    if library == "polars":
        converted = pytest.importorskip("polars").from_pandas(frame)
    else:
        converted = pytest.importorskip("pyarrow").Table.from_pandas(frame)
    assert check_label_columns(converted).tolist() == [["s", 3], ["l", 5]]


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_integers_with_gaps_of_other_libraries_stay_integers(library):
    columns = {"size": ["s", "l", None], "stars": [3, None, 5]}
    if library == "polars":
        frame = pytest.importorskip("polars").DataFrame(columns)
    else:
        frame = pytest.importorskip("pyarrow").table(columns)
    found = check_label_columns(frame).tolist()
    assert found == [["s", 3], ["l", None], [None, 5]]
    assert type(found[0][1]) is int


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([["a", 1], ["b", 2]], 2),
        ([["a"], ["a", "b"]], 2),
        ([np.array([1, 2])], 2),
        (np.zeros((3, 4)), 4),
        (np.array(["ab", "cd"]), 1),
        (["ab", "cd"], 1),
        ([b"ab", b"cd"], 1),
        ([{1, 2}, {3}], 1),
        ([], 1),
    ],
)
def test_only_rows_of_labels_are_several_columns(y, expected):
    assert n_columns(y) == expected


def test_dates_with_gaps_of_polars_are_labels():
    dates = [datetime(2020, 1, 1), None]
    frame = pytest.importorskip("polars").DataFrame({"size": ["s", "l"], "date": dates})
    assert check_label_columns(frame)[:, 1].tolist() == dates


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_dates_of_any_unit_are_labels(unit):
    dates = np.array(["2020-01-01", "NaT"], f"datetime64[{unit}]")
    found = check_label_columns(pd.DataFrame({"size": ["s", "l"], "date": dates}))
    assert found[:, 1].tolist() == [datetime(2020, 1, 1), None]


def test_scalars_of_numpy_have_the_type_of_their_values():
    labels = np.array([["a", True], [np.str_("b"), np.bool_(False)]], object)
    assert check_label_columns(labels).tolist() == [["a", True], ["b", False]]


def test_large_unsigned_integers_are_exact():
    columns = {"a": np.array([2**64 - 1, 0], np.uint64), "b": np.array([-1, 3])}
    found = check_label_columns(pd.DataFrame(columns)).tolist()
    assert found == [[2**64 - 1, -1], [0, 3]]


def test_columns_of_one_type_stay_a_plain_array():
    y = np.array([["a", "x"], ["b", "y"]])
    assert check_label_columns(y).dtype == y.dtype


@pytest.mark.parametrize(
    "y",
    [
        [[0, 1], [1, 0]],
        [[0, 2], [2, 0]],
        [[0, 1], [1, 2]],
        [["a", "b"], ["b", "a"]],
        [[1.0, 0.0], [1.0, 1.0]],
        [[True, False], [False, False]],
    ],
)
def test_indicator_matrices_are_those_of_scikit_learn(y):
    expected = type_of_target(np.array(y)) == "multilabel-indicator"
    assert is_indicator_matrix(check_label_columns(y)) is expected


def test_a_sparse_indicator_matrix_equals_a_dense_one():
    y = np.array([[0, 1, 0], [1, 0, 0]])
    found = check_label_columns(sparse.csr_array(y))
    assert as_indicators(found, "y").tolist() == y.tolist()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([["a", 1], ["b"]], "row 1 has 1, and row 0 has 2.*MultiLabelBinarizer"),
        ([["a", "b"], ["b"]], "For a label for each step, use BiLSTMTagger"),
        ([["a", 0.5], ["b", 1.5]], "Column 1 of y must hold class labels.*continuous"),
        ([["a", 1], [2, 1]], r"Column 0 of y.*one type.*\['int', 'str'\]"),
        ([["a"], ["a", "b"]], "row 1 has 2, and row 0 has 1.*MultiLabelBinarizer"),
        ([["a", b"x"], ["b", b"y"]], "Column 1 of y must hold.*got bytes values"),
        (sparse.csr_array([[0.5, 1], [1, 2]]), "Column 0 of y.*got continuous"),
        (np.zeros((2, 2, 2), int), "y must have one or two dimensions: got 3"),
        ([[[1, 2], [2, 3]]] * 2, "y must have one or two dimensions: got 3"),
    ],
)
def test_invalid_columns_raise_with_their_number(y, message):
    with pytest.raises(ValueError, match=message):
        check_label_columns(y)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[0, 1], [None, 1]], r"y_val has a missing value: row 1 is \[None, 1\]"),
        ([[0, 2], [2, 0]], "y_val must contain only zeros and ones.*got 2"),
    ],
)
def test_invalid_indicators_raise_and_suggest_strings_for_tasks(labels, message):
    with pytest.raises(ValueError, match=f"{message}.*numbers by strings"):
        as_indicators(np.array(labels, object), "y_val")
