import numpy as np
import pytest

from sklearn_bilstm.utils._finite import find_non_finite


@pytest.mark.parametrize(
    ("bad", "name"), [(np.nan, "NaN"), (-np.inf, "infinity"), (1e39, "1e+39")]
)
def test_find_unfit_returns_position_and_name_of_the_first(bad, name):
    values = np.zeros((3, 2))
    values[1, 1] = values[2, 0] = bad
    assert find_non_finite(values) == (3, name)


def test_find_unfit_accepts_the_range_of_float32():
    largest = float(np.finfo(np.float32).max)
    assert find_non_finite(np.array([0.0, -largest, largest])) is None
    assert find_non_finite(np.zeros((0, 3))) is None
