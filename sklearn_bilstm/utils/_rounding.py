"""Rounding of arrays to few bits, and their storage without loss.

An array is rounded to int8 codes times a scale per row, or per column if rows are
short. The scales have few binary digits, so that the products are exact. Such an array
is recognised by its numbers, so that models do not have to hold it in another form.
"""

from typing import Any

import numpy as np

__all__ = ["narrowed", "rounded", "rounded_to_half", "scaled", "unscaled", "widened"]

_LARGEST_CODE = 127
# Binary digits of a scale. Its products with codes of seven bits are exact in float32.
_DIGITS = 16
# Minimum length of a row for a scale per row.
_LONG_ROW = 16
# Fewer numbers take no less space with their scales.
_FEWEST_NUMBERS = 64
# Number of leading numbers that are compared before all of them are.
_FIRST = 256
# Types that can hold the numbers of another type of a kind in fewer bits.
_NARROW_TYPES: dict[str, tuple[Any, ...]] = {
    "f": (np.float16, np.float32),
    "i": (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32),
    "u": (np.uint8, np.uint16, np.uint32),
}
_WIDE_TYPES = (
    "float32",
    "float64",
    "int16",
    "int32",
    "int64",
    "uint16",
    "uint32",
    "uint64",
)


def rounded(array: np.ndarray) -> np.ndarray:
    """Return an array rounded to int8 codes times scales, as float32 or wider.

    Numbers change by at most half a scale, which is the largest absolute number of
    their row or column divided by 127, rounded up to 16 binary digits.

    Parameters
    ----------
    array : ndarray of float
        Finite numbers.
    """
    array = array.astype(np.promote_types(array.dtype, np.float32))
    if not array.size:
        return array
    numbers = _grouped(array)
    scales = _largest(numbers) / _LARGEST_CODE
    mantissas, exponents = np.frexp(scales)
    scales = np.ldexp(np.ceil(np.ldexp(mantissas, _DIGITS)), exponents - _DIGITS)
    return (_codes(numbers, scales) * scales).reshape(array.shape)


def rounded_to_half(array: np.ndarray) -> np.ndarray:
    """Return an array rounded to half precision, with its own type.

    Numbers beyond the range of half precision become its largest number.
    """
    largest = float(np.finfo(np.float16).max)
    return array.clip(-largest, largest).astype(np.float16).astype(array.dtype)


def scaled(array: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return int8 codes and the scales of their groups, or None.

    Parameters
    ----------
    array : ndarray

    Returns
    -------
    codes : ndarray of int8, with the shape of `array`
    scales : ndarray of shape (n_rows, 1) or (1, n_columns)
        Their products with the codes are exactly the numbers.
    """
    if array.dtype.kind != "f" or array.size < _FEWEST_NUMBERS:
        return None
    numbers = _grouped(array)
    scales = _largest(numbers) / numbers.dtype.type(_LARGEST_CODE)
    if not np.isfinite(scales).all():
        return None
    first = slice(-(-_FIRST // numbers.shape[1]))
    first_scales = scales[first] if len(scales) > 1 else scales
    if not _are_products(numbers[first], first_scales):
        return None
    if not _are_products(numbers, scales):
        return None
    codes = _codes(numbers, scales).astype(np.int8)
    return codes.reshape(array.shape), scales


def unscaled(codes: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return the products of codes and the scales of their groups.

    Raises
    ------
    ValueError
        If `scaled` did not return them.
    """
    numbers = _grouped(codes)
    shapes = (len(numbers), 1), (1, numbers.shape[1])
    if codes.dtype != np.int8 or scales.dtype.kind != "f" or scales.shape not in shapes:
        raise ValueError("There must be int8 codes, and a scale per row or column.")
    if not np.isfinite(scales).all():
        raise ValueError("Scales must be finite.")
    with np.errstate(over="ignore"):  # of forged scales
        return (numbers * scales).reshape(codes.shape)


def narrowed(array: np.ndarray) -> np.ndarray:
    """Return an array as the smallest type that holds its numbers exactly."""
    for kind in _NARROW_TYPES.get(array.dtype.kind, ()):
        if np.dtype(kind).itemsize >= array.dtype.itemsize:
            break
        with np.errstate(over="ignore"):
            narrow = array.astype(kind)
        if np.array_equal(narrow, array, equal_nan=array.dtype.kind == "f"):
            return narrow
    return array


def widened(array: np.ndarray, name: str) -> np.ndarray:
    """Return an array as a wider type of numbers.

    Raises
    ------
    ValueError
        If the type cannot hold all numbers of the type of the array.
    """
    if name not in _WIDE_TYPES or not np.can_cast(array.dtype, name, "safe"):
        raise ValueError(f"{array.dtype} cannot be converted to {name!r:.20}.")
    return array.astype(name)


def _grouped(array: np.ndarray) -> np.ndarray:
    """Return the numbers as a matrix of rows."""
    return array.reshape(-1, array.shape[-1] if array.ndim > 1 else 1)


def _largest(numbers: np.ndarray) -> np.ndarray:
    """Return the largest absolute number of each row, or column."""
    axis = 1 if numbers.shape[1] >= _LONG_ROW else 0
    highest = numbers.max(axis, keepdims=True, initial=0)
    lowest = numbers.min(axis, keepdims=True, initial=0)
    return np.maximum(highest, abs(lowest))


def _codes(numbers: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return the nearest codes; zero has no sign."""
    positive = np.where(scales > 0, scales, 1)
    return np.rint(numbers / positive) + 0.0


def _are_products(numbers: np.ndarray, scales: np.ndarray) -> bool:
    """Return whether numbers, and the signs of zeros, are products of codes."""
    with np.errstate(over="ignore"):
        products = _codes(numbers, scales) * scales
    same = np.array_equal(products, numbers)
    return same and np.array_equal(np.signbit(products), np.signbit(numbers))
