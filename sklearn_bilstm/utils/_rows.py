"""Predictions of steps, as lists that NumPy converts to 1-D arrays of objects.

scikit-learn can therefore concatenate the predictions of several folds. NumPy itself
converts a list of rows of equal length to a matrix.
"""

from typing import Any

import numpy as np

__all__ = ["RowsOfLabels", "RowsOfNumbers"]


class RowsOfLabels(list):
    """A list of lists of labels."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return _object_array(self)


class RowsOfNumbers(list):
    """A list of arrays of numbers."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return _object_array(self)


def _object_array(rows: list) -> np.ndarray:
    return np.fromiter(rows, dtype=object, count=len(rows))
