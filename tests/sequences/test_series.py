import numpy as np
import pytest

from sklearn_bilstm.sequences import ragged_from_numbers, ragged_from_series
from tests.helpers import rows_of

NAN, INF = np.nan, np.inf
# two channels, with three, one and no steps
UNEQUAL = [
    np.array([[1.0, 2], [3, 4], [5, 6]]),
    np.array([[7.0, 8]]),
    np.empty((0, 2)),
]


def padded(series):
    """Pad series with NaN to one array."""
    longest = max(map(len, series))
    fill = [[(0, longest - len(row)), (0, 0)] for row in series]
    filled = [
        np.pad(row, width, constant_values=NAN)
        for row, width in zip(series, fill, strict=True)
    ]
    return np.stack(filled)


def test_a_matrix_of_numbers_has_one_channel():
    sequences = ragged_from_numbers(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    assert rows_of(sequences) == [[[1.0], [2.0]], [[3.0], [4.0]], [[5.0], [6.0]]]


def test_third_dimension_contains_channels():
    X = np.random.RandomState(0).normal(size=(4, 3, 2))
    assert rows_of(ragged_from_numbers(X)) == X.tolist()
    assert rows_of(ragged_from_series(list(X))) == X.tolist()


def test_series_of_a_list_may_differ_in_length():
    expected = [row.tolist() for row in UNEQUAL]
    assert rows_of(ragged_from_series(UNEQUAL)) == expected
    one_channel = [row[:, 0] for row in UNEQUAL]
    assert rows_of(ragged_from_series(one_channel)) == [[[1], [3], [5]], [[7]], []]


def test_trailing_steps_of_nan_are_padding():
    expected = rows_of(ragged_from_series(UNEQUAL))
    assert rows_of(ragged_from_numbers(padded(UNEQUAL))) == expected
    assert rows_of(ragged_from_series(list(padded(UNEQUAL)))) == expected
    assert rows_of(ragged_from_numbers(np.array([[1, NAN], [NAN, NAN]]))) == [[[1]], []]


@pytest.mark.parametrize("read", [ragged_from_numbers, ragged_from_series])
@pytest.mark.parametrize(
    ("bad", "found"), [(NAN, "NaN"), (-INF, "infinity"), (1e39, r"1e\+39")]
)
def test_non_finite_and_too_large_numbers_raise_with_row_and_step(read, bad, found):
    X = padded([*UNEQUAL, UNEQUAL[0]])
    X[3, 1, 1] = bad
    with pytest.raises(ValueError, match=f"X contains {found} in row 3, step 1: "):
        read(X)


@pytest.mark.parametrize("read", [ragged_from_numbers, ragged_from_series])
def test_a_partially_missing_last_step_raises(read):
    with pytest.raises(ValueError, match="row 0, step 1.*NaN in all channels"):
        read(np.array([[[1, 2], [3, NAN]]]))


def test_a_gap_before_the_end_raises():
    for read in (ragged_from_numbers, ragged_from_series):
        with pytest.raises(ValueError, match="X contains NaN in row 1, step 0"):
            read(np.array([[1, 2], [NAN, 2]]))


def test_largest_float32_is_accepted():
    largest = np.finfo(np.float32).max
    sequences = ragged_from_numbers(np.array([[largest, -largest]]))
    assert np.isfinite(sequences.values.astype(np.float32)).all()


def test_unequal_numbers_of_channels_raise():
    series = [np.zeros((2, 3)), np.zeros((5, 3)), np.zeros((2, 2))]
    with pytest.raises(ValueError, match="row 0 has 3 and row 2 has 2"):
        ragged_from_series(series)


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, bool, np.float16])
def test_numbers_may_have_any_real_dtype(dtype):
    X = np.array([[[1, 0]], [[0, 1]]], dtype)
    for sequences in (ragged_from_numbers(X), ragged_from_series(list(X))):
        assert sequences.values.dtype.kind == "f"
        assert rows_of(sequences) == X.astype(float).tolist()


@pytest.mark.parametrize("read", [ragged_from_numbers, ragged_from_series])
def test_complex_numbers_raise(read):
    with pytest.raises(ValueError, match="Complex data not supported"):
        read(np.zeros((2, 3, 1), complex))


@pytest.mark.parametrize("read", [ragged_from_numbers, ragged_from_series])
def test_series_without_channels_raise(read):
    with pytest.raises(ValueError, match="got 2 series with 0 channels"):
        read(np.zeros((2, 3, 0)))


def test_empty_input_raises():
    with pytest.raises(ValueError, match="got 0 series with 1 channels"):
        ragged_from_numbers(np.zeros((0, 3, 1)))


def test_all_series_may_be_empty():
    for X in (np.zeros((2, 0, 3)), np.full((2, 4, 3), NAN)):
        sequences = ragged_from_numbers(X)
        assert sequences.values.shape == (0, 3)
        assert rows_of(sequences) == [[], []]
