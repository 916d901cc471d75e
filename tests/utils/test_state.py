import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from sklearn_bilstm.utils._state import (
    check_scaler,
    state_array,
    state_int,
    state_number,
)


def test_an_array_of_the_right_kind_and_shape_is_returned():
    array = np.zeros((2, 3))
    assert state_array(array, "x", kinds="f", shape=(None, 3)) is array


@pytest.mark.parametrize(
    "value",
    [None, [[0.0] * 3], np.zeros(3), np.zeros((3, 2)), np.zeros((2, 3), int)],
)
def test_an_array_of_another_kind_or_shape_raises(value):
    with pytest.raises(ValueError, match=r"x must be an array of kind 'f' and shape"):
        state_array(value, "x", kinds="f", shape=(None, 3))


def test_an_array_of_nan_raises():
    with pytest.raises(ValueError, match="x must hold finite numbers"):
        state_array(np.full(2, np.nan), "x", kinds="f", shape=(2,))


@pytest.mark.parametrize("value", [None, True, 1.0, "1", -1, 2**31])
def test_another_value_than_an_int_within_the_bounds_raises(value):
    with pytest.raises(ValueError, match="x must be"):
        state_int(value, "x")


def test_numpy_ints_and_floats_are_numbers():
    assert state_int(np.int64(3), "x", least=3) == 3
    assert state_number(np.float64(0.0), "x", is_positive=False) == 0


@pytest.mark.parametrize("value", [None, 1, "1.0", 0.0, -1.0, np.nan, np.inf])
def test_another_value_than_a_positive_float_raises(value):
    with pytest.raises(ValueError, match="x must be a positive, finite float"):
        state_number(value, "x")


def test_a_scaler_of_other_features_raises():
    scaler = StandardScaler().fit(np.eye(3))
    check_scaler(scaler, 3)
    with pytest.raises(ValueError, match="must have 2 numbers in 'mean_'"):
        check_scaler(scaler, 2)
    with pytest.raises(ValueError, match="must be a StandardScaler"):
        check_scaler("scaler", 3)
    scaler.with_mean = False
    with pytest.raises(ValueError, match="must standardise all features"):
        check_scaler(scaler, 3)
