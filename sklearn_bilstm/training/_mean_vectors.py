"""Linear model of the mean token vector of a row."""

import warnings
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from sklearn_bilstm.sequences import (
    RaggedArray,
    Sequences,
    largest_id,
    parts_of_rows,
    token_occurrences,
)
from sklearn_bilstm.training._regressions import (
    Regressions,
    check_size,
    label_log_odds,
)
from sklearn_bilstm.utils._ids import FIRST_TOKEN_ID
from sklearn_bilstm.utils._state import state_array, state_int

__all__ = ["MeanVectorModel", "TokenVectors"]

# Minimum standard deviation of a component over rows, relative to that over tokens.
_LEAST_DEVIATION = 0.02
# Number of steps that are read at a time. Features do not depend on it.
_STEPS_AT_A_TIME = 2**21
# Number of columns whose standard deviation is computed at a time.
_COLUMNS_OF_BLOCK = 8
# Largest standardised component of a vector.
_LARGEST = 100.0


@dataclass(frozen=True)
class TokenVectors:
    """Token vectors, and the rows from which their document frequencies are computed.

    Parameters
    ----------
    values : ndarray of shape (V, E)
        Vector of each token id.
    sequences : RaggedArray or RaggedRows of int
        Token ids of rows with or without labels.
    """

    values: np.ndarray
    sequences: Sequences


class MeanVectorModel:
    """Logistic regression on the mean vector of the tokens of a row.

    The mean is weighted by inverse document frequency (IDF). It is a strong baseline if
    there are few labelled rows (Arora, Liang and Ma, 2017): tokens in similar contexts
    have similar vectors, so the model can use tokens that no labelled row contains.

    Parameters
    ----------
    n_classes : int
        Number of classes, K.
    multilabel : bool, default=False
        Whether a row can have several labels or none.

    Attributes
    ----------
    weights : ndarray of float32, shape (V,)
        IDF of each token, zero for padding, unknown tokens and those without a vector.
    table : ndarray of float32, shape (V, R)
        Standardised vectors, from whose means the regressions compute logits. Before
        `fit`, they have E components; after it, only as many as there are classes if
        these are fewer.
    regressions : Regressions or None
        Regressions on the mean vectors. None if all rows belong to one class.
    """

    def __init__(self, n_classes: int, *, multilabel: bool = False) -> None:
        self.n_classes = n_classes
        self.multilabel = multilabel
        self.weights = np.zeros(0, np.float32)
        self.table = np.zeros((0, 1), np.float32)
        self.regressions: Regressions | None = None

    def fit_features(self, vectors: TokenVectors, rows: Sequences) -> np.ndarray:
        """Fit IDF and standardisation, and return the features of rows.

        Parameters
        ----------
        vectors : TokenVectors
        rows : RaggedArray of int
            Token ids of n training rows, from which the standardisation is computed.

        Returns
        -------
        features : ndarray of shape (n, E)
            Standardised mean vectors.
        """
        self.weights = _idf(vectors.sequences, len(vectors.values))
        self.weights[~vectors.values.any(1)] = 0
        self.table = vectors.values.astype(np.float32)
        means = self.features(rows)
        known = vectors.values[self.weights > 0].astype(float)
        # a component that hardly varies in these rows can be large in others
        least = _LEAST_DEVIATION * known.std(0) if len(known) else 0.0
        deviations = np.maximum(_deviations(means), least)
        # a constant component is not divided by its rounding error
        largest = np.maximum(means.max(0, initial=0), -means.min(0, initial=0))
        rounding = np.finfo(np.float32).eps * largest
        scale = np.where(deviations > rounding, deviations, 1)
        table = (vectors.values - means.mean(0)) / scale
        self.table = table.clip(-_LARGEST, _LARGEST).astype(np.float32)
        del means  # before as many features are computed
        return self.features(rows)

    def features(self, sequences: Sequences) -> np.ndarray:
        """Return the mean vectors of rows, zero for rows without a known token.

        Ids larger than those seen in `fit_features` are unknown.

        Returns
        -------
        features : ndarray of shape (n, R)
        """
        features, row = np.empty((len(sequences), self.table.shape[1])), 0
        for part in parts_of_rows(sequences, _STEPS_AT_A_TIME):
            ids, shares = self._shares(part)
            shape = len(part), len(self.table)
            weights = sparse.csr_array((shares, ids, part.offsets), shape)
            features[row : row + len(part)] = weights @ self.table
            row += len(part)
        return features

    def fit(
        self, features: np.ndarray, target: np.ndarray, weight: np.ndarray, C: float
    ) -> Self:
        """Fit the regressions, and reduce the vectors to what they need.

        Parameters
        ----------
        features : ndarray of shape (n, E)
            Result of `fit_features`.
        target : ndarray of int, shape (n,), or of shape (n, K)
            Class of each row, or a label indicator matrix.
        weight : ndarray of shape (n,)
            Sample weights.
        C : float
            Inverse of the regularisation strength.

        Returns
        -------
        self : MeanVectorModel
        """
        regressions = self.fitted_regressions(features, target, weight, C)
        if regressions is not None and len(regressions.classes) < self.table.shape[1]:
            self.table = (self.table @ regressions.coefficients).astype(np.float32)
            units = np.eye(len(regressions.classes))
            regressions = replace(regressions, coefficients=units)
        self.regressions = regressions
        return self

    @staticmethod
    def fitted_regressions(
        features: np.ndarray, target: np.ndarray, weight: np.ndarray, C: float
    ) -> Regressions | None:
        """Return regressions, or None if all rows belong to one class."""
        model = LogisticRegression(C=C, max_iter=1000)
        if target.ndim == 2:
            return _fit_labels(model, features, target, weight)
        if len(np.unique(target)) < 2:
            return None
        _fit(model, features, target, weight)
        w, b = model.coef_.T, model.intercept_
        if len(model.classes_) == 2:
            w, b = np.hstack([-w, w]) / 2, np.concatenate([-b, b]) / 2
        return Regressions(model.classes_, w, b)

    def logits(self, sequences: Sequences) -> np.ndarray:
        """Return the logits of rows, of shape (n, K), zero without regressions."""
        if self.regressions is None:
            return np.zeros((len(sequences), self.n_classes))
        return self.regressions.logits_of_all(self.features(sequences), self.n_classes)

    def contributions(self, sequences: RaggedArray) -> np.ndarray:
        """Return the contributions of the steps to the logits, except intercepts.

        Returns
        -------
        contributions : ndarray of shape (n_steps, K)
        """
        if self.regressions is None:
            return np.zeros((len(sequences.values), self.n_classes))
        ids, shares = self._shares(sequences)
        vectors = shares[:, np.newaxis] * self.table[ids]
        contributions = vectors @ self.regressions.coefficients
        lowest = self.regressions.logits(self.features(sequences)).argmin(1)
        lowest = lowest[sequences.row_of_steps]
        return self.regressions.expanded(contributions, lowest, self.n_classes)

    def of_tokens(self, n_tokens: int) -> Self:
        """Return a model for which ids of `n_tokens` or more are unknown."""
        model = copy(self)
        model.weights, model.table = self.weights[:n_tokens], self.table[:n_tokens]
        return model

    def state(self) -> dict[str, Any]:
        """Return the values from which `from_state` restores the model."""
        return {
            "n_classes": self.n_classes,
            "multilabel": self.multilabel,
            "weights": self.weights,
            "table": self.table,
            "regressions": self.regressions and vars(self.regressions).copy(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Restore a fitted model.

        Raises
        ------
        LookupError, TypeError, ValueError
            If `state` did not return the values.
        """
        n_classes = state_int(state["n_classes"], "n_classes", least=1)
        model = cls(n_classes, multilabel=bool(state["multilabel"]))
        weights = state_array(state["weights"], "weights", kinds="f", shape=(None,))
        n_tokens = len(weights)
        if n_tokens < FIRST_TOKEN_ID or weights[:FIRST_TOKEN_ID].any():
            raise ValueError("Padding and unknown tokens must have no weight.")
        if (weights < 0).any():
            raise ValueError("The weights of tokens must not be negative.")
        shape = n_tokens, None
        table = state_array(state["table"], "table", kinds="f", shape=shape)
        check_size("weights", weights)
        check_size("table", table)
        model.weights, model.table = weights, table
        if state["regressions"] is not None:
            model.regressions = Regressions(**state["regressions"])
            model.regressions.check(n_classes, multilabel=model.multilabel)
            coefficients = model.regressions.coefficients
            if sparse.issparse(coefficients) or len(coefficients) != table.shape[1]:
                raise ValueError("There must be coefficients for each component.")
        return model

    def _shares(self, sequences: RaggedArray) -> tuple[np.ndarray, np.ndarray]:
        """Return the known id of each step, and its share of the mean of the row."""
        ids = sequences.values
        ids = np.where(ids < len(self.weights), ids, 0)  # padding has no weight
        weights = self.weights[ids].astype(float)
        row_of_steps = sequences.row_of_steps
        totals = np.bincount(row_of_steps, weights, len(sequences))
        shares = weights / np.maximum(totals, np.finfo(float).tiny)[row_of_steps]
        return ids, shares


def _idf(sequences: Sequences, n_tokens: int) -> np.ndarray:
    """Return the smoothed inverse document frequency of each known token."""
    n_ids = max(n_tokens, largest_id(sequences) + 1)
    n_rows = np.zeros(n_ids, np.int64)
    for part in parts_of_rows(sequences, _STEPS_AT_A_TIME):
        occurs = token_occurrences(part, n_ids)
        n_rows += np.bincount(occurs.indices, minlength=n_ids)
    n_rows = n_rows[:n_tokens]
    idf = np.log((1 + len(sequences)) / (1 + n_rows)) + 1
    idf[:FIRST_TOKEN_ID] = 0
    return idf.astype(np.float32)


def _deviations(means: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each column, without a copy of all of them."""
    n_blocks = max(1, means.shape[1] // _COLUMNS_OF_BLOCK)
    blocks = np.array_split(means, n_blocks, axis=1)
    return np.concatenate([block.std(0) for block in blocks])


def _fit(
    model: LogisticRegression,
    features: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
) -> None:
    with warnings.catch_warnings():
        # two rows per class are few, but not a regression problem
        warnings.filterwarnings("ignore", message="The number of unique classes")
        model.fit(features, target, weight)


def _fit_labels(
    model: LogisticRegression,
    features: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
) -> Regressions:
    """Fit a regression for each label, or only an intercept for a constant label."""
    intercepts = label_log_odds(target, weight)
    coefficients = np.zeros((features.shape[1], len(intercepts)))
    for label in range(len(intercepts)):
        if 0 < target[:, label].sum() < len(target):
            _fit(model, features, target[:, label] > 0, weight)
            coefficients[:, label] = model.coef_[0]
            intercepts[label] = model.intercept_[0]
    return Regressions(np.arange(len(intercepts)), coefficients, intercepts, False)
