import numpy as np
import pytest
import torch

from sklearn_bilstm import compress
from sklearn_bilstm.compression._vectors import ReducedVectors, has_reducible_vectors
from tests.helpers import small_classifier, small_regressor, small_tagger

NETWORKS = {
    "LSTM": {},
    "GRU": {"cell": "gru"},
    "RNN": {"cell": "rnn"},
    "one direction": {"bidirectional": False},
    "sum": {"merge_mode": "sum"},
    "stacked": {"hidden_layer_sizes": (5, 4), "normalization": "layer"},
    "attention": {"pooling": "attention"},
    "log-odds": {"log_odds_ngram_range": (1, 2)},
    "static": {"n_static_features": 2},
}
SIZE = 7


def fitted(name):
    """Return a fitted model and rows."""
    random_state = np.random.RandomState(0)
    params = {"input_type": "tokens", "embedding_dim": SIZE, **NETWORKS[name]}
    X = random_state.randint(2, 20, (40, 6)).astype(float)
    X[np.arange(6) >= random_state.randint(1, 7, 40)[:, None]] = 0
    static = random_state.standard_normal((40, params.get("n_static_features", 0)))
    X = np.hstack([X, static])
    model = small_classifier(**params).fit(X, X[:, 0] > 10).model_
    return model, model.read(X)


def products(model):
    """Return the products of the vectors and the input weights, (n_tokens, n_gates)."""
    vectors = model.network.input_layer.embedding.weight
    directions = model.network.encoder.layers[0].directions
    weights = [rnn.weight_ih_l0[:, : vectors.shape[1]] for rnn in directions]
    return (vectors @ torch.cat(weights).T).detach().numpy()


@pytest.mark.parametrize("name", NETWORKS)
def test_all_components_give_equal_logits(name):
    model, rows = fitted(name)
    before = model.logits(rows)
    found = ReducedVectors(model, rows).with_components(SIZE)
    np.testing.assert_allclose(found.logits(rows), before, rtol=1e-4, atol=1e-5)
    assert np.array_equal(model.logits(rows), before)


@pytest.mark.parametrize("n_components", [1, 3])
def test_components_approximate_the_products_best(n_components):
    model, rows = fitted("LSTM")
    n_tokens = model.network.input_layer.input_size
    counts = np.bincount(rows.sequences.values, minlength=n_tokens) + 0.5
    weighted = np.sqrt(counts)[:, np.newaxis] * products(model)
    left, sizes, right = np.linalg.svd(weighted, full_matrices=False)
    best = (left * np.where(np.arange(len(sizes)) < n_components, sizes, 0)) @ right
    found = ReducedVectors(model, rows).with_components(n_components)
    assert found.network.input_layer.embedding.weight.shape == (n_tokens, n_components)
    approximate = np.sqrt(counts)[:, np.newaxis] * products(found)
    np.testing.assert_allclose(approximate, best, atol=1e-5)
    assert np.abs(best - weighted).max() > 1e-3


def test_padding_keeps_a_zero_vector():
    model, rows = fitted("LSTM")
    found = ReducedVectors(model, rows).with_components(2)
    assert not found.network.input_layer.embedding.weight[0].any()


def test_the_other_inputs_of_a_tagger_are_kept():
    X = [["Ben", "met", "Anna"], ["it", "rains"], []] * 10
    y = [["B", "O", "B"], ["O", "O"], []] * 10
    tagger = small_tagger(max_epochs=3, character_embedding_dim=3).fit(X, y)
    model = tagger.model_
    rows = model.read(X)
    assert model.network.characters is not None
    reduced = ReducedVectors(model, rows)
    assert reduced.n_components == model.network.input_layer.input_size  # few tokens
    found = reduced.with_components(reduced.n_components)
    pairs = zip(model.net.marginals(rows), found.net.marginals(rows), strict=True)
    for before, after in pairs:
        np.testing.assert_allclose(after, before, atol=1e-5)


def test_numbers_and_convolutions_have_no_reducible_vectors():
    ids = np.random.RandomState(0).randint(2, 9, (20, 5))
    numeric = small_regressor(max_epochs=1).fit(ids.astype(float), ids[:, 0])
    assert not has_reducible_vectors(numeric.model_)
    params = {"input_type": "tokens", "max_epochs": 1}
    convolved = small_regressor(convolution_layer_sizes=(4,), **params)
    assert not has_reducible_vectors(convolved.fit(ids, ids[:, 0]).model_)
    assert has_reducible_vectors(small_regressor(**params).fit(ids, ids[:, 0]).model_)


@pytest.mark.parametrize("embedding", ["svd", "array"])
def test_a_model_of_fewer_components_can_be_trained_on(embedding):
    X = np.random.RandomState(0).randint(2, 20, (200, 6))
    vectors = np.random.RandomState(1).standard_normal((20, 24)) * 1e-3
    classifier = small_classifier(
        embedding=vectors if embedding == "array" else "svd", embedding_dim=24
    )
    y = X[:, 0] > 10
    smaller = compress(classifier.fit(X, y), X, tolerance=0.3)
    n_components = smaller.module_.input_layer.n_shared
    assert n_components < 24
    assert smaller.embedding_dim == n_components
    assert smaller.partial_fit(X, y).module_.input_layer.n_shared == n_components
    assert classifier.embedding_dim == classifier.module_.input_layer.n_shared == 24
