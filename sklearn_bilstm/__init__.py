"""Recurrent networks for text and sequences, as scikit-learn estimators."""

from sklearn_bilstm.estimators import BiLSTMClassifier, BiLSTMRegressor
from sklearn_bilstm.text import TextVectorizer

__all__ = ["BiLSTMClassifier", "BiLSTMRegressor", "TextVectorizer"]

__version__ = "0.1.0"
