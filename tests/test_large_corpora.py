"""Estimators are fitted to token ids in a file as to those in memory."""

import pickle

import numpy as np
import pytest
from sklearn.model_selection import cross_val_predict

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer
from sklearn_bilstm.fitting import _ngrams as ngram_models
from sklearn_bilstm.sequences import MAX_ID, _ngrams, _ragged
from sklearn_bilstm.text import write_token_ids
from sklearn_bilstm.training import _log_odds, _mean_vectors
from tests.helpers import small_classifier, small_regressor, small_tagger


@pytest.fixture(params=[False, True], ids=["large_parts", "small_parts"], autouse=True)
def small_parts(request, monkeypatch):
    """Read rows and steps in small parts, as those of a large corpus."""
    if request.param:
        monkeypatch.setattr(_ragged, "_MOST_COPIED_STEPS", 30)
        for module in (_ngrams, _log_odds, _mean_vectors):
            monkeypatch.setattr(module, "_STEPS_AT_A_TIME", 20)


@pytest.fixture(scope="module")
def vectorizer(reviews):
    return TextVectorizer().fit(reviews[0])


@pytest.fixture(scope="module")
def X(vectorizer, reviews):
    return vectorizer.transform(reviews[0])


@pytest.fixture(scope="module")
def stored(vectorizer, reviews, tmp_path_factory):
    path = tmp_path_factory.mktemp("ids") / "reviews.ids"
    return write_token_ids(vectorizer, [reviews[0][:40], reviews[0][40:]], path)


@pytest.fixture(scope="module")
def y(reviews):
    return np.array(reviews[1])


def with_all_models(**params):
    return small_classifier(
        embedding="svd",
        log_odds_ngram_range=(1, 2),
        linear_ngram_range=(1, 2),
        **params,
    )


def tasks(y):
    return [[label, str(row % 2)] for row, label in enumerate(y)]


FITS = {
    "classes": lambda X, y: with_all_models().fit(X, y),
    "validation": lambda X, y: with_all_models(early_stopping=True).fit(X, y),
    "weights": lambda X, y: with_all_models().fit(X, y, np.arange(60) % 3),
    "unlabelled": lambda X, y: with_all_models().fit(
        X, [label if row % 2 else None for row, label in enumerate(y)]
    ),
    "X_unlabelled": lambda X, y: with_all_models().fit(
        X[:40], y[:40], X_unlabelled=X[40:]
    ),
    "X_val": lambda X, y: with_all_models().fit(
        X[:40], y[:40], X_val=X[40:], y_val=y[40:]
    ),
    "stream": lambda X, y: (
        with_all_models().partial_fit(X[::2], y[::2], classes=np.unique(y))
    ).partial_fit(X[1::2], y[1::2]),
    "labels": lambda X, y: with_all_models().fit(
        X, np.stack([y == y[0], np.arange(60) % 2], 1).astype(int)
    ),
    "tasks": lambda X, y: with_all_models().fit(X, tasks(y)),
    "numbers": lambda X, y: small_regressor().fit(X, np.arange(60)),
}


@pytest.mark.parametrize("name", FITS)
def test_fits_and_predictions_have_the_same_bits(name, X, stored, y):
    expected, found = FITS[name](X, y), FITS[name](stored, y)
    method = "predict" if name == "numbers" else "predict_proba"
    of_memory = np.asarray(getattr(expected, method)(X))
    assert np.array_equal(np.asarray(getattr(found, method)(stored)), of_memory)
    assert np.array_equal(np.asarray(getattr(found, method)(X)), of_memory)


def test_a_tagger_reads_them_too(X, stored):
    y = [[int(id_ % 2) for id_ in row] for row in stored]
    expected, found = small_tagger().fit(X, y), small_tagger().fit(stored, y)
    for of_memory, of_file in zip(
        expected.predict_proba(X), found.predict_proba(stored), strict=True
    ):
        assert np.array_equal(of_memory, of_file)


def test_cross_validation_selects_rows(X, stored, y):
    expected, found = (cross_val_predict(small_classifier(), Z, y) for Z in (X, stored))
    assert np.array_equal(found, expected)


def test_checkpoints_are_resumed(stored, y, tmp_path):
    params = {"checkpoint": tmp_path / "fit.zip", "max_epochs": 2}
    first = with_all_models(**params).fit(stored, y)
    again = with_all_models(**params).fit(stored, y)
    assert np.array_equal(again.predict_proba(stored), first.predict_proba(stored))


def test_a_fitted_model_does_not_contain_the_file(stored, y):
    model = pickle.dumps(small_classifier().fit(stored, y))
    assert b"reviews.ids" not in model


def test_models_next_to_the_network_are_fitted_to_a_sample_of_many_rows(
    X, stored, y, monkeypatch
):
    def ngrams_of(X, most_rows):
        monkeypatch.setattr(ngram_models, "_MOST_ROWS", most_rows)
        models = with_all_models(max_epochs=1).fit(X, y).model_.auxiliary_models
        return set(models.log_odds.vocabulary.buckets), models.linear.ngram_model.idf

    of_all, _ = ngrams_of(X, 60)
    (found, idf), (of_memory, idf_of_memory) = ngrams_of(stored, 50), ngrams_of(X, 50)
    assert found < of_all
    assert found == of_memory
    assert np.array_equal(idf, idf_of_memory)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"input_type": "numeric"}, "X must hold numbers.*token ids in a file"),
        ({"n_static_features": 2}, "requires a 2-D X.*token ids in a file"),
    ],
)
def test_other_input_is_required(stored, y, params, message):
    with pytest.raises(ValueError, match=message):
        small_classifier(**params).fit(stored, y)


def test_no_rows_are_refused(stored, y):
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        small_classifier().fit(stored[:0], y[:0])


def test_a_tagger_of_words_refuses_them(stored, fitted_tagger):
    with pytest.raises(ValueError, match="lists of tokens, as in the fit.*in a file"):
        fitted_tagger.predict(stored)


def test_ids_of_another_vocabulary_are_refused(stored, y, tmp_path):
    model = small_classifier().fit(stored, y)
    other = TextVectorizer().fit(["something else"])
    ids = write_token_ids(other, [["else"]], tmp_path / "ids")
    with pytest.raises(ValueError, match="ids of the vocabulary"):
        model.predict(ids)


def test_larger_ids_than_those_of_an_embedding_are_refused(tmp_path):
    vectorizer = TextVectorizer(vocabulary={"a": MAX_ID + 1}).fit(["a"])
    ids = write_token_ids(vectorizer, [["a", "b"]], tmp_path / "ids")
    with pytest.raises(ValueError, match="at most 1,000,000: got 1000001"):
        BiLSTMClassifier().fit(ids, [0, 1])
