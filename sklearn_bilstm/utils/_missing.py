"""Detection of missing values."""

import math
from typing import Any

import numpy as np

__all__ = ["is_missing"]


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN, or pandas' NA or NaT."""
    if isinstance(value, float | np.floating):
        return math.isnan(value)
    # pandas' NA and NaT are not equal to anything, not even themselves; checking their
    # names avoids importing pandas
    return value is None or type(value).__name__ in ("NAType", "NaTType")
