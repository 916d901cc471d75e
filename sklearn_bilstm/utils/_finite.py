"""Detection of numbers that a network cannot process."""

import numpy as np

__all__ = ["find_non_finite"]


def find_non_finite(values: np.ndarray) -> tuple[int, str] | None:
    """Find the first number that is not finite, or out of the range of float32.

    Parameters
    ----------
    values : ndarray of float
        Of any shape.

    Returns
    -------
    non_finite : tuple of int and str, or None
        Index of the number in the flattened array, and its description for a message.
    """
    with np.errstate(invalid="ignore"):
        fits = np.abs(values) <= np.finfo(np.float32).max
    if fits.all():
        return None
    index = int(np.argmin(fits))
    value = values.flat[index]
    if np.isnan(value):
        return index, "NaN"
    return index, "infinity" if np.isinf(value) else str(value)
