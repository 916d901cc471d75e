"""Base class of the auxiliary models."""

from abc import ABC, abstractmethod
from typing import Any

from sklearn_bilstm.sequences import SequenceDataset
from sklearn_bilstm.training import ClassLogOdds, SequenceNet

__all__ = ["AuxiliaryModels"]


class AuxiliaryModels(ABC):
    """Models that are fitted apart from the network, and their combination with it.

    They give the network further features of the rows, or add their own logits to those
    of the network. The methods of this class are those of models that do neither.
    """

    log_odds: ClassLogOdds | None = None
    log_odds_are_pretrained = False
    linear: Any = None

    @property
    def n_channels(self) -> int:
        """Number of log-odds channels per token."""
        return 0 if self.log_odds is None else self.log_odds.n_channels

    @property
    def uses_network(self) -> bool:
        """Whether predictions depend on the network."""
        return True

    # -- fitting

    def hold_out_rows(
        self,
        train: SequenceDataset,
        valid: SequenceDataset | None,
        n_threads: int | None = None,
    ) -> tuple[SequenceDataset, Any]:
        """Split rows into training rows of the network and those of `fit_scale`."""
        return train, train

    def fit_scale(self, net: SequenceNet, held_out: Any) -> None:  # noqa: B027, a default
        """Fit the weights of the logits of the network and of the linear model."""

    def warn_of_unused_network(self) -> None:  # noqa: B027, a default
        """Warn if training the network on a stream has no effect on predictions."""

    # -- features

    def with_training_features(self, rows: SequenceDataset) -> SequenceDataset:
        """Return the rows of `fit` with the features that the network reads."""
        return rows

    def with_features(self, rows: SequenceDataset) -> SequenceDataset:
        """Return new rows with the features that the network reads."""
        return rows

    # -- attributes and state

    def check(self, n_channels: int, n_static: int) -> None:  # noqa: B027, a default
        """Raise a ValueError if the linear model does not match the rows."""

    @abstractmethod
    def auto_params(self) -> dict[str, Any]:
        """Return the values of parameters set to "auto"."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Return the values from which `from_state` restores the models."""
