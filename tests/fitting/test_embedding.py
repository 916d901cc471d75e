import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import (
    TextVectorizer,
    WordVectors,
)
from tests.helpers import small_classifier


@pytest.fixture(scope="module")
def y(ids):
    return np.where(ids[:, 0] > 15, "high", "low")


def vectors_of(model):
    return model.module_.input_layer.embedding.weight.detach().numpy()


def initial_vectors(model, ids, y):
    """Return the embedding before training."""
    return vectors_of(clone(model).set_params(lr=1e-12, weight_decay=0.0).fit(ids, y))


class TestEmbedding:
    def test_embedding_is_initialised_by_a_scaled_array(self, ids, y):
        given = np.random.RandomState(0).randn(30, 5)
        given[7] = 0
        model = small_classifier(embedding=given)
        start = initial_vectors(model, ids, y)
        cosines = (start * given).sum(1)[2:] / np.linalg.norm(start[2:], axis=1)
        known = np.delete(np.arange(28), 5)
        norms = np.linalg.norm(given[2:], axis=1)
        np.testing.assert_allclose(cosines[known], norms[known], rtol=1e-4)
        assert start[7].any()  # drawn at random, as the given vector is zero

    def test_frozen_vectors_are_not_trained(self, ids, y):
        for frozen in (True, False):
            model = small_classifier(freeze_embedding=frozen)
            before = initial_vectors(model, ids, y)
            after = vectors_of(model.fit(ids, y))
            assert np.array_equal(before, after) == frozen

    def test_word_vectors_are_aligned_to_the_vocabulary(self, reviews):
        texts, labels = reviews
        words = ["good", "bad", "not", "film"]
        given = WordVectors(words, np.random.RandomState(0).randn(4, 6))
        classifier = small_classifier(embedding=given, freeze_embedding=True)
        model = make_pipeline(TextVectorizer(vocabulary=given), classifier)
        found = vectors_of(model.fit(texts, labels)[-1])
        ids = model[0].vocabulary_
        ratio = found[[ids[word] for word in words]] / given.vectors
        np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-5)

    def test_clone_shares_word_vectors(self):
        given = WordVectors(["a"], [[1.0]])
        assert clone(small_classifier(embedding=given)).embedding is given

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (np.ones((1, 3)), "'embedding' parameter must.*minimum of 2"),
            (np.ones((9, 3)), r"got 9 vectors, but X contains id 29.*aligned_to"),
            (WordVectors(["a"], [[1.0]]), r"got 3 vectors, but X contains id 29"),
            (np.ones(5), "'embedding' parameter must.*Expected 2D array"),
            (np.full((5, 2), np.nan), "embedding contains NaN"),
            ([["a", "b"]] * 3, "'embedding' parameter must"),
            (WordVectors([], np.ones((0, 3))), "'embedding'.*non-empty WordVectors"),
            ("glove", "'embedding' parameter"),
        ],
    )
    def test_invalid_embedding_raises(self, ids, y, given, message):
        with pytest.raises(ValueError, match=message):
            small_classifier(embedding=given).fit(ids, y)

    def test_memory_layout_of_an_embedding_does_not_matter(self, ids, y):
        given = np.random.RandomState(0).randn(30, 5).astype(np.float32)
        expected = small_classifier(embedding=given).fit(ids, y).predict_proba(ids)
        reversed_view = np.ascontiguousarray(given[::-1])[::-1]
        reversed_view.flags.writeable = False
        found = small_classifier(embedding=reversed_view).fit(ids, y).predict_proba(ids)
        assert np.array_equal(found, expected)

    def test_embedding_raises_for_numeric_input(self, y):
        with pytest.raises(ValueError, match="'embedding' parameter must not"):
            small_classifier(embedding=np.ones((5, 2))).fit(np.ones((40, 3)), y)

    def test_an_id_of_x_unlabelled_without_a_vector_raises(self, ids, y):
        model = small_classifier(embedding=np.ones((ids.max() + 1, 2)))
        model.fit(ids, y, X_unlabelled=ids)
        with pytest.raises(ValueError, match="one vector per id"):
            model.fit(ids, y, X_unlabelled=ids + 5)
