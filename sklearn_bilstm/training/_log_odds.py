"""Class log-odds features of n-grams."""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy import sparse

from sklearn_bilstm.sequences import (
    HashedNgramVocabulary,
    Ragged,
    RaggedArray,
    Sequences,
    parts_of_rows,
    spread,
)
from sklearn_bilstm.training._one_hot import one_hot
from sklearn_bilstm.utils._state import state_array, state_int

__all__ = ["ClassLogOdds", "LogOddsOfRows"]


# Number of folds of the cross-fitted features of training rows.
_N_FOLDS = 5
# Number of steps that are hashed at a time. Folds do not depend on it.
_STEPS_AT_A_TIME = 2**21


@dataclass(frozen=True)
class NgramsOfRows:
    """N-grams that end at each step, which are looked up when they are needed.

    Parameters
    ----------
    vocabulary : HashedNgramVocabulary
    sequences : RaggedArray or RaggedRows of int
        Token ids.
    """

    vocabulary: HashedNgramVocabulary
    sequences: Sequences

    @property
    def lengths(self) -> np.ndarray:
        """Number of steps of each row."""
        return self.sequences.lengths

    @property
    def values(self) -> np.ndarray:
        """Columns of the n-grams as int32, of shape (n_steps, n_lengths)."""
        shortest, longest = self.vocabulary.lengths
        shape = int(self.sequences.offsets[-1]), longest - shortest + 1
        columns, start = np.empty(shape, np.int32), 0
        for part in parts_of_rows(self.sequences, _STEPS_AT_A_TIME):
            stop = start + len(part.values)
            columns[start:stop] = self.vocabulary.at_steps(part).T
            start = stop
        return columns

    def take(self, rows: np.ndarray) -> "NgramsOfRows":
        """Return the n-grams of `rows`."""
        return NgramsOfRows(self.vocabulary, self.sequences.take(rows))


@dataclass(frozen=True)
class LogOddsOfRows:
    """Class log-odds features with the interface of a RaggedArray and lazy lookup.

    Parameters
    ----------
    columns : Ragged of int
        N-grams that end at each step, of shape (n_steps, n_lengths).
    tables : ndarray of shape (n_tables, n_columns + 1, n_channels_per_ngram)
        Class log-odds of each n-gram. The last row is zero, for a missing n-gram (-1).
    table_of_rows : ndarray of int, shape (n_rows,)
        Index of the table of each row.
    """

    columns: Ragged
    tables: np.ndarray
    table_of_rows: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Number of steps of each row."""
        return self.columns.lengths

    @property
    def values(self) -> np.ndarray:
        """Features of all steps as float32, of shape (n_steps, n_channels)."""
        tables = np.repeat(self.table_of_rows, self.lengths)
        columns = self.columns.values
        values = self.tables[tables[:, None], columns]
        n_channels = self.tables.shape[2] * columns.shape[1]
        return values.reshape(-1, n_channels).astype(np.float32)

    def take(self, rows: np.ndarray) -> "LogOddsOfRows":
        """Return the features of `rows`."""
        columns = self.columns.take(rows)
        return LogOddsOfRows(columns, self.tables, self.table_of_rows[rows])


class ClassLogOdds:
    """Class log-odds features (weight of evidence) of n-grams.

    The weight of evidence of an n-gram for a class is the logarithm of the factor by
    which the class is more probable given the n-gram (Good, 1950). Naive Bayes adds the
    weights; a network can take their context into account. Each token has one channel
    per n-gram length and class, or for two classes one per length, for the second
    class.

    Features of training rows are cross-fitted: they are computed from the rows of other
    folds. Otherwise, rare n-grams would leak the class of their rows, and the network
    would learn nothing else. Duplicate rows are always in the same fold.

    Parameters
    ----------
    lengths : tuple of int
        Minimum and maximum length of the n-grams, in tokens.
    n_classes : int or tuple of int
        Number of classes, K, or that of each task.
    multilabel : bool, default=False
        Whether a row can have several labels or none. Each label then has a channel.

    Attributes
    ----------
    vocabulary : HashedNgramVocabulary
        The n-grams.
    tables : ndarray of float16, shape (n_tables, n_ngrams + 1, n_channels_per_ngram)
        Log-odds without the rows of each fold, and last those of all rows, or only the
        latter. The last n-gram stands for a missing one, with zeros.
    """

    def __init__(
        self,
        lengths: tuple[int, int],
        n_classes: int | tuple[int, ...],
        *,
        multilabel: bool = False,
    ) -> None:
        self.lengths = lengths
        self.n_classes = n_classes
        self.multilabel = multilabel
        self.vocabulary = HashedNgramVocabulary(lengths)
        self.tables = np.zeros((0, 1, 0), np.float16)

    def __repr__(self) -> str:
        return f"ClassLogOdds({self.vocabulary.n_columns:,} n-grams)"

    @property
    def n_channels(self) -> int:
        """Number of features of a token."""
        return self._n_lengths * sum(self._channels_of_tasks)

    @property
    def _channels_of_tasks(self) -> list[int]:
        """Number of features of an n-gram for each task."""
        is_single = isinstance(self.n_classes, int)
        sizes: Any = (self.n_classes,) if is_single else self.n_classes
        return [1 if size == 2 and not self.multilabel else size for size in sizes]

    @property
    def _n_lengths(self) -> int:
        return self.lengths[1] - self.lengths[0] + 1

    def fit(
        self,
        sequences: Sequences,
        target: np.ndarray,
        weight: np.ndarray,
        vocabulary: HashedNgramVocabulary | None = None,
    ) -> Self:
        """Fit the tables to training rows.

        Parameters
        ----------
        sequences : RaggedArray of int
            Token ids of n rows.
        target : ndarray of int, shape (n,), or of shape (n, K) or (n, n_tasks)
            Class of each row, a label indicator matrix, or the class of each row and
            task.
        weight : ndarray of shape (n,) or (n, n_tasks)
            Sample weights. For several tasks, zero for rows without a label.
        vocabulary : HashedNgramVocabulary, default=None
            Vocabulary of n-grams of these lengths, fitted to the same rows. None fits
            it.

        Returns
        -------
        self : ClassLogOdds
        """
        if vocabulary is None:
            vocabulary = HashedNgramVocabulary(self.lengths).fit(sequences)
        self.vocabulary = vocabulary
        occurs = self.vocabulary.counts(sequences)
        occurs.data[:] = 1
        # half precision, since the tables can be very large
        self.tables = np.zeros((_N_FOLDS + 1, *self._shape_of_table()), np.float16)
        fold_of_rows = _fold_of_rows(sequences)
        for table, labels, weight_of_task in self._tasks(target, weight):
            total = _Weights.of(occurs, labels, weight_of_task)
            table[-1, :-1] = self._log_odds(total)
            for fold in range(_N_FOLDS):
                rows = np.flatnonzero(fold_of_rows == fold)
                held_out = occurs[rows], labels[rows], weight_of_task[rows]
                table[fold, :-1] = self._log_odds(total.without(_Weights.of(*held_out)))
        return self

    def transform_training_rows(self, sequences: Sequences) -> LogOddsOfRows:
        """Return cross-fitted features, for training rows, if there are tables."""
        if len(self.tables) == 1:
            return self.transform(sequences)
        return self._of_rows(sequences, _fold_of_rows(sequences))

    def transform(self, sequences: Sequences) -> LogOddsOfRows:
        """Return features for new rows; ids larger than those seen are unknown."""
        return self._of_rows(sequences, np.full(len(sequences), len(self.tables) - 1))

    def of_ngrams(self, vocabulary: HashedNgramVocabulary, columns: np.ndarray) -> Self:
        """Return the log-odds of some n-grams, estimated from all rows.

        Parameters
        ----------
        vocabulary : HashedNgramVocabulary
            Vocabulary of these n-grams.
        columns : ndarray of int, shape (n,)
            Their columns in the vocabulary of this object.
        """
        log_odds = copy(self)
        log_odds.vocabulary = vocabulary
        missing = self.tables.shape[1] - 1
        # without any n-gram, there is one that does not occur
        rows = np.append(columns if len(columns) else missing, missing)
        log_odds.tables = self.tables[-1:, rows]
        return log_odds

    def state(self) -> dict[str, Any]:
        """Return the values from which `from_state` restores the features."""
        return {
            "lengths": self.lengths,
            "n_classes": self.n_classes,
            "multilabel": self.multilabel,
            "vocabulary": self.vocabulary.state(),
            "tables": self.tables,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Restore the features.

        Raises
        ------
        LookupError, TypeError, ValueError
            If `state` did not return the values.
        """
        vocabulary = HashedNgramVocabulary.from_state(state["vocabulary"])
        n_classes = _checked_sizes(state["n_classes"])
        multilabel = bool(state["multilabel"])
        log_odds = cls(vocabulary.lengths, n_classes, multilabel=multilabel)
        log_odds.vocabulary = vocabulary
        log_odds.tables = state_array(
            state["tables"],
            "tables",
            kinds="f",
            shape=(None, *log_odds._shape_of_table()),
        )
        if len(log_odds.tables) not in (1, _N_FOLDS + 1):
            raise ValueError("There must be a table for each fold, or a single one.")
        return log_odds

    def _shape_of_table(self) -> tuple[int, int]:
        n_rows = max(1, self.vocabulary.n_columns) + 1
        return n_rows, self.n_channels // self._n_lengths

    def _of_rows(
        self, sequences: Sequences, table_of_rows: np.ndarray
    ) -> LogOddsOfRows:
        columns: Ragged = NgramsOfRows(self.vocabulary, sequences)
        if isinstance(sequences, RaggedArray):
            columns = RaggedArray(columns.values, sequences.offsets)
        return LogOddsOfRows(columns, self.tables, table_of_rows)

    def _tasks(
        self, target: np.ndarray, weight: np.ndarray
    ) -> Iterator[tuple[np.ndarray, sparse.csr_array, np.ndarray]]:
        """Yield the tables, an indicator matrix of classes, and weights of each task.

        The tables are views.
        """
        if isinstance(self.n_classes, int):
            labels = (
                sparse.csr_array(target)
                if self.multilabel
                else one_hot(target, self.n_classes)
            )
            yield self.tables, labels, weight
            return
        ends = np.cumsum(self._channels_of_tasks)
        tables = np.split(self.tables, ends[:-1], axis=2)
        for task, (table, n_classes) in enumerate(
            zip(tables, self.n_classes, strict=True)
        ):
            codes = target[:, task].clip(min=0)  # -1, of a missing label, has no weight
            yield table, one_hot(codes, n_classes), weight[:, task]

    def _log_odds(self, weights: "_Weights") -> np.ndarray:
        """Compare the observed and expected weights of each n-gram and class."""
        share = weights.class_totals / max(weights.total, np.finfo(float).tiny)
        ngram_weights = weights.ngram_totals[:, np.newaxis]
        observed, expected = weights.by_class, share * ngram_weights
        log_odds = _log_ratio(observed, expected)
        if self.multilabel:
            complement = ngram_weights - observed, ngram_weights - expected
            return log_odds - _log_ratio(*complement)
        if log_odds.shape[1] == 2:
            return log_odds[:, 1:] - log_odds[:, :1]
        return log_odds


def _checked_sizes(n_classes: Any) -> int | tuple[int, ...]:
    """Return the number of classes of a state, or that of each task."""
    if isinstance(n_classes, list | tuple):
        return tuple(state_int(size, "n_classes", least=1) for size in n_classes)
    return state_int(n_classes, "n_classes", least=1)


@dataclass(frozen=True)
class _Weights:
    """Sums of sample weights.

    Parameters
    ----------
    by_class : ndarray of shape (n_ngrams, K)
        Rows that contain the n-gram and belong to the class.
    ngram_totals : ndarray of shape (n_ngrams,)
        Rows that contain the n-gram.
    class_totals : ndarray of shape (K,)
        Rows of the class.
    total : float
        All rows.
    """

    by_class: np.ndarray
    ngram_totals: np.ndarray
    class_totals: np.ndarray
    total: float

    @classmethod
    def of(
        cls, occurs: sparse.csr_array, labels: sparse.csr_array, weight: np.ndarray
    ) -> "_Weights":
        """Compute the sums, given indicator matrices of n-grams and classes."""
        weighted = sparse.diags_array(weight, format="csr") @ labels
        by_class = (occurs.T @ weighted).toarray()
        class_totals = weight @ labels
        return cls(by_class, occurs.T @ weight, class_totals, float(weight.sum()))

    def without(self, other: "_Weights") -> "_Weights":
        """Return the sums, excluding some of the rows."""
        return _Weights(
            self.by_class - other.by_class,
            self.ngram_totals - other.ngram_totals,
            self.class_totals - other.class_totals,
            self.total - other.total,
        )


def _log_ratio(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    # smoothed by adding one, so that rare n-grams get small weights
    return np.log((observed.clip(min=0) + 1) / (expected.clip(min=0) + 1))


def _fold_of_rows(sequences: Sequences) -> np.ndarray:
    """Assign each row to a fold by a hash of its tokens, equal for duplicate rows."""
    parts = parts_of_rows(sequences, _STEPS_AT_A_TIME)
    return np.concatenate([_fold_of_rows_in_memory(part) for part in parts])


def _fold_of_rows_in_memory(sequences: RaggedArray) -> np.ndarray:
    position = np.arange(len(sequences.values)) - np.repeat(
        sequences.offsets[:-1], sequences.lengths
    )
    steps = spread(
        sequences.values.astype(np.uint64) + spread(position.astype(np.uint64))
    )
    # cumulative sums, which can overflow, as can their differences
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(steps, dtype=np.uint64)])
    row_sums = sums[sequences.offsets[1:]] - sums[sequences.offsets[:-1]]
    return (spread(row_sums) >> np.uint64(32)).astype(np.intp) % _N_FOLDS
