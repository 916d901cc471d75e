"""Linear model of n-grams, whose logits are combined with those of a network."""

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
from sklearn_bilstm.training._temperature import LARGEST_TEMPERATURE, fitted_temperature
from sklearn_bilstm.utils._state import state_array, state_int, state_number

__all__ = ["NgramLinearModel", "Regressions"]

# Number of held-out rows that suffice to estimate the scale and the temperature of the
# logits.
_MIN_HELD_OUT_ROWS = 800
# Models fitted to many pseudo-labels have large logits, and many of them are wrong.
_LARGEST_OF_PSEUDO_LABELS = 10.0


class NgramLinearModel:
    """Logistic regression on TF-IDF features of n-grams of token ids.

    It is the wide part of a wide and deep model (Cheng et al., 2016), but is trained
    separately from the network. With a joint loss, the linear part would quickly fit
    the training rows, and the network would learn nothing.

    There is one regression per class (one-vs-rest). Features are weighted by naive
    Bayes log-count ratios (Wang and Manning, 2012).

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
        verbose : bool, default=False
            Whether to print the number of fitted regressions every few seconds.
        pseudo_labels : ndarray of int, shape (n_folds, n_pseudo), default=None
            Classes of the last rows, which have no label of their own, if the labelled
            rows of a fold are held out. Only labelled rows are held out.

        Returns
        -------
        self : NgramLinearModel
            With `size_`, the root mean square of the out-of-fold logits, and
            `temperature_`, which calibrates them when they are divided by it. The size
            is zero if all rows belong to one class, or if the logits predict held-out
            rows worse than the class frequencies do.
        """
        X = self._fitted_features(sequences, static)
        self.size_, self.temperature_, self.regressions = 0.0, 1.0, None
        n_pseudo = 0 if pseudo_labels is None else pseudo_labels.shape[1]
        splits = self._splits(target[: len(target) - n_pseudo], seed)
        targets = [target] * len(splits)
        if pseudo_labels is not None:
            splits, targets = _with_pseudo_labels(splits, target, pseudo_labels)
        progress = self._progress(1 + len(splits), verbose)
        rows, logits = self._out_of_fold_logits(X, targets, weight, splits, progress)
        if logits.any():
            largest = (
                LARGEST_TEMPERATURE if n_pseudo == 0 else _LARGEST_OF_PSEUDO_LABELS
            )
            temperature = self._temperature(logits, target[rows], weight[rows], largest)
            if temperature is not None:
                self.size_ = float(np.sqrt(np.mean(logits**2)))
                self.temperature_ = temperature
                self.regressions = _fit_linear(X, target, weight, progress)
        return self

    def out_of_fold_logits(
        self, sequences: RaggedArray, target: np.ndarray, weight: np.ndarray, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return held-out rows, and their logits by models fitted without them.

        The model itself is not fitted. Parameters are those of `fit`.

        Returns
        -------
        rows : ndarray of int, shape (n_held_out,)
        logits : ndarray of shape (n_held_out, K)
        """
        X = self._fitted_features(sequences, None)
        splits = self._splits(target, seed)
        targets = [target] * len(splits)
        return self._out_of_fold_logits(X, targets, weight, splits, lambda: None)

    def logits(
        self,
        sequences: RaggedArray,
        static: np.ndarray | None = None,
        found: np.ndarray | None = None,
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
        found : ndarray of int, shape (n_lengths, n_steps), default=None
            Result of `vocabulary.at_steps` for these rows. None computes it.

        Returns
        -------
        logits : ndarray of shape (n, K)
        """
        n_rows = len(sequences)
        if self.regressions is None:
            return np.zeros((n_rows, self.n_classes))
        X = self._features(self.vocabulary.counts(sequences, found), static)
        return self._logits_of_all_classes(self.regressions, X.columns)

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
        vocabulary = HashedNgramVocabulary.from_state(state["vocabulary"])
        n_classes = state_int(state["n_classes"], "n_classes", least=1)
        multilabel = bool(state["multilabel"])
        model = cls(vocabulary.lengths, n_classes, multilabel=multilabel)
        model.vocabulary = vocabulary
        n_columns = max(1, vocabulary.n_columns)
        model.idf = state_array(state["idf"], "idf", kinds="f", shape=(n_columns,))
        model.regressions = Regressions(**state["regressions"])
        model.regressions.check(n_classes)
        model.size_ = state_number(state["size"], "size", is_positive=False)
        model.temperature_ = state_number(state["temperature"], "temperature")
        return model

    def contributions(
        self, sequences: RaggedArray, static: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the contributions of the n-grams that end at each step to the logits.

        The contribution of an n-gram is divided equally among its occurrences in a row.
        Contributions exclude intercepts and static features.

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
            X = self._features(counts, static).columns
            lowest = self.regressions.logits(X).argmin(1)
            weights = X[rows, ngrams] / n_times
            coefficients = _dense(self.regressions.coefficients[ngrams])
            found = weights[:, np.newaxis] * coefficients
            contributions[places] = self.regressions.expanded(
                found, lowest[rows], self.n_classes
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
        X = self._features(self.vocabulary.counts(sequences), static)
        lowest = self.regressions.logits(X.columns).argmin(1)
        coefficients = _dense(self.regressions.coefficients[X.n_ngrams :])
        found = static[..., np.newaxis] * coefficients  # (n, S, n_found)
        contributions = self.regressions.expanded(
            found.reshape(n_rows * n_static, -1),
            lowest.repeat(n_static),
            self.n_classes,
        )
        return contributions.reshape(n_rows, n_static, self.n_classes)

    def _fitted_features(
        self, sequences: RaggedArray, static: np.ndarray | None
    ) -> "_Features":
        """Fit the vocabulary and its IDF weights, and return the features of rows."""
        self.vocabulary = HashedNgramVocabulary(self.ngrams).fit(sequences)
        counts = self.vocabulary.counts(sequences)
        self.idf = TfidfTransformer(sublinear_tf=True).fit(counts).idf_
        return self._features(counts, static)

    def _features(
        self, counts: sparse.csr_array, static: np.ndarray | None
    ) -> "_Features":
        """Return the features of regressions. The counts are overwritten."""
        # as in TfidfTransformer, whose checks take longer than the rest for a few rows
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
        """Return training and held-out rows of as many folds as are needed."""
        splits: list[tuple[np.ndarray, np.ndarray]] = []
        for split in folds(target, seed):
            splits.append(split)
            if sum(len(held_out) for _, held_out in splits) >= _MIN_HELD_OUT_ROWS:
                break
        return splits

    def _progress(self, n_models: int, verbose: bool) -> Callable[[], None]:
        """Return a function to call after each regression."""
        is_single = self.n_classes <= 2 and not self.multilabel
        n_regressions = n_models * (1 if is_single else self.n_classes)
        printer = StepPrinter("regressions of n-grams", n_regressions)
        return printer.step if verbose else lambda: None

    def _out_of_fold_logits(
        self,
        X: "_Features",
        targets: list[np.ndarray],
        weight: np.ndarray,
        splits: list[tuple[np.ndarray, np.ndarray]],
        progress: Callable[[], None],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return held-out rows and their logits by models fitted without them.

        Each split has its own targets.
        """
        rows, logits = [np.zeros(0, np.intp)], [np.zeros((0, self.n_classes))]
        for (train, held_out), target in zip(splits, targets, strict=False):
            known = X.take(train)
            model = _fit_linear(known, target[train], weight[train], progress)
            if model is not None:
                rows.append(held_out)
                logits.append(self._logits_of_all_classes(model, X.columns[held_out]))
        return np.concatenate(rows), np.concatenate(logits)

    def _logits_of_all_classes(
        self, model: "Regressions", X: sparse.csr_array
    ) -> np.ndarray:
        found = model.logits(X)
        return model.expanded(found, found.argmin(1), self.n_classes)

    def _temperature(
        self,
        logits: np.ndarray,
        target: np.ndarray,
        weight: np.ndarray,
        largest: float,
    ) -> float | None:
        if not self.multilabel:
            truth = np.eye(self.n_classes)[target]
            return fitted_temperature(logits, truth, weight, largest)
        # each label is a binary problem
        target = target.astype(float)
        choices = np.stack([np.zeros_like(logits), logits], axis=-1)  # (n, K, 2)
        truth = np.stack([1 - target, target], axis=-1)  # (n, K, 2)
        return fitted_temperature(choices, truth, weight, largest)


@dataclass(frozen=True)
class _Features:
    """Features of regressions.

    Parameters
    ----------
    columns : csr_array of shape (n_rows, n_columns)
        TF-IDF weights of n-grams, followed by static features.
    n_ngrams : int
        Number of columns of n-grams.
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
        Classes with training rows.
    coefficients : csr_array or ndarray of shape (n_columns, n_found)
        Sparse if most of them are zero.
    intercepts : ndarray of shape (n_found,)
    exclusive : bool, default=True
        Whether each row belongs to exactly one class.
    """

    classes: np.ndarray
    coefficients: np.ndarray | sparse.csr_array
    intercepts: np.ndarray
    exclusive: bool = True

    def check(self, n_classes: int) -> None:
        """Raise a ValueError if sizes differ or a number is not finite."""
        n_found = len(state_array(self.classes, "classes", kinds="i", shape=(None,)))
        known = np.arange(n_classes) if self.exclusive else np.arange(n_found)
        if not np.isin(self.classes, known).all() or not 0 < n_found <= n_classes:
            raise ValueError("The linear model must have some of the classes.")
        state_array(self.intercepts, "intercepts", kinds="f", shape=(n_found,))
        shape = None, n_found
        if isinstance(self.coefficients, sparse.csr_array):
            data = self.coefficients.data
            state_array(data, "coefficients", kinds="f", shape=(None,))
            if self.coefficients.shape[1] != n_found:
                raise ValueError("There must be coefficients for each class.")
        else:
            state_array(self.coefficients, "coefficients", kinds="f", shape=shape)

    def logits(self, X: sparse.csr_array) -> np.ndarray:
        """Return logits of shape (n_rows, n_found), of mean zero if exclusive."""
        logits = _dense(X @ self.coefficients) + self.intercepts
        return logits - logits.mean(1, keepdims=True) if self.exclusive else logits

    def expanded(
        self, found: np.ndarray, lowest: np.ndarray, n_classes: int
    ) -> np.ndarray:
        """Expand values to all K classes, with mean zero if exclusive.

        Parameters
        ----------
        found : ndarray of shape (n, n_found)
            Logits, or contributions to them.
        lowest : ndarray of int, shape (n,)
            Index of the smallest logit, whose value classes without training rows get.
        n_classes : int
            Number of classes, K.
        """
        if not self.exclusive:
            return found  # all labels are present
        numbers = found
        if len(self.classes) < n_classes:
            least = np.take_along_axis(found, lowest[:, np.newaxis], axis=1)
            numbers = np.repeat(least, n_classes, axis=1)
            numbers[:, self.classes] = found
        return numbers - numbers.mean(1, keepdims=True)


def _with_pseudo_labels(
    splits: list[tuple[np.ndarray, np.ndarray]],
    target: np.ndarray,
    pseudo_labels: np.ndarray,
) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[np.ndarray]]:
    """Add the last rows to the training rows of splits; return targets of splits."""
    n_labelled = len(target) - pseudo_labels.shape[1]
    others = np.arange(n_labelled, len(target))
    added = [(np.concatenate([train, others]), fold) for train, fold in splits]
    known = target[:n_labelled]
    return added, [np.concatenate([known, found]) for found in pseudo_labels]


def _dense(numbers: np.ndarray | sparse.csr_array) -> np.ndarray:
    return numbers if isinstance(numbers, np.ndarray) else numbers.toarray()


def _fit_linear(
    X: _Features,
    target: np.ndarray,
    weight: np.ndarray,
    after_each: Callable[[], None],
) -> Regressions | None:
    """Fit a regression for each class; return None if all rows belong to one class."""
    if X.columns.nnz == 0:
        return None
    rows = X.columns, X.n_ngrams
    if target.ndim == 2:
        return _fit_labels(X, target, weight, after_each)
    classes, found = np.unique(target, return_inverse=True)
    if len(classes) < 2:
        return None
    if len(classes) == 2:  # a single regression suffices
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
    """Fit a regression for each label, or an intercept alone for a constant label."""
    of_labels = weight @ target
    # smoothed as if there were one more row with each label, and one without it
    intercepts = np.log((of_labels + 1) / (weight.sum() - of_labels + 1))
    labels = np.arange(len(intercepts))
    varies = target.min(0, initial=1) < target.max(0, initial=0)
    coefficients: np.ndarray | sparse.csr_array
    coefficients = sparse.csr_array((X.columns.shape[1], len(labels)))
    if varies.any():
        fitted, intercepts[varies] = fit_one_vs_rest(
            X.columns, X.n_ngrams, target[:, varies] > 0, weight, after_each=after_each
        )
        # constant labels have zero coefficients
        spread = sparse.csr_array(np.eye(len(labels))[varies])
        coefficients = fitted @ spread
    return Regressions(labels, coefficients, intercepts, False)
