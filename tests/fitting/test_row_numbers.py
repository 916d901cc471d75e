from types import SimpleNamespace

import numpy as np
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
