import numpy as np
import pytest

from sklearn_bilstm.inspection import _integration_path
from sklearn_bilstm.inspection._integration_path import IntegrationPath
from sklearn_bilstm.inspection._model import Output, TextModel
from tests.helpers import small_pipeline

pytest.importorskip("captum")

TEXTS = ["the plot was not good", "", "brilliant film"]
ROWS = np.arange(3)


@pytest.fixture
def path(fitted_pipeline):
    model = TextModel.of(fitted_pipeline)
    _, _, rows = model.read(TEXTS)
    return IntegrationPath(
        model.estimator, rows, Output.of(model.estimator, "positive", rows)
    )


def test_path_ends_at_the_decision_function(path, fitted_pipeline):
    odds = fitted_pipeline.decision_function(TEXTS)
    np.testing.assert_allclose(path.values(ROWS, np.ones(3)), odds, rtol=1e-5)


def test_path_of_convolutions_ends_at_the_decision_function(reviews):
    params = {"convolution_layer_sizes": 4, "convolution_stride": 2}
    pipeline = small_pipeline(**params).fit(*reviews)
    model = TextModel.of(pipeline)
    _, _, rows = model.read(TEXTS)
    output = Output.of(model.estimator, "positive", rows)
    path = IntegrationPath(model.estimator, rows, output)
    odds = pipeline.decision_function(TEXTS)
    np.testing.assert_allclose(path.values(ROWS, np.ones(3)), odds, 1e-5, 1e-6)


def test_path_of_an_empty_text_is_constant(path):
    start, end = path.values(np.array([1, 1]), np.array([0.0, 1.0]))
    assert start == end


def test_integrals_are_additive(path):
    def integrals(start, end):
        return np.concatenate(path.integrals(ROWS, np.full(3, start), np.full(3, end)))

    total = integrals(0.0, 0.3) + integrals(0.3, 1.0)
    np.testing.assert_allclose(total, integrals(0.0, 1.0), atol=2e-3)


def test_integrals_accept_repeated_rows_in_any_order(path):
    rows = np.array([2, 0, 2])
    first, _, half = path.integrals(rows, np.zeros(3), np.array([1.0, 1.0, 0.5]))
    assert [len(first), len(half)] == [2, 2]
    (single,) = path.integrals(rows[:1], np.zeros(1), np.ones(1))
    np.testing.assert_allclose(single, first, atol=1e-6)


def test_integrals_do_not_depend_on_the_batch_size(path, monkeypatch):
    expected = path.integrals(ROWS, np.zeros(3), np.ones(3))
    monkeypatch.setattr(_integration_path, "_STEPS_AT_ONCE", 1)
    found = path.integrals(ROWS, np.zeros(3), np.ones(3))
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
