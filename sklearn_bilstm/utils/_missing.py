"""Whether a cell of a column holds nothing."""

import math
from typing import Any

import numpy as np

__all__ = ["is_missing"]


def is_missing(value: Any) -> bool:
    """Tell whether a value is None, NaN, or pandas' NA or NaT."""
    if isinstance(value, float | np.floating):
        return math.isnan(value)
    # pandas has NA and NaT, which equal nothing, not even themselves; their names
    # spare an import of pandas
    return value is None or type(value).__name__ in ("NAType", "NaTType")
