"""Logistic regressions on TF-IDF features of n-grams."""

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.utils.sparsefuncs_fast import inplace_csr_row_normalize_l2

from sklearn_bilstm.sequences import HashedNgramVocabulary, RaggedArray, Sequences
from sklearn_bilstm.training._regressions import (
    NgramFeatures,
    Regressions,
    dense,
    fit_regressions,
)
from sklearn_bilstm.utils._state import state_array

__all__ = ["NgramModel"]


class NgramModel:
    """Logistic regressions on TF-IDF features of n-grams, and on static features.

    There is one regression per class (one-vs-rest). Features are weighted by naive
    Bayes log-count ratios (Wang and Manning, 2012).

    Parameters
    ----------
    lengths : tuple of int
        Minimum and maximum length of the n-grams, in tokens.
    n_classes : int
        Number of classes, K.
    multilabel : bool, default=False
        Whether a row can have several labels or none.

    Attributes
    ----------
    vocabulary : HashedNgramVocabulary
    idf : ndarray of shape (n_ngrams,)
        Inverse document frequency of each n-gram.
    regressions : Regressions or None
        None before `fit`, or if all rows belong to one class.
    """

    def __init__(
        self, lengths: tuple[int, int], n_classes: int, *, multilabel: bool = False
    ) -> None:
        self.lengths = lengths
        self.n_classes = n_classes
        self.multilabel = multilabel
        self.vocabulary = HashedNgramVocabulary(lengths)
        self.idf = np.zeros(0)
        self.regressions: Regressions | None = None

    def fit_features(
        self, sequences: Sequences, static: np.ndarray | None
    ) -> NgramFeatures:
        """Fit the vocabulary and its IDF weights, and return the features of rows.

        Parameters
        ----------
        sequences : RaggedArray of int
            Token ids of n rows.
        static : ndarray of shape (n, S) or None
            Standardised static features, which are additional columns.
        """
        self.regressions = None
        self.vocabulary = HashedNgramVocabulary(self.lengths).fit(sequences)
        counts = self.vocabulary.counts(sequences)
        self.idf = TfidfTransformer(sublinear_tf=True).fit(counts).idf_
        return self.features(counts, static)

    def features(
        self, counts: sparse.csr_array, static: np.ndarray | None
    ) -> NgramFeatures:
        """Return the features of regressions. The counts are overwritten."""
        # as in TfidfTransformer, whose checks take longer than the rest for a few rows
        weights = counts.data
        np.log(weights, out=weights)
        weights += 1
        weights *= self.idf[counts.indices]
        inplace_csr_row_normalize_l2(counts)
        if static is None:
            return NgramFeatures(counts, counts.shape[1])
        columns = sparse.hstack([counts, sparse.csr_array(static)], format="csr")
        return NgramFeatures(columns, counts.shape[1])

    def fit(
        self,
        X: NgramFeatures,
        target: np.ndarray,
        weight: np.ndarray,
        after_each: Callable[[], None],
    ) -> Self:
        """Fit the regressions.

        Parameters
        ----------
        X : NgramFeatures
            Result of `fit_features`.
        target : ndarray of int, shape (n,), or of shape (n, K)
            Class of each row, or a label indicator matrix.
        weight : ndarray of shape (n,)
            Sample weights.
        after_each : callable
            Called after each regression.

        Returns
        -------
        self : NgramModel
        """
        self.regressions = fit_regressions(X, target, weight, after_each)
        return self

    def logits(
        self,
        sequences: Sequences,
        static: np.ndarray | None = None,
        columns: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the logits of rows, of shape (n, K), zero without regressions.

        Parameters are those of :meth:`LinearModel.logits`.
        """
        if self.regressions is None:
            return np.zeros((len(sequences), self.n_classes))
        X = self.features(self.vocabulary.counts(sequences, columns), static)
        return self.regressions.logits_of_all(X.columns, self.n_classes)

    def contributions(
        self, sequences: RaggedArray, static: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the contributions of the n-grams that end at each step to the logits.

        Returns
        -------
        contributions : ndarray of shape (n_steps, n_lengths, K)
        """
        columns = self.vocabulary.at_steps(sequences)
        contributions = np.zeros((*columns.shape, self.n_classes))
        indices = np.nonzero(columns >= 0)
        if self.regressions is not None and len(indices[0]):
            counts = self.vocabulary.counts(sequences)
            rows = sequences.row_of_steps[indices[1]]
            ngrams = columns[indices]
            n_times = counts[rows, ngrams]
            X = self.features(counts, static).columns
            lowest = self.regressions.logits(X).argmin(1)
            weights = X[rows, ngrams] / n_times
            coefficients = dense(self.regressions.coefficients[ngrams])
            contributions[indices] = self.regressions.expanded(
                weights[:, np.newaxis] * coefficients, lowest[rows], self.n_classes
            )
        return contributions.transpose(1, 0, 2)

    def static_contributions(
        self, sequences: RaggedArray, static: np.ndarray
    ) -> np.ndarray:
        """Return the contributions of static features to the logits.

        Returns
        -------
        contributions : ndarray of shape (n, S, K)
        """
        n_rows, n_static = static.shape
        if self.regressions is None:
            return np.zeros((n_rows, n_static, self.n_classes))
        X = self.features(self.vocabulary.counts(sequences), static)
        lowest = self.regressions.logits(X.columns).argmin(1)
        coefficients = dense(self.regressions.coefficients[X.n_ngrams :])
        products = static[..., np.newaxis] * coefficients  # (n, S, n_found)
        contributions = self.regressions.expanded(
            products.reshape(n_rows * n_static, -1),
            lowest.repeat(n_static),
            self.n_classes,
        )
        return contributions.reshape(n_rows, n_static, self.n_classes)

    def of_ngrams(self, vocabulary: HashedNgramVocabulary, columns: np.ndarray) -> Self:
        """Return a model of some of the n-grams, and of all static features.

        Parameters
        ----------
        vocabulary : HashedNgramVocabulary
            Vocabulary of these n-grams.
        columns : ndarray of int, shape (n,)
            Their columns in the vocabulary of this object.
        """
        model = copy(self)
        model.vocabulary = vocabulary
        n_ngrams = len(self.idf)
        if not len(columns):  # one n-gram that does not occur
            columns = np.zeros(1, np.intp)
        model.idf = self.idf[columns]
        if self.regressions is not None:
            coefficients = self.regressions.coefficients
            rows = [*columns, *range(n_ngrams, coefficients.shape[0])]
            model.regressions = replace(
                self.regressions, coefficients=coefficients[rows]
            )
        return model

    def rescaled(self, factor: float) -> Self:
        """Return a model whose n-grams contribute `factor` times as much."""
        model = copy(self)
        if self.regressions is not None:
            factors = np.ones(self.regressions.coefficients.shape[0])
            factors[: len(self.idf)] = factor
            scale = sparse.diags_array(factors)
            coefficients = scale @ self.regressions.coefficients
            if sparse.issparse(coefficients):
                coefficients = sparse.csr_array(coefficients)
            model.regressions = replace(self.regressions, coefficients=coefficients)
        return model

    def state(self) -> dict[str, Any]:
        """Return the values from which `from_state` restores the model."""
        return {
            "ngrams": self.lengths,
            "n_classes": self.n_classes,
            "multilabel": self.multilabel,
            "vocabulary": self.vocabulary.state(),
            "idf": self.idf,
            "regressions": vars(self.regressions).copy(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], n_classes: int) -> Self:
        """Restore a fitted model of K classes.

        Raises
        ------
        LookupError, TypeError, ValueError
            If `state` did not return the values.
        """
        vocabulary = HashedNgramVocabulary.from_state(state["vocabulary"])
        multilabel = bool(state["multilabel"])
        model = cls(vocabulary.lengths, n_classes, multilabel=multilabel)
        model.vocabulary = vocabulary
        n_columns = max(1, vocabulary.n_columns)
        model.idf = state_array(state["idf"], "idf", kinds="f", shape=(n_columns,))
        model.regressions = Regressions(**state["regressions"])
        model.regressions.check(n_classes, multilabel=multilabel)
        if model.regressions.coefficients.shape[0] < n_columns:
            raise ValueError("There must be coefficients for each n-gram.")
        return model
