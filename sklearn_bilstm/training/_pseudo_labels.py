"""Pseudo-labels of unlabelled rows."""

from typing import Self

import numpy as np
from scipy.special import log_softmax, softmax

from sklearn_bilstm.training._linear_model import LinearModel
from sklearn_bilstm.training._splits import held_out_splits
from sklearn_bilstm.training._teachers import (
    NGRAMS,
    FittedTeacher,
    LinearTeacher,
    NaiveBayesTeacher,
    TrainingRows,
)
from sklearn_bilstm.training._temperature import (
    exceeds_error,
    fitted_shares,
    fitted_temperature,
    n_effective,
)

__all__ = ["PseudoLabels"]

# Weight of a row whose pseudo-label is certain, relative to a labelled row.
_WEIGHT = 0.3
# Naive Bayes treats tokens as independent: logits of long rows are far too large. Those
# of the linear model are flattened likewise if they are noise.
_LARGEST_TEMPERATURE = 100.0
# Number of standard errors by which the log loss must improve. Two would refuse many
# pseudo-labels that increase the accuracy by several points.
_N_ERRORS = 1.0
# Minimum effective number of labelled rows for a decision.
_MIN_ROWS = 20
# Number of unlabelled rows that suffice to decide.
_ROWS_TO_COMPARE = 3000


class PseudoLabels:
    """Pseudo-labels (Lee, 2013) of unlabelled rows.

    Two teachers are fitted to the labelled rows, and predict the classes of the
    unlabelled ones: naive Bayes with EM, and a linear model. Their logits are averaged,
    with shares that are fitted to held-out rows (Wolpert, 1992).

    To decide whether pseudo-labels are used, a linear model learns from rows with them,
    and predicts labelled rows that are held out. They must improve its log loss by more
    than a standard error, and must not lower its accuracy.

    Parameters
    ----------
    n_classes : int
        Number of classes, K.

    Attributes
    ----------
    is_used : bool
        Whether pseudo-labels are used.
    share_of_naive_bayes : float
        Share of naive Bayes in the mean of the logits of both teachers.
    accuracy, linear_accuracy : float
        Accuracy of the linear model on held-out labelled rows, with pseudo-labels and
        without them. Zero if no rows can be held out.
    target : ndarray of int, shape (n_unlabelled,)
        Most probable class of each unlabelled row. Empty unless `is_used`.
    weight : ndarray of shape (n_unlabelled,)
        Weight of each unlabelled row, proportional to the probability of the class.
        Empty unless `is_used`.
    target_of_folds : ndarray of int, shape (n_folds, n_unlabelled)
        The same classes as in `target`, if the labelled rows of a fold are held out.
        Without folds unless `is_used`.
    """

    def __init__(self, n_classes: int) -> None:
        self.n_classes = n_classes
        self.is_used = False
        self.share_of_naive_bayes = 0.0
        self.accuracy = self.linear_accuracy = 0.0
        self._forget()

    def fit(self, rows: TrainingRows) -> Self:
        """Fit the teachers, and decide whether pseudo-labels are used."""
        linear = LinearModel(NGRAMS, self.n_classes)
        held_out, linear_logits = linear.out_of_fold_logits(
            rows.sequences, rows.target, rows.weight, rows.seed, vectors=rows.vectors
        )
        if len(held_out) and self._predict(rows):
            student_held_out, student_logits = self._logits_of_student(rows)
            # folds in which a model cannot be fitted differ
            common_rows, linear_indices, student_indices = np.intersect1d(
                held_out,
                student_held_out,
                assume_unique=True,
                return_indices=True,
            )
            truth = self._truth(rows, common_rows)
            logits = student_logits[student_indices], linear_logits[linear_indices]
            self.accuracy, self.linear_accuracy = (
                _accuracy(model_logits, *truth) for model_logits in logits
            )
            self.is_used = _is_better(*logits, *truth)
        if not self.is_used:
            self._forget()
        return self

    def _forget(self) -> None:
        self.target, self.weight = np.zeros(0, np.intp), np.zeros(0)
        self.target_of_folds = np.zeros((0, 0), np.intp)

    def _truth(
        self, rows: TrainingRows, held_out: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the one-hot classes of held-out rows, and their weights."""
        return np.eye(self.n_classes)[rows.target[held_out]], rows.weight[held_out]

    def _predict(self, rows: TrainingRows) -> bool:
        """Predict the classes of unlabelled rows, and return whether it is possible."""
        teachers = NaiveBayesTeacher(rows), LinearTeacher(rows)
        splits = held_out_splits(rows.target, rows.seed)
        fitted_teachers = [
            [teacher.fitted(train) for teacher in teachers] for train, _ in splits
        ]
        parts = [
            [model.labelled_logits(held_out) for model in fitted]
            for (_, held_out), fitted in zip(splits, fitted_teachers, strict=True)
        ]
        logits = np.concatenate(parts, axis=1)  # (2, n_held_out, K)
        truth = self._truth(rows, np.concatenate([held_out for _, held_out in splits]))
        shares, _ = fitted_shares(logits, *truth)
        mean = np.tensordot(shares, logits, axes=1)
        temperature = fitted_temperature(mean, *truth, _LARGEST_TEMPERATURE)
        if temperature is None:
            return False
        self.share_of_naive_bayes = float(shares[0])
        all_rows = np.arange(len(rows.target))
        fitted = [teacher.fitted(all_rows) for teacher in teachers]
        unlabelled = self._unlabelled_logits(rows, all_rows, fitted)
        posteriors = softmax(unlabelled / temperature, axis=1)
        self.target = posteriors.argmax(1)
        self.weight = self._weights(posteriors.max(1), self.target, rows)
        self.target_of_folds = np.array(
            [
                self._unlabelled_logits(rows, train, fitted).argmax(1)
                for (train, _), fitted in zip(splits, fitted_teachers, strict=True)
            ]
        )
        return True

    def _unlabelled_logits(
        self, rows: TrainingRows, train: np.ndarray, fitted: list[FittedTeacher]
    ) -> np.ndarray:
        """Return the mean logits of unlabelled rows, by teachers of some rows."""
        share = self.share_of_naive_bayes
        naive_bayes_logits, linear_logits = (
            teacher.unlabelled_logits() for teacher in fitted
        )
        mean = share * naive_bayes_logits + (1 - share) * linear_logits
        # classes without a labelled row must not get pseudo-labels
        n_rows = np.bincount(rows.target[train], minlength=self.n_classes)
        mean[:, n_rows == 0] = -np.inf
        return mean

    def _logits_of_student(self, rows: TrainingRows) -> tuple[np.ndarray, np.ndarray]:
        """Return held-out rows, and logits by a linear model with pseudo-labels."""
        indices = np.arange(len(self.target))
        if len(indices) > _ROWS_TO_COMPARE:
            random_state = np.random.RandomState(rows.seed)
            indices = random_state.choice(len(indices), _ROWS_TO_COMPARE, replace=False)
        return LinearModel(NGRAMS, self.n_classes).out_of_fold_logits(
            rows.sequences.joined(rows.unlabelled.take(indices)),
            np.concatenate([rows.target, self.target[indices]]),
            np.concatenate([rows.weight, self.weight[indices]]),
            rows.seed,
            vectors=rows.vectors,
            pseudo_labels=self.target_of_folds[:, indices],
        )

    def _weights(
        self, confidence: np.ndarray, target: np.ndarray, rows: TrainingRows
    ) -> np.ndarray:
        """Return the weights of unlabelled rows; classes keep their mean weights."""
        n_rows = np.bincount(rows.target, minlength=self.n_classes)
        total = np.bincount(rows.target, rows.weight, self.n_classes)
        class_weights = total / np.maximum(n_rows, 1)
        return _WEIGHT * confidence * class_weights[target]


def _accuracy(logits: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> float:
    is_right = logits.argmax(1) == truth.argmax(1)
    return float(np.average(is_right, weights=weight))


def _is_better(
    logits: np.ndarray,
    linear_logits: np.ndarray,
    truth: np.ndarray,
    weight: np.ndarray,
) -> bool:
    """Return whether logits beat those without pseudo-labels and class frequencies.

    Log losses are those of calibrated logits.
    """
    if _accuracy(logits, truth, weight) < _accuracy(linear_logits, truth, weight):
        return False
    log_probabilities = _log_probabilities(logits, truth, weight)
    if log_probabilities is None or n_effective(weight) < _MIN_ROWS:
        return False
    frequencies = np.average(truth, axis=0, weights=weight)
    # classes that are never held out do not count: their truth is zero
    log_frequencies = np.log(np.maximum(frequencies, np.finfo(float).tiny))
    linear_log_probabilities = _log_probabilities(linear_logits, truth, weight)
    return all(
        exceeds_error(
            (truth * (log_probabilities - baseline)).sum(1), weight, _N_ERRORS
        )
        for baseline in (log_frequencies[None], linear_log_probabilities)
        if baseline is not None  # worse than the class frequencies
    )


def _log_probabilities(
    logits: np.ndarray, truth: np.ndarray, weight: np.ndarray
) -> np.ndarray | None:
    """Return calibrated log probabilities, or None if they are uninformative."""
    temperature = fitted_temperature(logits, truth, weight, _LARGEST_TEMPERATURE)
    return None if temperature is None else log_softmax(logits / temperature, axis=1)
