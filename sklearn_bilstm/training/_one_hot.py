"""Indicator matrices of classes."""

import numpy as np
from scipy import sparse

__all__ = ["one_hot"]


def one_hot(
    target: np.ndarray, n_classes: int, values: np.ndarray | None = None
) -> sparse.csr_array:
    """Return a matrix with one value per row, in the column of its class.

    Parameters
    ----------
    target : ndarray of int, shape (n,)
        Class of each row.
    n_classes : int
        Number of classes, K.
    values : ndarray of shape (n,), default=None
        Value of each row. None means ones.

    Returns
    -------
    matrix : csr_array of shape (n, K)
    """
    if values is None:
        values = np.ones(len(target))
    offsets = np.arange(len(target) + 1)
    return sparse.csr_array((values, target, offsets), (len(target), n_classes))
