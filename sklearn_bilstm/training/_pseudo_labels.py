"""Pseudo-labels of unlabelled rows, by a naive Bayes teacher."""

from typing import Self

import numpy as np
from scipy import sparse
from scipy.special import log_softmax, softmax

from sklearn_bilstm.sequences import RaggedArray
from sklearn_bilstm.training._linear_model import NgramLinearModel
from sklearn_bilstm.training._naive_bayes import NaiveBayesEM
from sklearn_bilstm.training._splits import folds
from sklearn_bilstm.training._temperature import fitted_temperature
from sklearn_bilstm.utils._ids import FIRST_TOKEN_ID

__all__ = ["PseudoLabels"]

# Weight of a row whose pseudo-label is certain, relative to a labelled row.
_WEIGHT = 0.3
# Lengths of the n-grams of the linear model that naive Bayes must outperform.
_NGRAMS = (1, 2)
# Minimum number of labelled and unlabelled rows with a token. Others relate no rows.
_MIN_ROWS = 2
# Naive Bayes treats tokens as independent: logits of long rows are far too large.
_LARGEST_TEMPERATURE = 100.0


class PseudoLabels:
    """Pseudo-labels (Lee, 2013) of unlabelled rows, by naive Bayes and EM.

    They are used only if naive Bayes predicts held-out labelled rows better than a
    linear model that is fitted without unlabelled rows: the mean difference of their
    log losses must exceed its standard error.

    Parameters
    ----------
    n_classes : int
        Number of classes, K.

    Attributes
    ----------
    is_used : bool
        Whether naive Bayes is better.
    accuracy, linear_accuracy : float
        Accuracy of naive Bayes and of the linear model on held-out labelled rows.
    target : ndarray of int, shape (n_unlabelled,)
        Most probable class of each unlabelled row.
    weight : ndarray of shape (n_unlabelled,)
        Weight of each unlabelled row, proportional to the probability of the class.
    target_of_folds : ndarray of int, shape (n_folds, n_unlabelled)
        The same classes, if the labelled rows of a fold are held out.
    """

    def __init__(self, n_classes: int) -> None:
        self.n_classes = n_classes
        self.is_used = False
        self.accuracy = self.linear_accuracy = 0.0

    def fit(
        self,
        sequences: RaggedArray,
        target: np.ndarray,
        weight: np.ndarray,
        unlabelled: RaggedArray,
        seed: int,
    ) -> Self:
        """Fit naive Bayes, and compare it with the linear model.

        Parameters
        ----------
        sequences : RaggedArray of int
            Token ids of labelled rows.
        target : ndarray of int, shape (n,)
            Class of each labelled row.
        weight : ndarray of shape (n,)
            Weights of labelled rows.
        unlabelled : RaggedArray of int
            Token ids of unlabelled rows.
        seed : int
            Controls the split into folds.

        Returns
        -------
        self : PseudoLabels
        """
        linear = NgramLinearModel(_NGRAMS, self.n_classes)
        rows, linear_logits = linear.out_of_fold_logits(sequences, target, weight, seed)
        if not len(rows):
            return self
        X, X_unlabelled = _tokens(sequences, unlabelled)
        logits = np.zeros((len(target), self.n_classes))
        self.target_of_folds = np.zeros((0, len(unlabelled)), np.intp)
        for train, held_out in folds(target, seed):
            model = NaiveBayesEM(self.n_classes)
            model.fit(X[train], target[train], weight[train], X_unlabelled)
            logits[held_out] = model.logits(X[held_out])
            found = model.logits(X_unlabelled).argmax(1)
            self.target_of_folds = np.vstack([self.target_of_folds, found])
        temperature = self._compare(
            logits[rows], linear_logits, target[rows], weight[rows]
        )
        if self.is_used:
            model = NaiveBayesEM(self.n_classes)
            model.fit(X, target, weight, X_unlabelled)
            posteriors = softmax(model.logits(X_unlabelled) / temperature, axis=1)
            self.target = posteriors.argmax(1)
            self.weight = self._weights(posteriors.max(1), target, weight)
        return self

    def _compare(
        self,
        logits: np.ndarray,
        linear_logits: np.ndarray,
        target: np.ndarray,
        weight: np.ndarray,
    ) -> float:
        """Decide by held-out rows, and return the temperature of naive Bayes."""
        truth = np.eye(self.n_classes)[target]

        def log_losses(logits: np.ndarray, temperature: float) -> np.ndarray:
            return -(truth * log_softmax(logits / temperature, axis=1)).sum(1)

        def accuracy(logits: np.ndarray) -> float:
            return float(np.average(logits.argmax(1) == target, weights=weight))

        self.accuracy, self.linear_accuracy = map(accuracy, (logits, linear_logits))
        temperature = fitted_temperature(logits, truth, weight, _LARGEST_TEMPERATURE)
        # as if the linear model were dropped, if it is worse than the class frequencies
        of_linear = fitted_temperature(linear_logits, truth, weight) or np.inf
        if temperature is None:
            return 1.0
        gain = log_losses(linear_logits, of_linear) - log_losses(logits, temperature)
        mean = np.average(gain, weights=weight)
        variance = np.average((gain - mean) ** 2, weights=weight)
        # effective sample size (Kish, 1965)
        n_rows = weight.sum() ** 2 / np.square(weight).sum()
        self.is_used = bool(mean > np.sqrt(variance / n_rows))
        return temperature

    def _weights(
        self, confidence: np.ndarray, target: np.ndarray, weight: np.ndarray
    ) -> np.ndarray:
        """Return the weights of unlabelled rows; classes keep their mean weights."""
        n_rows = np.bincount(target, minlength=self.n_classes)
        total = np.bincount(target, weight, self.n_classes)
        of_classes = total / np.maximum(n_rows, 1)
        return _WEIGHT * confidence * of_classes[self.target]


def _tokens(*parts: RaggedArray) -> list[sparse.csr_array]:
    """Return which tokens occur in each row, for tokens that occur in several rows."""
    n_ids = 1 + int(max(part.values.max(initial=0) for part in parts))
    occur = [_occurrences(part, n_ids) for part in parts]
    n_rows = sum(occurs.sum(0) for occurs in occur)
    kept = np.flatnonzero(n_rows >= _MIN_ROWS)
    return [occurs[:, kept] for occurs in occur]


def _occurrences(sequences: RaggedArray, n_ids: int) -> sparse.csr_array:
    """Return an indicator matrix of the known tokens of each row."""
    is_known = sequences.values >= FIRST_TOKEN_ID
    starts = np.concatenate([[0], np.cumsum(is_known)])[sequences.offsets]
    ids = sequences.values[is_known]
    shape = len(sequences), n_ids
    occurs = sparse.csr_array((np.ones(len(ids)), ids, starts), shape)
    occurs.sum_duplicates()
    occurs.data[:] = 1
    return occurs
