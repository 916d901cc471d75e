"""Columns of objects whose items are lists or arrays."""

from typing import Any

import numpy as np
from scipy import sparse

__all__ = ["as_column", "is_nested_row", "unnested"]


def is_nested_row(row: Any) -> bool:
    """Return whether an item of a container holds values, and is not a value itself."""
    return isinstance(row, list | tuple) or getattr(row, "ndim", 0) > 0


def as_column(y: Any) -> Any:
    """Return the items of a container with one column of objects.

    Parameters
    ----------
    y : object
        Result of :func:`as_target`.

    Returns
    -------
    y : object
        A 1-D array of objects, or y as it is.
    """
    if sparse.issparse(y) or getattr(y, "shape", ())[1:] != (1,):
        return y
    column = np.asarray(y)
    return column[:, 0] if column.dtype.kind == "O" else y


def unnested(y: Any) -> Any:
    """Return a column whose items are lists or arrays as a list of them.

    Parameters
    ----------
    y : object
        Result of :func:`as_target`.

    Returns
    -------
    y : object
        A list if an item is a list or an array, otherwise y as it is.
    """
    column = as_column(y)
    if isinstance(column, list | tuple) or getattr(column, "ndim", 0) != 1:
        return y
    items = np.asarray(column)
    if items.dtype.kind != "O" or not any(map(is_nested_row, items)):
        return y
    return list(items)
