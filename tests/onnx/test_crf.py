from itertools import product

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from sklearn_bilstm.nn import CRF
from sklearn_bilstm.onnx._crf import (
    Emissions,
    StepInput,
    marginals,
    most_probable_labels,
)
from sklearn_bilstm.onnx._graph import Graph
from sklearn_bilstm.onnx._network import Rows

K = 3
LENGTHS = [4, 0, 1, 3, 2, 4]


def random_crf(n_labels, generator, allowed=None):
    crf = CRF(n_labels, allowed)
    torch.nn.init.normal_(crf.weight, generator=generator)
    return crf


def some_allowed(n_labels):
    """Transitions as those of BIO: label 1 only follows labels 0 and 1."""
    allowed = torch.ones(n_labels + 1, n_labels + 1, dtype=torch.bool)
    allowed[2:, 1] = False
    return allowed


@pytest.fixture
def decoded(run):
    """Return a function that decodes emissions of shape (B, T, K) in a graph."""
    pytest.importorskip("onnx")

    def decode(function, crf, emissions, lengths):
        graph, n_labels = Graph(), crf.output_size
        values = graph.input("emissions", np.float64, ["steps", "rows", n_labels])
        ids = graph.input("ids", np.int64, ["rows", "steps"])
        is_real = graph.cast(graph.op("Greater", ids, 0), np.int64)
        counts = graph.op("ReduceSum", is_real, [1], keepdims=0)
        rows = Rows.of(graph, counts, graph.op("Shape", values, end=1))
        source = StepInput(ids, np.int64, [])
        found = function(graph, crf, Emissions(values, rows, source))
        dtype = np.int64 if function is most_probable_labels else np.float64
        shape = ["steps", "rows", *([] if dtype is np.int64 else [n_labels])]
        inputs = {
            "emissions": emissions.transpose(1, 0, 2).copy(),
            "ids": (np.arange(emissions.shape[1]) < lengths[:, np.newaxis]) * 7,
        }
        return np.swapaxes(run(graph, found, dtype, shape, **inputs), 0, 1)

    return decode


def scores_of_all(crf, emissions):
    """Return all label sequences of a row, and their scores."""
    weights = np.where(crf.allowed, crf.weight.detach().double(), -np.inf)
    labels = np.array([*product(range(emissions.shape[1]), repeat=len(emissions))])
    scores = weights[-1, labels[:, 0]] + weights[labels[:, -1], -1]
    scores += emissions[np.arange(len(emissions)), labels].sum(1)
    return labels, scores + weights[labels[:, :-1], labels[:, 1:]].sum(1)


@pytest.mark.parametrize("allowed", [None, some_allowed(K)])
@pytest.mark.parametrize("size", [1, 3, 1e4])
def test_labels_are_the_best_of_all_sequences(decoded, generator, allowed, size):
    crf = random_crf(K, generator, allowed)
    emissions = size * np.random.RandomState(0).normal(size=(6, 4, K))
    found = decoded(most_probable_labels, crf, emissions, np.array(LENGTHS))
    for row, length in enumerate(LENGTHS):
        if length:
            labels, scores = scores_of_all(crf, emissions[row, :length])
            assert found[row, :length].tolist() == labels[scores.argmax()].tolist()


@pytest.mark.parametrize("allowed", [None, some_allowed(K)])
@pytest.mark.parametrize("size", [1, 3, 1e4])
def test_probabilities_are_sums_over_all_sequences(decoded, generator, allowed, size):
    crf = random_crf(K, generator, allowed)
    emissions = size * np.random.RandomState(0).normal(size=(6, 4, K))
    found = decoded(marginals, crf, emissions, np.array(LENGTHS))
    for row, length in enumerate(LENGTHS):
        if length:
            labels, scores = scores_of_all(crf, emissions[row, :length])
            probabilities = np.exp(scores - logsumexp(scores))
            expected = [
                [probabilities[of_step == k].sum() for k in range(K)]
                for of_step in labels.T
            ]
            np.testing.assert_allclose(found[row, :length], expected, atol=1e-9)


@pytest.mark.parametrize("backwards", [False, True])
def test_a_label_that_requires_an_improbable_one_keeps_its_probability(
    decoded, generator, backwards
):
    allowed = some_allowed(K)
    if backwards:  # label 1 only precedes labels 0 and 1
        allowed = allowed.T
    crf = random_crf(K, generator, allowed)
    # the exponential of the difference of the first scores is zero
    emissions = np.array([[[0, 0, 2000], [0, 5000, 0], [0, 0, 0]]], float)
    if backwards:
        emissions = emissions[:, ::-1]
    found = decoded(marginals, crf, emissions, np.array([3]))[0]
    labels, scores = scores_of_all(crf, emissions[0])
    probabilities = np.exp(scores - logsumexp(scores))
    expected = [[probabilities[step == k].sum() for k in range(K)] for step in labels.T]
    assert expected[1][1] > 0.99
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_row_out_of_the_range_of_exponentials_does_not_change_others(
    decoded, generator
):
    crf = random_crf(K, generator)
    emissions = np.random.RandomState(0).normal(size=(4, 5, K))
    alone = decoded(marginals, crf, emissions[:1], np.array([5]))
    emissions[1:] *= 1e5
    together = decoded(marginals, crf, emissions, np.array([5] * 4))
    np.testing.assert_allclose(together[:1], alone, atol=1e-12)


@pytest.mark.parametrize(("n_rows", "n_steps"), [(1, 1), (1, 50), (33, 17)])
@pytest.mark.parametrize("n_labels", [1, 2, 40])
def test_any_batch_is_decoded_as_by_torch(
    decoded, generator, n_labels, n_rows, n_steps
):
    random = np.random.RandomState(0)
    allowed = some_allowed(n_labels) if n_labels > 2 else None
    crf = random_crf(n_labels, generator, allowed).double()
    emissions = 3 * random.normal(size=(n_rows, n_steps, n_labels))
    lengths = random.randint(n_steps + 1, size=n_rows)
    mask = np.arange(n_steps) < lengths[:, np.newaxis]
    with torch.no_grad():
        inputs = torch.from_numpy(emissions), torch.from_numpy(mask)
        labels, expected = crf.decode(*inputs), crf.marginals(*inputs)
    found = decoded(most_probable_labels, crf, emissions, lengths)
    assert found[mask].tolist() == labels.numpy()[mask].tolist()
    found = decoded(marginals, crf, emissions, lengths)
    np.testing.assert_allclose(found[mask], expected.numpy()[mask], atol=1e-9)


def test_equal_scores_give_the_labels_of_torch(decoded):
    crf, random = CRF(4).double(), np.random.RandomState(0)
    emissions = random.randint(2, size=(50, 6, 4)).astype(float)
    mask = torch.ones(50, 6, dtype=torch.bool)
    expected = crf.decode(torch.from_numpy(emissions), mask)
    found = decoded(most_probable_labels, crf, emissions, np.full(50, 6))
    assert found.tolist() == expected.tolist()
