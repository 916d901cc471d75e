"""The estimators that users import."""

from sklearn_bilstm.estimators._base import set_model
from sklearn_bilstm.estimators._classifier import BiLSTMClassifier
from sklearn_bilstm.estimators._regressor import BiLSTMRegressor
from sklearn_bilstm.estimators._tagger import BiLSTMTagger

__all__ = [
    "BiLSTMClassifier",
    "BiLSTMRegressor",
    "BiLSTMTagger",
    "set_model",
]
