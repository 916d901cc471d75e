import numpy as np
import pytest

from sklearn_bilstm.sequences import RaggedArray
from sklearn_bilstm.training import MiniRocket

N_KERNELS = 84


def series_of(lengths, n_channels=1, seed=0):
    random = np.random.RandomState(seed)
    values = random.normal(size=(sum(lengths), n_channels)).astype(np.float32)
    return RaggedArray(values, np.concatenate([[0], np.cumsum(lengths)]))


def fitted(sequences, n_features=4 * N_KERNELS, seed=0):
    return MiniRocket(n_features).fit(sequences, seed)


def brute_force_features(model, series):
    """Proportions above thresholds of convolutions by NumPy, one kernel at a time."""
    features = []
    for dilation, weights, thresholds in zip(
        model.dilations, model.weights(), model.thresholds, strict=True
    ):
        for kernel, of_kernel in zip(weights, thresholds, strict=True):
            margin = 4 * dilation
            padded = np.pad(series.astype(float), [(margin, margin), (0, 0)])
            convolved = [
                sum(kernel[:, i] @ padded[step + i * dilation] for i in range(9))
                for step in range(len(series))
            ]
            features += [np.mean(convolved > threshold) for threshold in of_kernel]
    return np.array(features)


@pytest.mark.parametrize("n_channels", [1, 3])
def test_features_are_proportions_of_direct_convolutions(n_channels):
    sequences = series_of([30, 1, 12, 5, 47], n_channels)
    model = fitted(sequences)
    features = model.transform(sequences)
    for row, found in enumerate(features):
        series = sequences.take(np.array([row])).values
        expected = brute_force_features(model, series)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_each_kernel_has_three_weights_of_two_and_six_of_minus_one():
    kernels = fitted(series_of([20])).weights()[0][:, 0]
    assert len(np.unique(kernels, axis=0)) == N_KERNELS
    assert (np.sort(kernels, axis=1) == [-1] * 6 + [2] * 3).all()


@pytest.mark.parametrize("n_channels", [1, 4])
def test_features_of_a_row_do_not_depend_on_other_rows(n_channels):
    sequences = series_of([9, 100, 1, 33, 64, 2, 80], n_channels)
    model = fitted(sequences)
    one_by_one = [model.transform(sequences.take(np.array([i]))) for i in range(7)]
    assert np.array_equal(model.transform(sequences), np.concatenate(one_by_one))


def test_features_do_not_depend_on_the_number_of_threads():
    sequences = series_of([40] * 500)
    model = fitted(sequences)
    found = [model.transform(sequences, n_threads) for n_threads in (1, 3)]
    assert np.array_equal(*found)


def test_a_row_without_steps_has_features_of_zero():
    sequences = series_of([10, 0, 10])
    assert not fitted(sequences).transform(sequences)[1].any()


def test_a_model_can_be_fitted_to_rows_without_steps():
    sequences = series_of([0, 0])
    assert not fitted(sequences).transform(sequences).any()


@pytest.mark.parametrize("lengths", [[1, 1], [2, 3], [300, 4]])
def test_no_threshold_is_a_value_of_a_training_row(lengths):
    # otherwise rounding would determine whether the value exceeds it
    sequences = series_of(lengths)
    model = fitted(sequences, 20 * N_KERNELS)
    features = model.transform(sequences)
    moved = RaggedArray(
        sequences.values + np.float32(1e-6) * np.sign(sequences.values),
        sequences.offsets,
    )
    assert np.array_equal(model.transform(moved), features)


@pytest.mark.parametrize("n_values", [2, 3, 10])
def test_no_threshold_is_a_value_of_another_row_of_integers(n_values):
    # as halfway between two integers can be
    random = np.random.RandomState(0)
    values = random.randint(n_values, size=(40 * 60, 1)).astype(np.float32)
    sequences = RaggedArray(values, np.arange(0, 40 * 60 + 1, 60))
    model = MiniRocket(9996).fit(sequences, 0)
    expected = model.transform(sequences)
    for scale in (1 - 2e-7, 1 + 2e-7):
        rounded = RaggedArray(values * np.float32(scale), sequences.offsets)
        assert np.array_equal(model.transform(rounded), expected)


def test_a_constant_series_has_thresholds_above_all_values():
    sequences = RaggedArray(np.ones((50, 1), np.float32), np.array([0, 50]))
    interior = np.zeros(50)  # the weights of a kernel sum to zero
    model = fitted(sequences)
    for thresholds in model.thresholds:
        assert (np.abs(thresholds[:, :, np.newaxis] - interior) > 1e-6).all()


@pytest.mark.parametrize(("asked_for", "expected"), [(1, 84), (130, 168), (9996, 9996)])
def test_the_number_of_features_is_a_multiple_of_84(asked_for, expected):
    sequences = series_of([200, 150])
    model = fitted(sequences, asked_for)
    assert model.transform(sequences).shape == (2, expected)
    assert model.n_columns == expected


def test_dilations_grow_up_to_the_length_of_the_series():
    dilations = fitted(series_of([401]), 9996).dilations
    assert dilations[0] == 1
    assert dilations[-1] == 50  # 8 * 50 + 1 steps
    assert (np.diff(dilations) > 0).all()


def test_a_few_long_series_do_not_determine_the_dilations():
    assert fitted(series_of([20] * 50 + [10_000])).dilations.max() <= 2


def test_a_kernel_reads_between_one_and_nine_channels():
    n_read = fitted(series_of([30, 30], n_channels=40)).reads.sum(2)
    assert n_read.min() == 1
    assert 3 < n_read.max() <= 9


def test_another_seed_draws_other_thresholds():
    sequences = series_of([50] * 20)
    same, other = (fitted(sequences, seed=seed).thresholds[0] for seed in (0, 1))
    assert np.array_equal(same, fitted(sequences, seed=0).thresholds[0])
    assert not np.array_equal(same, other)


def test_a_restored_model_has_the_same_features():
    sequences = series_of([30, 9], n_channels=2)
    model = fitted(sequences)
    restored = MiniRocket.from_state(model.state())
    assert np.array_equal(restored.transform(sequences), model.transform(sequences))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("dilations", np.array([0, 1]), "dilations"),
        ("dilations", np.zeros(0, int), "n_thresholds"),
        ("n_thresholds", np.array([1]), "n_thresholds"),
        ("thresholds", np.full((84, 4), np.nan, np.float32), "finite"),
        ("thresholds", np.zeros((83, 4), np.float32), "thresholds"),
        ("reads", np.zeros((2, 84, 2), bool), "read a channel"),
    ],
)
def test_invalid_states_raise_an_error(name, value, message):
    state = fitted(series_of([17, 17], n_channels=2)).state()
    assert state["thresholds"].shape == (84, 4)
    assert len(state["dilations"]) == 2
    with pytest.raises(ValueError, match=message):
        MiniRocket.from_state({**state, name: value})
