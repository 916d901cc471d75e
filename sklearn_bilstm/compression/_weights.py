"""Changes of the weights of a fitted model."""

from collections.abc import Callable
from copy import copy, deepcopy
from functools import partial
from typing import Any

import numpy as np
import torch

from sklearn_bilstm.compression._ngrams import (
    all_ngrams,
    map_linear_models,
    with_ngrams,
)
from sklearn_bilstm.fitting import (
    FittedModel,
    NgramModels,
    SequenceReader,
    SeriesModels,
    TaggingModels,
    TaskNgramModels,
    TaskSeriesModels,
)
from sklearn_bilstm.nn import TokenInput
from sklearn_bilstm.training import LinearModel
from sklearn_bilstm.utils._ids import FIRST_TOKEN_ID
from sklearn_bilstm.utils._rounding import rounded_to_half

__all__ = [
    "has_ngrams",
    "n_tokens_of",
    "with_copied_network",
    "with_models",
    "with_rounding",
    "with_tokens",
]


def has_ngrams(model: FittedModel) -> bool:
    """Return whether a model has class log-odds or a linear model of n-grams."""
    models = model.auxiliary_models
    if not isinstance(models, NgramModels | TaskNgramModels):
        return False
    return models.log_odds is not None or models.linear is not None


def n_tokens_of(model: FittedModel) -> int:
    """Return the number of token ids with a vector, zero for numeric input."""
    layer = model.network.input_layer
    return layer.input_size if isinstance(layer, TokenInput) else 0


def with_models(model: FittedModel, auxiliary_models: Any) -> FittedModel:
    """Return the model with other auxiliary models."""
    changed = copy(model)
    changed.auxiliary_models = auxiliary_models
    return changed


def with_tokens(model: FittedModel, n_tokens: int) -> FittedModel:
    """Return a model for which ids of `n_tokens` or more are unknown."""
    smaller = with_copied_network(model)
    smaller.network.input_layer.shrink(n_tokens)
    smaller.reader = _reduced_reader(model.reader, n_tokens)
    models = model.auxiliary_models
    if has_ngrams(model):
        models = map_linear_models(models, partial(_reduced_linear, n_tokens=n_tokens))
        smaller.auxiliary_models = with_ngrams(models, all_ngrams(models), n_tokens - 1)
    return smaller


def with_rounding(
    model: FittedModel, function: Callable[[np.ndarray], np.ndarray]
) -> FittedModel:
    """Return a model whose matrices are rounded by a function.

    IDF weights are rounded to half precision. Biases, intercepts and temperatures are
    not rounded.
    """
    rounded = with_copied_network(model)
    with torch.no_grad():
        for weight in rounded.network.parameters():
            if weight.ndim > 1:
                values = weight.detach().cpu().numpy()
                weight.copy_(torch.from_numpy(function(values)))
    models = model.auxiliary_models
    if has_ngrams(model):
        models = map_linear_models(models, partial(_rounded_linear, function=function))
        models.log_odds = _rounded_log_odds(models.log_odds, function)
    elif isinstance(models, TaskSeriesModels):
        models = copy(models)
        models.models = [_rounded_series(m, function) for m in models.models]
    elif isinstance(models, SeriesModels):
        models = _rounded_series(models, function)
    elif isinstance(models, TaggingModels):
        models = TaggingModels(models.linear_tagger.mapped(function))
    rounded.auxiliary_models = models
    return rounded


def with_copied_network(model: FittedModel) -> FittedModel:
    """Return a copy with a network of its own, and an optimizer without a state."""
    copied = copy(model)
    copied.net = copy(model.net)
    copied.net.module_ = deepcopy(model.network)
    copied.net.restart_optimizer()
    return copied


def _reduced_reader(reader: SequenceReader, n_tokens: int) -> SequenceReader:
    """Return a reader whose vocabulary can grow by other tokens than the removed."""
    smaller = copy(reader)
    if reader.words is not None:
        smaller.words = reader.words.with_first_tokens(n_tokens)
    if reader.fingerprint is not None:
        smaller.fingerprint = reader.fingerprint[: n_tokens - FIRST_TOKEN_ID]
    return smaller


def _reduced_linear(linear: LinearModel, n_tokens: int) -> LinearModel:
    smaller = copy(linear)
    if linear.vectors is not None:
        smaller.vectors = linear.vectors.of_tokens(n_tokens)
    return smaller


def _rounded_linear(linear: LinearModel, function: Any) -> LinearModel:
    rounded = copy(linear)
    rounded.ngram_model = model = copy(linear.ngram_model)
    model.idf = rounded_to_half(model.idf)
    if model.regressions is not None:
        model.regressions = model.regressions.mapped(function)
    if linear.vectors is not None:
        rounded.vectors = vectors = copy(linear.vectors)
        vectors.weights = rounded_to_half(vectors.weights)
        vectors.table = function(vectors.table)
    return rounded


def _rounded_log_odds(log_odds: Any, function: Any) -> Any:
    if log_odds is None:
        return None
    rounded = copy(log_odds)
    # only the table of all rows is used for prediction
    rounded.tables = function(log_odds.tables[-1:])
    return rounded


def _rounded_series(models: SeriesModels, function: Any) -> SeriesModels:
    rounded = copy(models)
    if models.linear is not None:
        rounded.linear = linear = copy(models.linear)
        linear.coefficients = {
            block: function(matrix) for block, matrix in linear.coefficients.items()
        }
    return rounded
