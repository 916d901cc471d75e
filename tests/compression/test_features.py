import numpy as np
import pytest

from sklearn_bilstm.compression._features import (
    n_token_features,
    ranked_features,
    with_features,
)
from sklearn_bilstm.compression._weights import with_models
from sklearn_bilstm.fitting import TaggingModels
from tests.helpers import small_tagger


@pytest.fixture(scope="module")
def model(sentences):
    """Model of a tagger with a linear model, read-only."""
    return small_tagger(linear_features="auto", max_epochs=1).fit(*sentences).model_


def emissions(model, X):
    return model.with_features(model.read(X)).emissions.values


def test_features_are_counted_if_there_is_a_linear_model(model, fitted_tagger, fitted):
    assert n_token_features(model) == model.auto_params["linear_features"] > 0
    assert n_token_features(fitted_tagger.model_) == 0
    assert n_token_features(fitted.model_) == 0


def test_all_features_give_the_same_emissions(model, sentences):
    X, _ = sentences
    ranked = ranked_features(model)
    assert sorted(ranked) == [*range(n_token_features(model))]
    found = emissions(with_features(model, ranked), X)
    np.testing.assert_array_equal(found, emissions(model, X))


def with_weights(model, function):
    """Return a model whose weights of features are changed by a function."""
    linear_tagger = model.auxiliary_models.linear_tagger.mapped(function)
    return with_models(model, TaggingModels(linear_tagger))


def test_features_with_equal_weights_for_all_labels_are_last(model):
    flat = [3, 8, 20]

    def flattened(weight):
        weight = weight.copy()
        weight[flat] = 1000.0
        return weight

    ranked = ranked_features(with_weights(model, flattened))
    assert sorted(ranked[-3:]) == flat


def test_removed_features_have_no_weights(model, sentences):
    X, _ = sentences
    kept = ranked_features(model)[:40]

    def zeroed(weight):
        is_kept = np.isin(np.arange(len(weight)), kept)
        return np.where(is_kept[:, np.newaxis], weight, 0)

    smaller = with_features(model, kept)
    expected = emissions(with_weights(model, zeroed), X)
    np.testing.assert_allclose(emissions(smaller, X), expected, atol=1e-5)
    assert n_token_features(smaller) == smaller.auto_params["linear_features"] == 40
    assert n_token_features(model) == model.auto_params["linear_features"] > 40


def test_a_model_without_features_emits_nothing(model, sentences):
    X, _ = sentences
    nothing = with_features(model, ranked_features(model)[:0])
    assert not emissions(nothing, X).any()
    assert n_token_features(nothing) == 0
