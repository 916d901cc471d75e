"""Removal of the token features of a tagger with the smallest weights."""

from copy import copy

import numpy as np

from sklearn_bilstm.fitting import FittedModel, TaggingModels

__all__ = ["n_token_features", "ranked_features", "with_features"]


def n_token_features(model: FittedModel) -> int:
    """Return the number of features of the linear model of a tagger, 0 without one."""
    models = model.auxiliary_models
    if not isinstance(models, TaggingModels):
        return 0
    return len(models.linear_tagger.features)


def ranked_features(model: FittedModel) -> np.ndarray:
    """Return the features by decreasing variance of their weights over labels.

    How often they occur in some rows is ignored. Otherwise the features of these rows
    would be kept, and predictions for other rows would change more than for them.
    """
    weight = model.auxiliary_models.linear_tagger.weight[1:].numpy()
    return np.argsort(-weight.var(axis=1), kind="stable")


def with_features(model: FittedModel, features: np.ndarray) -> FittedModel:
    """Return a model with some of the features.

    Parameters
    ----------
    model : FittedModel
        Model of a tagger with a linear model.
    features : ndarray of int, shape (n_kept,)
        Indices of the features to keep, in any order.
    """
    smaller = copy(model)
    linear_tagger = model.auxiliary_models.linear_tagger.of_features(np.sort(features))
    smaller.auxiliary_models = TaggingModels(linear_tagger)
    smaller.auto_params = {
        **model.auto_params,
        **smaller.auxiliary_models.auto_params(),
    }
    return smaller
