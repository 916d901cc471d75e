from itertools import accumulate

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from sklearn_bilstm.datasets import make_cumulative_sums


def test_values_are_uniform_between_zero_and_one():
    X, _ = make_cumulative_sums(500, 8, random_state=0)
    assert X.shape == (500, 8)
    assert 0 <= X.min() < 0.01
    assert 0.99 < X.max() < 1
    assert X.mean() == pytest.approx(1 / 2, abs=0.02)
    assert X.var() == pytest.approx(1 / 12, abs=0.01)


@pytest.mark.parametrize(("threshold", "used"), [(None, 4.5), (2.0, 2.0)])
def test_row_class_is_one_if_the_sum_reaches_the_threshold(threshold, used):
    X, y = make_cumulative_sums(50, 9, threshold, random_state=0)
    assert y.tolist() == [int(sum(row) >= used) for row in X]


@pytest.mark.parametrize(("threshold", "used"), [(None, 2.25), (4.0, 4.0)])
def test_step_class_is_one_once_the_cumulative_sum_reaches_the_threshold(
    threshold, used
):
    X, y = make_cumulative_sums(50, 9, threshold, per_step=True, random_state=0)
    for row, classes in zip(X, y, strict=True):
        assert classes.tolist() == [int(total >= used) for total in accumulate(row)]


def test_last_step_has_the_class_of_the_row():
    _, steps = make_cumulative_sums(50, 9, 4.5, per_step=True, random_state=0)
    _, rows = make_cumulative_sums(50, 9, 4.5, random_state=0)
    assert np.array_equal(steps[:, -1], rows)


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("n_timesteps", [10, 11, 50])
def test_classes_are_approximately_balanced(n_timesteps, per_step):
    _, y = make_cumulative_sums(2000, n_timesteps, per_step=per_step, random_state=0)
    assert y.mean() == pytest.approx(0.5, abs=0.06)


def test_row_class_is_predictable_from_all_steps_but_no_single_one():
    X, y = make_cumulative_sums(1000, 20, random_state=0)
    all_steps = cross_val_score(LogisticRegression(C=100.0), X, y, cv=3).mean()
    assert all_steps > 0.95
    for step in range(20):
        single_step = cross_val_score(
            LogisticRegression(), X[:, [step]], y, cv=3
        ).mean()
        assert single_step < 0.65


@pytest.mark.parametrize(("threshold", "expected"), [(0, 1), (5, 0)])
def test_an_extreme_threshold_gives_a_single_class(threshold, expected):
    _, y = make_cumulative_sums(20, 5, threshold, random_state=0)
    assert (y == expected).all()


@pytest.mark.parametrize("per_step", [False, True])
def test_n_samples_may_be_zero(per_step):
    X, y = make_cumulative_sums(0, 5, per_step=per_step)
    assert X.shape == (0, 5)
    assert y.shape == ((0, 5) if per_step else (0,))
    assert y.dtype == np.int64


def test_data_depend_on_the_random_state():
    first, again, other = (
        make_cumulative_sums(20, random_state=seed)[0] for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    "params",
    [{"n_samples": -1}, {"n_timesteps": 0}, {"threshold": -0.5}, {"per_step": "yes"}],
)
def test_a_parameter_out_of_range_raises(params):
    (name,) = params
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        make_cumulative_sums(**params)


def test_global_random_state_is_unchanged():
    before = np.random.get_state()[1].copy()
    make_cumulative_sums(5)
    assert np.array_equal(np.random.get_state()[1], before)
