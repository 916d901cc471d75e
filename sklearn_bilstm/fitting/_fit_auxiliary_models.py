"""Choice and fitting of the auxiliary models, by the type of X and y."""

from typing import Any

import numpy as np

from sklearn_bilstm.fitting._auxiliary_models import AuxiliaryModels
from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._linear_tagging import TaggingModels
from sklearn_bilstm.fitting._model import FittedModel
from sklearn_bilstm.fitting._ngrams import NgramModels
from sklearn_bilstm.fitting._pseudo_labels import PseudoLabelledRows
from sklearn_bilstm.fitting._reader import SequenceReader
from sklearn_bilstm.fitting._series import SeriesModels
from sklearn_bilstm.fitting._target import Target
from sklearn_bilstm.fitting._task_models import TaskNgramModels, TaskSeriesModels
from sklearn_bilstm.fitting._tasks import TasksTarget
from sklearn_bilstm.sequences import SequenceDataset, Sequences
from sklearn_bilstm.training import ClassLogOdds, TokenVectors

__all__ = [
    "fit_auxiliary_models",
    "models_of_stream",
    "pretrained_log_odds",
    "unfitted_log_odds",
    "unfitted_models",
]


def unfitted_models(
    config: Config,
    reader: SequenceReader,
    target: Any,
    train: SequenceDataset,
    pretrained: ClassLogOdds | None,
    previous_model: FittedModel | None,
) -> AuxiliaryModels:
    """Return the unfitted models that the parameters describe."""
    has_tasks = isinstance(target, TasksTarget)
    if reader.input_type != "tokens":
        previous = previous_model and previous_model.auxiliary_models
        if has_tasks:
            return TaskSeriesModels.unfitted(config, target, train, previous)
        return SeriesModels.unfitted(config, target, len(train), previous)
    if has_tasks:
        return TaskNgramModels.unfitted(config, target, train, pretrained)
    if train.texts is not None and config.linear_features is not None:
        return TaggingModels.unfitted(target)
    return NgramModels.unfitted(config, target, len(train), pretrained)


def fit_auxiliary_models(
    config: Config,
    auxiliary_models: AuxiliaryModels,
    train: SequenceDataset,
    sequences: Sequences,
    target: Target,
    vectors: TokenVectors | None,
    seed: int,
) -> tuple[SequenceDataset, dict[str, Any]]:
    """Fit the models, and return training rows with their features.

    Also returns entries of `auto_params_`.
    """
    if isinstance(auxiliary_models, SeriesModels | TaskSeriesModels):
        if auxiliary_models.linear is not None:
            _report_linear_model(config)
        auxiliary_models.fit(train, seed=seed, n_threads=config.n_threads)
        return train, {}
    if isinstance(auxiliary_models, TaggingModels):
        _report_linear_model(config)
        auxiliary_models.fit(train, target, config, seed)
        return auxiliary_models.with_training_features(train), {}
    verbose = config.verbose > 0
    if isinstance(auxiliary_models, TaskNgramModels):
        auxiliary_models.fit(train, seed=seed, verbose=verbose, vectors=vectors)
        return auxiliary_models.with_training_features(train), {}
    ngrams: Any = auxiliary_models
    pseudo = PseudoLabelledRows(train, sequences, target, vectors, seed).fit()
    train = pseudo.fit_ngrams(ngrams, verbose=verbose)
    return auxiliary_models.with_training_features(train), pseudo.description()


def _report_linear_model(config: Config) -> None:
    if config.verbose:
        print("fitting the linear model", flush=True)  # noqa: T201, verbose=1


def models_of_stream(
    config: Config,
    reader: SequenceReader,
    target: Any,
    train: SequenceDataset,
    pretrained: ClassLogOdds | None,
) -> AuxiliaryModels:
    """Return empty models for the first batch of a stream."""
    log_odds = unfitted_log_odds(config, reader, target, pretrained)
    is_pretrained = pretrained is not None
    ngrams: NgramModels | TaskNgramModels
    if isinstance(target, TasksTarget):
        models = [NgramModels() for _ in target.tasks]
        ngrams = TaskNgramModels(
            target, models, log_odds, log_odds_are_pretrained=is_pretrained
        )
    else:
        ngrams = NgramModels(log_odds, log_odds_are_pretrained=is_pretrained)
    ngrams.fit_log_odds(train.take(np.arange(0)))
    return ngrams


def unfitted_log_odds(
    config: Config, reader: SequenceReader, target: Any, pretrained: ClassLogOdds | None
) -> ClassLogOdds | None:
    """Return unfitted or pretrained log-odds, None if the network reads none."""
    if reader.input_type != "tokens":
        return None
    return NgramModels.unfitted_log_odds(config, target, pretrained)


def pretrained_log_odds(
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
        models = previous_model.auxiliary_models
        return models.log_odds if models.log_odds_are_pretrained else None
    return None if pretrained is None else pretrained.auxiliary_models.log_odds
