"""What the n-grams that end at each token tell of the class."""

import numpy as np
from scipy import sparse

from sklearn_bilstm.sequences import NgramColumns, RaggedArray
from sklearn_bilstm.training._splits import folds

__all__ = ["Evidence"]


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
    ) -> RaggedArray:
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
        evidence : RaggedArray of float32
            Values of shape (n_steps, n_channels).
        """
        self._columns = NgramColumns(self.lengths).fit(sequences)
        columns = self._columns.at_steps(sequences)
        occurs = self._columns.counts(sequences)
        everywhere, of_classes = self._weights_of(occurs, target, weight)
        self._table = self._evidence(everywhere, of_classes)
        values = np.zeros((columns.shape[1], self.n_channels), np.float32)
        row_of = sequences.row_of_steps
        for _, held_out in folds(target, seed):
            inside, of_inside = self._weights_of(
                occurs[held_out], target[held_out], weight[held_out]
            )
            table = self._evidence(everywhere - inside, of_classes - of_inside)
            steps = np.flatnonzero(np.isin(np.arange(len(target)), held_out)[row_of])
            values[steps] = self._looked_up(table, columns[:, steps])
        return RaggedArray(values, sequences.offsets)

    def transform(self, sequences: RaggedArray) -> RaggedArray:
        """Return the evidence of rows that were not learnt from.

        An id larger than any learnt from is unknown.
        """
        columns = self._columns.at_steps(sequences)
        return RaggedArray(self._looked_up(self._table, columns), sequences.offsets)

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

    def _looked_up(self, table: np.ndarray, columns: np.ndarray) -> np.ndarray:
        # the column of an n-gram without one is -1, which is the row of zeros
        return table[columns.T].reshape(columns.shape[1], self.n_channels)
