"""A linear model of n-grams, to stand beside a network."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.utils.sparsefuncs_fast import inplace_csr_row_normalize_l2

from sklearn_bilstm.sequences import HashedNgramVocabulary, RaggedArray
from sklearn_bilstm.training._one_vs_rest import fit_one_vs_rest
from sklearn_bilstm.training._progress import StepPrinter
from sklearn_bilstm.training._splits import folds
from sklearn_bilstm.training._temperature import fitted_temperature

__all__ = ["NgramLinearModel", "Regressions"]

# Rows that are enough to estimate the size of the logits, and how sure to be of them.
_ROWS_TO_MEASURE = 800


class NgramLinearModel:
    """Logistic regression on TF-IDF weights of n-grams of token ids.

    The path for what single words and phrases give away, as in wide and deep learning
    (Cheng et al., 2016). It is not trained together with the network: trained by one
    loss, the linear part fits the rows at once and leaves the network nothing to learn.

    Each class is told from the others by a regression of its own, for which an n-gram
    weighs the more the more naive Bayes would make of it (Wang and Manning, 2012).

    Parameters
    ----------
    ngrams : tuple of int
        Tokens of the shortest and of the longest n-grams.
    n_classes : int
        Number of classes, K.
    multilabel : bool, default=False
        Whether a row may be in several classes or none.
    """

    def __init__(
        self, ngrams: tuple[int, int], n_classes: int, *, multilabel: bool = False
    ) -> None:
        self.ngrams = ngrams
        self.n_classes = n_classes
        self.multilabel = multilabel
        self.vocabulary = HashedNgramVocabulary(ngrams)
        self.idf = np.zeros(0)
        self.regressions: Regressions | None = None
        self.size_, self.temperature_ = 0.0, 1.0

    def __repr__(self) -> str:
        return f"NgramLinearModel({self.vocabulary.n_columns:,})"

    def fit(
        self,
        sequences: RaggedArray,
        target: np.ndarray,
        weight: np.ndarray,
        seed: int,
        static: np.ndarray | None = None,
        *,
        verbose: bool = False,
    ) -> Self:
        """Learn from rows.

        Parameters
        ----------
        sequences : RaggedArray of int
            Token ids of n rows.
        target : ndarray of int, shape (n,), or of shape (n, K)
            Class of each row; or one where a row is in a class, and else zero.
        weight : ndarray of shape (n,)
            Weights of the rows.
        seed : int
            Decides on the folds by which the size of the logits is estimated.
        static : ndarray of shape (n, S), default=None
            Standardised numbers beside each row, which are further columns.
        verbose : bool, default=False
            Whether to print, every few seconds, how many regressions are fitted.

        Returns
        -------
        self : NgramLinearModel
            With `size_`, the root mean square of the logits of rows that were not
            learnt from, and `temperature_`, by which logits are to be divided so that
            those of such rows are as sure as they are right. The size is zero if there
            is nothing to learn, or if what was learnt is not true of such rows.
        """
        self.vocabulary = HashedNgramVocabulary(self.ngrams).fit(sequences)
        counts = self.vocabulary.counts(sequences)
        self.idf = TfidfTransformer(sublinear_tf=True).fit(counts).idf_
        X = self._features(counts, static)
        self.size_, self.temperature_, self.regressions = 0.0, 1.0, None
        splits = self._splits(target, seed)
        progress = self._progress(1 + len(splits), verbose)
        rows, logits = self._logits_of_fresh_rows(X, target, weight, splits, progress)
        if logits.any():
            temperature = self._temperature(logits, target[rows], weight[rows])
            if temperature is not None:
                self.size_ = float(np.sqrt(np.mean(logits**2)))
                self.temperature_ = temperature
                self.regressions = _fit_linear(X, target, weight, progress)
        return self

    def logits(
        self,
        sequences: RaggedArray,
        static: np.ndarray | None = None,
        found: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the logits of rows.

        Those of a row have mean zero, unless it may be in several classes. An id larger
        than any learnt from is unknown.

        Parameters
        ----------
        sequences : RaggedArray of int
            Token ids of n rows.
        static : ndarray of shape (n, S), default=None
            The numbers beside each row, if there are any.
        found : ndarray of int, shape (n_lengths, n_steps), default=None
            What `columns.at_steps` gives for these rows. None looks it up.

        Returns
        -------
        logits : ndarray of shape (n, K)
        """
        n_rows = len(sequences)
        if self.regressions is None:
            return np.zeros((n_rows, self.n_classes))
        X = self._features(self.vocabulary.counts(sequences, found), static)
        return self._of_all_classes(self.regressions, X.columns)

    def state(self) -> dict[str, Any]:
        """Return the values from which `from_state` restores the model."""
        return {
            "ngrams": self.ngrams,
            "n_classes": self.n_classes,
            "multilabel": self.multilabel,
            "vocabulary": self.vocabulary.state(),
            "idf": self.idf,
            "regressions": vars(self.regressions).copy(),
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
        shortest, longest = state["ngrams"]
        multilabel = bool(state["multilabel"])
        model = cls((shortest, longest), state["n_classes"], multilabel=multilabel)
        model.vocabulary = HashedNgramVocabulary.from_state(state["vocabulary"])
        model.idf = state["idf"]
        model.regressions = Regressions(**state["regressions"])
        model.regressions.check()
        model.size_, model.temperature_ = float(state["size"]), state["temperature"]
        return model

    def contributions(
        self, sequences: RaggedArray, static: np.ndarray | None = None
    ) -> np.ndarray:
        """Return what the n-grams that end at each step add to the logits of their row.

        An n-gram adds as much at each of its places. What is left of the logits, such
        as intercepts and what `static` adds, is of no n-gram.

        Returns
        -------
        contributions : ndarray of shape (n_steps, n_lengths, K)
        """
        columns = self.vocabulary.at_steps(sequences)
        contributions = np.zeros((*columns.shape, self.n_classes))
        places = np.nonzero(columns >= 0)
        if self.regressions is not None and len(places[0]):
            counts = self.vocabulary.counts(sequences)
            rows = sequences.row_of_steps[places[1]]
            ngrams = columns[places]
            n_times = counts[rows, ngrams]
            X = sparse.csr_array(self._features(counts, static).columns)
            lowest = self.regressions.logits(X).argmin(1)
            weights = X[rows, ngrams] / n_times
            coefficients = _dense(self.regressions.coefficients[ngrams])
            found = weights[:, np.newaxis] * coefficients
            contributions[places] = self.regressions.of_all_classes(
                found, lowest[rows], self.n_classes
            )
        return contributions.transpose(1, 0, 2)

    def _features(
        self, counts: sparse.csr_array, static: np.ndarray | None
    ) -> "_Features":
        """Return what regressions read; it is written over the counts."""
        # as the transformer does it, but for its checks, which take longer for a row
        weights = counts.data
        np.log(weights, out=weights)
        weights += 1
        weights *= self.idf[counts.indices]
        inplace_csr_row_normalize_l2(counts)
        if static is None:
            return _Features(counts, counts.shape[1])
        columns = sparse.hstack([counts, sparse.csr_array(static)], format="csr")
        return _Features(columns, counts.shape[1])

    def _splits(
        self, target: np.ndarray, seed: int
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return as many folds as hold enough rows, each with the rows outside it."""
        splits: list[tuple[np.ndarray, np.ndarray]] = []
        for split in folds(target, seed):
            splits.append(split)
            if sum(len(fold) for _, fold in splits) >= _ROWS_TO_MEASURE:
                break
        return splits

    def _progress(self, n_models: int, verbose: bool) -> Callable[[], None]:
        """Return what is to be called after each regression."""
        is_single = self.n_classes <= 2 and not self.multilabel
        n_regressions = n_models * (1 if is_single else self.n_classes)
        printer = StepPrinter("regressions of n-grams", n_regressions)
        return printer.step if verbose else lambda: None

    def _logits_of_fresh_rows(
        self,
        X: "_Features",
        target: np.ndarray,
        weight: np.ndarray,
        splits: list[tuple[np.ndarray, np.ndarray]],
        progress: Callable[[], None],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return rows, and the logits that each gets of a path that has not seen it."""
        rows, logits = [np.zeros(0, np.intp)], [np.zeros((0, self.n_classes))]
        for learnt, fold in splits:
            known = X.take(learnt)
            model = _fit_linear(known, target[learnt], weight[learnt], progress)
            if model is not None:
                rows.append(fold)
                logits.append(self._of_all_classes(model, X.columns[fold]))
        return np.concatenate(rows), np.concatenate(logits)

    def _of_all_classes(self, model: "Regressions", X: sparse.csr_array) -> np.ndarray:
        found = model.logits(X)
        return model.of_all_classes(found, found.argmin(1), self.n_classes)

    def _temperature(
        self, logits: np.ndarray, target: np.ndarray, weight: np.ndarray
    ) -> float | None:
        if not self.multilabel:
            truth = np.eye(self.n_classes)[target]
            return fitted_temperature(logits, truth, weight)
        # each label is a choice between two classes
        target = target.astype(float)
        choices = np.stack([np.zeros_like(logits), logits], axis=-1)  # (n, K, 2)
        truth = np.stack([1 - target, target], axis=-1)  # (n, K, 2)
        return fitted_temperature(choices, truth, weight)


@dataclass(frozen=True)
class _Features:
    """What regressions read.

    Parameters
    ----------
    columns : csr_array of shape (n_rows, n_columns)
        TF-IDF weights of n-grams, and numbers behind them.
    n_ngrams : int
        How many of the columns are of n-grams.
    """

    columns: sparse.csr_array
    n_ngrams: int

    def take(self, rows: np.ndarray) -> "_Features":
        """Return the features of some rows."""
        return _Features(self.columns[rows], self.n_ngrams)


@dataclass(frozen=True)
class Regressions:
    """Fitted logistic regressions, one per class.

    Parameters
    ----------
    classes : ndarray of int, shape (n_found,)
        The classes that have rows.
    coefficients : csr_array or ndarray of shape (n_columns, n_found)
        Sparse if most of them are zero.
    intercepts : ndarray of shape (n_found,)
    exclusive : bool, default=True
        Whether a row is in one class only.
    """

    classes: np.ndarray
    coefficients: np.ndarray | sparse.csr_array
    intercepts: np.ndarray
    exclusive: bool = True

    def check(self) -> None:
        """Raise a ValueError if sizes differ or a coefficient is not finite."""
        if self.coefficients.shape[1] != len(self.classes):
            raise ValueError("The linear model must have coefficients for each class.")
        is_sparse = sparse.issparse(self.coefficients)
        values = self.coefficients.data if is_sparse else self.coefficients
        if not np.isfinite(values).all():
            raise ValueError("The coefficients of the linear model must be finite.")

    def logits(self, X: sparse.csr_array) -> np.ndarray:
        """Return logits of shape (n_rows, n_found), of mean zero if exclusive."""
        logits = _dense(X @ self.coefficients) + self.intercepts
        return logits - logits.mean(1, keepdims=True) if self.exclusive else logits

    def of_all_classes(
        self, found: np.ndarray, lowest: np.ndarray, n_classes: int
    ) -> np.ndarray:
        """Return numbers of all K classes, of mean zero if exclusive.

        Parameters
        ----------
        found : ndarray of shape (n, n_found)
            Logits, or parts of them.
        lowest : ndarray of int, shape (n,)
            Where the least logit is: no class without a row is likelier than another.
        n_classes : int
            Number of classes, K.
        """
        if not self.exclusive:
            return found  # of every label
        numbers = found
        if len(self.classes) < n_classes:
            least = np.take_along_axis(found, lowest[:, np.newaxis], axis=1)
            numbers = np.repeat(least, n_classes, axis=1)
            numbers[:, self.classes] = found
        return numbers - numbers.mean(1, keepdims=True)


def _dense(numbers: np.ndarray | sparse.csr_array) -> np.ndarray:
    return numbers if isinstance(numbers, np.ndarray) else numbers.toarray()


def _fit_linear(
    X: _Features,
    target: np.ndarray,
    weight: np.ndarray,
    after_each: Callable[[], None],
) -> Regressions | None:
    """Fit a regression for each class, or nothing if all rows are of one class."""
    if X.columns.nnz == 0:
        return None
    rows = X.columns, X.n_ngrams
    if target.ndim == 2:
        return _fit_labels(X, target, weight, after_each)
    classes, found = np.unique(target, return_inverse=True)
    if len(classes) < 2:
        return None
    if len(classes) == 2:  # one regression, the same from the side of either class
        w, b = fit_one_vs_rest(
            *rows, found[:, np.newaxis], weight, least_expected=0, after_each=after_each
        )
        return Regressions(classes, np.hstack([-w, w]) / 2, np.concatenate([-b, b]) / 2)
    places = np.ones(len(found)), found, np.arange(len(found) + 1)
    inside = sparse.csr_array(places, (len(found), len(classes))).tocsc()
    fitted = fit_one_vs_rest(*rows, inside, weight, after_each=after_each)
    return Regressions(classes, *fitted)


def _fit_labels(
    X: _Features,
    target: np.ndarray,
    weight: np.ndarray,
    after_each: Callable[[], None],
) -> Regressions:
    """Fit a regression a label, or its odds where all rows have it or none has."""
    of_labels = weight @ target
    # as if one row more had each label, and one had not
    intercepts = np.log((of_labels + 1) / (weight.sum() - of_labels + 1))
    labels = np.arange(len(intercepts))
    varies = target.min(0, initial=1) < target.max(0, initial=0)
    coefficients: np.ndarray | sparse.csr_array
    coefficients = sparse.csr_array((X.columns.shape[1], len(labels)))
    if varies.any():
        fitted, intercepts[varies] = fit_one_vs_rest(
            X.columns, X.n_ngrams, target[:, varies] > 0, weight, after_each=after_each
        )
        # those of the others are zero
        spread = sparse.csr_array(np.eye(len(labels))[varies])
        coefficients = fitted @ spread
    return Regressions(labels, coefficients, intercepts, False)
