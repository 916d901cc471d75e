"""The public estimators and their base class."""

from sklearn_bilstm.estimators._base import (
    BaseSequenceEstimator,
    current_model,
    estimator_of_task,
    restore_state,
)
from sklearn_bilstm.estimators._classifier import BiLSTMClassifier
from sklearn_bilstm.estimators._entity_recognizer import EntityRecognizer
from sklearn_bilstm.estimators._regressor import BiLSTMRegressor
from sklearn_bilstm.estimators._tagger import BiLSTMTagger

__all__ = [
    "BaseSequenceEstimator",
    "BiLSTMClassifier",
    "BiLSTMRegressor",
    "BiLSTMTagger",
    "EntityRecognizer",
    "current_model",
    "estimator_of_task",
    "restore_state",
]
