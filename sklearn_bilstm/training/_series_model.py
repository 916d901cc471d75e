"""Linear model of numeric sequences."""

from typing import Any, Self

import numpy as np
from scipy.special import log_softmax

from sklearn_bilstm.sequences import RaggedArray, split_rows
from sklearn_bilstm.training._minirocket import MiniRocket
from sklearn_bilstm.training._regressions import check_size
from sklearn_bilstm.training._ridge import BlockRidge
from sklearn_bilstm.training._splits import contiguous_folds
from sklearn_bilstm.training._temperature import (
    MIN_ROWS_TO_REJECT,
    as_binary_choices,
    exceeds_error,
    fitted_temperature,
    n_effective,
)
from sklearn_bilstm.utils._state import state_array, state_int

__all__ = ["SeriesModel"]

# Maximum number of numbers of the last steps, over all channels.
_MOST_LAST_NUMBERS = 1000
# Number of standard errors by which the error of the mean must be improved, unless
# there are few rows.
_N_ERRORS = 2.0
# Number of rows whose features are in memory at once in prediction.
_ROWS_OF_CHUNK = 512


class SeriesModel:
    """Ridge regression on MiniRocket features, or on the last steps.

    For classes, the targets of the regression are 1 and -1, and its scores are divided
    by a temperature fitted to held-out rows, which turns them into logits. For numbers,
    the features are the proportions of :class:`MiniRocket`, the numbers of the last
    steps, or both, whichever predicts held-out rows best. Only a regression on the last
    steps follows a trend beyond the training rows.

    Folds are contiguous. Rows next to each other can overlap, as windows of one series
    do, so in random folds held-out rows would nearly be training rows.

    Parameters
    ----------
    n_features : int
        Number of MiniRocket features.
    n_outputs : int
        Number of classes, labels or numbers, K.
    kind : {"classes", "labels", "numbers"}
        Type of the target.
    quantile : float or None, default=None
        Quantile of the numbers to predict. None predicts their mean.
    """

    # blocks of features, by their index
    CONVOLUTIONS, LAST_STEPS, STATIC = range(3)

    def __init__(
        self, n_features: int, n_outputs: int, kind: str, quantile: float | None = None
    ) -> None:
        self.n_features = n_features
        self.n_outputs = n_outputs
        self.kind = kind
        self.quantile = quantile
        self.rocket: MiniRocket | None = None
        self.n_last_steps = 0
        self.coefficients: dict[int, np.ndarray] = {}
        self.intercepts = np.zeros(n_outputs)

    def __repr__(self) -> str:
        n_features = sum(map(len, self.coefficients.values()))
        return f"SeriesModel({n_features:,} features)"

    def fit(
        self,
        sequences: RaggedArray,
        target: np.ndarray,
        weight: np.ndarray,
        seed: int,
        static: np.ndarray | None = None,
        n_threads: int | None = None,
    ) -> np.ndarray | None:
        """Fit the model, and return the logits of held-out rows.

        Parameters
        ----------
        sequences : RaggedArray of float
            Standardised training rows, with values of shape (n_steps, C).
        target : ndarray of shape (n,) or (n, K)
            Class of each row, a label indicator matrix, or standardised numbers.
        weight : ndarray of shape (n,)
            Positive sample weights.
        seed : int
            Controls MiniRocket, and the rows of the cross-validation.
        static : ndarray of shape (n, S), default=None
            Standardised static features.
        n_threads : int or None, default=None
            Number of threads, as for :class:`Workers`.

        Returns
        -------
        logits : ndarray of shape (n, K) or None
            Logits, or predicted numbers, by models fitted without the row. None if
            there are too few rows or classes, or if logits do not predict held-out rows
            better than the class frequencies do. A model of numbers that is not better
            than their mean is a constant.
        """
        self.rocket, self.coefficients = None, {}
        splits = contiguous_folds(target)
        is_constant = self.kind == "classes" and len(np.unique(target)) < 2
        if is_constant or not splits:
            return None
        rocket = MiniRocket(self.n_features).fit(sequences, seed)
        # classes are not predicted from the last steps
        is_number = self.kind == "numbers"
        self.n_last_steps = self._most_last_steps(sequences) if is_number else 0
        features = [
            rocket.transform(sequences, n_threads),
            self._last_steps(sequences),
            *([] if static is None else [static]),
        ]
        ridge = BlockRidge(self._choices(static))
        predictions = ridge.fit(
            features, self._encoded(target), weight / weight.mean(), splits, seed
        )
        self.coefficients = dict(zip(ridge.blocks, ridge.coefficients, strict=True))
        self.intercepts = ridge.intercepts
        calibrated = self._calibrated(predictions, target, weight)
        if calibrated is None:
            self.coefficients = {}
            return None
        self.coefficients = {
            block: matrix.astype(np.float32)
            for block, matrix in self.coefficients.items()
        }
        self.rocket = rocket if self.CONVOLUTIONS in self.coefficients else None
        return calibrated

    def logits(
        self,
        sequences: RaggedArray,
        static: np.ndarray | None = None,
        n_threads: int | None = None,
    ) -> np.ndarray:
        """Return the logits, or the predicted numbers, of rows.

        Parameters
        ----------
        sequences : RaggedArray of float
            Standardised rows.
        static : ndarray of shape (n, S), default=None
            Standardised static features, if there are any.
        n_threads : int or None, default=None
            Number of threads, as for :class:`Workers`.

        Returns
        -------
        logits : ndarray of float64, shape (n, K)
        """
        logits = np.tile(self.intercepts, (len(sequences), 1))
        chunks = split_rows(sequences.offsets, _ROWS_OF_CHUNK, len(sequences.values))
        for rows in chunks:
            chunk = sequences.take(rows)
            for block, coefficients in self.coefficients.items():
                if block == self.CONVOLUTIONS and self.rocket is not None:
                    features = self.rocket.transform(chunk, n_threads)
                elif block == self.LAST_STEPS:
                    features = self._last_steps(chunk)
                else:
                    features = static[rows]  # type: ignore[index]
                # rounding of products depends on the number of rows
                logits[rows] += features.astype(float) @ coefficients.astype(float)
        return logits

    def state(self) -> dict[str, Any]:
        """Return the values from which `from_state` restores the model."""
        return {
            "n_outputs": self.n_outputs,
            "kind": self.kind,
            "rocket": self.rocket and self.rocket.state(),
            "n_last_steps": self.n_last_steps,
            "blocks": np.array(list(self.coefficients), np.int64),
            "coefficients": list(self.coefficients.values()),
            "intercepts": self.intercepts,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Restore a fitted model.

        Raises
        ------
        LookupError, TypeError, ValueError
            If `state` did not return the values.
        """
        n_outputs = state_int(state["n_outputs"], "n_outputs", least=1)
        if state["kind"] not in _KINDS:
            raise ValueError(f"kind must be one of {_KINDS}: got {state['kind']!r:.80}")
        rocket = state["rocket"] and MiniRocket.from_state(state["rocket"])
        model = cls(rocket.n_columns if rocket else 0, n_outputs, state["kind"])
        model.rocket = rocket
        model.n_last_steps = state_int(
            state["n_last_steps"], "n_last_steps", most=_MOST_LAST_NUMBERS
        )
        blocks = state_array(state["blocks"], "blocks", kinds="i", shape=(None,))
        valid = np.isin(blocks, (cls.CONVOLUTIONS, cls.LAST_STEPS, cls.STATIC)).all()
        least = 0 if state["kind"] == "numbers" else 1
        if not valid or not least <= len(blocks) == len(np.unique(blocks)):
            raise ValueError("There must be known blocks of features.")
        if (rocket is None) == (cls.CONVOLUTIONS in blocks):
            raise ValueError("Coefficients of convolutions require convolutions.")
        for block, values in zip(blocks.tolist(), state["coefficients"], strict=True):
            n_rows = rocket.n_columns if block == cls.CONVOLUTIONS else None
            coefficients = state_array(
                values, "coefficients", kinds="f", shape=(n_rows, n_outputs)
            )
            check_size("coefficients", coefficients)
            model.coefficients[block] = coefficients
        model.intercepts = state_array(
            state["intercepts"], "intercepts", kinds="f", shape=(n_outputs,)
        )
        check_size("intercepts", model.intercepts)
        return model

    def check(self, n_channels: int, n_static: int) -> None:
        """Raise a ValueError if it does not match the rows.

        Parameters
        ----------
        n_channels, n_static : int
            Numbers of channels and of static features of a row.
        """
        sizes = {self.LAST_STEPS: self.n_last_steps * n_channels, self.STATIC: n_static}
        for block, size in sizes.items():
            if len(self.coefficients.get(block, np.empty(size))) != size:
                raise ValueError("There must be one coefficient per feature.")
        if self.rocket is not None and self.rocket.reads.shape[2] != n_channels:
            raise ValueError("Convolutions must have the channels of the rows.")

    def _choices(self, static: np.ndarray | None) -> list[tuple[int, ...]]:
        """Return possible sets of blocks. For equal errors, the first is used."""
        choices: list[tuple[int, ...]] = [(self.CONVOLUTIONS,)]
        if self.kind == "numbers":
            all_blocks = self.CONVOLUTIONS, self.LAST_STEPS
            choices = [(self.LAST_STEPS,), (self.CONVOLUTIONS,), all_blocks]
        if static is not None:
            choices = [(*choice, self.STATIC) for choice in choices] + choices
        return choices

    def _encoded(self, target: np.ndarray) -> np.ndarray:
        """Return the targets of the regression, of shape (n, K)."""
        if self.kind == "classes":
            target = np.eye(self.n_outputs)[target]
        numbers = target.astype(float)
        return numbers if self.kind == "numbers" else 2 * numbers - 1

    def _calibrated(
        self, predictions: np.ndarray, target: np.ndarray, weight: np.ndarray
    ) -> np.ndarray | None:
        """Calibrate the model by the predictions for held-out rows, and return them.

        Returns None if logits are not better than those of a constant.
        """
        if self.kind == "numbers":
            return self._shifted(predictions, target.astype(float), weight)
        if self.kind == "classes":
            predictions = predictions - predictions.mean(1, keepdims=True)
            self.intercepts = self.intercepts - self.intercepts.mean()
            self.coefficients = {
                block: matrix - matrix.mean(1, keepdims=True)
                for block, matrix in self.coefficients.items()
            }
        size = np.sqrt(np.mean(predictions**2))
        if not size > 0:
            return None
        logits = predictions / size
        truth, choices = self._encoded(target) / 2 + 0.5, logits
        if self.kind == "labels":
            truth, choices = as_binary_choices(truth, logits)
        temperature = fitted_temperature(choices, truth, weight)
        if temperature is None or not _improves_frequencies(
            choices / temperature, truth, weight
        ):
            return None
        factor = 1 / (size * temperature)
        self.intercepts = self.intercepts * factor
        self.coefficients = {
            block: matrix * factor for block, matrix in self.coefficients.items()
        }
        return logits / temperature

    def _shifted(
        self, predictions: np.ndarray, target: np.ndarray, weight: np.ndarray
    ) -> np.ndarray:
        """Shift predicted numbers to the quantile, and return them.

        If they are not better than the mean, the model becomes a constant.
        """
        mean = np.average(target, axis=0, weights=weight)
        gain = np.square(target - mean) - np.square(target - predictions)
        is_many = n_effective(weight) >= MIN_ROWS_TO_REJECT
        if not exceeds_error(gain.mean(1), weight, _N_ERRORS if is_many else 0.0):
            predictions = np.tile(mean, (len(target), 1))
            self.coefficients, self.intercepts = {}, mean
        if self.quantile is None:
            return predictions
        shift = _weighted_quantiles(target - predictions, weight, self.quantile)
        self.intercepts = self.intercepts + shift
        return predictions + shift

    @staticmethod
    def _most_last_steps(sequences: RaggedArray) -> int:
        n_channels = sequences.values.shape[1]
        most = max(1, _MOST_LAST_NUMBERS // n_channels)
        return min(int(sequences.lengths.max()), most)

    def _last_steps(self, sequences: RaggedArray) -> np.ndarray:
        """Return the last steps of rows, with zeros before a shorter row.

        Returns
        -------
        numbers : ndarray of shape (n, n_last_steps * C)
        """
        n_channels = sequences.values.shape[1]
        steps = sequences.offsets[1:, np.newaxis] - np.arange(self.n_last_steps, 0, -1)
        exists = steps >= sequences.offsets[:-1, np.newaxis]
        numbers = np.zeros((*steps.shape, n_channels), sequences.values.dtype)
        numbers[exists] = sequences.values[steps[exists]]
        return numbers.reshape(len(sequences), -1)


_KINDS = "classes", "labels", "numbers"


def _improves_frequencies(
    choices: np.ndarray, truth: np.ndarray, weight: np.ndarray
) -> bool:
    """Return whether logits have a smaller loss than the class frequencies."""
    frequencies = np.average(truth, axis=0, weights=weight)
    constant = np.log(np.maximum(frequencies, np.finfo(float).tiny))
    gain = truth * (log_softmax(choices, axis=-1) - constant)
    return bool(weight @ gain.reshape(len(truth), -1).sum(1) > 0)


def _weighted_quantiles(
    numbers: np.ndarray, weight: np.ndarray, quantile: float
) -> np.ndarray:
    """Return the weighted quantile of each column."""
    order = np.argsort(numbers, axis=0, kind="stable")
    totals = np.cumsum(weight[order], axis=0)
    ranks = (totals < quantile * totals[-1]).sum(0)
    columns = np.arange(numbers.shape[1])
    return numbers[order[np.minimum(ranks, len(numbers) - 1), columns], columns]
