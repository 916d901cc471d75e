"""The models next to the network: n-gram models, or a linear model of series."""

from typing import Any

import numpy as np

from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._model import FittedModel
from sklearn_bilstm.fitting._ngrams import NgramModels
from sklearn_bilstm.fitting._pseudo_labels import PseudoLabelledRows
from sklearn_bilstm.fitting._reader import SequenceReader
from sklearn_bilstm.fitting._series import SeriesModels
from sklearn_bilstm.fitting._target import Target
from sklearn_bilstm.sequences import RaggedArray, SequenceDataset
from sklearn_bilstm.training import ClassLogOdds, TokenVectors

__all__ = [
    "OtherModels",
    "fit_other_models",
    "kept_log_odds",
    "models_of_stream",
    "unfitted_log_odds",
    "unfitted_models",
]

OtherModels = NgramModels | SeriesModels


def unfitted_models(
    config: Config,
    reader: SequenceReader,
    target: Any,
    n_rows: int,
    kept: ClassLogOdds | None,
    previous_model: FittedModel | None,
) -> OtherModels:
    if reader.input_type != "tokens":
        previous = previous_model and previous_model.other_models
        return SeriesModels.unfitted(config, target, n_rows, previous)
    return NgramModels.unfitted(config, target, n_rows, kept)


def fit_other_models(
    config: Config,
    others: OtherModels,
    train: SequenceDataset,
    sequences: RaggedArray,
    target: Target,
    vectors: TokenVectors | None,
    seed: int,
) -> tuple[SequenceDataset, dict[str, Any]]:
    """Fit the models, and return training rows with their features.

    Also returns entries of `auto_params_`.
    """
    if isinstance(others, SeriesModels):
        if config.verbose and others.linear is not None:
            print("fitting the linear model", flush=True)  # noqa: T201, verbose=1
        others.fit(train, seed=seed, n_threads=config.n_threads)
        return train, {}
    pseudo = PseudoLabelledRows(train, sequences, target, vectors, seed).fit()
    train = pseudo.fit_ngrams(others, verbose=config.verbose > 0)
    return others.with_training_features(train), pseudo.description()


def models_of_stream(
    config: Config,
    reader: SequenceReader,
    target: Any,
    train: SequenceDataset,
    kept: ClassLogOdds | None,
) -> OtherModels:
    """Return empty models for the first batch of a stream."""
    ngrams = NgramModels(
        unfitted_log_odds(config, reader, target, kept),
        log_odds_are_pretrained=kept is not None,
    )
    ngrams.fit_log_odds(train.take(np.arange(0)))
    return ngrams


def unfitted_log_odds(
    config: Config, reader: SequenceReader, target: Any, kept: ClassLogOdds | None
) -> ClassLogOdds | None:
    if reader.input_type != "tokens":
        return None
    return NgramModels.unfitted_log_odds(config, target, kept)


def kept_log_odds(
    config: Config,
    previous_model: FittedModel | None,
    pretrained: FittedModel | None,
) -> ClassLogOdds | None:
    """Return the log-odds of a pretrained classifier, which are not fitted again.

    A fitted model has its own reference to them, since the pretrained classifier can
    have been fitted again.
    """
    if config.log_odds_ngram_range is None:
        return None
    if previous_model is not None:
        others = previous_model.other_models
        return others.log_odds if others.log_odds_are_pretrained else None
    return None if pretrained is None else pretrained.other_models.log_odds
