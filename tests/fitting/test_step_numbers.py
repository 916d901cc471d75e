from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import r2_score

from sklearn_bilstm.fitting import (
    NumberTarget,
    StepNumberTarget,
    check_numbers,
    number_target,
)
from sklearn_bilstm.sequences import RaggedArray, SequenceDataset
from sklearn_bilstm.utils._rows import RowsOfNumbers

NAN = np.nan
Y = RowsOfNumbers(
    [np.array([[1.0, 5.0], [2.0, NAN]]), np.empty((0, 2)), np.array([[NAN, 9.0]])]
)


def config_with(**params):
    defaults = {"estimator": "BiLSTMRegressor", "output_type": "auto"}
    return SimpleNamespace(**{**defaults, "convolution_stride": 1, **params})


def rows_of_lengths(*lengths):
    offsets = np.cumsum([0, *lengths])
    return SequenceDataset(RaggedArray(np.ones((offsets[-1], 1)), offsets))


def target_and_rows():
    target = StepNumberTarget.fit(Y, config_with())
    return target, target.with_targets(rows_of_lengths(2, 0, 1), Y, "y")


@pytest.mark.parametrize(
    ("y", "output_type", "kind"),
    [
        ([np.zeros(2), np.ones(3)], "auto", StepNumberTarget),
        ([[0.0, 0.5], [1.0, 2.0]], "auto", NumberTarget),
        ([[0.0, 0.5], [1.0, 2.0]], "steps", StepNumberTarget),
        ([np.zeros(2), np.ones(2)], "rows", NumberTarget),
    ],
)
def test_the_target_depends_on_y_and_the_parameter(y, output_type, kind):
    config = config_with(output_type=output_type)
    assert type(number_target(check_numbers(y, config), config)) is kind


def test_numbers_are_encoded_with_the_offsets_of_their_rows():
    _, rows = target_and_rows()
    assert rows.target.offsets.tolist() == [0, 2, 2, 3]
    np.testing.assert_array_equal(rows.target.values, [[1, 5], [2, NAN], [NAN, 9]])


def test_nan_after_the_last_step_is_padding():
    target = StepNumberTarget(1, is_flat=True)
    y = RowsOfNumbers([np.array([1, 2, NAN]), np.array([3, NAN, NAN])])
    found = target.with_targets(rows_of_lengths(2, 2), y, "y").target
    np.testing.assert_array_equal(found.values[:, 0], [1, 2, 3, NAN])


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ((2, 1, 1), "row 1 has 0 numbers for 1 steps"),
        ((3, 0, 1), "row 0 has 2 numbers for 3 steps"),
        ((2, 0, 0), "row 2 has 1 numbers for 0 steps"),
        ((1, 0, 1), "row 0 has 2 numbers for 1 steps"),
    ],
)
def test_other_numbers_of_steps_raise(lengths, message):
    target = StepNumberTarget.fit(Y, config_with())
    with pytest.raises(ValueError, match=f"y_val must hold numbers.*{message}"):
        target.with_targets(rows_of_lengths(*lengths), Y, "y_val")


def test_unscale_inverts_scale_by_row():
    target, rows = target_and_rows()
    target.fit_scale(rows)
    values = target.scale(rows).target.values
    assert values.dtype == np.float32
    np.testing.assert_allclose(np.nanmean(values, 0), 0, atol=1e-6)
    np.testing.assert_allclose(np.nanstd(values, 0), 1, atol=1e-6)
    found = target.unscale(np.split(values, [2, 2]))
    for row, expected in zip(found, Y, strict=True):
        np.testing.assert_allclose(row, expected, rtol=1e-6)


def test_predictions_are_1d_as_the_rows_of_y():
    target = StepNumberTarget.fit(RowsOfNumbers([np.array([1.0, 3.0])]), config_with())
    rows = target.with_targets(
        rows_of_lengths(2), RowsOfNumbers([np.array([1.0, 3.0])]), "y"
    )
    target.fit_scale(rows)
    found = target.unscale([np.array([[-1.0], [1.0]]), np.empty((0, 1))])
    assert [row.tolist() for row in found] == [[1, 3], []]


def test_the_scale_weights_the_numbers_of_a_row():
    target, rows = target_and_rows()
    rows.weight = np.array([3.0, 1.0, 1.0])
    target.fit_scale(rows)
    np.testing.assert_allclose(target.scaler.mean_, [1.5, (3 * 5 + 9) / 4])
    assert target.n_numbers == pytest.approx((3 * 3 + 0 + 1) / 5)


def test_an_output_without_a_number_raises():
    target, rows = target_and_rows()
    rows.target.values[:, 1] = NAN
    with pytest.raises(ValueError, match="output 1 has none"):
        target.fit_scale(rows)


def test_constant_outputs_are_found_despite_missing_numbers():
    target = StepNumberTarget(3, is_flat=False)
    values = np.array([[1.0, 7.0, NAN], [2.0, NAN, NAN], [NAN, 7.0, NAN]])
    found = target.constant_outputs(RaggedArray(values, np.array([0, 1, 3])))
    assert found == {1: 7.0}


def test_r2_is_the_mean_over_outputs_of_that_of_known_steps():
    random = np.random.RandomState(0)
    lengths, weight = [4, 0, 3, 6], np.array([1.0, 2.0, 0.0, 3.0])
    true, found = (
        RowsOfNumbers(random.normal(size=(n, 2)) for n in lengths) for _ in range(2)
    )
    true[0][1:3, 0] = NAN
    target = StepNumberTarget(2, is_flat=False)
    weights = np.repeat(weight, lengths)
    y, y_pred = np.concatenate(true), np.concatenate(found)
    expected = []
    for k in range(2):
        known = ~np.isnan(y[:, k])
        expected.append(
            r2_score(y[known, k], y_pred[known, k], sample_weight=weights[known])
        )
    score = target.r2(rows_of_lengths(*lengths), true, found, weight)
    assert score == pytest.approx(np.mean(expected))


def test_a_stride_raises():
    target = StepNumberTarget(1, is_flat=True)
    with pytest.raises(ValueError, match="'convolution_stride' parameter must be 1"):
        target.check_config(config_with(convolution_stride=2))


def test_state_restores_the_target():
    target, rows = target_and_rows()
    target.fit_scale(rows)
    twin = StepNumberTarget.from_state(target.state())
    assert vars(twin) == vars(target)


@pytest.mark.parametrize(
    ("name", "value"),
    [("n_outputs", 0), ("n_outputs", 3), ("n_numbers", 0.0), ("n_numbers", NAN)],
)
def test_an_invalid_state_raises(name, value):
    target, rows = target_and_rows()
    target.fit_scale(rows)
    with pytest.raises(ValueError, match=f"{name}|numbers in 'mean_'"):
        StepNumberTarget.from_state({**target.state(), name: value})
