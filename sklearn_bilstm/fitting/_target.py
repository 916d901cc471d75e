"""Base class of targets: one class per kind of y, from validation to the loss."""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, Self

import numpy as np
from skorch.callbacks import Callback

from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.nn import CRF, IndependentLabels
from sklearn_bilstm.sequences import SequenceDataset

__all__ = ["Target"]


class Target(ABC):
    """The target of an estimator: the outputs of its network, and its loss.

    Attributes
    ----------
    n_outputs : int
        Number of logits per row, or per step.
    linear_kind : str or None
        Type of the target for :class:`SeriesModel`, None if it does not support it.
    of_steps : bool
        Whether there are outputs for each step instead of each row.
    of_labels_of_steps : bool
        Whether there is a label for each step.
    most_epochs : int or None
        Upper bound of `max_epochs="auto"`, None for that of the type of X.
    """

    n_outputs: int
    linear_kind: str | None = None
    of_steps: bool = False
    of_labels_of_steps: bool = False
    most_epochs: int | None = None

    @staticmethod
    @abstractmethod
    def check(y: Any, estimator: str) -> Any:
        """Validate a y for the named estimator."""

    def check_config(self, config: Config) -> None:  # noqa: B027 - few check it
        """Raise an error if the parameters now require another target."""

    @abstractmethod
    def encode(self, y: Any, name: str) -> Any:
        """Return a validated y in the format of the loss."""

    def with_targets(self, rows: SequenceDataset, y: Any, name: str) -> SequenceDataset:
        """Return rows with their encoded targets; `name` is that of y in errors."""
        return replace(rows, target=self.encode(y, name))

    def row_weights(self, target: Any, weight: np.ndarray, config: Config) -> Any:
        """Return the factor of the weight of each row."""
        return np.ones(len(target))

    def with_step_weights(
        self, rows: SequenceDataset, sample_weight: Any, config: Config
    ) -> tuple[SequenceDataset, Any]:
        """Return rows with the weights of their steps, and the weights of rows."""
        return rows, sample_weight

    def strata(self, target: Any) -> np.ndarray | None:
        """Return the class of each row if folds are stratified, else None."""
        return None

    def fit_scale(self, rows: SequenceDataset) -> None:  # noqa: B027 - few have one
        """Learn the scale of targets from training rows."""

    def scale(self, rows: SequenceDataset) -> SequenceDataset:
        """Return rows with standardised targets."""
        return rows

    def constant_outputs(self, target: Any) -> dict[int, float]:
        """Return the value of each output that is constant in training."""
        return {}

    def decoder(self, config: Config) -> CRF | IndependentLabels | None:
        """Return the layer that decodes labels of steps; None for whole sequences."""
        return None

    @abstractmethod
    def loss(self, config: Config) -> tuple[type, dict[str, Any]]:
        """Return the class of the loss and its arguments."""

    @abstractmethod
    def scores(self) -> list[Callback]:
        """Return callbacks that record scores per epoch."""

    @abstractmethod
    def attributes(self) -> dict[str, Any]:
        """Return the public attributes of an estimator that describe its y."""

    def auto_params(self) -> dict[str, Any]:
        """Return resolved parameters of the target."""
        return {}

    def state(self) -> dict[str, Any]:
        """Return the values from which `from_state` restores the target."""
        return dict(vars(self))

    @classmethod
    @abstractmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Restore a target.

        Raises
        ------
        LookupError, TypeError, ValueError
            If `state` did not return the values.
        """
