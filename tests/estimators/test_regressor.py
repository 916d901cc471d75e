import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.dummy import DummyRegressor
from sklearn.metrics import mean_absolute_error, mean_pinball_loss
from sklearn.model_selection import cross_val_score
from skorch.callbacks import Callback

from sklearn_bilstm import BiLSTMRegressor
from tests.helpers import small_regressor


@pytest.fixture(scope="module")
def y(ids):
    """Number of tokens with small ids in each row."""
    return ((ids > 0) & (ids < 10)).sum(1).astype(float)


@pytest.fixture(scope="module")
def series():
    """200 series and their sums."""
    X = np.random.RandomState(0).rand(200, 8)
    return X, X.sum(1)


def learner(**params):
    defaults = {"hidden_layer_sizes": 16, "max_epochs": 20, "dropout": 0.0, "lr": 0.01}
    return small_regressor(**{**defaults, **params})


def test_regressor_learns_the_sum_of_a_series(series):
    X, y = series
    model = learner().fit(X[:150], y[:150])
    assert model.score(X[150:], y[150:]) > 0.8


def test_regressor_learns_from_tokens(ids, y):
    assert learner().fit(ids, y).score(ids, y) > 0.5


def test_regressor_predicts_several_outputs(series):
    X, y = series
    both = np.column_stack([y, -1000 * y])
    model = learner().fit(X, both)
    predicted = model.predict(X)
    assert predicted.shape == (200, 2)
    assert model.n_outputs_ == 2
    assert np.corrcoef(predicted.T)[0, 1] < -0.8


def test_predictions_have_the_shape_of_y(ids, y):
    assert small_regressor().fit(ids, y).predict(ids).shape == (40,)
    column = y[:, np.newaxis]
    for y_2d in (column, sparse.csr_array(column)):
        assert small_regressor().fit(ids, y_2d).predict(ids).shape == (40, 1)


def test_predictions_are_equivariant_to_the_unit_of_the_target(ids, y):
    model = small_regressor()
    in_other_units = model.fit(ids, 1e6 * y - 3e7).predict(ids)
    expected = 1e6 * model.fit(ids, y).predict(ids) - 3e7
    np.testing.assert_allclose(in_other_units, expected, rtol=1e-3)


def test_a_constant_target_is_predicted(ids):
    found = small_regressor().fit(ids, np.full(40, 7.0)).predict(ids)
    assert np.abs(found - 7).max() < 1


def test_each_loss_is_lower_than_the_best_constants(series):
    X, y = series
    skewed = np.exp(y)
    for loss, quantile in [("absolute_error", 0.5), ("quantile", 0.9)]:
        model = learner(loss=loss, quantile=quantile).fit(X, skewed)
        strategy = {"strategy": "quantile", "quantile": quantile}
        constant = DummyRegressor(**strategy).fit(X, skewed)
        losses = [
            mean_pinball_loss(skewed, m.predict(X), alpha=quantile)
            for m in (model, constant)
        ]
        assert losses[0] < 0.7 * losses[1]


def test_a_quantile_exceeds_its_fraction_of_the_rows(series):
    X, _ = series
    noise = np.random.RandomState(1).rand(200)  # unrelated to X
    params = {"max_epochs": 20, "dropout": 0.5, "hidden_layer_sizes": 4}
    low, high = (
        learner(loss="quantile", quantile=q, **params).fit(X, noise).predict(X)
        for q in (0.1, 0.9)
    )
    assert (noise < low).mean() == pytest.approx(0.1, abs=0.06)
    assert (noise < high).mean() == pytest.approx(0.9, abs=0.06)


def test_rows_of_zero_weight_equal_absent_rows(ids, y):
    weight = np.ones(40)
    weight[30:] = 0
    corrupted = np.where(weight > 0, y, 1e6)
    expected = small_regressor().fit(ids[:30], y[:30]).predict(ids)
    np.testing.assert_allclose(
        small_regressor().fit(ids, corrupted, sample_weight=weight).predict(ids),
        expected,
    )


def test_early_stopping_keeps_the_best_epoch(ids, y):
    model = small_regressor(early_stopping=True, max_epochs=30, lr=0.05).fit(ids, y)
    losses = [epoch["valid_loss"] for epoch in model.history_]
    assert model.best_epoch_ == np.argmin(losses) + 1


def test_validation_split_does_not_affect_target_scaling(ids):
    class KeepsRows(Callback):
        def on_train_begin(self, net, X=None, **kwargs):
            seen.append(X)

    seen, y = [], np.exp(2 * np.random.RandomState(0).normal(size=40))
    small_regressor(early_stopping=True, callbacks=[KeepsRows()]).fit(ids, y)
    assert len(seen[0]) == 36
    np.testing.assert_allclose(seen[0].target.mean(), 0, atol=1e-5)
    np.testing.assert_allclose(seen[0].target.std(), 1, atol=1e-5)


def test_repeated_partial_fit_continues_training(ids, y):
    model = small_regressor()
    for _ in range(15):
        model.partial_fit(ids, y)
    dummy = DummyRegressor().fit(ids, y).predict(ids)
    assert mean_absolute_error(y, model.predict(ids)) < mean_absolute_error(y, dummy)
    assert len(model.history_) == 15


def test_partial_fit_ignores_rows_of_zero_weight(ids, y):
    weight = (np.arange(40) < 30).astype(float)
    corrupted = np.where(weight > 0, y, 1e6)
    expected, found = small_regressor(), small_regressor()
    for _ in range(2):
        expected.partial_fit(ids[:30], y[:30])
        found.partial_fit(ids, corrupted, sample_weight=weight)
    np.testing.assert_allclose(found.predict(ids), expected.predict(ids))


def test_partial_fit_of_a_constant_batch_keeps_predictions_apart(ids, y):
    model = small_regressor().partial_fit(ids, y).partial_fit(ids, np.full(40, 7.0))
    assert len(np.unique(model.predict(ids))) > 1


def test_equal_seeds_and_pickles_give_identical_predictions(ids, y):
    a, b = (small_regressor().fit(ids, y) for _ in "ab")
    assert np.array_equal(a.predict(ids), b.predict(ids))
    assert np.array_equal(pickle.loads(pickle.dumps(a)).predict(ids), a.predict(ids))


def test_score_raises_for_numbers_of_steps(series):
    X, y = series
    model = learner(max_epochs=1).fit(X, y)
    with pytest.raises(ValueError, match="row 1 has 3 numbers and row 0 has 2"):
        model.score(X[:2], [np.zeros(2), np.zeros(3)])


def test_regressor_works_in_cross_val_score(series):
    X, y = series
    scores = cross_val_score(learner(), X, y, cv=3)
    assert scores.min() > 0.5


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed"),
        ([np.nan] * 40, "at least one row: all 40 are missing"),
        (["a"] * 40, "y must hold real numbers"),
        (np.full(40, 1e200), "y contains 1e.200 in row 0"),
        ([[1.0], [1.0, 2.0]] * 20, "y must hold numbers"),
        (np.zeros(40, "datetime64[s]"), "y must hold"),
        (np.ones((40, 2, 2, 2)), "dim 4"),
        (np.ones(39), "inconsistent numbers of samples"),
    ],
)
def test_invalid_y_raises(ids, y, message):
    with pytest.raises(ValueError, match=message):
        small_regressor().fit(ids, y)


def test_warm_start_raises_on_another_number_of_outputs(ids, y):
    model = small_regressor(warm_start=True).fit(ids, y)
    with pytest.raises(ValueError, match="y must have 1 outputs.*got 2"):
        model.fit(ids, np.column_stack([y, y]))


@pytest.mark.parametrize("params", [{"loss": "hinge"}, {"quantile": 1.5}])
def test_invalid_parameters_of_the_regressor_raise(ids, y, params):
    with pytest.raises(ValueError, match=f"{next(iter(params))!r} parameter"):
        BiLSTMRegressor(**params).fit(ids, y)


def test_masked_targets_are_missing_and_masked_weights_raise(ids, y):
    masked = np.ma.masked_array(y, np.arange(40) == 3)
    model = small_regressor().fit(ids, masked)
    twin = small_regressor().fit(np.delete(ids, 3, 0), np.delete(y, 3, 0))
    assert np.array_equal(model.predict(ids), twin.predict(ids))
    with pytest.raises(ValueError, match="sample_weight contains NaN"):
        small_regressor().fit(ids, np.ones(40), sample_weight=masked)


@pytest.mark.parametrize("params", [{}, {"loss": "quantile", "quantile": 0.9}])
def test_a_constant_target_is_predicted_exactly(ids, y, params):
    model = small_regressor(**params).fit(ids, np.column_stack([np.full(40, 0.1), y]))
    predicted = model.predict(ids)
    np.testing.assert_allclose(predicted[:, 0], 0.1, rtol=1e-15)
    assert len(np.unique(predicted[:, 1])) > 1
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict(ids), predicted)


def test_a_target_that_was_constant_can_be_learnt_later(ids, y):
    model = learner(warm_start=True, max_epochs=40).fit(ids, np.full(40, 3.0))
    assert np.array_equal(model.predict(ids), np.full(40, 3.0))
    assert model.fit(ids, y).score(ids, y) > 0.5
    np.testing.assert_allclose(model.fit(ids, np.full(40, 5.0)).predict(ids), 5.0)
