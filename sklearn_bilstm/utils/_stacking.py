"""Stacking of columns of labels."""

from collections.abc import Sequence

import numpy as np

__all__ = ["stack_columns"]


def stack_columns(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Stack columns of labels without converting numbers to strings.

    Parameters
    ----------
    columns : sequence of ndarray of shape (n_rows,)

    Returns
    -------
    labels : ndarray of shape (n_rows, n_columns)
        Of dtype object if columns hold labels of several types.
    """
    if len({column.dtype.kind for column in columns}) > 1:
        columns = [column.astype(object) for column in columns]
    return np.stack(columns, axis=1)
