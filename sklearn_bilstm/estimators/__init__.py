"""The estimators that users import."""

from sklearn_bilstm.estimators._classifier import BiLSTMClassifier

__all__ = ["BiLSTMClassifier"]
