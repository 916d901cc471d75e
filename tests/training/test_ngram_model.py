from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from sklearn_bilstm.training._ngram_model import NgramModel
from tests.helpers import ragged


@pytest.fixture(scope="module")
def rows():
    random = np.random.RandomState(0)
    return [
        random.randint(2, 30, size=random.randint(3, 12)).tolist() for _ in range(90)
    ]


def fitted(rows, target, n_classes, static=None):
    model = NgramModel((1, 2), n_classes)
    X = model.fit_features(ragged(rows), static)
    return model.fit(X, target, np.ones(len(rows)), lambda: None)


@pytest.fixture(scope="module")
def model(rows):
    """A model of two classes."""
    return fitted(rows, np.array([max(row) % 2 for row in rows]), 2)


@pytest.fixture(scope="module")
def sparse_and_dense(rows):
    """A model with sparse coefficients, and a dense copy."""
    sparse = fitted(rows, np.arange(90) % 30, 30)
    dense = copy(sparse)
    coefficients = sparse.regressions.coefficients.toarray()
    dense.regressions = replace(sparse.regressions, coefficients=coefficients)
    return sparse, dense


def test_features_are_those_of_tfidf_vectorizer(rows):
    found = NgramModel((1, 2), 2).fit_features(ragged(rows), None).columns
    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2), token_pattern=r"\S+", sublinear_tf=True
    )
    expected = vectorizer.fit_transform([" ".join(map(str, row)) for row in rows])
    assert found.shape == expected.shape
    for row, of_row in zip(found.toarray(), expected.toarray(), strict=True):
        np.testing.assert_allclose(np.sort(row), np.sort(of_row))


def test_static_features_are_the_last_columns(rows):
    static = np.random.RandomState(0).normal(size=(90, 3))
    X = NgramModel((1, 2), 2).fit_features(ragged(rows), static)
    np.testing.assert_array_equal(X.columns[:, X.n_ngrams :].toarray(), static)


def test_a_model_without_regressions_has_logits_of_zero(rows):
    model = fitted(rows, np.ones(90, int), 2)
    assert model.regressions is None
    assert not model.logits(ragged(rows)).any()
    assert not model.contributions(ragged(rows)).any()


def test_sparse_and_dense_coefficients_give_equal_logits(rows, sparse_and_dense):
    sparse, dense = sparse_and_dense
    for some in (ragged(rows), ragged([[5, 6]]), ragged([[]])):
        np.testing.assert_allclose(sparse.logits(some), dense.logits(some), atol=1e-12)


def test_sparse_and_dense_coefficients_give_equal_contributions(rows, sparse_and_dense):
    sparse, dense = (
        model.contributions(ragged(rows[:5])) for model in sparse_and_dense
    )
    np.testing.assert_allclose(sparse, dense, atol=1e-12)


def test_contributions_of_an_empty_row_are_empty(model):
    assert model.contributions(ragged([[]])).shape == (0, 2, 2)


def test_equal_ngrams_of_a_row_contribute_equally(model):
    contributions = model.contributions(ragged([[5, 6, 5, 6]]))
    np.testing.assert_allclose(contributions[0, 0], contributions[2, 0])
    np.testing.assert_allclose(contributions[1], contributions[3])
    assert contributions[0, 1].tolist() == [0, 0]  # no bigram ends at the first token


def test_a_restored_model_gives_equal_logits(rows, model):
    restored = NgramModel.from_state(model.state(), 2)
    assert np.array_equal(restored.logits(ragged(rows)), model.logits(ragged(rows)))


def logits_of_ngrams(model, sequences, static=None):
    """Return centred logits without those of intercepts and static features."""
    others = model.rescaled(0.0)
    return model.logits(sequences, static) - others.logits(sequences, static)


@pytest.mark.parametrize("kind", ["sparse", "dense"])
@pytest.mark.parametrize("step", [1, 2, 5, 10**6])
def test_removed_ngrams_have_zero_coefficients_except_for_the_norm_of_the_row(
    rows, sparse_and_dense, kind, step
):
    model = sparse_and_dense[kind == "dense"]
    columns = np.arange(step - 1, len(model.idf), step)
    part = model.of_ngrams(model.vocabulary.take(columns), columns)
    zero = copy(model)
    chosen = np.isin(np.arange(len(model.idf)), columns)
    coefficients = sparse_and_dense[1].regressions.coefficients
    coefficients = coefficients * chosen[:, np.newaxis]
    zero.regressions = replace(model.regressions, coefficients=coefficients)
    whole = model.features(model.vocabulary.counts(ragged(rows)), None).columns
    norms = np.sqrt(np.square(whole.toarray()[:, chosen]).sum(1, keepdims=True))
    found, expected = (logits_of_ngrams(m, ragged(rows)) for m in (part, zero))
    np.testing.assert_allclose(found * norms, expected, atol=1e-12)


def test_rescaled_ngrams_keep_intercepts_and_static_features(rows):
    static = np.random.RandomState(0).normal(size=(90, 3))
    target = np.array([max(row) % 2 for row in rows])
    model = fitted(rows, target, 2, static)
    args = ragged(rows), static
    others = model.logits(*args) - logits_of_ngrams(model, *args)
    found = model.rescaled(0.25).logits(*args)
    expected = others + 0.25 * logits_of_ngrams(model, *args)
    np.testing.assert_allclose(found, expected)
    assert np.ptp(others[:, 0]) > 0.1  # of static features
    columns = np.arange(0, len(model.idf), 2)
    part = model.of_ngrams(model.vocabulary.take(columns), columns)
    found = part.logits(*args) - logits_of_ngrams(part, *args)
    np.testing.assert_allclose(found, others)
