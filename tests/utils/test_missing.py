from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from sklearn_bilstm.utils._missing import is_missing, is_missing_label


@pytest.mark.parametrize(
    "value", [None, float("nan"), np.nan, np.float32("nan"), pd.NA, pd.NaT]
)
def test_missing_values_of_pandas_are_missing(value):
    assert is_missing(value)
    assert pd.isna(value)


@pytest.mark.parametrize("value", ["", "nan", 0, 0.0, np.inf, False, [], np.str_("a")])
def test_other_values_are_not_missing(value):
    assert not is_missing(value)


@pytest.mark.parametrize("name", ["NaN", "sNaN", "-NaN"])
def test_decimals_that_are_no_numbers_are_missing(name):
    assert is_missing(Decimal(name))
    assert not is_missing(Decimal("Infinity"))


def test_labels_of_tokens_are_also_missing_if_they_are_minus_100():
    assert all(map(is_missing_label, [None, np.nan, pd.NA, -100, np.int64(-100)]))
    assert not any(map(is_missing_label, ["-100", -1, 0, 100, -100.5]))
