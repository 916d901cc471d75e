import numpy as np
import pytest

from tests.helpers import small_classifier, small_regressor

pytest.importorskip("onnx")
N_FEATURES = 3 * 84


@pytest.fixture(scope="module")
def series():
    """Series of two channels and of all lengths from 1 to 25."""
    random = np.random.RandomState(0)
    return [3 + random.normal(size=(1 + n % 25, 2)).cumsum(0) for n in range(75)]


def assert_served_alike(model, served, X, predict="predict_proba"):
    found, expected = (getattr(m, predict)(X) for m in (served(model), model))
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("scales", [(1.0, 0.0), (0.3, 0.6), (0.0, 0.9)])
@pytest.mark.parametrize("kind", ["classes", "labels"])
def test_classes_of_convolutions_are_served(served, series, kind, scales):
    classes = np.array([row[-1, 0] > 3 for row in series]).astype(int)
    y = classes if kind == "classes" else np.stack([classes, 1 - classes], 1)
    model = small_classifier(linear_kernels=N_FEATURES).fit(series, y)
    assert model.linear_model_ is not None
    others = model.model_.auxiliary_models
    others.linear_scale, others.network_scale = scales
    assert_served_alike(model, served, series)


def test_one_channel_of_equal_length_is_served(served):
    X = np.random.RandomState(0).normal(size=(60, 20))
    model = small_classifier(linear_kernels=N_FEATURES).fit(X, X.std(1) > 1)
    assert_served_alike(model, served, X)


def test_convolutions_of_the_network_are_served(served, series):
    params = {"convolution_layer_sizes": 5, "convolution_stride": 2}
    model = small_classifier(**params).fit(series, [len(row) > 12 for row in series])
    assert_served_alike(model, served, series)


def test_numbers_of_the_last_steps_are_served(served, series):
    y = [row[-1].sum() + row[max(0, len(row) - 2)].sum() for row in series]
    model = small_regressor(linear_kernels=N_FEATURES).fit(series, y)
    linear = model.linear_model_
    assert linear.LAST_STEPS in linear.coefficients
    assert_served_alike(model, served, series, "predict")
    # shorter and longer batches than in training
    assert_served_alike(model, served, series[:2], "predict")
    assert_served_alike(model, served, [np.tile(series[24], (3, 1))], "predict")


def test_numbers_of_convolutions_are_served(served, series):
    y = np.array([[row.std(), (np.diff(row[:, 0]) > 0).sum()] for row in series])
    model = small_regressor(linear_kernels=N_FEATURES).fit(series, y)
    linear = model.linear_model_
    assert linear.CONVOLUTIONS in linear.coefficients
    assert_served_alike(model, served, series, "predict")


def test_a_constant_is_served(served):
    random = np.random.RandomState(0)
    X, y = random.normal(size=(60, 9)), random.normal(size=(60, 2))
    model = small_regressor(linear_kernels=N_FEATURES).fit(X, y)
    others = model.model_.auxiliary_models
    assert not others.linear.coefficients
    for scales in [(1.0, 0.0), (0.4, 0.6)]:
        others.linear_scale, others.network_scale = scales
        assert_served_alike(model, served, X, "predict")


def test_static_features_are_served(served):
    random = np.random.RandomState(0)
    X = random.normal(size=(80, 9))
    model = small_classifier(
        n_static_features=3, input_type="numeric", linear_kernels=N_FEATURES
    )
    model.fit(X, X[:, -1] > 0)
    assert model.linear_model_.STATIC in model.linear_model_.coefficients
    assert_served_alike(model, served, X)
