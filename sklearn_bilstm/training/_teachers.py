"""Models that predict the classes of unlabelled rows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from sklearn_bilstm.sequences import Sequences, largest_id, token_occurrences
from sklearn_bilstm.training._linear_model import LinearModel
from sklearn_bilstm.training._mean_vectors import TokenVectors
from sklearn_bilstm.training._naive_bayes import NaiveBayesEM

__all__ = [
    "NGRAMS",
    "FittedTeacher",
    "LinearTeacher",
    "NaiveBayesTeacher",
    "TrainingRows",
]

# Lengths of the n-grams of linear models.
NGRAMS = 1, 2
# Minimum number of labelled and unlabelled rows with a token. Others connect no rows.
_MIN_ROWS = 2


@dataclass(frozen=True)
class TrainingRows:
    """Labelled and unlabelled rows.

    Parameters
    ----------
    sequences : Sequences of int
        Token ids of labelled rows.
    target : ndarray of int, shape (n,)
        Class of each labelled row.
    weight : ndarray of shape (n,)
        Weights of labelled rows.
    unlabelled : Sequences of int
        Token ids of unlabelled rows.
    n_classes : int
        Number of classes, K.
    vectors : TokenVectors or None
        Token vectors of linear models.
    seed : int
        Controls the split into folds.
    """

    sequences: Sequences
    target: np.ndarray
    weight: np.ndarray
    unlabelled: Sequences
    n_classes: int
    vectors: TokenVectors | None
    seed: int


@dataclass(frozen=True)
class FittedTeacher:
    """A model that is fitted to some of the labelled rows.

    Parameters
    ----------
    labelled_logits : callable
        Returns the logits of the labelled rows with given indices, (n_indices, K).
    unlabelled_logits : callable
        Returns the logits of all unlabelled rows, (n_unlabelled, K).
    """

    labelled_logits: Callable[[np.ndarray], np.ndarray]
    unlabelled_logits: Callable[[], np.ndarray]


class NaiveBayesTeacher:
    """Naive Bayes with EM, which also learns from unlabelled rows.

    Parameters
    ----------
    rows : TrainingRows
    """

    def __init__(self, rows: TrainingRows) -> None:
        self._rows = rows
        self._X, self._X_unlabelled = _tokens(rows.sequences, rows.unlabelled)

    def fitted(self, train: np.ndarray) -> FittedTeacher:
        """Return a model that is fitted to the labelled rows with given indices."""
        rows, X, X_unlabelled = self._rows, self._X, self._X_unlabelled
        model = NaiveBayesEM(rows.n_classes)
        model.fit(X[train], rows.target[train], rows.weight[train], X_unlabelled)
        return FittedTeacher(
            lambda indices: model.logits(X[indices]), lambda: model.logits(X_unlabelled)
        )


class LinearTeacher:
    """Linear model, whose use as a teacher is self-training (Yarowsky, 1995).

    Parameters
    ----------
    rows : TrainingRows
    """

    def __init__(self, rows: TrainingRows) -> None:
        self._rows = rows

    def fitted(self, train: np.ndarray) -> FittedTeacher:
        """Return a model that is fitted to the labelled rows with given indices."""
        rows = self._rows
        labelled = rows.sequences.take(train), rows.target[train], rows.weight[train]
        model = LinearModel(NGRAMS, rows.n_classes)
        model.fit(*labelled, rows.seed, vectors=rows.vectors)
        return FittedTeacher(
            lambda indices: model.logits(rows.sequences.take(indices)),
            lambda: model.logits(rows.unlabelled),
        )


def _tokens(*parts: Sequences) -> list[sparse.csr_array]:
    """Return which tokens occur in each row, for tokens that occur in several rows."""
    n_ids = 1 + max(map(largest_id, parts))
    matrices = [token_occurrences(part, n_ids) for part in parts]
    document_frequency = sum(matrix.sum(0) for matrix in matrices)
    frequent = np.flatnonzero(document_frequency >= _MIN_ROWS)
    return [matrix[:, frequent] for matrix in matrices]
