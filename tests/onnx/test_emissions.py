import numpy as np
import pytest
import torch

from sklearn_bilstm.onnx._emissions import linear_emissions
from sklearn_bilstm.onnx._graph import Graph
from sklearn_bilstm.sequences import N_TOKEN_FEATURES
from sklearn_bilstm.training import LinearTagger


def random_tagger(n_features, n_labels):
    """Return a linear model with random hashes and weights."""
    random = np.random.RandomState(0)
    model = LinearTagger(n_labels)
    hashes = random.randint(1, 2**62, size=n_features).astype(np.uint64) * 4
    model.features = np.unique(hashes)
    weight = random.normal(size=(len(model.features) + 1, n_labels))
    weight[0] = 0
    model.weight = torch.from_numpy(weight.astype(np.float32))
    return model


def random_features(model, n_rows, n_steps):
    """Return hashes; the model knows two thirds of them."""
    random = np.random.RandomState(1)
    shape = n_rows, n_steps, N_TOKEN_FEATURES
    hashes = random.randint(2**62, size=shape).astype(np.uint64)
    if len(model.features):
        known = model.features[random.randint(len(model.features), size=shape)]
        hashes = np.where(random.rand(*shape) < 2 / 3, known, hashes)
    return hashes


def emissions(run, model, hashes, weights="float32"):
    graph = Graph(weights)
    features = graph.input("features", np.int64, ["rows", "steps", N_TOKEN_FEATURES])
    found = linear_emissions(graph, model, features)
    shape = ["steps", "rows", model.n_labels]
    found = run(graph, found, np.float64, shape, features=hashes.view(np.int64))
    return found.transpose(1, 0, 2)


def expected_emissions(model, hashes):
    """Sum the weights of each feature, which a dict finds."""
    pairs = zip(model.features.tolist(), model.weight[1:].double(), strict=True)
    weight_of = dict(pairs)
    zeros = torch.zeros(model.n_labels, dtype=torch.float64)
    rows = hashes.reshape(-1, N_TOKEN_FEATURES).tolist()
    sums = [sum(weight_of.get(hash_, zeros) for hash_ in row) for row in rows]
    return torch.stack(sums).numpy().reshape(*hashes.shape[:2], -1)


@pytest.mark.parametrize("n_labels", [1, 2, 17, 40, 130, 600])
def test_emissions_are_sums_of_the_weights_of_known_features(run, n_labels):
    model = random_tagger(500, n_labels)
    hashes = random_features(model, 3, 4)
    found = emissions(run, model, hashes)
    np.testing.assert_allclose(found, expected_emissions(model, hashes), atol=1e-4)


@pytest.mark.parametrize("n_features", [0, 1])
def test_few_features_are_found(run, n_features):
    model = random_tagger(n_features, 5)
    hashes = random_features(model, 2, 3)
    found = emissions(run, model, hashes)
    np.testing.assert_allclose(found, expected_emissions(model, hashes), atol=1e-4)
    assert found.any() == (n_features > 0)


@pytest.mark.parametrize(("weights", "error"), [("float16", 2e-3), ("int8", 2e-2)])
@pytest.mark.parametrize("n_labels", [3, 40])
def test_errors_of_emissions_are_those_of_rounded_weights(
    run, weights, error, n_labels
):
    model = random_tagger(500, n_labels)
    hashes = random_features(model, 3, 4)
    found = emissions(run, model, hashes, weights)
    bound = N_TOKEN_FEATURES * error
    np.testing.assert_allclose(found, expected_emissions(model, hashes), atol=bound)


def test_missing_features_and_padding_have_no_weights(run):
    model = random_tagger(500, 4)
    hashes = np.zeros((2, 3, N_TOKEN_FEATURES), np.uint64)
    assert not emissions(run, model, hashes).any()
