import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

from sklearn_bilstm.training import _ridge
from sklearn_bilstm.training._ridge import BlockRidge


@pytest.fixture(scope="module")
def data():
    """A block that determines the target, a block of noise, target and weights."""
    random = np.random.RandomState(0)
    useful = 5 + 3 * random.normal(size=(80, 6))
    noise = random.normal(size=(80, 40))
    target = useful @ random.normal(size=(6, 2)) + 0.1 * random.normal(size=(80, 2))
    weight = random.uniform(0.5, 1.5, size=80)
    return useful, noise, target, weight


def splits(n_rows=80):
    return [*KFold(5).split(np.zeros(n_rows))]


def scaled(block):
    deviation = block.std(0)
    varies = deviation > 0
    factors = np.where(varies, 1 / (np.where(varies, deviation, 1)), 0)
    return (block - block.mean(0)) * factors / np.sqrt(varies.sum())


def test_the_informative_block_is_chosen(data):
    useful, noise, target, weight = data
    model = BlockRidge([(1,), (0,), (0, 1)])
    model.fit([useful, noise], target, weight, splits(), 0)
    assert model.blocks == (0,)
    assert model.alpha < 1


def test_both_blocks_are_chosen_if_both_are_informative(data):
    useful, noise, target, weight = data
    both = target + 5 * noise[:, :2]
    model = BlockRidge([(0,), (1,), (0, 1)])
    model.fit([useful, noise], both, weight, splits(), 0)
    assert model.blocks == (0, 1)


def test_predictions_are_those_of_scikit_learn_without_the_fold(data):
    useful, _, target, weight = data
    model = BlockRidge([(0,)])
    found = model.fit([useful], target, weight, splits(), 0)
    X = scaled(useful)
    for train, held_out in splits():
        ridge = Ridge(model.alpha).fit(X[train], target[train], weight[train])
        np.testing.assert_allclose(found[held_out], ridge.predict(X[held_out]))


def test_the_strength_has_the_smallest_error_in_held_out_rows(data):
    useful, noise, target, weight = data
    features = np.hstack([useful, noise])
    X = scaled(features)
    model = BlockRidge([(0,)])
    model.fit([features], target, weight, splits(), 0)

    def error(alpha):
        total = 0.0
        for train, held_out in splits():
            ridge = Ridge(alpha).fit(X[train], target[train], weight[train])
            errors = np.square(ridge.predict(X[held_out]) - target[held_out])
            total += weight[held_out] @ errors.sum(1)
        return total

    assert model.alpha == min(10.0 ** np.arange(-5, 2), key=error)


def test_coefficients_refer_to_the_features_as_given(data):
    useful, noise, target, weight = data
    model = BlockRidge([(0, 1)])
    model.fit([useful, noise], target, weight, splits(), 0)
    X = np.hstack([scaled(useful), scaled(noise)])
    expected = Ridge(model.alpha).fit(X, target, weight).predict(X)
    parts = zip([useful, noise], model.coefficients, strict=True)
    found = model.intercepts + sum(block @ of_block for block, of_block in parts)
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_constant_features_have_no_coefficient(data):
    useful, _, target, weight = data
    features = np.hstack([useful, np.full((80, 1), 0.1)])
    model = BlockRidge([(0,)])
    model.fit([features], target, weight, splits(), 0)
    assert not model.coefficients[0][-1].any()
    assert model.coefficients[0][:-1].all()


def test_features_without_any_variation_predict_the_mean(data):
    _, _, target, weight = data
    model = BlockRidge([(0,)])
    model.fit([np.ones((80, 3))], target, weight, splits(), 0)
    mean = np.average(target, axis=0, weights=weight)
    np.testing.assert_allclose(model.intercepts, mean)


def test_many_rows_are_fitted_with_a_strength_chosen_on_some_of_them(monkeypatch):
    monkeypatch.setattr(_ridge, "_ROWS_TO_CHOOSE", 50)
    random = np.random.RandomState(0)
    X = random.normal(size=(300, 5))
    target = X @ random.normal(size=(5, 1))
    model = BlockRidge([(0,)])
    found = model.fit([X], target, np.ones(300), splits(300), 0)
    np.testing.assert_allclose(found, target, atol=1e-3)
