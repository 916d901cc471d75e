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
    """The part of gensim's class that is used."""

    index_to_key: list
    vectors: np.ndarray


@pytest.fixture
def word_vectors():
    return WordVectors(["good", "bad", "Paris"], [[1, 2], [3, 4], [5, 6]])


def test_word_vectors_behave_as_a_mapping(word_vectors):
    assert len(word_vectors) == 3
    assert "bad" in word_vectors
    assert "paris" not in word_vectors
    assert list(word_vectors) == ["good", "bad", "Paris"]
    assert word_vectors["bad"].tolist() == [3, 4]
    assert repr(word_vectors) == "<WordVectors: 3 words, 2 dimensions>"


def test_vectors_are_a_read_only_view_of_the_given_array():
    given = np.ones((1, 2), np.float32)
    word_vectors = WordVectors(["a"], given)
    with pytest.raises(ValueError, match="read-only"):
        word_vectors.vectors[0, 0] = 2
    assert given.flags.writeable
    assert np.shares_memory(word_vectors.vectors, given)


def test_aligned_to_returns_a_copy_with_zeros_for_missing_words(word_vectors):
    aligned = word_vectors.aligned_to({"bad": 2, "new": 3, "good": 5})
    assert aligned.dtype == np.float32
    assert aligned.tolist() == [[0, 0], [0, 0], [3, 4], [0, 0], [0, 0], [1, 2]]
    aligned[2] = 0  # a copy
    assert word_vectors["bad"].tolist() == [3, 4]


def test_aligned_to_accepts_the_vocabulary_of_a_vectorizer(word_vectors):
    vectorizer = TextVectorizer().fit(["good or bad", "bad!"])
    aligned = word_vectors.aligned_to(vectorizer.vocabulary_)
    ids = vectorizer.transform(["bad good"]).toarray()[0, :2]
    assert aligned[ids].tolist() == [[3, 4], [1, 2]]


def test_aligned_to_falls_back_to_lowercase(word_vectors):
    aligned = word_vectors.aligned_to(["BAD", "Paris", "paris", ("a", "b")])
    assert aligned[2:].tolist() == [[3, 4], [5, 6], [0, 0], [0, 0]]


def test_coverage_is_the_fraction_of_tokens_with_a_vector(word_vectors):
    assert word_vectors.coverage({"bad": 2, "Good": 3, "x": 4, "paris": 9}) == 0.5
    assert word_vectors.coverage(["bad"]) == 1.0
    assert word_vectors.coverage(["x"]) == 0.0


@pytest.mark.parametrize("method", ["aligned_to", "coverage"])
def test_an_invalid_vocabulary_raises(method, word_vectors):
    with pytest.raises(ValueError, match="at least 2"):
        getattr(word_vectors, method)({"bad": 1})


def test_pickling_preserves_words_and_vectors(word_vectors):
    loaded = pickle.loads(pickle.dumps(word_vectors))
    assert list(loaded) == list(word_vectors)
    np.testing.assert_array_equal(loaded.vectors, word_vectors.vectors)
    assert not loaded.vectors.flags.writeable


def test_clone_and_copy_share_memory(word_vectors):
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
def test_invalid_words_or_vectors_raise(words, vectors, message):
    with pytest.raises(ValueError, match=message):
        WordVectors(words, vectors)


def test_word_vectors_may_be_empty():
    empty = WordVectors([], np.empty((0, 3)))
    assert empty.aligned_to(["a"]).tolist() == [[0, 0, 0]] * 3


def test_keyed_vectors_are_loaded_without_a_copy():
    keyed_vectors = KeyedVectors(["a", "b"], np.eye(2, dtype=np.float32))
    loaded = load_word_vectors(keyed_vectors)
    assert list(loaded) == ["a", "b"]
    assert np.shares_memory(loaded.vectors, keyed_vectors.vectors)


def test_vocabulary_selects_words_of_keyed_vectors():
    loaded = load_word_vectors(KeyedVectors(["a", "b"], np.eye(2)), vocabulary={"b": 2})
    assert list(loaded) == ["b"]
    assert loaded.vectors.tolist() == [[0, 1]]


def test_vocabulary_selects_the_lowercase_form_of_a_word():
    loaded = load_word_vectors(KeyedVectors(["a", "b"], np.eye(2)), vocabulary=["B"])
    assert loaded.coverage(["B"]) == 1.0


def test_word_vectors_round_trip_through_gensim(tmp_path):
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


def test_an_invalid_path_raises():
    with pytest.raises(TypeError, match=r"path must be .*got dict.*model\.wv"):
        load_word_vectors({"a": [1, 2]})


def test_a_string_vocabulary_raises():
    with pytest.raises(TypeError, match="collection of words: got the string 'ab'"):
        load_word_vectors("absent.txt", vocabulary="ab")
