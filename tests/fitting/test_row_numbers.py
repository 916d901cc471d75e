from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sklearn_bilstm.fitting import NumberTarget
from sklearn_bilstm.sequences import RaggedArray, SequenceDataset

CONFIG = SimpleNamespace(loss="squared_error", quantile=0.5)


def rows_with(y):
    return SequenceDataset(RaggedArray(np.arange(len(y)), np.arange(len(y) + 1)), y)


@pytest.mark.parametrize("shape", [(8,), (8, 1), (8, 3)])
def test_unscale_inverts_scale_in_the_shape_of_y(shape):
    y = np.random.RandomState(0).normal(5, 3, shape)
    target = NumberTarget.fit(y, CONFIG)
    rows = rows_with(target.encode(y, "y"))
    target.fit_scale(rows)
    scaled = target.scale(rows).target
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(target.unscale(scaled), y, rtol=1e-5)


def test_constant_outputs_are_found():
    y = np.column_stack([np.arange(4.0), np.full(4, 7.0)])
    target = NumberTarget.fit(y, CONFIG)
    assert target.constant_outputs(y) == {1: 7.0}


ARRAYS = [np.array([1.0, 2.0]), np.array([3.0])]


@pytest.mark.parametrize("y", [ARRAYS, pd.Series(ARRAYS), pd.DataFrame({"y": ARRAYS})])
def test_arrays_of_unequal_length_raise(y):
    with pytest.raises(ValueError, match=r"row 1 has 1 numbers.*output_type='steps'"):
        NumberTarget.check(y, "BiLSTMRegressor")


def test_a_number_among_lists_raises():
    with pytest.raises(ValueError, match="row 1 has 1 numbers and row 0 has 2"):
        NumberTarget.check([[1.0, 2.0], 3.0], "BiLSTMRegressor")


@pytest.mark.parametrize("container", [list, pd.Series])
def test_rows_of_several_outputs_can_be_lists_or_arrays(container):
    for rows in ([[1, 2], [3, 4]], [np.array([1, 2]), np.array([3, 4])]):
        y = NumberTarget.check(container(rows), "BiLSTMRegressor")
        assert y.tolist() == [[1, 2], [3, 4]]
