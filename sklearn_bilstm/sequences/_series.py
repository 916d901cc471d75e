"""Conversion of numeric sequences to ragged arrays."""

from collections.abc import Sequence

import numpy as np

from sklearn_bilstm.sequences._ragged import RaggedArray
from sklearn_bilstm.utils._finite import find_non_finite

__all__ = ["ragged_from_numbers", "ragged_from_series"]


def ragged_from_numbers(X: np.ndarray) -> RaggedArray:
    """Convert an array of numeric sequences.

    Trailing steps whose channels are all NaN are padding.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_timesteps) or \
            (n_samples, n_timesteps, n_channels)
        Sequences; they have one channel if X is 2-D.

    Returns
    -------
    sequences : RaggedArray
        Values have the shape (n_steps, n_channels).

    Raises
    ------
    ValueError
        If a number is complex, infinite or too large for float32, if a step other than
        padding has NaN, or if there are no sequences or channels.
    """
    values = _real(X[:, :, np.newaxis] if X.ndim == 2 else X)
    n_samples, n_timesteps, n_channels = values.shape
    if np.isnan(values).any():
        return ragged_from_series(list(values))
    flat = values.reshape(n_samples * n_timesteps, n_channels)
    return _checked(flat, np.full(n_samples, n_timesteps))


def ragged_from_series(X: Sequence[np.ndarray]) -> RaggedArray:
    """Convert a list of numeric sequences of unequal length.

    Parameters
    ----------
    X : sequence of ndarray of shape (n_timesteps,) or (n_timesteps, n_channels)
        Sequences; they have one channel if they are 1-D.

    Returns
    -------
    sequences : RaggedArray
        Values have the shape (n_steps, n_channels).

    Raises
    ------
    ValueError
        If the number of channels differs, or as in :func:`ragged_from_numbers`.
    """
    series = [_real(np.asarray(values)) for values in X]
    series = [
        values[:, np.newaxis] if values.ndim == 1 else values for values in series
    ]
    n_channels = series[0].shape[1]
    for row, values in enumerate(series):
        if values.shape[1] != n_channels:
            raise ValueError(
                "All series of X must have the same number of channels: row 0 has "
                f"{n_channels} and row {row} has {values.shape[1]}. The shape of a "
                "series must be (n_timesteps, n_channels). If channels come first, as "
                "in aeon and sktime, pass sklearn_bilstm.sequences.channels_last(X)."
            )
    lengths = np.array([_length(values) for values in series])
    trimmed = [values[:length] for values, length in zip(series, lengths, strict=True)]
    return _checked(np.concatenate(trimmed), lengths)


def _real(values: np.ndarray) -> np.ndarray:
    """Convert numbers of any dtype to floats."""
    if values.dtype.kind == "c":
        raise ValueError("Complex data not supported: X must contain real numbers.")
    return values if values.dtype.kind == "f" else values.astype(np.float64)


def _length(values: np.ndarray) -> int:
    """Return the number of steps of a sequence without padding."""
    real = np.flatnonzero(~np.isnan(values).all(1))
    return int(real[-1]) + 1 if len(real) else 0


def _checked(values: np.ndarray, lengths: np.ndarray) -> RaggedArray:
    if not (len(lengths) and values.shape[1]):
        raise ValueError(
            "X must contain at least one series with at least one channel: got "
            f"{len(lengths)} series with {values.shape[1]} channels."
        )
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    non_finite = find_non_finite(values)
    if non_finite is not None:
        index, value = non_finite
        step = index // values.shape[1]
        row = int(np.searchsorted(offsets, step, side="right")) - 1
        raise ValueError(
            f"X contains {value} in row {row}, step {step - offsets[row]}: numbers "
            "must be finite and in the range of float32. Only trailing steps that are "
            "NaN in all channels are padding."
        )
    return RaggedArray(values, offsets)
