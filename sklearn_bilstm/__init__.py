"""Recurrent networks for text and sequences, as scikit-learn estimators."""

from sklearn_bilstm.estimators import BiLSTMClassifier, BiLSTMRegressor
from sklearn_bilstm.text import TextVectorizer, WordVectors, load_word_vectors

__all__ = [
    "BiLSTMClassifier",
    "BiLSTMRegressor",
    "TextVectorizer",
    "WordVectors",
    "load_word_vectors",
]

__version__ = "0.1.0"
