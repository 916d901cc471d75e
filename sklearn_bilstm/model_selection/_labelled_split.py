"""Splitter that only tests on rows with a label."""

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import PredefinedSplit, check_cv
from sklearn.utils import indexable
from sklearn.utils.metadata_routing import get_routing_for_object

from sklearn_bilstm.utils._containers import as_target
from sklearn_bilstm.utils._sklearn import safe_indexing
from sklearn_bilstm.utils._unlabelled import find_unlabelled, labels_of

__all__ = ["LabelledSplit"]

Splits = list[tuple[np.ndarray, np.ndarray]]


class LabelledSplit:
    """Cross-validation splitter for a y in which some labels are missing.

    Rows with a label are split by another splitter. Rows without one, which are None,
    NaN, pandas' NA or NaT in y, are in every training set and in no test set.

    Parameters
    ----------
    cv : int, splitter, iterable or None, default=5
        How to split the rows with a label. An int is the number of folds of
        :class:`~sklearn.model_selection.StratifiedKFold` if y holds classes, else of
        :class:`~sklearn.model_selection.KFold`. Whole numbers are classes, so pass
        `KFold(5)` for a regressor of such numbers. The indices of an iterable of pairs
        (train, test), and of a :class:`~sklearn.model_selection.PredefinedSplit`, are
        those of all rows. None means 5.

    See Also
    --------
    sklearn.model_selection.check_cv : The meaning of `cv` in scikit-learn.

    Notes
    -----
    Only test sets are free of missing labels, so scores on training sets, such as those
    of `return_train_score=True`, are not available. :func:`cross_val_predict
    <sklearn.model_selection.cross_val_predict>` requires that all rows are tested.

    Examples
    --------
    >>> from sklearn_bilstm.model_selection import LabelledSplit
    >>> texts = ["good", "bad", "fine", "poor", "so so"]
    >>> labels = ["pos", "neg", "pos", "neg", None]
    >>> for train, test in LabelledSplit(cv=2).split(texts, labels):
    ...     print(train, test)
    [2 3 4] [0 1]
    [0 1 4] [2 3]
    """

    def __init__(self, cv: Any = 5) -> None:
        # an iterator could be read only once
        self.cv = list(cv) if isinstance(cv, Iterator) else cv

    def split(
        self, X: Any, y: Any, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Generate indices of training and test rows.

        Parameters
        ----------
        X : array-like of shape (n_samples,) or (n_samples, n_features)
            Rows, such as texts.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels. Some can be missing.
        groups : array-like of shape (n_samples,), default=None
            Groups of the rows, if `cv` uses them.

        Yields
        ------
        train : ndarray of int
            Indices of training rows, in ascending order. They contain all rows without
            a label.
        test : ndarray of int
            Indices of test rows, which all have a label.

        Raises
        ------
        ValueError
            If too few rows have a label.
        """
        X, y, groups = indexable(X, _checked_y(y), groups)
        is_unlabelled = find_unlabelled(y)
        if self._is_predefined:
            splits = self._predefined_splits(is_unlabelled)
        else:
            splits = self._splits_of_labelled(X, y, groups, is_unlabelled)
        unlabelled = np.flatnonzero(is_unlabelled)
        for train, test in splits:
            yield np.sort(np.concatenate([train, unlabelled])), test

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits.

        Parameters
        ----------
        X : array-like of shape (n_samples,) or (n_samples, n_features), default=None
            Rows. Required, with y, if the number depends on them.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Labels.
        groups : array-like of shape (n_samples,), default=None
            Groups of the rows.

        Returns
        -------
        n_splits : int
            Number of splits.
        """
        if X is not None and y is not None and not self._is_predefined:
            X, y, groups = indexable(X, _checked_y(y), groups)
            X, y, groups = _taken(X, y, groups, np.flatnonzero(~find_unlabelled(y)))
        return check_cv(self.cv).get_n_splits(X, y, groups)

    def get_metadata_routing(self) -> Any:
        """Return the metadata that `cv` requests, such as groups.

        Returns
        -------
        routing : MetadataRequest
            Requests of `cv`.
        """
        return get_routing_for_object(self.cv)

    @property
    def _is_predefined(self) -> bool:
        """Whether the indices of `cv` are those of all rows."""
        is_splitter = hasattr(self.cv, "split") or isinstance(self.cv, Integral | None)
        return isinstance(self.cv, PredefinedSplit) or not is_splitter

    def _predefined_splits(self, is_unlabelled: np.ndarray) -> Splits:
        """Return the rows with a label of training and test sets of all rows."""
        splits = []
        for number, fold in enumerate(check_cv(self.cv).split()):
            train, test = (
                rows[~is_unlabelled[rows]] for rows in map(_as_indices, fold)
            )
            if not len(test):
                raise ValueError(
                    "The 'cv' parameter must have test rows with a label in each fold: "
                    f"those of fold {number} have none."
                )
            splits.append((train, test))
        return splits

    def _splits_of_labelled(
        self, X: Any, y: Any, groups: Any, is_unlabelled: np.ndarray
    ) -> Splits:
        """Split the rows with a label."""
        labelled = np.flatnonzero(~is_unlabelled)
        if not len(labelled):
            raise ValueError(
                f"y must hold a label for at least one row: all {len(is_unlabelled)} "
                "are missing, such as None or NaN."
            )
        X, y, groups = _taken(X, y, groups, labelled)
        cv = check_cv(self.cv, y, classifier=_has_one_label_per_row(y))
        try:
            splits = list(cv.split(X, y, groups))
        except ValueError as error:
            raise ValueError(
                f"{error} Only rows with a label are split: {len(labelled)} of the "
                f"{len(is_unlabelled)} rows have one."
            ) from error
        return [(labelled[train], labelled[test]) for train, test in splits]

    def __repr__(self) -> str:
        return f"LabelledSplit(cv={self.cv!r})"


def _checked_y(y: Any) -> Any:
    if y is None:
        raise ValueError("LabelledSplit requires y: got None.")
    return as_target(y)


def _taken(X: Any, y: Any, groups: Any, rows: np.ndarray) -> tuple[Any, Any, Any]:
    groups = None if groups is None else safe_indexing(groups, rows)
    return safe_indexing(X, rows), labels_of(y, rows), groups


def _as_indices(rows: Any) -> np.ndarray:
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows


def _has_one_label_per_row(y: Any) -> bool:
    """Return whether y holds neither indicators nor labels of tokens."""
    rows = y if isinstance(y, list) else np.asarray(y)
    return not any(isinstance(row, list | tuple | np.ndarray) for row in rows)
