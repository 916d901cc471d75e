"""Scalars of numpy as plain values of Python."""

from numbers import Integral, Number, Real
from typing import Any

import numpy as np

__all__ = ["plain_value"]


def plain_value(value: Any) -> Any:
    """Return a scalar as a bool, int, float or str, and any other value as it is.

    In a list or tuple of numbers each is replaced.
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
