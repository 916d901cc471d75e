"""The target of a regressor: one or several numbers for each step."""

from dataclasses import replace
from typing import Any, Self

import numpy as np
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._row_numbers import NumberTarget
from sklearn_bilstm.fitting._step_number_checks import (
    check_step_numbers,
    has_step_numbers,
)
from sklearn_bilstm.fitting._target import Target
from sklearn_bilstm.sequences import RaggedArray, SequenceDataset
from sklearn_bilstm.training import R2, WeightedStepRegressionLoss
from sklearn_bilstm.utils._rows import RowsOfNumbers
from sklearn_bilstm.utils._state import state_number

__all__ = ["StepNumberTarget", "check_numbers", "number_target"]


def check_numbers(y: Any, config: Config) -> np.ndarray | RowsOfNumbers:
    """Validate a y with numbers for each row or each step."""
    is_of_steps = has_step_numbers(y, config.output_type)
    target = StepNumberTarget if is_of_steps else NumberTarget
    return target.check(y, config.estimator)


def number_target(y: Any, config: Config) -> Target:
    """Return the target for a validated y."""
    target = StepNumberTarget if isinstance(y, RowsOfNumbers) else NumberTarget
    return target.fit(y, config)


class StepNumberTarget(Target):
    """One or several numbers for each step.

    A number that is NaN is missing, and not part of the loss.

    Parameters
    ----------
    n_outputs : int
        Number of outputs per step.
    is_flat : bool
        Whether the rows of y are 1-D.
    scaler : StandardScaler or None, default=None
        Standardisation of the numbers, fitted by `fit_scale`.
    n_numbers : float, default=1.0
        Mean number of numbers of a row, by which the loss is divided.
    """

    of_steps = True
    # the many numbers of a row are learnt in fewer passes than a single one: 150 epochs
    # have an error that is up to a tenth larger on simulated series
    most_epochs = 80

    def __init__(
        self,
        n_outputs: int,
        is_flat: bool,
        scaler: StandardScaler | None = None,
        n_numbers: float = 1.0,
    ) -> None:
        self.n_outputs = n_outputs
        self.is_flat = is_flat
        self.scaler: Any = scaler
        self.n_numbers = n_numbers

    @staticmethod
    def check(y: Any, estimator: str) -> RowsOfNumbers:
        """Validate numbers, and return them as arrays of float64."""
        return check_step_numbers(y, estimator)

    @classmethod
    def fit(cls, y: RowsOfNumbers, config: Config) -> Self:
        """Learn the number of outputs."""
        is_flat = y[0].ndim == 1
        return cls(1 if is_flat else y[0].shape[1], is_flat)

    def check_config(self, config: Config) -> None:
        """Raise an error if steps would be skipped."""
        if config.convolution_stride > 1:
            raise ValueError(
                "The 'convolution_stride' parameter must be 1 if y holds numbers for "
                f"each step. Got {config.convolution_stride!r} instead."
            )

    def encode(self, y: RowsOfNumbers, name: str) -> RaggedArray:
        """Return the numbers of all steps, of shape (n_steps, n_outputs)."""
        values = np.concatenate([row[:, None] if row.ndim == 1 else row for row in y])
        if values.shape[1] != self.n_outputs:
            raise ValueError(
                f"{name} must have {self.n_outputs} outputs per step, as y had in fit: "
                f"got {values.shape[1]}."
            )
        return RaggedArray(values, np.cumsum([0, *map(len, y)]))

    def with_targets(
        self, rows: SequenceDataset, y: RowsOfNumbers, name: str
    ) -> SequenceDataset:
        """Return rows with the numbers of their steps."""
        if not isinstance(y, RowsOfNumbers):
            raise ValueError(
                f"{name} must hold numbers for each step, as y did in fit: got "
                "numbers for each row. Pass a list of arrays, or set "
                "output_type='steps'."
            )
        return super().with_targets(rows, self._cut(rows, y, name), name)

    @staticmethod
    def _cut(rows: SequenceDataset, y: RowsOfNumbers, name: str) -> RowsOfNumbers:
        """Return numbers without the padding that follows the last step of a row."""
        lengths = rows.sequences.lengths
        for row, (n_steps, numbers) in enumerate(zip(lengths, y, strict=True)):
            if len(numbers) < n_steps or not np.isnan(numbers[n_steps:]).all():
                raise ValueError(
                    f"{name} must hold numbers for each step of X: row {row} has "
                    f"{_n_real(numbers, n_steps)} numbers for {n_steps} steps. NaN "
                    "marks steps without a number, and may follow the last step; 0 "
                    "and trailing NaN of X are padding. If each row has several "
                    "outputs instead, set output_type='rows'."
                )
        trimmed = (numbers[:n] for n, numbers in zip(lengths, y, strict=True))
        return RowsOfNumbers(trimmed)

    def fit_scale(self, rows: SequenceDataset) -> None:
        """Fit the scaler to weighted numbers of training rows."""
        target: Any = rows.target
        is_known = ~np.isnan(target.values)
        missing = np.flatnonzero(~is_known.any(0))
        if len(missing):
            raise ValueError(
                "y must have a number at some step of the training rows for each "
                f"output: output {missing[0]} has none."
            )
        weight = np.repeat(rows.weight, target.lengths)
        self.scaler = StandardScaler().fit(target.values, sample_weight=weight)
        self.n_numbers = float(weight @ is_known.sum(1) / rows.weight.sum())

    def scale(self, rows: SequenceDataset) -> SequenceDataset:
        """Return rows with standardised numbers, as float32."""
        target: Any = rows.target
        values = target.values
        if len(values):  # StandardScaler refuses none
            values = self.scaler.transform(values)
        return replace(rows, target=replace(target, values=values.astype(np.float32)))

    def constant_outputs(self, target: RaggedArray) -> dict[int, float]:
        """Return the standardised value of each output that is constant in training."""
        known_numbers = [column[~np.isnan(column)] for column in target.values.T]
        return {
            index: float(column[0])
            for index, column in enumerate(known_numbers)
            if len(column) and (column == column[0]).all()
        }

    def unscale(self, outputs: list[np.ndarray]) -> RowsOfNumbers:
        """Return predictions on the original scale and in the shape of rows of y."""
        predictions = np.concatenate(outputs)
        if len(predictions):
            predictions = self.scaler.inverse_transform(predictions)
        if self.is_flat:
            predictions = predictions[:, 0]
        ends = np.cumsum([len(row) for row in outputs])
        return RowsOfNumbers(np.split(predictions, ends[:-1]))

    def r2(
        self, rows: SequenceDataset, y: Any, predicted: RowsOfNumbers, weight: Any
    ) -> float:
        """Return R2 over all steps of rows with a number, the mean over outputs.

        Raises
        ------
        ValueError
            If y is invalid, or if an output has no number.
        """
        truth: Any = self.with_targets(rows, y, "y").target
        encoded = self.encode(predicted, "predictions")
        weight = np.repeat(weight, truth.lengths)
        scores = []
        for index, is_known in enumerate(~np.isnan(truth.values.T)):
            is_scored = is_known & (weight > 0)
            if not is_scored.any():
                raise ValueError(
                    "score requires a number at some step of a row with a positive "
                    f"weight for each output: output {index} has none."
                )
            pair = truth.values[is_scored, index], encoded.values[is_scored, index]
            scores.append(r2_score(*pair, sample_weight=weight[is_scored]))
        return float(np.mean(scores))

    def loss(self, config: Config) -> tuple[type, dict[str, Any]]:
        """Return the loss of the parameters `loss` and `quantile`."""
        arguments = {"loss": config.loss, "quantile": config.quantile}
        return WeightedStepRegressionLoss, {**arguments, "n_numbers": self.n_numbers}

    def scores(self) -> list[Callback]:
        """Return the coefficient of determination."""
        return [R2()]

    def attributes(self) -> dict[str, Any]:
        """Return the number of outputs."""
        return {"n_outputs_": self.n_outputs}

    def auto_params(self) -> dict[str, Any]:
        """Return the detected kind of y."""
        return {"output_type": "steps"}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Restore the target."""
        rows = NumberTarget.from_state(
            {name: state[name] for name in ("n_outputs", "is_flat", "scaler")}
        )
        n_numbers = state_number(state["n_numbers"], "n_numbers")
        return cls(rows.n_outputs, rows.is_flat, rows.scaler, n_numbers)


def _n_real(numbers: np.ndarray, n_steps: int) -> int:
    """Return the number of steps up to the last one with a number."""
    if len(numbers) < n_steps:
        return len(numbers)
    is_known = ~np.isnan(numbers.reshape(len(numbers), -1)).all(1)
    return int(np.flatnonzero(is_known)[-1]) + 1
