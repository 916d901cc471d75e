"""Detection of missing values."""

import math
from decimal import Decimal
from numbers import Integral
from typing import Any

import numpy as np

__all__ = ["IGNORED_LABEL", "is_missing", "is_missing_label"]

# Label of the tokens that torch's losses and Hugging Face's tokenisers ignore.
IGNORED_LABEL = -100


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN, or pandas' NA or NaT."""
    if isinstance(value, float | np.floating):
        return math.isnan(value)
    if isinstance(value, Decimal):
        return value.is_nan()
    # pandas' NA and NaT are not equal to anything, not even themselves; checking their
    # names avoids importing pandas
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def is_missing_label(label: Any) -> bool:
    """Return whether the label of a token is missing, or -100."""
    is_ignored = isinstance(label, Integral) and int(label) == IGNORED_LABEL
    return is_ignored or is_missing(label)
