from copy import deepcopy

import numpy as np
import pytest
import torch

from sklearn_bilstm.compression._units import (
    has_removable_units,
    ranked_units,
    with_units,
)
from tests.helpers import small_classifier, small_regressor, small_tagger

RANDOM = np.random.RandomState(0)
SIZE = 6
NETWORKS = {
    "LSTM": {},
    "GRU": {"cell": "gru"},
    "RNN": {"cell": "rnn"},
    "one direction": {"bidirectional": False},
    "sum": {"merge_mode": "sum"},
    "mean of both": {"merge_mode": "mean"},
    "mul": {"merge_mode": "mul", "pooling": "last"},
    "last": {"pooling": "last"},
    "max_mean": {"pooling": "max_mean"},
    "max_mean of sums": {"pooling": "max_mean", "merge_mode": "sum"},
    "mean": {"pooling": "mean"},
    "stacked": {"hidden_layer_sizes": (5, SIZE)},
    "dense": {"dense_layer_sizes": (4, 3)},
    "convolution": {"convolution_layer_sizes": (4,)},
    "log-odds": {"log_odds_ngram_range": (1, 2)},
    "static": {"n_static_features": 2, "dense_layer_sizes": 3},
}


def data(n_rows=40, n_static=0):
    X = RANDOM.randint(2, 20, (n_rows, 7)).astype(float)
    X[np.arange(7) >= RANDOM.randint(1, 8, n_rows)[:, None]] = 0
    return np.hstack([X, RANDOM.standard_normal((n_rows, n_static))])


def fitted(name):
    """Return a fitted model and rows."""
    params = {"input_type": "tokens", **NETWORKS[name]}
    X = data(n_static=params.get("n_static_features", 0))
    model = small_classifier(**params).fit(X, X[:, 0] > 10).model_
    return model, model.read(X)


def with_zero_weights(model, removed):
    """Return logits of a network in which units have weights of zero."""
    changed = deepcopy(model)
    layer = changed.network.encoder.layers[-1]
    with torch.no_grad():
        for rnn, units in zip(layer.directions, removed, strict=True):
            n_gates = len(rnn.bias_ih_l0) // SIZE
            for gate in range(n_gates):
                for unit in units:
                    for weight in rnn.all_weights[0]:
                        weight[gate * SIZE + unit] = 0
    return changed


@pytest.mark.parametrize("name", NETWORKS)
def test_removed_units_have_weights_of_zero(name):
    model, rows = fitted(name)
    layer = model.network.encoder.layers[-1]
    before = model.logits(rows)
    if layer.merge_mode == "concat":  # other units of each direction
        kept = [[0, 2, 5], [1, 2, 4]][: len(layer.directions)]
    else:
        kept = [[1, 2, 4]] * 2
    found = with_units(model, [np.array(units[::-1]) for units in kept])
    assert found.network.encoder.config["hidden_layer_sizes"][-1] == 3
    removed = [{*range(SIZE)} - {*units} for units in kept]
    expected = with_zero_weights(model, removed).logits(rows)
    np.testing.assert_allclose(found.logits(rows), expected, rtol=1e-4, atol=1e-6)
    assert np.abs(expected - before).max() > 1e-3
    assert np.array_equal(model.logits(rows), before)


@pytest.mark.parametrize("name", NETWORKS)
def test_all_units_give_the_same_logits(name):
    model, rows = fitted(name)
    n_directions = len(model.network.encoder.layers[-1].directions)
    found = with_units(model, [np.arange(SIZE)] * n_directions)
    assert np.array_equal(found.logits(rows), model.logits(rows))


@pytest.mark.parametrize("name", NETWORKS)
def test_units_without_effect_have_the_last_rank(name):
    model, rows = fitted(name)
    layer = model.network.encoder.layers[-1]
    dead = [1, 4] if layer.merge_mode == "concat" else [4, 4]
    dead = dead[: len(layer.directions)]
    changed = with_zero_weights(model, [[unit] for unit in dead])
    ranked = ranked_units(changed, rows)
    assert [units[-1] for units in ranked] == dead
    assert all(sorted(units) == [*range(SIZE)] for units in ranked)


def test_units_are_removable_if_only_the_output_layers_read_them():
    X, y = data(), np.arange(40) % 2
    for params, expected in [
        ({}, True),
        ({"pooling": "attention"}, False),
        ({"normalization": "layer"}, False),
        ({"normalization": "batch"}, False),
    ]:
        model = small_classifier(input_type="tokens", **params).fit(X, y).model_
        assert has_removable_units(model) == expected
    words = [["a", "b"]] * 20
    assert not has_removable_units(small_tagger().fit(words, words).model_)
    steps = [np.ones((3, 2))] * 20
    regressor = small_regressor(output_type="steps")
    assert not has_removable_units(regressor.fit(steps, [np.ones(3)] * 20).model_)


def test_a_network_with_fewer_units_can_be_trained():
    model, _ = fitted("LSTM")
    found = with_units(model, [np.arange(3)] * 2)
    parameters = {id(p) for p in found.network.parameters()}
    groups = found.net.optimizer_.param_groups
    assert {id(p) for group in groups for p in group["params"]} == parameters
    assert all(p.requires_grad for p in found.network.parameters())
