"""Numbers that a network cannot read."""

import numpy as np

__all__ = ["find_unfit"]


def find_unfit(values: np.ndarray) -> tuple[int, str] | None:
    """Find the first number that is not finite, or not in the range of float32.

    Parameters
    ----------
    values : ndarray of float
        Of any shape.

    Returns
    -------
    found : tuple of int and str, or None
        The place of the number in the flattened array, and what a message calls it.
    """
    with np.errstate(invalid="ignore"):
        fits = np.abs(values) <= np.finfo(np.float32).max
    if fits.all():
        return None
    place = int(np.argmin(fits))
    value = values.flat[place]
    if np.isnan(value):
        return place, "NaN"
    return place, "infinity" if np.isinf(value) else str(value)
