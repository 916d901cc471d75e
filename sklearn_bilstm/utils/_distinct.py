"""Distinct rows of a matrix."""

import numpy as np
import torch
from torch import Tensor

__all__ = ["distinct_rows"]


@torch.compiler.disable
def distinct_rows(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distinct rows of a matrix of integers, in an arbitrary order.

    On a CPU, the rows are compared as bytes, which takes a fifth of the time of
    :func:`torch.unique`.

    Parameters
    ----------
    matrix : tensor of shape (n_rows, n_columns)
        At least one column.

    Returns
    -------
    distinct : tensor of shape (n_distinct, n_columns)
    index : int64 tensor of shape (n_rows,)
        Index of each row in `distinct`.
    """
    if matrix.device.type != "cpu":
        return matrix.unique(dim=0, return_inverse=True)
    rows = np.ascontiguousarray(matrix)
    n_bytes = rows.shape[1] * rows.itemsize
    as_bytes = rows.view(np.dtype((np.void, n_bytes)))[:, 0]
    _, first, index = np.unique(as_bytes, return_index=True, return_inverse=True)
    return matrix[torch.from_numpy(first)], torch.from_numpy(index)
