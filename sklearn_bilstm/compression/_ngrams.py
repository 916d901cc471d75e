"""Removal of n-grams that contribute little to predictions."""

from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_bilstm.fitting import NgramModels, TaskNgramModels
from sklearn_bilstm.sequences import HashedNgramVocabulary, SequenceDataset
from sklearn_bilstm.training import ClassLogOdds, LinearModel

__all__ = [
    "all_ngrams",
    "groups_of_vocabularies",
    "map_linear_models",
    "n_ngrams",
    "ranked_ngrams",
    "rescaled",
    "with_ngrams",
]

# Maximum factor of the coefficients of the remaining n-grams.
_LARGEST_FACTOR = 2.0


def ranked_ngrams(models: Any) -> dict[int, np.ndarray]:
    """Return the columns of each vocabulary, by decreasing contribution to predictions.

    The contribution of an n-gram is the variance of its term of the logits over
    training rows, which is estimated from its document frequency, relative to that of
    all n-grams. That to the class log-odds is computed in the same way.

    Parameters
    ----------
    models : NgramModels or TaskNgramModels

    Returns
    -------
    columns : dict
        Columns by the `id` of their vocabulary.
    """
    contributions: dict[int, np.ndarray] = {}
    for linear in _linear_models(models):
        model = linear.ngram_model
        importances = _frequencies(linear) * np.square(model.idf) * _variances(linear)
        _add(contributions, model.vocabulary, importances)
    log_odds = models.log_odds
    if log_odds is not None:
        table = log_odds.tables[-1, :-1].astype(np.float32)
        importances = np.square(table).sum(1)[: log_odds.vocabulary.n_columns]
        importances = importances * _frequencies_of_log_odds(models)
        _add(contributions, log_odds.vocabulary, importances)
    return {key: np.argsort(-sums) for key, sums in contributions.items()}


def all_ngrams(models: Any) -> dict[int, np.ndarray]:
    """Return all columns of each vocabulary, by its `id`."""
    return {id(v): np.arange(v.n_columns) for v in _vocabularies(models)}


def groups_of_vocabularies(models: Any) -> dict[str, list[int]]:
    """Return the `id` of the vocabularies that are reduced together, by name."""
    keys = [id(vocabulary) for vocabulary in _vocabularies(models)]
    log_odds = models.log_odds
    if len(keys) == 1 or log_odds is None:
        return {"n-grams": keys}
    log_odds_key = id(log_odds.vocabulary)
    linear_keys = [key for key in keys if key != log_odds_key]
    return {"linear n-grams": linear_keys, "log-odds n-grams": [log_odds_key]}


def n_ngrams(models: Any, name: str) -> int:
    """Return the number of n-grams of a group of vocabularies."""
    group = groups_of_vocabularies(models)[name]
    return sum(v.n_columns for v in _vocabularies(models) if id(v) in group)


def with_ngrams(
    models: Any, kept: dict[int, np.ndarray], largest_id: int | None = None
) -> Any:
    """Return models of some of the n-grams.

    Parameters
    ----------
    models : NgramModels or TaskNgramModels
    kept : dict
        Columns of the n-grams to keep, by the `id` of their vocabulary.
    largest_id : int or None, default=None
        Larger token ids become unknown. None keeps all.
    """
    columns = {key: np.sort(ngrams) for key, ngrams in kept.items()}
    vocabularies = {
        id(vocabulary): vocabulary.take(columns[id(vocabulary)], largest_id)
        for vocabulary in _vocabularies(models)
    }

    def reduce_linear(linear: LinearModel) -> LinearModel:
        key = id(linear.ngram_model.vocabulary)
        reduced = copy(linear)
        reduced.ngram_model = linear.ngram_model.of_ngrams(
            vocabularies[key], columns[key]
        )
        return reduced

    smaller = map_linear_models(models, reduce_linear)
    log_odds: ClassLogOdds | None = models.log_odds
    if log_odds is not None:
        key = id(log_odds.vocabulary)
        smaller.log_odds = log_odds.of_ngrams(vocabularies[key], columns[key])
    return smaller


def rescaled(reduced: Any, models: Any, rows: SequenceDataset) -> Any:
    """Return reduced models whose logits have the size of those of all n-grams.

    Fewer n-grams have larger TF-IDF weights, which are normalised. The factor of each
    linear model is that with the least squared error on `rows`.
    """
    pairs = zip(_linear_models(reduced), _linear_models(models), strict=True)
    factors = iter([_factor(small, large, rows) for small, large in pairs])

    def rescale_linear(linear: LinearModel) -> LinearModel:
        scaled = copy(linear)
        scaled.ngram_model = linear.ngram_model.rescaled(next(factors))
        return scaled

    return map_linear_models(reduced, rescale_linear)


def _factor(small: LinearModel, large: LinearModel, rows: SequenceDataset) -> float:
    """Return the factor of the n-grams of a reduced linear model."""
    if small.ngram_model.vocabulary.n_columns == large.ngram_model.vocabulary.n_columns:
        return 1.0
    model, (sequences, static) = small.ngram_model, (rows.sequences, rows.static)
    # the logits of intercepts and static features, which keep their size
    other_logits = model.rescaled(0.0).logits(sequences, static)
    small_logits = model.logits(sequences, static) - other_logits
    large_logits = large.ngram_model.logits(sequences, static) - other_logits
    size = float(np.square(small_logits).sum())
    factor = float((small_logits * large_logits).sum()) / size if size > 0 else 1.0
    # with few rows that have remaining n-grams, the estimate is unreliable
    return min(max(factor, 0.0), _LARGEST_FACTOR)


def map_linear_models(
    models: Any, function: Callable[[LinearModel], LinearModel]
) -> Any:
    """Return a copy of the models with a function applied to each linear model."""
    mapped = copy(models)
    if isinstance(models, TaskNgramModels):
        mapped.models = [
            map_linear_models(task_models, function) for task_models in models.models
        ]
    elif isinstance(models, NgramModels) and models.linear is not None:
        mapped.linear = function(models.linear)
    return mapped


def _linear_models(models: Any) -> Iterator[LinearModel]:
    linear = models.linear
    linear_models = linear if isinstance(linear, list) else [linear]
    yield from (model for model in linear_models if model is not None)


def _vocabularies(models: Any) -> list[HashedNgramVocabulary]:
    """Return the distinct vocabularies."""
    vocabularies = [linear.ngram_model.vocabulary for linear in _linear_models(models)]
    if models.log_odds is not None:
        vocabularies.append(models.log_odds.vocabulary)
    return list({id(vocabulary): vocabulary for vocabulary in vocabularies}.values())


def _frequencies(linear: LinearModel) -> np.ndarray:
    """Return the relative document frequency of each n-gram, from its IDF."""
    return np.exp(1 - linear.ngram_model.idf)


def _frequencies_of_log_odds(models: Any) -> np.ndarray:
    """Return the relative document frequency of each n-gram of the log-odds.

    It is that of the linear model, whose n-grams have the same buckets. Those that it
    does not know are as rare as its rarest ones.
    """
    buckets = models.log_odds.vocabulary.buckets
    frequencies = np.zeros(len(buckets))
    for linear in _linear_models(models):
        linear_buckets = linear.ngram_model.vocabulary.buckets
        _, indices, linear_indices = np.intersect1d(
            buckets, linear_buckets, assume_unique=True, return_indices=True
        )
        linear_frequencies = _frequencies(linear)[linear_indices]
        frequencies[indices] = np.maximum(frequencies[indices], linear_frequencies)
    if not frequencies.any():
        return np.ones(len(buckets))
    return np.maximum(frequencies, frequencies[frequencies > 0].min())


def _variances(linear: LinearModel) -> np.ndarray:
    """Return the variance over classes of the coefficients of each n-gram."""
    model: Any = linear.ngram_model
    if model.regressions is None:
        return np.zeros(len(model.idf))
    coefficients = model.regressions.coefficients[: len(model.idf)]
    n_classes = coefficients.shape[1]
    if sparse.issparse(coefficients):
        squares = np.asarray(coefficients.multiply(coefficients).sum(1)).ravel()
        means = np.asarray(coefficients.sum(1)).ravel() / n_classes
    else:
        squares, means = np.square(coefficients).sum(1), coefficients.mean(1)
    if linear.multilabel:
        return squares
    return squares - n_classes * np.square(means)


def _add(
    contributions: dict[int, np.ndarray],
    vocabulary: HashedNgramVocabulary,
    importances: np.ndarray,
) -> None:
    importances = importances[: vocabulary.n_columns]
    total = importances.sum()
    key = id(vocabulary)
    contributions[key] = contributions.get(key, 0) + importances / (total or 1.0)
