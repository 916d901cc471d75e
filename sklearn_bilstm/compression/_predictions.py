"""Comparison of the predictions of two models."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from sklearn_bilstm.fitting import FittedModel, NumberTarget, StepNumberTarget
from sklearn_bilstm.nn import TaggingModel
from sklearn_bilstm.sequences import RaggedArray, SequenceDataset

__all__ = ["Predictions"]


class Predictions:
    """Reference predictions of a model, with which other models are compared.

    Parameters
    ----------
    model : FittedModel
    rows : SequenceDataset
    """

    def __init__(self, model: FittedModel, rows: SequenceDataset) -> None:
        self._rows = rows
        self._words = model.reader.words
        self._are_numbers = isinstance(model.target, NumberTarget | StepNumberTarget)
        self._unit = "rows"
        if model.network.of_steps:
            self._unit = "steps" if self._are_numbers else "tokens"
        self._reference = self._predict(model)

    def check_number(self, tolerance: float) -> None:
        """Raise a ValueError if a single change would exceed the tolerance."""
        n_predictions, n_required = len(self._reference), math.ceil(1 / tolerance)
        if n_predictions < n_required:
            raise ValueError(
                f"X must have at least {n_required} {self._unit} for a 'tolerance' of "
                f"{tolerance}: got {n_predictions}. Pass more rows, or increase the "
                "tolerance."
            )

    def change(self, model: FittedModel) -> float:
        """Return the change of the predictions of another model, from 0 to 1."""
        predictions = self._predict(model)
        if not self._are_numbers:
            return float((predictions != self._reference).any(1).mean())
        variance = float(self._reference.var(0).sum())
        error = float(np.square(predictions - self._reference).mean(0).sum())
        return min(1.0, error / variance) if variance > 0 else float(error > 0)

    def _predict(self, model: FittedModel) -> np.ndarray:
        """Return predictions as a matrix."""
        rows = self._read_by(model)
        if isinstance(model.network, TaggingModel):
            predictions: Any = np.concatenate(model.labels(rows))
        else:
            predictions = model.outputs(rows)
            if model.network.of_steps:
                predictions = np.concatenate(predictions)
            elif not self._are_numbers:
                predictions = model.target.predictions(predictions)
        return predictions[:, np.newaxis] if predictions.ndim == 1 else predictions

    def _read_by(self, model: FittedModel) -> SequenceDataset:
        """Return the rows with the token ids that the reader of a model returns."""
        words, sequences = model.reader.words, self._rows.sequences
        if words is self._words or words is None or self._words is None:
            return self._rows
        ids = words.ids_of(self._words)[sequences.values]
        return replace(self._rows, sequences=RaggedArray(ids, sequences.offsets))
