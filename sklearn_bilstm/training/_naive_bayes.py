"""Naive Bayes classifier of labelled and unlabelled rows."""

from typing import Self

import numpy as np
from scipy import sparse
from scipy.special import softmax

from sklearn_bilstm.training._one_hot import one_hot

__all__ = ["NaiveBayesEM"]

# Maximum number of iterations. A few suffice: the posteriors of most rows are near
# zero or one after the first.
_MAX_ITERATIONS = 20
# EM has converged if posteriors change by less than this on average.
_TOLERANCE = 1e-4


class NaiveBayesEM:
    """Multinomial naive Bayes, fitted by expectation maximisation (Nigam et al., 2000).

    The E-step computes posterior probabilities of the classes of unlabelled rows, and
    the M-step estimates the distribution of tokens in each class from labelled rows,
    and from unlabelled rows weighted by their posteriors. The class frequencies are
    those of the labelled rows.

    Parameters
    ----------
    n_classes : int
        Number of classes, K.
    unlabelled_weight : float, default=0.1
        Weight of an unlabelled row. Small weights prevent many unlabelled rows from
        outvoting few labelled ones.
    smoothing : float, default=0.1
        Number added to the weight of each class, and to the count of each token in a
        class. With large numbers, classes with few labelled tokens attract rows with
        tokens that no labelled row contains.

    Attributes
    ----------
    log_prior : ndarray of shape (K,)
        Logarithm of the frequency of each class.
    log_likelihood : ndarray of shape (n_columns, K)
        Logarithm of the probability of each token in each class.
    """

    def __init__(
        self, n_classes: int, *, unlabelled_weight: float = 0.1, smoothing: float = 0.1
    ) -> None:
        self.n_classes = n_classes
        self.unlabelled_weight = unlabelled_weight
        self.smoothing = smoothing

    def fit(
        self,
        counts: sparse.csr_array,
        target: np.ndarray,
        weight: np.ndarray,
        unlabelled: sparse.csr_array,
    ) -> Self:
        """Fit the model.

        Parameters
        ----------
        counts : csr_array of shape (n, n_columns)
            Counts of tokens in labelled rows.
        target : ndarray of int, shape (n,)
            Class of each labelled row.
        weight : ndarray of shape (n,)
            Weights of labelled rows.
        unlabelled : csr_array of shape (n_unlabelled, n_columns)
            Counts of tokens in unlabelled rows.

        Returns
        -------
        self : NaiveBayesEM
        """
        class_weights = self.smoothing + np.bincount(target, weight, self.n_classes)
        self.log_prior = np.log(class_weights / class_weights.sum())
        labelled = (counts.T @ one_hot(target, self.n_classes, weight)).toarray()
        self._estimate(labelled)
        tokens = unlabelled.T
        previous = np.full((unlabelled.shape[0], self.n_classes), np.inf)
        for _ in range(_MAX_ITERATIONS if unlabelled.shape[0] else 0):
            posteriors = softmax(self.logits(unlabelled), axis=1)
            if np.abs(posteriors - previous).mean() < _TOLERANCE:
                break
            self._estimate(labelled + self.unlabelled_weight * (tokens @ posteriors))
            previous = posteriors
        return self

    def logits(self, counts: sparse.csr_array) -> np.ndarray:
        """Return the joint log-likelihood of rows and classes, of shape (n, K)."""
        return counts @ self.log_likelihood + self.log_prior

    def _estimate(self, counts: np.ndarray) -> None:
        """Estimate token probabilities from counts of shape (n_columns, K)."""
        smoothed = counts + self.smoothing
        totals = np.maximum(smoothed.sum(0), np.finfo(float).tiny)  # without tokens
        self.log_likelihood = np.log(smoothed) - np.log(totals)
