from .estimators import BiLSTMClassifier, BiLSTMRegressor
from .onnx import export_onnx
from .text import TextVectorizer, WordVectors, load_word_vectors

__all__ = [
    "BiLSTMClassifier",
    "BiLSTMRegressor",
    "TextVectorizer",
    "WordVectors",
    "export_onnx",
    "load_word_vectors",
]

__version__: str
