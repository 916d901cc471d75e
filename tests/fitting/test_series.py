import itertools

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.metrics import log_loss

from sklearn_bilstm import BiLSTMClassifier, BiLSTMRegressor
from sklearn_bilstm.datasets import make_cumulative_sums
from sklearn_bilstm.fitting import _series
from sklearn_bilstm.fitting._series import SeriesModels
from sklearn_bilstm.sequences import SequenceDataset, ragged_from_numbers
from sklearn_bilstm.training import SeriesModel
from tests.helpers import small_classifier, small_regressor

N_FEATURES = 2 * 84


def with_linear(small, **params):
    return small(linear_kernels=N_FEATURES, **params)


@pytest.fixture(scope="module")
def oscillations():
    """Noise with a slow or a fast oscillation, and its class."""
    random = np.random.RandomState(0)
    y = np.arange(120) % 2
    waves = np.sin(np.arange(30) * np.where(y, 2.0, 0.4)[:, np.newaxis])
    return waves + 0.5 * random.normal(size=(120, 30)), y


@pytest.fixture(scope="module")
def products():
    """Pairs of signs in noise-free steps, and whether their product is positive.

    No proportion of a convolution depends on it alone.
    """
    random = np.random.RandomState(0)
    signs = random.choice([-1.0, 1.0], size=(600, 2))
    X = 0.1 * random.normal(size=(600, 12))
    X[:, 0] += signs[:, 0]
    X[:, -1] += signs[:, 1]
    return X, (signs.prod(1) > 0).astype(int)


def with_held_out_rows(y, n_valid=None):
    """Training rows of the network and held-out rows, for 9 random steps and y."""
    X = np.random.RandomState(0).rand(len(y), 9).astype(np.float32)
    X[:, 4] += y
    rows = SequenceDataset(ragged_from_numbers(X), y)
    models = SeriesModels(SeriesModel(84, 3, "classes"))
    models.fit(rows, seed=0, n_threads=1)
    valid = None if n_valid is None else rows.take(np.arange(n_valid))
    return rows, *models.hold_out_rows(rows, valid)


def test_numbers_have_a_linear_model_by_default(oscillations):
    model = BiLSTMClassifier(max_epochs=1, random_state=0).fit(*oscillations)
    assert model.linear_model_ is not None
    assert model.auto_params_["linear_kernels"] == 9996
    assert "linear_ngram_range" not in model.auto_params_


def test_none_disables_the_linear_model(oscillations):
    X, y = oscillations
    model = small_classifier(linear_kernels=None).fit(X, y)
    assert model.linear_model_ is None
    assert model.network_scale_ == 1.0
    logits = model.model_.net.logits(model.model_.read(X))
    np.testing.assert_array_equal(
        model.decision_function(X), logits[:, 1] - logits[:, 0]
    )


@pytest.mark.parametrize("small", [small_classifier, small_regressor])
@pytest.mark.parametrize("scales", [(1.0, 0.0), (0.3, 0.7), (0.0, 1.0)])
def test_outputs_are_the_weighted_sum_of_both_models(small, scales, oscillations):
    X, y = oscillations
    model = with_linear(small).fit(X, y).model_
    rows, others = model.read(X), model.auxiliary_models
    both = others.linear.logits(rows.sequences), model.net.logits(rows)
    others.linear_scale, others.network_scale = scales
    expected = scales[0] * both[0] + scales[1] * both[1]
    np.testing.assert_allclose(model.logits(rows), expected)


def without_use_of_the_network(X, y):
    """A classifier with validation rows for which its confidence is wrong."""
    y_val = np.random.RandomState(3).permutation(y)
    return with_linear(small_classifier).fit(X, y, X_val=X, y_val=y_val)


def test_a_network_that_increases_the_loss_of_validation_rows_has_a_scale_of_zero(
    oscillations,
):
    model = without_use_of_the_network(*oscillations)
    assert model.network_scale_ == 0.0
    assert model.score(*oscillations) > 0.95


def test_a_network_that_helps_is_used(products):
    X, y = products
    model = BiLSTMClassifier(max_epochs=40, random_state=0).fit(X[:400], y[:400])
    assert model.network_scale_ > 0.5
    assert model.score(X[400:], y[400:]) > 0.95


def test_the_factors_minimise_the_loss_of_validation_rows():
    X, y = make_cumulative_sums(400, n_timesteps=10, random_state=0)
    params = {"max_epochs": 12, "hidden_layer_sizes": 16, "lr": 0.02}
    model = with_linear(small_classifier, early_stopping=False, **params)
    model.fit(X[:250], y[:250], X_val=X[250:], y_val=y[250:])
    fitted, others = model.model_, model.model_.auxiliary_models
    rows = fitted.read(X[250:])
    linear, network = others.linear.logits(rows.sequences), fitted.net.logits(rows)

    def loss(factors):
        combined = factors[0] * linear + factors[1] * network
        return log_loss(y[250:], softmax(combined, axis=1))

    grid = itertools.product(np.linspace(0, 1, 21), repeat=2)
    best = min(loss(factors) for factors in grid)
    assert others.network_scale > 0
    assert loss((others.linear_scale, others.network_scale)) < best + 1e-3


def test_the_factors_of_a_regressor_sum_to_one(oscillations):
    X, y = oscillations
    model = with_linear(small_regressor, max_epochs=30, hidden_layer_sizes=16)
    others = model.fit(X, X.max(1) + y).model_.auxiliary_models
    assert others.linear_scale + others.network_scale == pytest.approx(1)


def test_a_network_that_is_used_is_fitted_to_all_rows():
    # the result is that of the network alone
    X, y = make_cumulative_sums(400, n_timesteps=10, random_state=0)
    params = {"max_epochs": 15, "hidden_layer_sizes": 16, "lr": 0.02}
    with_model, without = (
        small_classifier(linear_kernels=n, **params).fit(X, y) for n in (84, None)
    )
    assert with_model.linear_model_ is not None
    assert with_model.network_scale_ > 0
    assert with_model.history_[-1]["train_loss"] == without.history_[-1]["train_loss"]


def test_a_useless_linear_model_is_dropped():
    random = np.random.RandomState(0)
    model = with_linear(small_classifier)
    model.fit(random.rand(300, 9), random.randint(2, size=300))
    assert model.linear_model_ is None
    assert (
        model.auto_params_
        == clone(model).fit(random.rand(300, 9), np.arange(300) % 2).auto_params_
    )


def test_a_network_that_is_only_more_confident_is_not_used(oscillations):
    # the linear model is right about all rows, but not certain
    X, y = oscillations
    model = small_classifier(linear_kernels=2016, max_epochs=30, hidden_layer_sizes=16)
    model.fit(X, y)
    rows = model.model_.read(X)
    linear = model.linear_model_.logits(rows.sequences)
    assert (linear.argmax(1) == y).all()
    assert model.network_scale_ == 0.0


def test_a_fifth_of_the_rows_of_each_class_is_held_out():
    rows, train, held_out = with_held_out_rows(np.arange(60) % 2)
    assert np.bincount(held_out.rows.target).tolist() == [6, 6]
    found = [part.sequences.values.reshape(-1, 9) for part in (train, held_out.rows)]
    together = np.concatenate(found)
    assert sorted(map(tuple, together)) == sorted(
        map(tuple, rows.sequences.values.reshape(-1, 9))
    )


def test_at_most_200_rows_are_held_out():
    _, train, held_out = with_held_out_rows(np.arange(1500) % 2)
    assert 150 < len(held_out.rows) <= 200
    assert len(train) + len(held_out.rows) == 1500


def test_the_linear_model_is_fitted_to_some_of_many_rows(monkeypatch):
    monkeypatch.setattr(_series, "_MOST_ROWS", 50)
    _, train, held_out = with_held_out_rows(np.arange(300) % 2)
    assert len(train) == 290
    assert len(held_out.rows) == 10  # a fifth of 50


def test_the_only_row_of_a_class_is_not_held_out():
    _, train, held_out = with_held_out_rows(np.repeat([0, 1, 2], [60, 59, 1]))
    assert 2 in train.target
    assert len(train) + len(held_out.rows) == 120


def test_validation_rows_take_the_place_of_held_out_rows():
    _, train, held_out = with_held_out_rows(np.arange(60) % 2, n_valid=5)
    assert len(train) == 60
    assert len(held_out.rows) == 5


def test_a_linear_trend_is_followed_as_by_ridge_regression():
    random = np.random.RandomState(0)
    steps = np.arange(330)
    series = 0.1 * steps + 3 * np.sin(steps) + 0.3 * random.normal(size=330)
    X = np.lib.stride_tricks.sliding_window_view(series, 30)[:-1]
    y = series[30:]
    model = BiLSTMRegressor(max_epochs=20, random_state=0).fit(X[:200], y[:200])
    ridge = Ridge().fit(X[:200], y[:200])
    error, of_ridge = (
        np.abs(fitted.predict(X[200:]) - y[200:]).mean() for fitted in (model, ridge)
    )
    assert error < 1.2 * of_ridge


def test_partial_fit_warns_if_the_network_is_not_used(oscillations):
    X, y = oscillations
    model = without_use_of_the_network(X, y)
    before = model.decision_function(X)
    with pytest.warns(UserWarning, match="network_scale_ is 0"):
        model.partial_fit(X, y)
    assert np.array_equal(model.decision_function(X), before)


def test_partial_fit_keeps_the_weights_of_both_models(oscillations):
    X, y = oscillations
    model = with_linear(small_classifier).fit(X, y)
    others = model.model_.auxiliary_models
    others.linear_scale, others.network_scale = 0.3, 0.6
    before = model.decision_function(X)
    model.partial_fit(X, y)
    assert model.network_scale_ == 0.6
    assert not np.allclose(model.decision_function(X), before)


def test_a_stream_alone_has_no_linear_model(oscillations):
    X, y = oscillations
    model = with_linear(small_classifier).partial_fit(X, y, classes=[0, 1])
    assert model.linear_model_ is None
    assert model.network_scale_ == 1.0


def test_a_warm_start_fits_the_linear_model_again_and_keeps_the_weights(oscillations):
    X, y = oscillations
    model = with_linear(small_classifier, warm_start=True).fit(X, y)
    others = model.model_.auxiliary_models
    others.linear_scale, others.network_scale = 0.9, 0.1
    model.fit(X, 1 - y)
    assert model.score(X, 1 - y) > 0.9
    assert model.network_scale_ == 0.1


@pytest.mark.parametrize("n_rows", [1, 2, 7, 12])
@pytest.mark.parametrize("small", [small_classifier, small_regressor])
def test_few_rows_can_be_fitted(small, n_rows):
    X = np.random.RandomState(0).rand(n_rows, 5)
    model = with_linear(small).fit(X, np.arange(n_rows) % 2)
    assert np.isfinite(model.predict(X)).all()


def test_constant_and_empty_channels_are_ignored(oscillations):
    X, y = oscillations
    channels = np.stack([X, np.full_like(X, 3.0), np.zeros_like(X)], axis=2)
    model = with_linear(small_classifier).fit(channels, y)
    assert model.score(channels, y) > 0.9


def test_a_regressor_of_noise_predicts_the_mean():
    random = np.random.RandomState(0)
    X, y = random.normal(size=(100, 12)), random.normal(size=100)
    model = BiLSTMRegressor(max_epochs=20, random_state=0).fit(X, y)
    np.testing.assert_allclose(model.predict(X), y.mean(), atol=1e-6)


def test_a_constant_target_is_predicted_exactly():
    X = np.random.RandomState(0).rand(50, 9)
    model = with_linear(small_regressor).fit(X, np.full(50, 7.25))
    np.testing.assert_allclose(model.predict(X), 7.25)


def test_weights_of_zero_remove_rows(oscillations):
    X, y = oscillations
    weight = np.r_[np.ones(100), np.zeros(20)]
    found = with_linear(small_classifier).fit(X, y, sample_weight=weight)
    expected = with_linear(small_classifier).fit(X[:100], y[:100])
    assert np.array_equal(found.decision_function(X), expected.decision_function(X))


def test_results_do_not_depend_on_the_number_of_threads(oscillations):
    X, y = oscillations
    found = [
        with_linear(small_classifier, n_threads=n).fit(X, y).decision_function(X)
        for n in (1, 2)
    ]
    assert np.array_equal(*found)


def test_a_model_of_other_outputs_is_invalid(oscillations):
    X, y = oscillations
    fitted = with_linear(small_classifier).fit(X, y).model_
    target = with_linear(small_regressor).fit(X, y).model_.target
    with pytest.raises(ValueError, match="outputs of y"):
        SeriesModels.from_state(fitted.auxiliary_models.state(), target)
