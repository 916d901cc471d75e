from itertools import product

import numpy as np
import pytest

from sklearn_bilstm.nn import CELLS, MERGES, NORMALIZATIONS, POOLINGS
from tests.helpers import small_classifier

LAYERS = [
    *({"cell": c, "merge_mode": m} for c, m in product(sorted(CELLS), sorted(MERGES))),
    *({"cell": cell, "bidirectional": False} for cell in sorted(CELLS)),
]
STACKED = [
    {"hidden_layer_sizes": (6, 5, 4)},
    {"hidden_layer_sizes": (6, 5), "cell": "gru", "merge_mode": "sum"},
    {"hidden_layer_sizes": (6, 5), "cell": "rnn", "bidirectional": False},
    {"dense_layer_sizes": (5, 3)},
    {"embedding_dim": 1, "hidden_layer_sizes": 1},
]
POOLED = [
    {"pooling": pooling, "normalization": normalization}
    for pooling, normalization in product(sorted(POOLINGS), [None, *NORMALIZATIONS])
]


def assert_served_alike(served, model, X):
    expected = model.predict_proba(X)
    assert np.ptp(expected[:, 0]) > 0.05  # or there would be little to compare
    np.testing.assert_allclose(served(model).predict_proba(X), expected, atol=1e-6)


@pytest.mark.parametrize("params", [*LAYERS, *STACKED], ids=str)
def test_served_layers_equal_torch_for_rows_of_any_length(
    served, shaken, ids, rows, params
):
    params = {"pooling": "max_mean", **params}
    model = shaken(small_classifier(**params).fit(ids, np.arange(40) % 3))
    assert_served_alike(served, model, rows)


@pytest.mark.parametrize("params", [{"cell": "gru"}, {"merge_mode": "mul"}], ids=str)
@pytest.mark.parametrize("bidirectional", [True, False])
def test_served_final_states_equal_torch(
    served, shaken, ids, rows, params, bidirectional
):
    params = {"pooling": "last", "bidirectional": bidirectional, **params}
    model = shaken(small_classifier(**params).fit(ids, np.arange(40) % 3))
    assert_served_alike(served, model, rows)


@pytest.mark.parametrize("stride", [1, 2, 5])
@pytest.mark.parametrize("pooling", ["last", "max_mean", "attention"])
def test_served_convolutions_equal_torch(served, shaken, ids, rows, pooling, stride):
    params = {"convolution_layer_sizes": (5, 4), "convolution_stride": stride}
    model = small_classifier(pooling=pooling, **params).fit(ids, np.arange(40) % 3)
    assert_served_alike(served, shaken(model), rows)


@pytest.mark.parametrize("params", POOLED, ids=str)
def test_served_normalisation_and_pooling_equal_torch(
    served, shaken, ids, rows, params
):
    params = {"hidden_layer_sizes": (6, 4), **params}
    model = shaken(small_classifier(**params).fit(ids, np.arange(40) % 3))
    assert_served_alike(served, model, rows)


@pytest.mark.parametrize("pooling", sorted(POOLINGS))
def test_padding_does_not_change_served_predictions(served, shaken, ids, rows, pooling):
    model = served(shaken(small_classifier(pooling=pooling).fit(ids, ids[:, 0] > 15)))
    inputs = model.inputs(rows)
    wider = np.pad(inputs["ids"], ((0, 0), (0, 9)))
    for batch in (inputs["ids"], wider):
        found = model.session_.run(["probabilities"], {"ids": batch})[0]
        np.testing.assert_allclose(found, model.predict_proba(rows), atol=1e-6)
