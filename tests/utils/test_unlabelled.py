import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from sklearn_bilstm.utils._containers import as_target
from sklearn_bilstm.utils._unlabelled import (
    check_all_labelled,
    find_unlabelled,
    labels_of,
)

NAN = float("nan")
# In each of them, row 1 has no label and the others have one.
LABELS = {
    "list with None": ["a", None, "b"],
    "list with NaN": ["a", NAN, "b"],
    "objects with None": np.array(["a", None, "b"], dtype=object),
    "objects with NaT": np.array(["a", pd.NaT, "b"], dtype=object),
    "floats": np.array([0.0, NAN, 1.0]),
    "masked": np.ma.masked_array([0, 1, 1], [False, True, False]),
    "pandas objects": pd.Series(["a", None, "b"], dtype=object),
    "pandas string": pd.Series(["a", None, "b"], dtype="string"),
    "pandas str": pd.Series(["a", None, "b"]),
    "pandas category": pd.Series(["a", None, "b"], dtype="category"),
    "pandas Int64": pd.Series([0, None, 1], dtype="Int64"),
    "pandas boolean": pd.Series([False, None, True], dtype="boolean"),
    "polars strings": pl.Series(["a", None, "b"]),
    "polars integers": pl.Series([0, None, 1]),
    "polars categories": pl.Series(["a", None, "b"], dtype=pl.Categorical),
    "pyarrow": pa.array(["a", None, "b"]),
    "rows of None": [[0, 1], [None, None], [1, 0]],
    "None for a row": [[0, 1], None, [1, 0]],
    "matrix": np.array([[0, 1], [NAN, NAN], [1, 0]]),
    "frame": pd.DataFrame([[0, 1], [None, None], [1, 0]], dtype="Int64"),
    "frame of objects": pd.DataFrame([[0, 1], [None, None], [1, 0]], dtype=object),
    "token labels": pd.Series([["O", "B"], None, []]),
}
NUMBERS_OF_STEPS = {
    "3-D array": np.array([[[0.0], [1]], [[NAN], [NAN]], [[2], [NAN]]]),
    "list of matrices": [np.zeros((2, 2)), np.full((3, 2), NAN), np.ones((1, 2))],
    "nested lists": [[[0, 1], [2, NAN]], [[None, NAN], [None, None]], [[0, 0]]],
}


@pytest.mark.parametrize("name", LABELS)
def test_missing_labels_are_found_in_every_container(name):
    y = as_target(LABELS[name])
    assert find_unlabelled(y).tolist() == [False, True, False]
    with pytest.raises(ValueError, match="missing label: row 1"):
        check_all_labelled(y)


@pytest.mark.parametrize("name", LABELS)
def test_known_labels_are_selected_from_every_container(name):
    y = labels_of(as_target(LABELS[name]), np.array([0, 2]))
    rows = [row.tolist() if hasattr(row, "tolist") else row for row in np_rows(y)]
    expected = [["a", "b"], [0, 1], [[0, 1], [1, 0]], [["O", "B"], []]]
    assert rows in expected
    assert not find_unlabelled(y).any()


def test_missing_dates_are_no_labels():
    dates = np.array(["2020-01-01", "NaT", "2020-01-02"], "datetime64[ns]")
    for y in (dates, pd.Series(dates), pd.DataFrame({"a": dates, "b": dates})):
        assert find_unlabelled(y).tolist() == [False, True, False]


def test_columns_of_known_labels_keep_their_types():
    y = np.array([[None, None], [True, 3], [False, 5]], dtype=object)
    found = labels_of(y, np.array([1, 2])).tolist()
    assert [[type(label) for label in row] for row in found] == [[bool, int]] * 2


def np_rows(y):
    return y if isinstance(y, list) else list(np.asarray(y))


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        (np.array([0, None, 1], dtype=object), "i"),
        (pd.Series([0.5, None, 1], dtype=object), "f"),
        (np.array([True, None, False], dtype=object), "b"),
        (np.array(["a", None, 1], dtype=object), "O"),
    ],
)
def test_objects_become_numbers_if_all_are_numbers(y, kind):
    assert np.asarray(labels_of(y, np.array([0, 2]))).dtype.kind == kind


@pytest.mark.parametrize(
    "y",
    [
        ["", "nan", "None"],
        np.array([-1, 0, 1]),
        np.array([0.0, np.inf]),
        [[0, None], [1, 0]],
        np.array([[0, NAN], [1, 0]]),
        [[], ["O"]],
        sparse.csr_array([[0, 1], [1, 0]]),
        "text",
        None,
        3,
    ],
    ids=str,
)
def test_other_rows_have_a_label(y):
    assert not find_unlabelled(y).any()
    check_all_labelled(y)


@pytest.mark.parametrize("name", NUMBERS_OF_STEPS)
def test_rows_without_a_number_at_any_step_are_unlabelled(name):
    y = as_target(NUMBERS_OF_STEPS[name])
    assert find_unlabelled(y).tolist() == [False, True, False]
