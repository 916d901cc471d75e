from .estimators import BiLSTMClassifier, BiLSTMRegressor
from .text import TextVectorizer, WordVectors, load_word_vectors

__all__ = [
    "BiLSTMClassifier",
    "BiLSTMRegressor",
    "TextVectorizer",
    "WordVectors",
    "load_word_vectors",
]

__version__: str
