"""Linear model, whose logits are combined with those of a network."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from sklearn_bilstm.sequences import RaggedArray, Sequences
from sklearn_bilstm.training._mean_vectors import MeanVectorModel, TokenVectors
from sklearn_bilstm.training._ngram_model import NgramModel
from sklearn_bilstm.training._progress import StepPrinter
from sklearn_bilstm.training._regressions import NgramFeatures, fit_regressions
from sklearn_bilstm.training._splits import held_out_splits
from sklearn_bilstm.training._temperature import (
    LARGEST_TEMPERATURE,
    as_binary_choices,
    fitted_shares,
    fitted_temperature,
)
from sklearn_bilstm.utils._state import state_int, state_number

__all__ = ["LinearModel"]

# Models fitted to many pseudo-labels have large logits, and many of them are wrong.
_LARGEST_OF_PSEUDO_LABELS = 10.0
# Inverse regularisation strengths of the regressions on mean vectors. The larger one is
# better for many classes with few rows each.
_C_OF_VECTORS = 0.03, 0.3
# Minimum decrease of the log loss by mean vectors. Otherwise, their share is zero.
_MIN_GAIN = 1e-4


class LinearModel:
    """Logistic regressions on TF-IDF features of n-grams, and on mean token vectors.

    Its logits are a weighted mean of those of both, with weights that are fitted to
    held-out rows (Wolpert, 1992). It is the wide part of a wide and deep model (Cheng
    et al., 2016), but is trained separately from the network. With a joint loss, the
    linear part would quickly fit the training rows, and the network would learn
    nothing.

    Parameters
    ----------
    ngrams : tuple of int
        Minimum and maximum length of the n-grams, in tokens.
    n_classes : int
        Number of classes, K.
    multilabel : bool, default=False
        Whether a row can have several labels or none.
    """

    def __init__(
        self, ngrams: tuple[int, int], n_classes: int, *, multilabel: bool = False
    ) -> None:
        self.n_classes = n_classes
        self.multilabel = multilabel
        self.ngram_model = NgramModel(ngrams, n_classes, multilabel=multilabel)
        self.vectors: MeanVectorModel | None = None
        self.share_of_vectors = 0.0
        self.size_, self.temperature_ = 0.0, 1.0

    def __repr__(self) -> str:
        return f"LinearModel({self.ngram_model.vocabulary.n_columns:,})"

    @property
    def ngrams(self) -> tuple[int, int]:
        """Minimum and maximum length of the n-grams."""
        return self.ngram_model.lengths

    def fit(
        self,
        sequences: Sequences,
        target: np.ndarray,
        weight: np.ndarray,
        seed: int,
        static: np.ndarray | None = None,
        *,
        vectors: TokenVectors | None = None,
        verbose: bool = False,
        pseudo_labels: np.ndarray | None = None,
    ) -> Self:
        """Fit the model to training rows.

        Parameters
        ----------
        sequences : RaggedArray of int
            Token ids of n rows.
        target : ndarray of int, shape (n,), or of shape (n, K)
            Class of each row, or a label indicator matrix.
        weight : ndarray of shape (n,)
            Sample weights.
        seed : int
            Controls the split into folds.
        static : ndarray of shape (n, S), default=None
            Standardised static features, which are additional columns.
        vectors : TokenVectors, default=None
            Token vectors, for the regressions on mean vectors.
        verbose : bool, default=False
            Whether to print the number of fitted regressions every few seconds.
        pseudo_labels : ndarray of int, shape (n_folds, n_pseudo), default=None
            Classes of the last rows, which have no label of their own, if the labelled
            rows of a fold are held out. Only labelled rows are held out.

        Returns
        -------
        self : LinearModel
            With `size_`, the root mean square of the out-of-fold logits, and
            `temperature_`, which calibrates them when they are divided by it. The size
            is zero if all rows belong to one class, or if the logits do not predict
            held-out rows better than the class frequencies do.
        """
        self.size_, self.temperature_ = 0.0, 1.0
        data = self._cross_fit(
            sequences,
            target,
            weight,
            seed,
            static,
            vectors,
            pseudo_labels,
            verbose=verbose,
        )
        temperature = None
        if data.logits.any():
            largest = LARGEST_TEMPERATURE
            if pseudo_labels is not None:
                largest = _LARGEST_OF_PSEUDO_LABELS
            truth, choices = self._choices(target[data.rows], data.logits)
            temperature = fitted_temperature(choices, truth, weight[data.rows], largest)
        if temperature is None:
            self.vectors, self.share_of_vectors = None, 0.0
        else:
            self.size_ = float(np.sqrt(np.mean(data.logits**2)))
            self.temperature_ = temperature
            self.ngram_model.fit(data.X, target, weight, data.progress)
            if self.vectors is not None:
                self.vectors.fit(data.means, target, weight, data.C)
        return self

    def out_of_fold_logits(
        self,
        sequences: Sequences,
        target: np.ndarray,
        weight: np.ndarray,
        seed: int,
        *,
        vectors: TokenVectors | None = None,
        pseudo_labels: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return held-out rows, and their logits by models fitted without them.

        The model itself is not fitted. Parameters are those of `fit`.

        Returns
        -------
        rows : ndarray of int, shape (n_held_out,)
        logits : ndarray of shape (n_held_out, K)
        """
        data = self._cross_fit(
            sequences, target, weight, seed, None, vectors, pseudo_labels
        )
        return data.rows, data.logits

    def logits(
        self,
        sequences: Sequences,
        static: np.ndarray | None = None,
        columns: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the logits of rows.

        The logits of a row have mean zero, unless rows can have several labels. Ids
        larger than those seen in `fit` are unknown.

        Parameters
        ----------
        sequences : RaggedArray of int
            Token ids of n rows.
        static : ndarray of shape (n, S), default=None
            Static features of each row, if there are any.
        columns : ndarray of int, shape (n_lengths, n_steps), default=None
            Result of `at_steps` of the vocabulary for these rows. None computes it.

        Returns
        -------
        logits : ndarray of shape (n, K)
        """
        logits = self.ngram_model.logits(sequences, static, columns)
        if self.vectors is None or self.ngram_model.regressions is None:
            return logits
        return self._weighted_mean(logits, self.vectors.logits(sequences))

    def state(self) -> dict[str, Any]:
        """Return the values from which `from_state` restores the model."""
        return {
            **self.ngram_model.state(),
            "vectors": self.vectors and self.vectors.state(),
            "share_of_vectors": self.share_of_vectors,
            "size": self.size_,
            "temperature": self.temperature_,
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
        ngram_model = NgramModel.from_state(state, n_classes)
        multilabel = ngram_model.multilabel
        model = cls(ngram_model.lengths, n_classes, multilabel=multilabel)
        model.ngram_model = ngram_model
        if state.get("vectors") is not None:  # older files do not contain it
            model.vectors = _restored_vectors(state["vectors"], n_classes, multilabel)
            share = state_number(
                state["share_of_vectors"], "share_of_vectors", is_positive=False
            )
            if share > 1:
                raise ValueError(f"share_of_vectors must be at most 1: got {share}.")
            model.share_of_vectors = share
        model.size_ = state_number(state["size"], "size", is_positive=False)
        model.temperature_ = state_number(state["temperature"], "temperature")
        return model

    def contributions(
        self, sequences: RaggedArray, static: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the contributions of the n-grams that end at each step to the logits.

        The contribution of an n-gram is divided equally among its occurrences in a row.
        That of a unigram includes the contribution of its vector. Contributions exclude
        intercepts and static features.

        Returns
        -------
        contributions : ndarray of shape (n_steps, longest, K)
            Contributions of n-grams of one token and more.
        """
        shortest, longest = self.ngrams
        n_steps = len(sequences.values)
        contributions = np.zeros((n_steps, longest, self.n_classes))
        ngram_contributions = contributions[:, shortest - 1 :]
        ngram_contributions[:] = self.ngram_model.contributions(sequences, static)
        if self.vectors is not None:
            ngram_contributions *= 1 - self.share_of_vectors
            vector_contributions = self.vectors.contributions(sequences)
            contributions[:, 0] += self.share_of_vectors * vector_contributions
        return contributions

    def static_contributions(
        self, sequences: RaggedArray, static: np.ndarray
    ) -> np.ndarray:
        """Return the contributions of static features to the logits.

        Returns
        -------
        contributions : ndarray of shape (n, S, K)
        """
        contributions = self.ngram_model.static_contributions(sequences, static)
        return (1 - self.share_of_vectors) * contributions

    def _progress(self, n_models: int, verbose: bool) -> Callable[[], None]:
        """Return a function to call after each regression."""
        is_single = self.n_classes <= 2 and not self.multilabel
        n_regressions = n_models * (1 if is_single else self.n_classes)
        printer = StepPrinter("regressions of n-grams", n_regressions)
        return printer.step if verbose else lambda: None

    def _held_out_ngram_logits(
        self,
        X: NgramFeatures,
        targets: list[np.ndarray],
        weight: np.ndarray,
        splits: list[tuple[np.ndarray, np.ndarray]],
        progress: Callable[[], None],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return held-out rows and their logits by n-gram models fitted without them.

        Each split has its own targets.
        """
        rows, logits = [np.zeros(0, np.intp)], [np.zeros((0, self.n_classes))]
        for (train, held_out), target in zip(splits, targets, strict=False):
            model = fit_regressions(
                X.take(train), target[train], weight[train], progress
            )
            if model is not None:
                rows.append(held_out)
                logits.append(model.logits_of_all(X.columns[held_out], self.n_classes))
        return np.concatenate(rows), np.concatenate(logits)

    def _cross_fit(
        self,
        sequences: Sequences,
        target: np.ndarray,
        weight: np.ndarray,
        seed: int,
        static: np.ndarray | None,
        vectors: TokenVectors | None,
        pseudo_labels: np.ndarray | None,
        *,
        verbose: bool = False,
    ) -> "_CrossFitted":
        """Return the features, and the logits of rows that are held out.

        Parameters are those of `fit`. The share of mean vectors is set.
        """
        self.vectors, self.share_of_vectors = None, 0.0
        X = self.ngram_model.fit_features(sequences, static)
        splits, targets = _splits(target, pseudo_labels, seed)
        progress = self._progress(1 + len(splits), verbose)
        rows, logits = self._held_out_ngram_logits(X, targets, weight, splits, progress)
        means, C = np.zeros((len(target), 0)), _C_OF_VECTORS[0]
        if vectors is not None and len(rows):
            self.vectors = MeanVectorModel(self.n_classes, multilabel=self.multilabel)
            means = self.vectors.fit_features(vectors, sequences)
            C, logits = self._with_mean_vectors(
                means, targets, weight, splits, rows, logits
            )
        return _CrossFitted(X, means, C, rows, logits, progress)

    def _with_mean_vectors(
        self,
        means: np.ndarray,
        targets: list[np.ndarray],
        weight: np.ndarray,
        splits: list[tuple[np.ndarray, np.ndarray]],
        rows: np.ndarray,
        logits: np.ndarray,
    ) -> tuple[float, np.ndarray]:
        """Set the share of mean vectors, and return its `C` and the mean logits.

        The `C` and the share are those that predict held-out rows best.
        """
        row_weight = weight[rows]
        truth, ngram_logits = self._choices(targets[0][rows], logits)
        _, ngram_loss = fitted_shares(ngram_logits[np.newaxis], truth, row_weight)
        best, result = ngram_loss - _MIN_GAIN, (_C_OF_VECTORS[0], logits)
        for C in _C_OF_VECTORS:
            vector_logits = np.zeros((len(means), self.n_classes))
            for (train, held_out), target in zip(splits, targets, strict=False):
                model = MeanVectorModel.fitted_regressions(
                    means[train], target[train], weight[train], C
                )
                if model is not None:
                    vector_logits[held_out] = model.logits_of_all(
                        means[held_out], self.n_classes
                    )
            stacked_logits = np.stack([logits, vector_logits[rows]])
            _, stacked_choices = self._choices(targets[0][rows], stacked_logits)
            shares, loss = fitted_shares(stacked_choices, truth, row_weight)
            if loss < best:
                self.share_of_vectors = float(shares[1])
                best, result = loss, (C, self._weighted_mean(*stacked_logits))
        return result

    def _weighted_mean(
        self, ngram_logits: np.ndarray, vector_logits: np.ndarray
    ) -> np.ndarray:
        share = self.share_of_vectors
        return (1 - share) * ngram_logits + share * vector_logits

    def _choices(
        self, target: np.ndarray, logits: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the truth and the logits as :func:`fitted_shares` takes them.

        The logits can be those of several models.
        """
        if self.multilabel:
            return as_binary_choices(target.astype(float), logits)
        return np.eye(self.n_classes)[target], logits


@dataclass(frozen=True)
class _CrossFitted:
    """Features of training rows, and logits of those that are held out.

    Parameters
    ----------
    X : NgramFeatures
        Features of all rows.
    means : ndarray of shape (n, E)
        Mean vectors of all rows.
    C : float
        Inverse regularisation strength of the regressions on mean vectors.
    rows : ndarray of int, shape (n_held_out,)
        Indices of held-out rows.
    logits : ndarray of shape (n_held_out, K)
        Their logits by models fitted without them.
    progress : callable
        Called after each regression.
    """

    X: NgramFeatures
    means: np.ndarray
    C: float
    rows: np.ndarray
    logits: np.ndarray
    progress: Callable[[], None]


def _restored_vectors(
    state: dict[str, Any], n_classes: int, multilabel: bool
) -> MeanVectorModel:
    """Restore the regressions on mean vectors of a linear model."""
    vectors = MeanVectorModel.from_state(state)
    if vectors.n_classes != n_classes or vectors.multilabel is not multilabel:
        raise ValueError("The parts of a linear model must have equal classes.")
    if vectors.regressions is None:
        raise ValueError("A linear model with token vectors must have regressions.")
    return vectors


def _splits(
    target: np.ndarray, pseudo_labels: np.ndarray | None, seed: int
) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[np.ndarray]]:
    """Return training and held-out rows of folds, and the targets of each fold.

    The last rows, with pseudo-labels, are training rows of all folds.
    """
    if pseudo_labels is None:
        splits = held_out_splits(target, seed)
        return splits, [target] * len(splits)
    n_labelled = len(target) - pseudo_labels.shape[1]
    unlabelled, labels = np.arange(n_labelled, len(target)), target[:n_labelled]
    splits = [
        (np.concatenate([train, unlabelled]), held_out)
        for train, held_out in held_out_splits(labels, seed)
    ]
    return splits, [np.concatenate([labels, pseudo]) for pseudo in pseudo_labels]
