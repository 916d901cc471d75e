import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse
from sklearn.model_selection import train_test_split
from sklearn.utils import check_array, resample, shuffle

from sklearn_bilstm.utils._token_ids import (
    TokenIds,
    have_same_ids,
    vocabulary_fingerprint,
)

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


class TestVocabularyFingerprint:
    def test_a_grown_vocabulary_has_the_same_ids(self):
        old, grown = map(vocabulary_fingerprint, [VOCABULARY, {**VOCABULARY, "d": 5}])
        assert have_same_ids(old, grown)
        assert have_same_ids(grown, old)

    @pytest.mark.parametrize(
        "other",
        [
            {"a": 2, "c": 3, "b": 4},
            {"b": 2},
            {"a": 3, "b": 4, "c": 5},
            {"a": 2, "b": 3, "d": 4},
            {1: 2, 2: 3, 3: 4},
            {("a",): 2, ("a", "b"): 3},
        ],
    )
    def test_another_vocabulary_has_other_ids(self, other):
        a, b = map(vocabulary_fingerprint, [VOCABULARY, other])
        assert not have_same_ids(a, b)

    def test_fingerprint_does_not_depend_on_the_order_of_the_mapping(self):
        shuffled = vocabulary_fingerprint({"c": 4, "a": 2, "b": 3})
        assert np.array_equal(shuffled, vocabulary_fingerprint(VOCABULARY))

    def test_an_unknown_vocabulary_matches_any(self):
        assert have_same_ids(None, vocabulary_fingerprint(VOCABULARY))

    def test_equal_tokens_have_equal_fingerprints(self):
        a, b = map(vocabulary_fingerprint, [{1: 2, (2, "x"): 3}, {1.0: 2, (2, "x"): 3}])
        assert np.array_equal(a, b)

    @pytest.mark.parametrize("seed", ["1", "2"])
    def test_fingerprint_does_not_depend_on_the_hash_seed(self, seed):
        # string hashes differ between processes
        code = """if True:
            from sklearn_bilstm.utils._token_ids import vocabulary_fingerprint
            tokens = "a", "é", "\\ud800", (1, "b"), frozenset("ab")
            ids = {token: i for i, token in enumerate(tokens)}
            print(vocabulary_fingerprint(ids).tolist())
        """
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", code]
        found = subprocess.check_output(command, env=environment, text=True)
        tokens = "a", "é", "\ud800", (1, "b"), frozenset("ab")
        ids = {token: i for i, token in enumerate(tokens)}
        assert found.strip() == str(vocabulary_fingerprint(ids).tolist())


def test_fingerprint_is_extended_incrementally():
    old = {"a": 2, "b": 3}
    grown = {**old, "c": 4, "d": 5}
    found = vocabulary_fingerprint(grown, vocabulary_fingerprint(old))
    assert np.array_equal(found, vocabulary_fingerprint(grown))


def test_nan_tokens_have_equal_fingerprints():
    one, other = ({float("nan"): 2, "a": 3} for _ in range(2))
    assert have_same_ids(vocabulary_fingerprint(one), vocabulary_fingerprint(other))
