"""Continuing from fitted networks: `pretrained`, `warm_start` and `partial_fit`."""

import warnings
from typing import Any

from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import (
    FixedThresholdClassifier,
    TunedThresholdClassifierCV,
)
from sklearn.utils.validation import check_is_fitted

from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.utils._fingerprints import have_same_ids
from sklearn_bilstm.utils._random import seeded_generator

__all__ = [
    "another_network_error",
    "copy_pretrained_weights",
    "copy_weights",
    "find_fitted_estimator",
    "inner_estimator",
    "pretrained_model",
]


def inner_estimator(estimator: Any) -> Any:
    """Return the last step of a pipeline, or the inner estimator of a meta-estimator.

    It is the fitted one of a search, or of a classifier with a decision threshold or a
    calibration. None if there is no inner estimator, or if there are several.
    """
    if hasattr(estimator, "steps"):
        return estimator.steps[-1][1]
    if type(estimator).__name__ == "FrozenEstimator":
        return estimator.estimator
    if isinstance(estimator, FixedThresholdClassifier):  # predicts without `fit` too
        return getattr(estimator, "estimator_", estimator.estimator)
    if isinstance(estimator, TunedThresholdClassifierCV):
        return getattr(estimator, "estimator_", None)
    if isinstance(estimator, CalibratedClassifierCV):
        members = getattr(estimator, "calibrated_classifiers_", [])
        return members[0].estimator if len(members) == 1 else None
    return getattr(estimator, "best_estimator_", None)


def find_fitted_estimator(model: Any) -> Any:
    """Return the fitted estimator that a model is or contains.

    Parameters
    ----------
    model : estimator
        A BiLSTM estimator, or a Pipeline or meta-estimator that contains it, see
        :func:`inner_estimator`.

    Raises
    ------
    ValueError
        If it is not fitted, or another kind of estimator.
    """
    estimator, inner = model, inner_estimator(model)
    while inner is not None:
        estimator, inner = inner, inner_estimator(inner)
    try:
        check_is_fitted(estimator, "model_")
    except (NotFittedError, TypeError) as error:
        raise ValueError(
            "The 'pretrained' parameter must be a fitted BiLSTM estimator, or a "
            "pipeline that ends with one; in a search, which clones it, wrap it in "
            f"sklearn.frozen.FrozenEstimator. Got {model!r} instead."
        ) from error
    return estimator


def pretrained_model(config: Config) -> Any:
    """Return the FittedModel of the parameter `pretrained`, or None."""
    if config.pretrained is None:
        return None
    return find_fitted_estimator(config.pretrained).model_


def copy_pretrained_weights(
    network: Any,
    pretrained: Any,
    *,
    keeps_log_odds: bool,
    fingerprint: Any,
    estimator: str,
    seed: int,
) -> None:
    """Initialise a network with pretrained weights, except for the dense layers.

    Parameters
    ----------
    network : SequenceModel or StepModel
    pretrained : FittedModel
    keeps_log_odds : bool
        Whether the log-odds channels are those of the pretrained model.
    fingerprint : ndarray or None
        Fingerprint of the vocabulary of the token ids of the network.
    estimator : str
        Name of the estimator, for the warning.
    seed : int
        Seed of the vectors of new tokens.

    Raises
    ------
    ValueError
        If both networks have different architectures or vocabularies.
    """
    if not have_same_ids(pretrained.reader.fingerprint, fingerprint):
        raise ValueError(
            "The 'pretrained' parameter must be an estimator that was fitted on "
            "token ids of the same vocabulary as X: transform both with the same "
            "fitted TextVectorizer."
        )
    source = pretrained.network
    if source.of_steps != network.of_steps:
        raise ValueError(
            "The 'pretrained' parameter must be an estimator whose network has outputs "
            f"for each {'step' if network.of_steps else 'row'}, like that of this "
            f"{estimator}."
        )
    if source.architecture != network.architecture:
        raise ValueError(
            "The 'pretrained' parameter must be an estimator whose network has the "
            "same architecture, except for its dense layers: use the same "
            "embedding_dim, convolution_layer_sizes, convolution_stride, cell, "
            "hidden_layer_sizes, bidirectional, merge_mode, normalization and pooling, "
            "and the same kind of X."
        )
    layer = network.input_layer
    if pretrained.reader.input_type == "tokens":
        n_ids = max(layer.input_size, source.input_layer.input_size)
        layer.grow(n_ids, seeded_generator(seed))
        layer.copy_weights_from(source.input_layer)
    if source.input_layer.output_size > layer.n_shared and not keeps_log_odds:
        warnings.warn(
            "The 'pretrained' network uses class log-odds of n-grams, but this "
            f"{estimator} does not, so its weights are of little use. Fit the "
            "pretrained estimator with log_odds_ngram_range=None.",
            UserWarning,
            stacklevel=2,
        )
    n_shared = layer.output_size if keeps_log_odds else layer.n_shared
    if network.convolutions is not None:
        network.convolutions.copy_weights_from(source.convolutions, n_shared)
        n_shared = network.convolutions.output_size
    network.encoder.copy_weights_from(source.encoder, n_shared)
    if not network.of_steps:
        network.pooling.load_state_dict(source.pooling.state_dict())


def copy_weights(network: Any, source: Any, estimator: str) -> None:
    """Initialise a network with all weights of a fitted one.

    Raises
    ------
    ValueError
        If both have different architectures.
    """
    if network.architecture != source.architecture:
        raise another_network_error(estimator)
    try:
        network.load_state_dict(source.state_dict())
    except RuntimeError as error:
        raise another_network_error(estimator) from error


def another_network_error(estimator: str) -> ValueError:
    """Return the error for parameters that do not match the fitted network."""
    return ValueError(
        f"{estimator} cannot continue training, since its current parameters describe "
        "another network than the fitted one: restore the parameters of the network, "
        "such as embedding_dim, cell and hidden_layer_sizes, or fit again without "
        "warm_start and partial_fit."
    )
