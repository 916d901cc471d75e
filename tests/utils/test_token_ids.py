import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.model_selection import train_test_split
from sklearn.utils import check_array, resample, shuffle

from sklearn_bilstm.utils._fingerprints import vocabulary_fingerprint
from sklearn_bilstm.utils._token_ids import TokenIds, csr_of_rows

VOCABULARY = {"a": 2, "b": 3, "c": 4}


@pytest.fixture
def X():
    values = np.array([2, 3, 4, 2, 3], np.int32)
    X = TokenIds((values, [0, 1, 0, 0, 1], [0, 2, 3, 5]), (3, 4))
    X.fingerprint = vocabulary_fingerprint(VOCABULARY)
    return X


class TestTokenIds:
    @pytest.mark.parametrize(
        "derive",
        [
            lambda X: X[1:],
            lambda X: X[[0, 2]],
            lambda X: X[np.array([True, False, True])],
            lambda X: X[:, :2],
            lambda X: shuffle(X, random_state=0),
            lambda X: resample(X, random_state=0),
            lambda X: train_test_split(X, random_state=0)[0],
            lambda X: check_array(X, accept_sparse="csr", copy=True),
            lambda X: X.copy(),
            lambda X: X.astype(np.int64),
            lambda X: X.sorted_indices(),
            lambda X: X.tocsr(copy=True),
            lambda X: pickle.loads(pickle.dumps(X)),
        ],
    )
    def test_derived_ids_keep_the_fingerprint(self, X, derive):
        derived = derive(X)
        assert isinstance(derived, sparse.csr_array)
        np.testing.assert_array_equal(derived.fingerprint, X.fingerprint)

    def test_token_ids_behave_like_a_csr_array(self, X):
        plain = sparse.csr_array(X)
        assert type(plain) is sparse.csr_array
        np.testing.assert_array_equal(X[[2, 0]].toarray(), plain[[2, 0]].toarray())
        assert (X[1, 0], X.sum()) == (4, 14)

    @pytest.mark.parametrize(
        "derive", [lambda X: X * 2, lambda X: sparse.hstack([X, X]), sparse.csr_array]
    )
    def test_arithmetic_drops_the_fingerprint(self, X, derive):
        assert getattr(derive(X), "fingerprint", None) is None


def test_arrays_become_the_rows_of_a_matrix():
    X = csr_of_rows([np.array([5, 6, 7]), np.array([]), np.array([8, 9])])
    assert X.toarray().tolist() == [[5, 6, 7], [0, 0, 0], [8, 9, 0]]
    assert X.dtype.kind == "i"
