import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss

from sklearn_bilstm.training._temperature import fitted_shares, fitted_temperature


def random_logits(temperature, shape):
    """Logits, and one-hot classes drawn at a temperature."""
    random = np.random.RandomState(0)
    logits = random.normal(scale=2, size=shape)
    probabilities = softmax(logits / temperature, axis=-1)
    below = probabilities.cumsum(-1)[..., :-1] < random.rand(*shape[:-1], 1)
    return logits, np.eye(shape[-1])[below.sum(-1)]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("shape", [(4000, 2), (4000, 5), (2000, 3, 2)])
def test_fitted_temperature_recovers_the_true_temperature(temperature, shape):
    found = fitted_temperature(*random_logits(temperature, shape), np.ones(shape[0]))
    np.testing.assert_allclose(found, temperature, rtol=0.1)


def test_fitted_temperature_minimises_the_weighted_log_loss():
    logits, truth = random_logits(1.5, (20_000, 3))
    weight = np.random.RandomState(1).uniform(0.5, 2, len(logits))

    def loss(temperature):
        probabilities = softmax(logits / temperature, axis=1)
        return log_loss(truth.argmax(1), probabilities, sample_weight=weight)

    found = fitted_temperature(logits, truth, weight)
    assert loss(found) < min(loss(0.98 * found), loss(1.02 * found))


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_fitted_temperature_does_not_depend_on_the_scale_of_weights(scale):
    logits, truth = random_logits(2.0, (200, 3))
    weight = np.random.RandomState(1).uniform(0.5, 2, 200)
    expected = fitted_temperature(logits, truth, weight)
    np.testing.assert_allclose(
        fitted_temperature(logits, truth, scale * weight), expected
    )


def test_fitted_temperature_is_not_dominated_by_one_heavy_row():
    logits, truth = random_logits(2.0, (400, 2))
    weight = np.ones(400)
    is_right = logits.argmax(1) == truth.argmax(1)
    weight[np.flatnonzero(is_right)[0]] = 1e9
    assert fitted_temperature(logits, truth, weight) > 0.5


def test_larger_temperatures_are_found_if_they_are_allowed():
    logits, truth = random_logits(1.0, (4000, 3))
    found = fitted_temperature(20 * logits, truth, np.ones(4000), largest=100.0)
    np.testing.assert_allclose(found, 20, rtol=0.1)


@pytest.mark.parametrize(("beyond", "bound"), [(0.01, 1 / 5), (4, 3)])
def test_fitted_temperature_is_bounded(beyond, bound):
    found = fitted_temperature(*random_logits(beyond, (4000, 2)), np.ones(4000))
    np.testing.assert_allclose(found, bound, rtol=1e-3)


@pytest.mark.parametrize(
    ("n_rows", "is_none"), [(199, False), (200, True), (600, True)]
)
def test_fitted_temperature_is_none_for_clearly_wrong_logits(n_rows, is_none):
    logits, truth = random_logits(1.0, (n_rows, 3))
    found = fitted_temperature(-logits, truth, np.ones(n_rows))
    assert (found is None) == is_none


def test_fitted_temperature_is_none_if_class_frequencies_are_better():
    random = np.random.RandomState(0)
    truth = np.eye(2)[(random.rand(500) < 0.1).astype(int)]
    assert fitted_temperature(random.normal(size=(500, 2)), truth, np.ones(500)) is None


def two_models(noise, shape=(1500, 3)):
    """Logits of two models with noise of their own, and classes of the sum."""
    logits, truth = random_logits(1.0, shape)
    random = np.random.RandomState(1)
    noisy = [logits + scale * random.normal(size=shape) for scale in noise]
    return np.stack(noisy), truth


@pytest.mark.parametrize("noise", [(1, 1), (1, 3), (3, 0.5)])
@pytest.mark.parametrize("shape", [(400, 2), (400, 4), (200, 3, 2)])
def test_fitted_shares_minimise_the_weighted_log_loss(noise, shape):
    logits, truth = two_models(noise, shape)
    weight = np.random.RandomState(2).uniform(0.2, 2, shape[0])
    sharpness = np.linspace(0, 1.6, 33)
    losses = np.array(
        [
            [stacked_loss(logits, truth, weight, (a, b)) for a in sharpness]
            for b in sharpness
        ]
    )
    second, first = sharpness[list(np.unravel_index(losses.argmin(), losses.shape))]
    shares, loss = fitted_shares(logits, truth, weight)
    np.testing.assert_allclose(
        shares, np.divide([first, second], first + second), atol=0.05
    )
    assert losses.min() - 3e-3 < loss < losses.min() + 1e-9


def stacked_loss(logits, truth, weight, factors):
    """Weighted log loss of the sum of logits times factors."""
    total = np.tensordot(factors, logits, axes=1)
    losses = -(truth * np.log(softmax(total, axis=-1))).reshape(len(truth), -1).sum(1)
    return np.average(losses, weights=weight)


@pytest.mark.parametrize("n_models", [1, 2, 3])
def test_shares_are_not_negative_and_sum_to_one(n_models):
    logits, truth = two_models([1] * n_models)
    logits[-1] *= -1 if n_models > 1 else 1
    shares, _ = fitted_shares(logits, truth, np.ones(len(truth)))
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(), 1)


def test_a_model_that_is_worse_than_chance_has_the_share_zero():
    logits, truth = two_models((1, 1))
    shares, _ = fitted_shares(logits * [[[1]], [[-1]]], truth, np.ones(len(truth)))
    np.testing.assert_allclose(shares, [1, 0])


def test_a_model_of_noise_has_a_share_near_zero():
    logits, truth = two_models((1, 1), (20_000, 3))
    logits[1] = np.random.RandomState(3).normal(size=logits[1].shape)
    shares, _ = fitted_shares(logits, truth, np.ones(len(truth)))
    np.testing.assert_allclose(shares, [1, 0], atol=0.03)


@pytest.mark.parametrize("logits", ["wrong", "zero"])
def test_useless_models_have_equal_shares(logits):
    found, truth = two_models((1, 1))
    found = -found if logits == "wrong" else 0 * found
    shares, loss = fitted_shares(found, truth, np.ones(len(truth)))
    np.testing.assert_allclose(shares, [0.5, 0.5])
    np.testing.assert_allclose(loss, np.log(3))


def test_shares_do_not_depend_on_the_scale_of_weights_and_the_order_of_models():
    logits, truth = two_models((1, 2))
    weight = np.random.RandomState(2).uniform(0.2, 2, len(truth))
    expected, _ = fitted_shares(logits, truth, weight)
    shares, _ = fitted_shares(logits[::-1], truth, 1e6 * weight)
    np.testing.assert_allclose(shares, expected[::-1], atol=1e-3)


def test_rows_with_large_weights_determine_the_shares():
    logits, truth = two_models((0.1, 0.1))
    logits[0, 750:], logits[1, :750] = -logits[0, 750:], -logits[1, :750]
    weight = np.where(np.arange(1500) < 750, 100, 0.01)
    shares, _ = fitted_shares(logits, truth, weight)
    np.testing.assert_allclose(shares, [1, 0], atol=0.01)
