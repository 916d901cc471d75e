import numpy as np
import pandas as pd
import pytest

from sklearn_bilstm.utils._missing import is_missing


@pytest.mark.parametrize(
    "value", [None, float("nan"), np.nan, np.float32("nan"), pd.NA, pd.NaT]
)
def test_missing_values_of_pandas_are_missing(value):
    assert is_missing(value)
    assert pd.isna(value)


@pytest.mark.parametrize("value", ["", "nan", 0, 0.0, np.inf, False, [], np.str_("a")])
def test_other_values_are_not_missing(value):
    assert not is_missing(value)
