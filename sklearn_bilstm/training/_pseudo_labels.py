"""Pseudo-labels of unlabelled rows, by a naive Bayes teacher."""

from typing import Self

import numpy as np
from scipy import sparse
from scipy.special import log_softmax, softmax

from sklearn_bilstm.sequences import RaggedArray
from sklearn_bilstm.training._linear_model import LinearModel
from sklearn_bilstm.training._mean_vectors import TokenVectors
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
# Naive Bayes treats tokens as independent: logits of long rows are far too large. Those
# of the linear model are flattened likewise if they are noise.
_LARGEST_TEMPERATURE = 100.0


class PseudoLabels:
    """Pseudo-labels (Lee, 2013) of unlabelled rows, by naive Bayes and EM.

    They are used only if naive Bayes predicts held-out labelled rows better than the
    class frequencies, and better than a linear model that is fitted without unlabelled
    rows: the mean differences of their log losses must exceed their standard errors,
    and the accuracy of naive Bayes must not be lower than that of the linear model.

    Parameters
    ----------
    n_classes : int
        Number of classes, K.

    Attributes
    ----------
    is_used : bool
        Whether naive Bayes is better.
    accuracy, linear_accuracy : float
        Accuracy of naive Bayes and of the linear model on held-out labelled rows. Zero
        if no rows can be held out.
    target : ndarray of int, shape (n_unlabelled,)
        Most probable class of each unlabelled row. Empty unless `is_used`.
    weight : ndarray of shape (n_unlabelled,)
        Weight of each unlabelled row, proportional to the probability of the class.
        Empty unless `is_used`.
    target_of_folds : ndarray of int, shape (n_folds, n_unlabelled)
        The same classes as in `target`, if the labelled rows of a fold are held out.
        Without folds if no rows can be held out.
    """

    def __init__(self, n_classes: int) -> None:
        self.n_classes = n_classes
        self.is_used = False
        self.accuracy = self.linear_accuracy = 0.0
        self.target = np.zeros(0, np.intp)
        self.weight = np.zeros(0)
        self.target_of_folds = np.zeros((0, 0), np.intp)

    def fit(
        self,
        sequences: RaggedArray,
        target: np.ndarray,
        weight: np.ndarray,
        unlabelled: RaggedArray,
        *,
        seed: int,
        vectors: TokenVectors | None = None,
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
        vectors : TokenVectors, default=None
            Token vectors of the linear model.

        Returns
        -------
        self : PseudoLabels
        """
        linear = LinearModel(_NGRAMS, self.n_classes)
        rows, linear_logits = linear.out_of_fold_logits(
            sequences, target, weight, seed, vectors
        )
        if not len(rows):
            return self
        X, X_unlabelled = _tokens(sequences, unlabelled)
        logits = self._fit_folds(X, target, weight, X_unlabelled, seed)[rows]
        held_out = np.eye(self.n_classes)[target[rows]], weight[rows]
        self.accuracy = _accuracy(logits, *held_out)
        self.linear_accuracy = _accuracy(linear_logits, *held_out)
        temperature = fitted_temperature(logits, *held_out, _LARGEST_TEMPERATURE)
        if temperature is None:
            return self
        self.is_used = _is_better(logits / temperature, linear_logits, *held_out)
        if self.is_used:
            model = NaiveBayesEM(self.n_classes)
            model.fit(X, target, weight, X_unlabelled)
            posteriors = softmax(model.logits(X_unlabelled) / temperature, axis=1)
            self.target = posteriors.argmax(1)
            self.weight = self._weights(posteriors.max(1), target, weight)
        return self

    def _fit_folds(
        self,
        X: sparse.csr_array,
        target: np.ndarray,
        weight: np.ndarray,
        X_unlabelled: sparse.csr_array,
        seed: int,
    ) -> np.ndarray:
        """Set `target_of_folds`, and return the logits of rows that are held out."""
        logits = np.zeros((len(target), self.n_classes))
        found = []
        for train, held_out in folds(target, seed):
            model = NaiveBayesEM(self.n_classes)
            model.fit(X[train], target[train], weight[train], X_unlabelled)
            logits[held_out] = model.logits(X[held_out])
            found.append(model.logits(X_unlabelled).argmax(1))
        self.target_of_folds = np.array(found)
        return logits

    def _weights(
        self, confidence: np.ndarray, target: np.ndarray, weight: np.ndarray
    ) -> np.ndarray:
        """Return the weights of unlabelled rows; classes keep their mean weights."""
        n_rows = np.bincount(target, minlength=self.n_classes)
        total = np.bincount(target, weight, self.n_classes)
        of_classes = total / np.maximum(n_rows, 1)
        return _WEIGHT * confidence * of_classes[self.target]


def _accuracy(logits: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> float:
    is_right = logits.argmax(1) == truth.argmax(1)
    return float(np.average(is_right, weights=weight))


def _is_better(
    logits: np.ndarray,
    linear_logits: np.ndarray,
    truth: np.ndarray,
    weight: np.ndarray,
) -> bool:
    """Return whether calibrated logits beat class frequencies and the linear model."""
    if _accuracy(logits, truth, weight) < _accuracy(linear_logits, truth, weight):
        return False
    frequencies = np.average(truth, axis=0, weights=weight)
    # classes that are never held out do not count: their truth is zero
    log_frequencies = np.log(np.maximum(frequencies, np.finfo(float).tiny))
    baselines = [log_frequencies[None]]
    of_linear = fitted_temperature(linear_logits, truth, weight, _LARGEST_TEMPERATURE)
    # otherwise, the linear model is worse than the class frequencies
    if of_linear is not None:
        baselines.append(log_softmax(linear_logits / of_linear, axis=1))
    found = log_softmax(logits, axis=1)
    # effective sample size (Kish, 1965)
    n_rows = weight.sum() ** 2 / np.square(weight).sum()

    def exceeds_error(gain: np.ndarray) -> bool:
        mean = np.average(gain, weights=weight)
        variance = np.average((gain - mean) ** 2, weights=weight)
        return bool(mean > np.sqrt(variance / n_rows))

    return all(
        exceeds_error((truth * (found - baseline)).sum(1)) for baseline in baselines
    )


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
