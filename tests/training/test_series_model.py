import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss

from sklearn_bilstm.sequences import RaggedArray, ragged_from_series
from sklearn_bilstm.training import SeriesModel

N_FEATURES = 4 * 84
KINDS = ["classes", "labels", "numbers"]


def series_of(rows):
    found = ragged_from_series([np.asarray(row, np.float32) for row in rows])
    return RaggedArray(found.values.astype(np.float32), found.offsets)


@pytest.fixture(scope="module")
def bursts():
    """Noise with a fast or slow oscillation, or none, of unequal lengths."""
    random = np.random.RandomState(0)
    classes = np.arange(150) % 3
    rows = []
    for kind in classes:
        steps = np.arange(random.randint(25, 40))
        wave = np.sin(steps * [0.0, 0.4, 2.0][kind])
        rows.append(wave + 0.5 * random.normal(size=len(steps)))
    return series_of(rows), classes


def targets(classes):
    return {
        "classes": classes,
        "labels": np.stack([classes == 0, classes > 1, classes < 9], 1).astype(float),
        "numbers": np.stack([classes - 1.0, 0.5 - (classes == 1)], 1),
    }


def fitted(kind, sequences, target, **arguments):
    n_outputs = 3 if kind == "classes" else target.shape[1]
    model = SeriesModel(N_FEATURES, n_outputs, kind, arguments.pop("quantile", None))
    weight = arguments.pop("weight", np.ones(len(sequences)))
    return model, model.fit(sequences, target, weight, 0, **arguments)


def trend(n_rows, n_last=12):
    """Windows of a rising, oscillating series, and the next number of each."""
    random = np.random.RandomState(0)
    steps = np.arange(n_rows + n_last)
    series = 0.05 * steps + np.sin(steps) + 0.05 * random.normal(size=len(steps))
    windows = np.lib.stride_tricks.sliding_window_view(series, n_last)[:n_rows]
    return windows[..., np.newaxis], series[n_last:]


def test_classes_of_oscillations_are_predicted(bursts):
    sequences, classes = bursts
    model, held_out = fitted("classes", sequences, classes)
    assert (held_out.argmax(1) == classes).mean() > 0.95
    assert (model.logits(sequences).argmax(1) == classes).mean() > 0.95


def test_held_out_probabilities_are_calibrated(bursts):
    # with a fifth of wrong labels, probabilities must not be higher than 0.8 on average
    sequences, classes = bursts
    random = np.random.RandomState(1)
    noisy = np.where(random.rand(150) < 0.2, (classes + 1) % 3, classes)
    _, held_out = fitted("classes", sequences, noisy)
    highest = softmax(held_out, axis=1).max(1).mean()
    assert highest == pytest.approx((held_out.argmax(1) == noisy).mean(), abs=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_logits_of_a_row_do_not_depend_on_other_rows(kind, bursts):
    sequences, classes = bursts
    model, _ = fitted(kind, sequences, targets(classes)[kind])
    one_by_one = [model.logits(sequences.take(np.array([row]))) for row in range(9)]
    expected = model.logits(sequences)[:9]
    np.testing.assert_allclose(np.concatenate(one_by_one), expected, rtol=1e-12)


@pytest.mark.parametrize("kind", ["classes", "labels"])
def test_classes_that_do_not_depend_on_the_rows_give_no_model(kind, bursts):
    sequences = bursts[0].take(np.arange(300) % 150)
    classes = np.random.RandomState(3).randint(3, size=300)
    _, held_out = fitted(kind, sequences, targets(classes)[kind])
    assert held_out is None


@pytest.mark.parametrize("quantile", [None, 0.9])
def test_numbers_that_do_not_depend_on_the_rows_give_a_constant(quantile, bursts):
    target = np.random.RandomState(3).exponential(size=(150, 2))
    model, held_out = fitted("numbers", bursts[0], target, quantile=quantile)
    expected = (
        target.mean(0)
        if quantile is None
        else np.quantile(target, quantile, axis=0, method="inverted_cdf")
    )
    assert not model.coefficients
    np.testing.assert_allclose(held_out, np.tile(expected, (150, 1)))
    np.testing.assert_allclose(model.logits(bursts[0]), held_out)
    restored = SeriesModel.from_state(model.state())
    assert np.array_equal(restored.logits(bursts[0]), model.logits(bursts[0]))


@pytest.mark.parametrize("seed", range(3))
def test_a_model_that_is_worse_than_the_class_frequencies_is_dropped(seed):
    random = np.random.RandomState(seed)
    sequences = series_of(random.normal(size=(60, 20, 1)))
    classes = random.permutation(np.arange(60) % 3)
    _, held_out = fitted("classes", sequences, classes)
    if held_out is not None:
        probabilities = softmax(held_out, axis=1)
        assert log_loss(classes, probabilities) < np.log(3)


@pytest.mark.parametrize("classes", [[0], [0, 1, 2], [1, 1, 1, 1]])
def test_too_few_rows_or_classes_give_no_model(classes, bursts):
    sequences = bursts[0].take(np.arange(len(classes)))
    _, held_out = fitted("classes", sequences, np.array(classes))
    assert held_out is None


def test_a_trend_is_followed_beyond_the_training_rows():
    X, y = trend(400)
    model, _ = fitted("numbers", series_of(X[:200]), y[:200, np.newaxis])
    found = model.logits(series_of(X[200:]))[:, 0]
    assert np.abs(found - y[200:]).max() < 0.5  # of a rise by ten


def test_overlapping_windows_are_not_learnt_by_heart():
    # convolutions identify neighbouring windows, so random folds would prefer them
    X, y = trend(200)
    model, _ = fitted("numbers", series_of(X), y[:, np.newaxis])
    assert list(model.coefficients) == [model.LAST_STEPS]


def test_convolutions_are_used_for_numbers_that_last_steps_cannot_predict(bursts):
    sequences, classes = bursts
    model, _ = fitted("numbers", sequences, (classes == 2.0)[:, np.newaxis] * 1.0)
    assert model.CONVOLUTIONS in model.coefficients


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_the_quantile_share_of_targets_is_below_held_out_predictions(quantile, bursts):
    sequences, classes = bursts
    target = classes[:, np.newaxis] + np.random.RandomState(0).exponential(
        size=(150, 1)
    )
    _, held_out = fitted("numbers", sequences, target, quantile=quantile)
    assert (target <= held_out).mean() == pytest.approx(quantile, abs=0.01)


def test_the_quantile_is_weighted(bursts):
    sequences, classes = bursts
    target = classes[:, np.newaxis] + np.random.RandomState(0).exponential(
        size=(150, 1)
    )
    weight = np.linspace(0.1, 2, 150)
    _, held_out = fitted("numbers", sequences, target, quantile=0.5, weight=weight)
    below = weight[(target <= held_out)[:, 0]].sum() / weight.sum()
    assert below == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_static_features_are_used(kind, bursts):
    classes = bursts[1]
    random = np.random.RandomState(0)
    noise = series_of(random.normal(size=(150, 20, 1)))
    static = np.stack([classes == 0, classes == 1], axis=1) * 2.0 - 1
    model, _ = fitted(kind, noise, targets(classes)[kind], static=static)
    found = model.logits(noise, static)
    swapped = model.logits(noise, static[::-1])
    assert model.STATIC in model.coefficients
    assert np.abs(found - swapped).max() > 0.5


def test_a_shorter_row_than_the_last_steps_is_preceded_by_zeros():
    X, y = trend(100)
    model, _ = fitted("numbers", series_of(X), y[:, np.newaxis])
    short, padded = X[0, 4:], np.concatenate([np.zeros((4, 1)), X[0, 4:]])
    np.testing.assert_array_equal(
        model.logits(series_of([short])), model.logits(series_of([padded]))
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_restored_model_predicts_the_same(kind, bursts):
    sequences, classes = bursts
    model, _ = fitted(kind, sequences, targets(classes)[kind])
    restored = SeriesModel.from_state(model.state())
    restored.check(1, 0)
    assert np.array_equal(restored.logits(sequences), model.logits(sequences))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("kind", "ranks", "kind"),
        ("blocks", np.array([7]), "blocks"),
        ("blocks", np.zeros(0, int), "blocks"),
        ("rocket", None, "require convolutions"),
        ("coefficients", [np.full((N_FEATURES, 3), 1e30)], "at most"),
        ("coefficients", [np.zeros((5, 3))], "coefficients"),
        ("intercepts", np.array([0, np.inf, 0]), "finite"),
        ("n_last_steps", -1, "n_last_steps"),
    ],
)
def test_invalid_states_raise_an_error(name, value, message, bursts):
    model, _ = fitted("classes", *bursts)
    with pytest.raises(ValueError, match=message):
        SeriesModel.from_state({**model.state(), name: value})


def test_a_model_of_other_rows_is_invalid(bursts):
    model, _ = fitted("classes", *bursts)
    with pytest.raises(ValueError, match="channels"):
        model.check(2, 0)
    X, y = trend(100)
    model, _ = fitted("numbers", series_of(X), y[:, np.newaxis])
    with pytest.raises(ValueError, match="one coefficient per feature"):
        model.check(2, 0)
