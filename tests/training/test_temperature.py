import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss

from sklearn_bilstm.training._temperature import fitted_temperature


def drawn(temperature, shape):
    """Logits, and a one for the class that was drawn at a temperature."""
    random = np.random.RandomState(0)
    logits = random.normal(scale=2, size=shape)
    probabilities = softmax(logits / temperature, axis=-1)
    below = probabilities.cumsum(-1)[..., :-1] < random.rand(*shape[:-1], 1)
    return logits, np.eye(shape[-1])[below.sum(-1)]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("shape", [(4000, 2), (4000, 5), (2000, 3, 2)])
def test_it_is_the_one_that_classes_were_drawn_at(temperature, shape):
    found = fitted_temperature(*drawn(temperature, shape), np.ones(shape[0]))
    np.testing.assert_allclose(found, temperature, rtol=0.1)


def test_no_other_makes_what_was_seen_likelier():
    logits, truth = drawn(1.5, (20_000, 3))
    weight = np.random.RandomState(1).uniform(0.5, 2, len(logits))

    def loss(temperature):
        probabilities = softmax(logits / temperature, axis=1)
        return log_loss(truth.argmax(1), probabilities, sample_weight=weight)

    found = fitted_temperature(logits, truth, weight)
    assert loss(found) < min(loss(0.98 * found), loss(1.02 * found))


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_the_unit_of_weights_does_not_matter(scale):
    logits, truth = drawn(2.0, (200, 3))
    weight = np.random.RandomState(1).uniform(0.5, 2, 200)
    expected = fitted_temperature(logits, truth, weight)
    np.testing.assert_allclose(
        fitted_temperature(logits, truth, scale * weight), expected
    )


def test_one_row_that_outweighs_all_others_is_no_reason_to_be_certain():
    logits, truth = drawn(2.0, (400, 2))
    weight = np.ones(400)
    is_right = logits.argmax(1) == truth.argmax(1)
    weight[np.flatnonzero(is_right)[0]] = 1e9
    assert fitted_temperature(logits, truth, weight) > 0.5


@pytest.mark.parametrize(("beyond", "bound"), [(0.01, 1 / 3), (4, 3)])
def test_it_keeps_to_a_range(beyond, bound):
    found = fitted_temperature(*drawn(beyond, (4000, 2)), np.ones(4000))
    np.testing.assert_allclose(found, bound, rtol=1e-3)


@pytest.mark.parametrize(("n_rows", "is_refused"), [(190, False), (600, True)])
def test_logits_that_are_clearly_wrong_have_none(n_rows, is_refused):
    logits, truth = drawn(1.0, (n_rows, 3))
    found = fitted_temperature(-logits, truth, np.ones(n_rows))
    assert (found is None) == is_refused


def test_logits_that_tell_less_than_how_frequent_classes_are_have_none():
    random = np.random.RandomState(0)
    truth = np.eye(2)[(random.rand(500) < 0.1).astype(int)]
    assert fitted_temperature(random.normal(size=(500, 2)), truth, np.ones(500)) is None
