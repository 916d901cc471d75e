import copy
import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.preprocessing import FunctionTransformer

from sklearn_bilstm.text import TextVectorizer, WordVectors, load_word_vectors


@dataclass
class KeyedVectors:
    """Has what we need of the class of gensim."""

    index_to_key: list
    vectors: np.ndarray


@pytest.fixture
def word_vectors():
    return WordVectors(["good", "bad", "Paris"], [[1, 2], [3, 4], [5, 6]])


def test_it_tells_how_many_words_there_are_and_which(word_vectors):
    assert len(word_vectors) == 3
    assert "bad" in word_vectors
    assert "paris" not in word_vectors
    assert list(word_vectors) == ["good", "bad", "Paris"]
    assert word_vectors["bad"].tolist() == [3, 4]
    assert repr(word_vectors) == "<WordVectors: 3 words, 2 dimensions>"


def test_vectors_cannot_be_changed_but_those_of_the_caller_can():
    given = np.ones((1, 2), np.float32)
    word_vectors = WordVectors(["a"], given)
    with pytest.raises(ValueError, match="read-only"):
        word_vectors.vectors[0, 0] = 2
    assert given.flags.writeable
    assert np.shares_memory(word_vectors.vectors, given)


def test_rows_are_aligned_with_the_ids_and_zero_without_a_vector(word_vectors):
    aligned = word_vectors.aligned_to({"bad": 2, "new": 3, "good": 5})
    assert aligned.dtype == np.float32
    assert aligned.tolist() == [[0, 0], [0, 0], [3, 4], [0, 0], [0, 0], [1, 2]]
    aligned[2] = 0  # a copy
    assert word_vectors["bad"].tolist() == [3, 4]


def test_rows_are_aligned_with_a_fitted_vectorizer(word_vectors):
    vectorizer = TextVectorizer().fit(["good or bad", "bad!"])
    aligned = word_vectors.aligned_to(vectorizer.vocabulary_)
    ids = vectorizer.transform(["bad good"]).toarray()[0, :2]
    assert aligned[ids].tolist() == [[3, 4], [1, 2]]


def test_a_token_without_a_vector_is_looked_up_in_lower_case(word_vectors):
    aligned = word_vectors.aligned_to(["BAD", "Paris", "paris", ("a", "b")])
    assert aligned[2:].tolist() == [[3, 4], [5, 6], [0, 0], [0, 0]]


def test_the_share_of_tokens_with_a_vector_is_told(word_vectors):
    assert word_vectors.coverage({"bad": 2, "Good": 3, "x": 4, "paris": 9}) == 0.5
    assert word_vectors.coverage(["bad"]) == 1.0
    assert word_vectors.coverage(["x"]) == 0.0


@pytest.mark.parametrize("method", ["aligned_to", "coverage"])
def test_a_vocabulary_that_is_none_is_refused(method, word_vectors):
    with pytest.raises(ValueError, match="at least 2"):
        getattr(word_vectors, method)({"bad": 1})


def test_a_pickle_holds_the_same_words_and_vectors(word_vectors):
    loaded = pickle.loads(pickle.dumps(word_vectors))
    assert list(loaded) == list(word_vectors)
    np.testing.assert_array_equal(loaded.vectors, word_vectors.vectors)
    assert not loaded.vectors.flags.writeable


def test_copies_and_clones_of_estimators_share_the_memory(word_vectors):
    estimator = FunctionTransformer(kw_args={"embedding": word_vectors})
    assert clone(estimator).kw_args["embedding"] is word_vectors
    assert copy.copy(word_vectors) is word_vectors


@pytest.mark.parametrize(
    ("words", "vectors", "message"),
    [
        ("ab", [[1, 2]], r"shape \(n_words, n_dims\).*got \(1, 2\) for 2 words"),
        ("ab", [1, 2], r"got \(2,\) for 2 words"),
        ("ab", [[], []], r"got \(2, 0\) for 2 words"),
        ("aba", [[1], [2], [3]], "each word once: 'a' is duplicated"),
        ("ab", [[1, 2], [np.nan, 3]], "that of 'b' contains NaN or infinity"),
        ("ab", [[1, np.inf], [2, 3]], "that of 'a' contains NaN or infinity"),
    ],
)
def test_words_and_vectors_that_do_not_fit_are_refused(words, vectors, message):
    with pytest.raises(ValueError, match=message):
        WordVectors(words, vectors)


def test_there_may_be_no_words():
    empty = WordVectors([], np.empty((0, 3)))
    assert empty.aligned_to(["a"]).tolist() == [[0, 0, 0]] * 3


def test_keyed_vectors_are_taken_over_without_a_copy():
    keyed_vectors = KeyedVectors(["a", "b"], np.eye(2, dtype=np.float32))
    loaded = load_word_vectors(keyed_vectors)
    assert list(loaded) == ["a", "b"]
    assert np.shares_memory(loaded.vectors, keyed_vectors.vectors)


def test_of_keyed_vectors_only_words_of_the_vocabulary_are_kept():
    loaded = load_word_vectors(KeyedVectors(["a", "b"], np.eye(2)), vocabulary={"b": 2})
    assert list(loaded) == ["b"]
    assert loaded.vectors.tolist() == [[0, 1]]


def test_a_kept_word_may_be_the_lower_case_of_one_in_the_vocabulary():
    loaded = load_word_vectors(KeyedVectors(["a", "b"], np.eye(2)), vocabulary=["B"])
    assert loaded.coverage(["B"]) == 1.0


def test_gensim_and_we_read_the_same_from_each_other(tmp_path):
    gensim = pytest.importorskip("gensim.models")
    keyed_vectors = gensim.KeyedVectors(vector_size=3)
    vectors = np.random.RandomState(0).standard_normal((4, 3)).astype(np.float32)
    keyed_vectors.add_vectors(["a", "b", "ü", "日本"], vectors)
    loaded = [load_word_vectors(keyed_vectors)]
    for is_binary in (True, False):
        path = str(tmp_path / f"vectors_{is_binary}")
        keyed_vectors.save_word2vec_format(path, binary=is_binary)
        loaded.append(load_word_vectors(path))
    for word_vectors in loaded:
        assert list(word_vectors) == keyed_vectors.index_to_key
        np.testing.assert_allclose(word_vectors.vectors, vectors, rtol=1e-6)


def test_what_is_neither_a_file_nor_keyed_vectors_is_refused():
    with pytest.raises(TypeError, match=r"path must be .*got dict.*model\.wv"):
        load_word_vectors({"a": [1, 2]})


def test_a_string_is_no_vocabulary():
    with pytest.raises(TypeError, match="collection of words: got the string 'ab'"):
        load_word_vectors("absent.txt", vocabulary="ab")
