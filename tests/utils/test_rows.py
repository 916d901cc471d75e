import numpy as np
import pytest

from sklearn_bilstm.utils._rows import RowsOfLabels, RowsOfNumbers


@pytest.mark.parametrize("rows", [[["a", "b"], [], ["c"]], [["a"], ["b"]], []])
def test_numpy_concatenates_rows_of_labels(rows):
    joined = np.concatenate([RowsOfLabels(rows), RowsOfLabels(rows)])
    assert joined.tolist() == [*rows, *rows]
    assert joined.shape == (2 * len(rows),)
    assert RowsOfLabels(rows) == rows


def test_numpy_converts_rows_of_numbers_to_an_array_of_arrays():
    rows = RowsOfNumbers([np.zeros(2), np.ones(2)])
    assert np.asarray(rows).shape == (2,)
    joined = np.concatenate([rows, RowsOfNumbers([np.arange(3)])])
    assert [row.tolist() for row in joined] == [[0, 0], [1, 1], [0, 1, 2]]
