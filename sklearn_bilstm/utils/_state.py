"""Checks of values that a file stores as the state of an object."""

from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

__all__ = ["check_scaler", "state_array", "state_int", "state_number"]


def state_array(
    value: Any, name: str, *, kinds: str, shape: tuple[int | None, ...]
) -> np.ndarray:
    """Return an array of a state.

    Parameters
    ----------
    value : object
        Value to check.
    name : str
        Name of the value, for the error message.
    kinds : str
        Allowed kinds of dtype, such as "iu".
    shape : tuple of int or None
        Required shape; None stands for any size.

    Raises
    ------
    ValueError
        If it is no array of this type and shape, or if a number is not finite.
    """
    is_valid = type(value) is np.ndarray and value.dtype.kind in kinds
    is_valid = is_valid and len(value.shape) == len(shape)
    if not is_valid or any(
        required not in (None, size)
        for required, size in zip(shape, value.shape, strict=True)
    ):
        actual = f"{value.dtype} {value.shape}" if hasattr(value, "shape") else value
        raise ValueError(
            f"{name} must be an array of kind {kinds!r} and shape {shape}: got "
            f"{actual!r:.80}."
        )
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        raise ValueError(f"{name} must hold finite numbers.")
    return value


def state_int(
    value: Any, name: str, *, least: int = 0, most: int = np.iinfo(np.int32).max
) -> int:
    """Return an int of a state; raise a ValueError if it is not within the bounds."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise ValueError(f"{name} must be an int: got {value!r:.80}.")
    if not least <= value <= most:
        raise ValueError(f"{name} must be from {least} to {most}: got {value!r:.80}.")
    return int(value)


def state_number(value: Any, name: str, *, is_positive: bool = True) -> float:
    """Return a finite float of a state that is not negative, or positive.

    Raises
    ------
    ValueError
        If it is another value.
    """
    is_valid = isinstance(value, float | np.floating) and 0 <= value < np.inf
    if not is_valid or (is_positive and value == 0):
        sign = "positive" if is_positive else "non-negative"
        raise ValueError(f"{name} must be a {sign}, finite float: got {value!r:.80}.")
    return float(value)


def check_scaler(scaler: Any, n_features: int) -> None:
    """Raise a ValueError if it is no fitted scaler of a number of features."""
    if not isinstance(scaler, StandardScaler):
        raise ValueError(f"There must be a StandardScaler: got {scaler!r:.80}.")
    for name in ("mean_", "scale_", "var_"):
        values, shape = getattr(scaler, name), (n_features,)
        if getattr(values, "dtype", None) != np.float64 or values.shape != shape:
            raise ValueError(f"A scaler must have {n_features} numbers in {name!r}.")
    is_whole = scaler.with_mean is True and scaler.with_std is True
    if hasattr(scaler, "_sklearn_output_config"):
        raise ValueError("A scaler must return arrays.")
    if scaler.n_features_in_ != n_features or not is_whole:
        raise ValueError("A scaler must standardise all features.")
