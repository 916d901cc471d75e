from enum import IntEnum, StrEnum
from fractions import Fraction

import numpy as np
import pytest

from sklearn_bilstm.utils._plain import plain_value


class Mode(StrEnum):
    FAST = "fast"


class Size(IntEnum):
    SMALL = 3


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
def test_scalars_become_python_scalars(given, plain):
    found = plain_value(given)
    assert type(found) is type(plain)
    assert found == plain


def test_numbers_in_sequences_become_python_scalars():
    assert list(map(type, plain_value((np.int64(1), np.float32(2))))) == [int, float]
    assert type(plain_value([np.int64(1)])) is list


@pytest.mark.parametrize("value", [["a"], [object()], {"a": np.int64(1)}, np.ones(2)])
def test_other_values_are_returned_unchanged(value):
    assert plain_value(value) is value
