"""What the n-grams that end at each token tell of the class."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from sklearn_bilstm.sequences import NgramColumns, RaggedArray
from sklearn_bilstm.training._splits import folds

__all__ = ["Evidence", "EvidenceOfRows"]


@dataclass(frozen=True)
class EvidenceOfRows:
    """Evidence that is looked up when rows are taken, as it may fill much memory.

    Parameters
    ----------
    columns : RaggedArray of int
        The n-grams that end at each step, of shape (n_steps, n_lengths).
    tables : ndarray of shape (n_tables, n_columns + 1, n_channels_per_ngram)
        Evidence of each n-gram. The last row is of zeros: -1 stands for no n-gram.
    table_of_rows : ndarray of int, shape (n_rows,)
        Which of the tables tells each row.
    """

    columns: RaggedArray
    tables: np.ndarray
    table_of_rows: np.ndarray

    def take(self, rows: np.ndarray) -> RaggedArray:
        """Return the evidence of `rows`, with values of shape (n_steps, n_channels)."""
        columns = self.columns.take(rows)
        tables = np.repeat(self.table_of_rows[rows], columns.lengths)
        values = self.tables[tables[:, None], columns.values]
        n_channels = self.tables.shape[2] * columns.values.shape[1]
        return RaggedArray(values.reshape(-1, n_channels), columns.offsets)


class Evidence:
    """Weights of evidence of n-grams, for a network to read beside their tokens.

    The weight of evidence of an n-gram for a class is the logarithm of how much
    likelier the class is where the n-gram is (Good, 1950). Naive Bayes adds them up; a
    network can do so in the light of what stands around. Each token has a channel for
    each length of n-grams and each class, or with two classes for the second one
    against the first.

    Rows that are learnt from are told what rows of other folds say. Told by themselves,
    rare n-grams would give their class away, and nothing else would be learnt.

    Parameters
    ----------
    lengths : tuple of int
        Tokens of the shortest and of the longest n-grams.
    n_classes : int
        Number of classes, K.
    """

    def __init__(self, lengths: tuple[int, int], n_classes: int) -> None:
        self.lengths = lengths
        self.n_classes = n_classes

    @property
    def n_channels(self) -> int:
        """Number of channels of a token."""
        per_ngram = 1 if self.n_classes == 2 else self.n_classes
        return per_ngram * (self.lengths[1] - self.lengths[0] + 1)

    def fit_transform(
        self, sequences: RaggedArray, target: np.ndarray, weight: np.ndarray, seed: int
    ) -> EvidenceOfRows:
        """Learn from rows, and return their evidence out of folds.

        Parameters
        ----------
        sequences : RaggedArray of int
            Token ids of n rows.
        target : ndarray of int, shape (n,)
            Classes.
        weight : ndarray of shape (n,)
            Weights of the rows.
        seed : int
            Decides on the folds.

        Returns
        -------
        evidence : EvidenceOfRows
        """
        self._columns = NgramColumns(self.lengths).fit(sequences)
        occurs = self._columns.counts(sequences)
        everywhere, of_classes = self._weights_of(occurs, target, weight)
        self._table = self._evidence(everywhere, of_classes)
        # without another row there is no fold, and nothing that others say
        tables = [np.zeros_like(self._table)]
        table_of_rows = np.zeros(len(target), np.intp)
        for _, held_out in folds(target, seed):
            inside, of_inside = self._weights_of(
                occurs[held_out], target[held_out], weight[held_out]
            )
            table_of_rows[held_out] = len(tables)
            tables.append(self._evidence(everywhere - inside, of_classes - of_inside))
        return self._of_rows(sequences, np.array(tables), table_of_rows)

    def transform(self, sequences: RaggedArray) -> EvidenceOfRows:
        """Return the evidence of rows that were not learnt from.

        An id larger than any learnt from is unknown.
        """
        only_one = np.zeros(len(sequences), np.intp)
        return self._of_rows(sequences, self._table[None], only_one)

    def _of_rows(
        self, sequences: RaggedArray, tables: np.ndarray, table_of_rows: np.ndarray
    ) -> EvidenceOfRows:
        columns = np.ascontiguousarray(self._columns.at_steps(sequences).T)
        columns_of_rows = RaggedArray(columns, sequences.offsets)
        return EvidenceOfRows(columns_of_rows, tables, table_of_rows)

    def _weights_of(
        self, occurs: sparse.csr_array, target: np.ndarray, weight: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sum the weights of rows of each class: with each n-gram, and of all."""
        n_ngrams = np.diff(occurs.indptr)
        places = occurs.indices * self.n_classes + np.repeat(target, n_ngrams)
        sums = np.bincount(
            places,
            np.repeat(weight, n_ngrams),
            minlength=occurs.shape[1] * self.n_classes,
        )
        totals = np.bincount(target, weight, minlength=self.n_classes)
        return sums.reshape(-1, self.n_classes), totals

    def _evidence(self, weights: np.ndarray, totals: np.ndarray) -> np.ndarray:
        """Return a row of evidence for each n-gram, and one of zeros for any other.

        Shares of classes are smoothed by as many rows as there are classes, with the
        shares that classes have overall, so that a rare n-gram says little.
        """
        prior = (totals + 1) / (totals + 1).sum()
        n = self.n_classes
        shares = (weights + n * prior) / (weights.sum(1, keepdims=True) + n)
        evidence = np.log(shares / prior)
        if n == 2:
            evidence = evidence[:, 1:] - evidence[:, :1]
        return np.pad(evidence, [(0, 1), (0, 0)]).astype(np.float32)
