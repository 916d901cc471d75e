"""Conversion of NumPy scalars to Python values."""

from numbers import Integral, Number, Real
from typing import Any

import numpy as np

__all__ = ["plain_value"]


def plain_value(value: Any) -> Any:
    """Convert a scalar to a bool, int, float or str; return other values unchanged.

    The numbers of a list or tuple are converted too.
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, str):
        return str.__str__(value)
    if type(value) in (list, tuple) and all(isinstance(v, Number) for v in value):
        return type(value)(map(plain_value, value))
    return value
