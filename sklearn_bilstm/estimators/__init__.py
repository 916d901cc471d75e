"""The estimators that users import."""

from sklearn_bilstm.estimators._classifier import BiLSTMClassifier
from sklearn_bilstm.estimators._regressor import BiLSTMRegressor

__all__ = ["BiLSTMClassifier", "BiLSTMRegressor"]
