"""Validation split and folds."""

import warnings
from collections.abc import Iterator

import numpy as np
from sklearn.model_selection import (
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    StratifiedShuffleSplit,
)

__all__ = [
    "contiguous_folds",
    "folds",
    "held_out_splits",
    "sampled_rows",
    "split_off_validation",
]

_N_FOLDS = 5
# Number of held-out rows that suffice to estimate the size and the temperature of
# logits.
_MIN_HELD_OUT_ROWS = 800


def split_off_validation(
    n_rows: int,
    classes: np.ndarray | None,
    fraction: float,
    random_state: np.random.RandomState,
) -> tuple[np.ndarray, np.ndarray]:
    """Split rows into training and validation rows, stratified by class.

    Parameters
    ----------
    n_rows : int
    classes : ndarray of shape (n_rows,) or None
        Class of each row, None for regression.
    fraction : float
        Fraction of the rows to hold out, in (0, 1).
    random_state : RandomState

    Returns
    -------
    train, valid : ndarrays of int
        Indices of the rows. If a class has a single row, or the validation set is
        smaller than the number of classes, the split is not stratified, with a warning.

    Raises
    ------
    ValueError
        If there are fewer than two rows.
    """
    if n_rows < 2:
        raise ValueError(
            f"early_stopping=True requires at least two training rows: got {n_rows}. "
            "Pass more rows, X_val and y_val, or early_stopping=False."
        )
    n_valid = min(max(1, round(fraction * n_rows)), n_rows - 1)
    stratified = classes is not None and _can_be_stratified(classes, n_valid)
    splitter = StratifiedShuffleSplit if stratified else ShuffleSplit
    split = splitter(n_splits=1, test_size=n_valid, random_state=random_state)
    train, valid = next(split.split(np.zeros(n_rows), classes))
    return train, valid


def _can_be_stratified(classes: np.ndarray, n_valid: int) -> bool:
    n_rows = len(classes)
    _, n_rows_of = np.unique(classes, return_counts=True)
    if n_rows_of.min() >= 2 and len(n_rows_of) <= min(n_valid, n_rows - n_valid):
        return True
    warnings.warn(
        f"The {n_valid} rows held out for early stopping are not stratified: the "
        f"rarest of {len(n_rows_of)} classes has {n_rows_of.min()} of {n_rows} rows.",
        UserWarning,
        stacklevel=3,
    )
    return False


def folds(target: np.ndarray, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Split rows into five folds, stratified if each class has a row per fold.

    Parameters
    ----------
    target : ndarray of shape (n_rows,) or (n_rows, K)
        Class of each row. Rows with several labels are not stratified.
    seed : int

    Yields
    ------
    others, fold : ndarrays of int
        Indices of the rows outside and inside of a fold. Fewer than five rows yield one
        fold each, and a single row yields none.
    """
    n_folds = min(_N_FOLDS, len(target))
    if n_folds < 2:
        return iter(())
    rarest = np.unique(target, return_counts=True)[1].min() if target.ndim == 1 else 0
    splitter = StratifiedKFold if rarest >= n_folds else KFold
    return splitter(n_folds, shuffle=True, random_state=seed).split(target, target)


def contiguous_folds(
    target: np.ndarray, n_folds: int = _N_FOLDS
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split rows into folds of rows next to each other, within each class.

    Parameters
    ----------
    target : ndarray of shape (n_rows,) or (n_rows, K)
        Class of each row, or a target that is not stratified.
    n_folds : int, default=5
        Maximum number of folds.

    Returns
    -------
    splits : list of (ndarray of shape (n_others,), ndarray of shape (n_inside,))
        Indices of the rows outside and inside of each fold. Folds are fewer if there
        are fewer rows, or fewer of the most frequent class. The list is empty if there
        are not two.
    """
    largest = len(target)
    if target.ndim == 1:
        largest = np.unique(target, return_counts=True)[1].max(initial=0)
    n_folds = min(n_folds, largest)
    if n_folds < 2:
        return []
    splitter = StratifiedKFold if target.ndim == 1 else KFold
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")
        return [*splitter(n_folds).split(target, target)]


def sampled_rows(n_rows: int, most: int, seed: int) -> np.ndarray:
    """Return the indices of at most `most` random rows, in ascending order.

    Parameters
    ----------
    n_rows, most : int
    seed : int

    Returns
    -------
    rows : ndarray of int, shape (min(n_rows, most),)
    """
    if n_rows <= most:
        return np.arange(n_rows)
    # not every n-th row, since rows of different series can alternate
    random_state = np.random.RandomState(seed)
    return np.sort(random_state.choice(n_rows, most, replace=False))


def held_out_splits(
    target: np.ndarray, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return training and held-out rows of as many folds as are needed."""
    splits: list[tuple[np.ndarray, np.ndarray]] = []
    for split in folds(target, seed):
        splits.append(split)
        if sum(len(held_out) for _, held_out in splits) >= _MIN_HELD_OUT_ROWS:
            break
    return splits
