import os
import subprocess
import sys

import numpy as np
import pytest

from sklearn_bilstm.utils._fingerprints import have_same_ids, vocabulary_fingerprint

VOCABULARY = {"a": 2, "b": 3, "c": 4}


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
            from sklearn_bilstm.utils._fingerprints import vocabulary_fingerprint
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
