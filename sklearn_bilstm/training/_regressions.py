"""Logistic regressions of classes or labels on n-grams."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from sklearn_bilstm.training._one_hot import one_hot
from sklearn_bilstm.training._one_vs_rest import fit_one_vs_rest
from sklearn_bilstm.utils._state import state_array

__all__ = [
    "NgramFeatures",
    "Regressions",
    "check_size",
    "dense",
    "fit_regressions",
    "label_log_odds",
]

# Sums of products of two such numbers are finite in single precision.
_LARGEST_NUMBER = 1e15


@dataclass(frozen=True)
class NgramFeatures:
    """Features of regressions.

    Parameters
    ----------
    columns : csr_array of shape (n_rows, n_columns)
        TF-IDF weights of n-grams, followed by static features.
    n_ngrams : int
        Number of columns of n-grams.
    """

    columns: sparse.csr_array
    n_ngrams: int

    def take(self, rows: np.ndarray) -> "NgramFeatures":
        """Return the features of some rows."""
        return NgramFeatures(self.columns[rows], self.n_ngrams)


@dataclass(frozen=True)
class Regressions:
    """Fitted logistic regressions, one per class.

    Parameters
    ----------
    classes : ndarray of int, shape (n_found,)
        Classes with training rows.
    coefficients : csr_array or ndarray of shape (n_columns, n_found)
        Sparse if most of them are zero.
    intercepts : ndarray of shape (n_found,)
    exclusive : bool, default=True
        Whether each row belongs to exactly one class.
    """

    classes: np.ndarray
    coefficients: np.ndarray | sparse.csr_array
    intercepts: np.ndarray
    exclusive: bool = True

    def check(self, n_classes: int, *, multilabel: bool) -> None:
        """Raise a ValueError if they are not those of K classes or labels.

        Parameters
        ----------
        n_classes : int
            Number of classes, K.
        multilabel : bool
            Whether a row can have several labels or none.
        """
        if self.exclusive != (not multilabel):
            raise ValueError("The classes of a linear model must be exclusive or not.")
        classes = state_array(self.classes, "classes", kinds="i", shape=(None,))
        n_fitted = len(classes)
        are_valid = np.isin(classes, np.arange(n_classes)).all()
        if not are_valid or not n_fitted or len(np.unique(classes)) < n_fitted:
            raise ValueError("The linear model must have some of the classes.")
        if multilabel and not np.array_equal(classes, np.arange(n_classes)):
            raise ValueError("The linear model must have all labels.")
        state_array(self.intercepts, "intercepts", kinds="f", shape=(n_fitted,))
        check_size("intercepts", self.intercepts)
        shape = None, n_fitted
        numbers: np.ndarray
        if isinstance(self.coefficients, sparse.csr_array):
            data = self.coefficients.data
            numbers = state_array(data, "coefficients", kinds="f", shape=(None,))
            if self.coefficients.shape[1] != n_fitted:
                raise ValueError("There must be coefficients for each class.")
        else:
            coefficients = self.coefficients
            numbers = state_array(coefficients, "coefficients", kinds="f", shape=shape)
        check_size("coefficients", numbers)

    def mapped(self, function: Callable[[np.ndarray], np.ndarray]) -> "Regressions":
        """Return regressions with a function applied to the coefficients."""
        coefficients = self.coefficients
        if isinstance(coefficients, np.ndarray):
            return replace(self, coefficients=function(coefficients))
        data = function(coefficients.data)
        parts = data, coefficients.indices, coefficients.indptr
        mapped = sparse.csr_array(parts, coefficients.shape)
        return replace(self, coefficients=mapped)

    def logits(self, X: sparse.csr_array) -> np.ndarray:
        """Return logits of shape (n_rows, n_found), of mean zero if exclusive."""
        logits = dense(X @ self.coefficients) + self.intercepts
        return logits - logits.mean(1, keepdims=True) if self.exclusive else logits

    def logits_of_all(self, X: sparse.csr_array, n_classes: int) -> np.ndarray:
        """Return logits of all K classes, of shape (n_rows, K)."""
        logits = self.logits(X)
        return self.expanded(logits, logits.argmin(1), n_classes)

    def expanded(
        self, values: np.ndarray, lowest: np.ndarray, n_classes: int
    ) -> np.ndarray:
        """Expand values to all K classes, with mean zero if exclusive.

        Parameters
        ----------
        values : ndarray of shape (n, n_found)
            Logits, or contributions to them.
        lowest : ndarray of int, shape (n,)
            Index of the smallest logit, whose value classes without training rows get.
        n_classes : int
            Number of classes, K.
        """
        if not self.exclusive:
            return values  # all labels are present
        expanded = values
        if len(self.classes) < n_classes:
            least = np.take_along_axis(values, lowest[:, np.newaxis], axis=1)
            expanded = np.repeat(least, n_classes, axis=1)
            expanded[:, self.classes] = values
        return expanded - expanded.mean(1, keepdims=True)


def check_size(name: str, numbers: np.ndarray) -> None:
    """Raise a ValueError if a number is so large that logits could overflow."""
    if np.abs(numbers).max(initial=0) > _LARGEST_NUMBER:
        raise ValueError(f"{name} must be at most {_LARGEST_NUMBER:g}.")


def dense(numbers: np.ndarray | sparse.csr_array) -> np.ndarray:
    return numbers if isinstance(numbers, np.ndarray) else numbers.toarray()


def fit_regressions(
    X: NgramFeatures,
    target: np.ndarray,
    weight: np.ndarray,
    after_each: Callable[[], None],
) -> Regressions | None:
    """Fit a regression for each class; return None if all rows belong to one class."""
    if X.columns.nnz == 0:
        return None
    rows = X.columns, X.n_ngrams
    if target.ndim == 2:
        return _fit_labels(X, target, weight, after_each)
    classes, codes = np.unique(target, return_inverse=True)
    if len(classes) < 2:
        return None
    if len(classes) == 2:  # a single regression suffices
        w, b = fit_one_vs_rest(
            *rows, codes[:, np.newaxis], weight, least_expected=0, after_each=after_each
        )
        return Regressions(classes, np.hstack([-w, w]) / 2, np.concatenate([-b, b]) / 2)
    indicators = one_hot(codes, len(classes)).tocsc()
    fitted = fit_one_vs_rest(*rows, indicators, weight, after_each=after_each)
    return Regressions(classes, *fitted)


def _fit_labels(
    X: NgramFeatures,
    target: np.ndarray,
    weight: np.ndarray,
    after_each: Callable[[], None],
) -> Regressions:
    """Fit a regression for each label, or only an intercept for a constant label."""
    intercepts = label_log_odds(target, weight)
    labels = np.arange(len(intercepts))
    varies = target.min(0, initial=1) < target.max(0, initial=0)
    coefficients: np.ndarray | sparse.csr_array
    coefficients = sparse.csr_array((X.columns.shape[1], len(labels)))
    if varies.any():
        fitted, intercepts[varies] = fit_one_vs_rest(
            X.columns, X.n_ngrams, target[:, varies] > 0, weight, after_each=after_each
        )
        # constant labels have zero coefficients
        selection = sparse.csr_array(np.eye(len(labels))[varies])
        coefficients = fitted @ selection
    return Regressions(labels, coefficients, intercepts, False)


def label_log_odds(target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the log-odds of each label of an indicator matrix, which are finite.

    They are smoothed as if there were one more row with each label, and one without it.
    """
    with_label = weight @ target
    return np.log((with_label + 1) / (weight.sum() - with_label + 1))
