"""The linear model of a tagger, and its combination with the network."""

from dataclasses import replace
from typing import Any, Self

from sklearn_bilstm.fitting._auxiliary_models import AuxiliaryModels
from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.sequences import RaggedArray, SequenceDataset
from sklearn_bilstm.training import LinearTagger

__all__ = ["TaggingModels"]


class TaggingModels(AuxiliaryModels):
    """A linear model of token features, whose emissions the network adds to its own.

    The network is trained with cross-fitted emissions, as in stacking (Wolpert, 1992).
    With emissions of rows to which the linear model is fitted, which are too certain,
    the network would learn to rely on it.

    Parameters
    ----------
    linear_tagger : LinearTagger
    """

    def __init__(self, linear_tagger: LinearTagger) -> None:
        self.linear_tagger = linear_tagger
        self._training_emissions: RaggedArray | None = None

    @classmethod
    def unfitted(cls, target: Any) -> Self:
        """Return an unfitted model for the labels of a target."""
        return cls(LinearTagger(target.n_outputs))

    def fit(
        self, train: SequenceDataset, target: Any, config: Config, seed: int
    ) -> None:
        """Fit the linear model to training rows, which must have texts."""
        decoder = target.decoder(config)
        self._training_emissions = self.linear_tagger.fit_transform(
            train, decoder, seed, config.n_threads
        )

    def with_training_features(self, rows: SequenceDataset) -> SequenceDataset:
        """Return the rows of `fit` with their cross-fitted emissions."""
        emissions, self._training_emissions = self._training_emissions, None
        return replace(rows, emissions=emissions, texts=None)

    def with_features(self, rows: SequenceDataset) -> SequenceDataset:
        """Return new rows with their emissions."""
        texts: Any = rows.texts
        return replace(rows, emissions=self.linear_tagger.emissions(texts), texts=None)

    # -- attributes and state

    def auto_params(self) -> dict[str, Any]:
        """Return the number of features with a weight."""
        return {"linear_features": len(self.linear_tagger.features)}

    def state(self) -> dict[str, Any]:
        """Return the values from which `from_state` restores the models."""
        return {"linear": self.linear_tagger.state()}

    @classmethod
    def from_state(cls, state: dict[str, Any], n_labels: int) -> Self:
        """Restore the models.

        Raises
        ------
        LookupError, TypeError, ValueError
            If `state` did not return the values.
        """
        return cls(LinearTagger.from_state(state["linear"], n_labels))
