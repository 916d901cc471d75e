"""Token ids of another vocabulary than the fitted one."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from sklearn_bilstm import TextVectorizer, WordVectors, explain, load, save
from tests.helpers import (
    small_classifier,
    small_pipeline,
    small_regressor,
    small_tagger,
)

TEXTS = ["good film", "bad plot", "good plot", "bad film"] * 5
OTHER_TEXTS = ["bad film", "a bad plot", "a good film", "a bad film"] * 5
y = np.arange(20) % 2
OTHER_VOCABULARY = "ids of the vocabulary.*fit the whole pipeline again"


@pytest.fixture(scope="module")
def X():
    return TextVectorizer().fit_transform(TEXTS)


@pytest.fixture(scope="module")
def other_X():
    return TextVectorizer().fit_transform(OTHER_TEXTS)


@pytest.fixture
def classifier(X):
    return small_classifier(warm_start=True).fit(X, y)


class TestOtherVocabulary:
    @pytest.mark.parametrize(
        "use",
        [
            lambda model, X: model.predict(X),
            lambda model, X: model.predict_proba(X),
            lambda model, X: model.transform(X[:1]),
            lambda model, X: model.score(X, y),
            lambda model, X: model.partial_fit(X, y),
            lambda model, X: model.fit(X, y),
        ],
        ids=["predict", "predict_proba", "transform", "score", "partial_fit", "warm"],
    )
    def test_a_fitted_classifier_raises(self, classifier, other_X, use):
        with pytest.raises(ValueError, match=OTHER_VOCABULARY):
            use(classifier, other_X)

    @pytest.mark.parametrize("name", ["X_val", "X_unlabelled"])
    def test_x_val_and_x_unlabelled_of_another_vocabulary_raise(self, X, other_X, name):
        rows = {name: other_X, **({"y_val": y} if name == "X_val" else {})}
        model = small_classifier(embedding="svd")
        message = f"{name} is invalid.*{OTHER_VOCABULARY}"
        with pytest.raises(ValueError, match=message):
            model.fit(X, y, **rows)

    def test_a_pretrained_network_of_another_vocabulary_raises(
        self, classifier, other_X
    ):
        model = small_classifier(pretrained=classifier)
        with pytest.raises(ValueError, match="'pretrained'.*of the same vocabulary"):
            model.fit(other_X, y)

    def test_a_regressor_raises(self, X, other_X):
        with pytest.raises(ValueError, match=OTHER_VOCABULARY):
            small_regressor().fit(X, y).predict(other_X)

    def test_a_tagger_raises(self, X, other_X):
        labels = [["a"] * n for n in np.diff(X.indptr)]
        with pytest.raises(ValueError, match=OTHER_VOCABULARY):
            small_tagger().fit(X, labels).predict(other_X)

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
    def test_a_pipeline_raises_after_an_interrupted_second_fit(self, error):
        model = small_pipeline().fit(TEXTS, y)
        with pytest.raises(error):
            model.fit(OTHER_TEXTS, _Target(error))
        for use in (model.predict, model.predict_proba, lambda X: explain(model, X)):
            with pytest.raises(ValueError, match=OTHER_VOCABULARY):
                use(TEXTS)
        assert len(model.fit(OTHER_TEXTS, y).predict(TEXTS)) == len(TEXTS)

    def test_restored_models_raise(self, X, other_X, tmp_path):
        model = small_classifier().fit(X, y)
        path = tmp_path / "model.zip"
        save(model, path)
        for restored in pickle.loads(pickle.dumps(model)), load(path):
            assert len(restored.predict(X)) == len(y)
            with pytest.raises(ValueError, match=OTHER_VOCABULARY):
                restored.predict(other_X)

    def test_word_vectors_of_other_ids_raise(self, X):
        words = WordVectors(["plot", "good", "film", "bad"], np.eye(4))
        model = small_classifier(embedding=words)
        with pytest.raises(ValueError, match=r"other ids than in X.*aligned_to"):
            model.fit(X, y)
        X = TextVectorizer(vocabulary=words).fit_transform(TEXTS)
        assert len(model.fit(X, y).predict(X)) == len(y)

    def test_a_refit_replaces_the_vocabulary(self, X, other_X):
        model = small_classifier().fit(X, y).fit(other_X, y)
        assert len(model.predict(other_X)) == len(y)
        with pytest.raises(ValueError, match=OTHER_VOCABULARY):
            model.predict(X)


class TestSameVocabulary:
    def test_equal_vocabularies_have_equal_ids(self, classifier):
        X = TextVectorizer().fit(TEXTS[::-1]).transform(TEXTS)
        assert len(classifier.predict(X)) == len(y)

    def test_a_grown_vocabulary_keeps_its_ids(self, X):
        vectorizer = TextVectorizer().fit(TEXTS)
        model = small_classifier().fit(vectorizer.transform(TEXTS), y)
        grown = vectorizer.partial_fit(OTHER_TEXTS).transform(TEXTS)
        assert len(model.predict(grown)) == len(y)
        model.partial_fit(grown, y)
        assert len(model.predict(X)) == len(y)

    def test_vocabularies_grown_from_different_texts_raise(self):
        a, b = TextVectorizer().fit(TEXTS), TextVectorizer().fit(TEXTS)
        model = small_classifier().fit(a.transform(TEXTS), y)
        model.partial_fit(a.partial_fit(["a tragedy"]).transform(TEXTS), y)
        with pytest.raises(ValueError, match=OTHER_VOCABULARY):
            model.predict(b.partial_fit(["comedy"]).transform(TEXTS))

    @pytest.mark.parametrize(
        "vocabulary",
        [["good", "bad", "film"], WordVectors(["good", "bad", "film"], np.eye(3))],
    )
    def test_given_vocabularies_are_compared(self, vocabulary):
        known = TextVectorizer(vocabulary=vocabulary).fit(TEXTS)
        same = TextVectorizer(vocabulary={"good": 2, "bad": 3, "film": 4}).fit(TEXTS)
        other = TextVectorizer(vocabulary=["bad", "good", "film"]).fit(TEXTS)
        model = small_classifier().fit(known.transform(TEXTS), y)
        assert len(model.predict(same.transform(TEXTS))) == len(y)
        with pytest.raises(ValueError, match=OTHER_VOCABULARY):
            model.predict(other.transform(TEXTS))

    @pytest.mark.parametrize(
        "drop_vocabulary", [sparse.csr_array, sparse.csr_matrix, lambda X: X.toarray()]
    )
    def test_ids_without_a_vocabulary_are_not_checked(
        self, classifier, other_X, drop_vocabulary
    ):
        assert len(classifier.predict(drop_vocabulary(other_X))) == len(y)

    def test_clone_has_no_vocabulary(self, classifier, other_X):
        assert len(clone(classifier).fit(other_X, y).predict(other_X)) == len(y)


class _Target:
    """A target whose conversion raises."""

    def __init__(self, error):
        self.error = error

    def __array__(self, dtype=None, copy=None):
        raise self.error
