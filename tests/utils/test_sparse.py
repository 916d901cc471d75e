import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse

from sklearn_bilstm.utils._sparse import is_sparse


@pytest.mark.parametrize(
    "kind", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array]
)
def test_arrays_and_matrices_of_scipy_are_sparse(kind):
    assert is_sparse(kind(np.eye(2)))


@pytest.mark.parametrize("X", [np.eye(2), [[1, 0]], None, "text"])
def test_other_objects_are_not_sparse(X):
    assert not is_sparse(X)


def test_scipy_is_not_imported():
    code = """if True:
        import sys
        from sklearn_bilstm.utils._sparse import is_sparse
        assert not is_sparse([[1, 0]])
        assert "scipy" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", code], check=True)
