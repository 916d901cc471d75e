import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from sklearn_bilstm.fitting._step_number_checks import (
    check_step_numbers,
    has_step_numbers,
)
from sklearn_bilstm.utils._rows import RowsOfNumbers

NAN = float("nan")
ROWS = [np.array([1.0, 2.0, 3.0]), np.array([4.0]), np.array([5.0, NAN])]


def objects(rows):
    """Return rows as a 1-D array of objects."""
    return np.fromiter(rows, dtype=object, count=len(rows))


OF_STEPS = {
    "list of arrays": ROWS,
    "list of arrays of equal length": [np.zeros(3), np.ones(3)],
    "list of matrices": [np.zeros((3, 2)), np.ones((1, 2))],
    "tuple of arrays": tuple(ROWS),
    "list of arrays and None": [None, *ROWS],
    "objects": objects(ROWS),
    "objects and None": objects([*ROWS, None]),
    "3-D array": np.zeros((3, 4, 1)),
    "3-D masked array": np.ma.masked_array(np.zeros((2, 2, 1)), [[[0], [1]]] * 2),
    "column of arrays": pd.Series(ROWS),
    "frame with a column of arrays": pd.DataFrame({"y": ROWS}),
    "objects with a second dimension": objects(ROWS)[:, np.newaxis],
    "list of columns": [pd.Series([1.0, 2.0]), pd.Series([3.0])],
    "list of tensors": [torch.zeros(2), torch.zeros(3)],
    "3-D tensor": torch.zeros(2, 3, 1),
    "predictions": RowsOfNumbers(ROWS),
}
OF_ROWS = {
    "None": None,
    "list of numbers": [1.0, 2.0],
    "list of NumPy numbers": [*np.arange(3.0)],
    "list of scalar arrays": [np.array(1.0), np.array(2.0)],
    "list of lists": [[1.0, 2.0], [3.0, 4.0]],
    "list of None": [None, None],
    "1-D array": np.arange(3.0),
    "2-D array": np.zeros((3, 4)),
    "objects": np.array([1.0, None, 2.0], dtype=object),
    "column": pd.Series([1.0, 2.0]),
    "frame": pd.DataFrame([[1.0, 2.0]]),
    "sparse": sparse.csr_array(np.eye(3)),
    "text": "abc",
}


@pytest.mark.parametrize("name", OF_STEPS)
def test_arrays_of_rows_hold_numbers_of_steps(name):
    assert has_step_numbers(OF_STEPS[name], "auto")
    assert not has_step_numbers(OF_STEPS[name], "rows")


@pytest.mark.parametrize("name", OF_ROWS)
def test_other_containers_hold_numbers_of_rows_by_default(name):
    assert not has_step_numbers(OF_ROWS[name], "auto")
    assert has_step_numbers(OF_ROWS[name], "steps")


@pytest.mark.parametrize("of_steps", [True, False])
def test_the_kind_of_y_is_that_of_each_single_row(of_steps):
    for y in (OF_STEPS if of_steps else OF_ROWS).values():
        if isinstance(y, list | np.ndarray) and all(row is not None for row in y):
            assert {has_step_numbers(y[i : i + 1], "auto") for i in range(len(y))} == {
                of_steps
            }


@pytest.mark.parametrize(
    "y",
    [
        [[1, 2, 3], [4], [5, None]],
        [[1.0, 2, 3], (4,), [5, NAN]],
        [ROWS[0].astype(int), np.array([4], bool) * 4, np.array([5, None])],
        objects(ROWS),
        [*map(torch.tensor, ROWS)],
        pd.Series(ROWS),
        [np.array([1, 2, 3]), [4], np.ma.masked_array([5, 6], [False, True])],
        [[1, 2, 3], [4], pd.Series([5, pd.NA], dtype="Int64")],
    ],
    ids=lambda y: type(y).__name__,
)
def test_rows_of_every_container_become_arrays_of_floats(y):
    found = check_step_numbers(y, "BiLSTMRegressor")
    assert isinstance(found, RowsOfNumbers)
    for row, expected in zip(found, ROWS, strict=True):
        assert row.dtype == np.float64
        np.testing.assert_array_equal(row, expected)


@pytest.mark.parametrize("kind", [np.asarray, pd.DataFrame, sparse.csr_array])
def test_rows_of_a_matrix_are_arrays(kind):
    y = np.array([[1.0, 2.0], [3.0, NAN]])
    found = check_step_numbers(kind(y), "BiLSTMRegressor")
    np.testing.assert_array_equal(np.stack(found), y)


def test_rows_of_several_outputs_keep_their_shape():
    y = np.arange(12.0).reshape(2, 3, 2)
    for given in (y, [*y], y.tolist(), torch.tensor(y)):
        assert np.array_equal(np.stack(check_step_numbers(given, "")), y)


def test_an_empty_row_has_the_outputs_of_the_others():
    found = check_step_numbers([[], np.ones((2, 3))], "BiLSTMRegressor")
    assert [row.shape for row in found] == [(0, 3), (2, 3)]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed"),
        ([], "at least one row: got 0"),
        ([[], []], "all rows are empty"),
        ("abc", "y must hold an array of numbers for each row"),
        (np.arange(3.0), "y must hold an array of numbers for each row"),
        (np.zeros((2, 2, 2, 2)), "y must hold an array of numbers for each row"),
        ([[1.0], 2.0], r"got for row 1 2\.0"),
        ([[1.0], ["2"]], "got for row 1 values of type <U1"),
        ([[1.0], "2"], "got for row 1"),
        ([[1.0], np.array(["2", 1.0], object)], "got for row 1 values of type <U"),
        ([[1.0], [2j]], "got for row 1 values of type complex"),
        ([[1.0], [[1.0], [1.0, 2.0]]], "got for row 1"),
        ([[1.0], np.zeros((1, 1, 1))], "got for row 1"),
        ([[1.0], [{}]], "got for row 1"),
        ([[1.0], {0: 1.0}], "got for row 1"),
        ([[1.0], [[1.0]]], r"row 1 has \(n_timesteps, 1\)"),
        ([np.ones((2, 2)), np.ones((2, 3))], r"row 1 has \(n_timesteps, 3\)"),
        ([[1.0], [2.0, np.inf]], "y contains infinity in row 1"),
        ([[1.0], [2.0, -np.inf]], "y contains infinity in row 1"),
        ([[1.0], [1e200]], r"y contains 1e\+200 in row 1"),
        ([[1.0], [NAN, NAN]], "row 1 has no number"),
        ([[1.0], None], "got for row 1 None"),
    ],
)
def test_invalid_rows_raise(y, message):
    with pytest.raises(ValueError, match=message):
        check_step_numbers(y, "BiLSTMRegressor")
