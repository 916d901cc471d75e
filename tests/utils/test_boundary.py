import numpy as np
import pytest
from scipy import sparse

from sklearn_bilstm.utils._boundary import find_boundary, without_boundary
from sklearn_bilstm.utils._ids import BOUNDARY

# Matrices, and the index of the boundary of each.
B = BOUNDARY
BOUNDARIES = [
    ([[2, 0, B, 5], [2, 3, B, 0]], 2),
    ([[2, B]], 1),
    ([[2, 0], [2, 3]], None),
    ([[B, 2], [B, 3]], None),  # there are no ids before it
    ([[2, B], [B, 3]], None),
    ([[2, B], [2, 3]], None),
    ([[2, B, B], [2, B, B]], None),
    ([[2, -1], [2, -1]], None),
]


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float32, np.float64])
@pytest.mark.parametrize(("matrix", "index"), BOUNDARIES)
def test_a_boundary_is_one_column_of_all_rows(matrix, index, dtype):
    X = np.array(matrix, dtype)
    for container in (np.asarray, sparse.csr_array, sparse.csc_matrix):
        assert find_boundary(container(X)) == index


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csr_matrix])
def test_only_a_boundary_is_removed(container):
    ids = np.array([[2, 0], [2, 3]])
    for last, n_columns in [(B, 2), (-1, 3)]:
        X = container(np.column_stack([ids, np.full(2, last)]))
        found = without_boundary(X)
        assert found.shape == (2, n_columns)
        assert (found[:, :2] != container(ids)).sum() == 0
    assert without_boundary(container(np.array([[2, 0], [2, B]]))).shape == (2, 2)


def test_a_matrix_without_rows_has_no_boundary():
    for container in (np.asarray, sparse.csr_array):
        X = container(np.empty((0, 3)))
        assert find_boundary(X) is None
        assert without_boundary(X).shape == (0, 3)
