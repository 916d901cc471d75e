from enum import IntEnum, StrEnum
from fractions import Fraction

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from sklearn_bilstm.utils._plain import fit_method, plain_value


class Mode(StrEnum):
    FAST = "fast"


class Size(IntEnum):
    SMALL = 3


class Doubler(BaseEstimator):
    _parameter_constraints: dict = {"size": [int]}

    def __init__(self, size=1):
        self.size = size

    @fit_method
    def fit(self, X):
        """Fit."""
        self.doubled_ = 2 * self.size + len(X)
        return self


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        (np.int64(3), 3),
        (np.uint8(3), 3),
        (Size.SMALL, 3),
        (np.float16(0.5), 0.5),
        (np.float64(0.5), 0.5),
        (Fraction(1, 2), 0.5),
        (np.bool_(True), True),
        (True, True),
        (np.str_("a"), "a"),
        (Mode.FAST, "fast"),
        (None, None),
    ],
)
def test_scalars_become_plain_ones(given, plain):
    found = plain_value(given)
    assert type(found) is type(plain)
    assert found == plain


def test_numbers_in_sequences_become_plain_ones():
    assert list(map(type, plain_value((np.int64(1), np.float32(2))))) == [int, float]
    assert type(plain_value([np.int64(1)])) is list


@pytest.mark.parametrize("value", [["a"], [object()], {"a": np.int64(1)}, np.ones(2)])
def test_other_values_stay_the_same_object(value):
    assert plain_value(value) is value


def test_a_fit_reads_plain_values_and_leaves_what_was_given():
    given = np.uint8(200)
    model = Doubler(given).fit([1])
    assert model.doubled_ == 401  # uint8 overflows
    assert model.get_params()["size"] is given


def test_what_was_given_comes_back_after_an_error():
    given = np.int64(1)
    model = Doubler(given)
    with pytest.raises(TypeError, match="has no len"):
        model.fit(None)
    assert model.size is given
