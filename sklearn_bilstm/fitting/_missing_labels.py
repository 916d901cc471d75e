"""Sentences in which some tokens have no label."""

import warnings
from collections.abc import Callable

import numpy as np

from sklearn_bilstm.sequences import RaggedArray
from sklearn_bilstm.utils._missing import IGNORED_LABEL

__all__ = ["known_labels", "map_known_labels", "without_contradictions"]


def known_labels(row: list) -> list:
    """Return the labels of a sentence without the missing ones, which are None."""
    return [label for label in row if label is not None]


def map_known_labels(function: Callable[[list], list], row: list) -> list:
    """Apply a function to the known labels of a sentence, and keep the gaps."""
    labels = known_labels(row)
    if len(labels) == len(row):
        return function(row)
    results = iter(function(labels))
    return [None if label is None else next(results) for label in row]


def without_contradictions(
    codes: RaggedArray, allowed: np.ndarray, name: str
) -> RaggedArray:
    """Drop the labels of sentences whose gaps no labels can fill, with a warning.

    An example is the sentence "B-PER", a gap, "E-PER" if "I-PER" is not a class.

    Parameters
    ----------
    codes : RaggedArray of int
        Indices of labels; negative if they are missing.
    allowed : ndarray of bool, shape (n_classes + 1, n_classes + 1)
        Result of :func:`~sklearn_bilstm.metrics.allowed_transitions`.
    name : str
        Name of the labels in the warning.
    """
    gaps = np.unique(codes.row_of_steps[codes.values < 0])
    rows = [(row, slice(*codes.offsets[row : row + 2])) for row in gaps]
    broken = [
        (row, steps)
        for row, steps in rows
        if not _can_be_filled(codes.values[steps], allowed)
    ]
    if not broken:
        return codes
    values = codes.values.copy()
    for _, steps in broken:
        values[steps] = IGNORED_LABEL
    warnings.warn(
        f"{len(broken)} rows of {name} with missing labels are ignored: no labels "
        f"of the tagging scheme can fill their gaps. Row {broken[0][0]} is the first. "
        "Set constrained=False to use them.",
        UserWarning,
        stacklevel=2,
    )
    return RaggedArray(values, codes.offsets)


def _can_be_filled(codes: np.ndarray, allowed: np.ndarray) -> bool:
    reachable = allowed[-1, :-1]  # labels that can be first
    for step, code in enumerate(codes):
        if step:
            reachable = allowed[:-1, :-1][reachable].any(0)
        if code >= 0:
            reachable = reachable & (np.arange(len(reachable)) == code)
    return bool((reachable & allowed[:-1, -1]).any())
