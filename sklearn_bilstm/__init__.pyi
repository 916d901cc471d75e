from .estimators import BiLSTMClassifier, BiLSTMRegressor
from .inspection import find_learning_rate
from .onnx import export_onnx
from .plotting import LearningRateDisplay, TrainingCurveDisplay
from .text import TextVectorizer, WordVectors, load_word_vectors

__all__ = [
    "BiLSTMClassifier",
    "BiLSTMRegressor",
    "LearningRateDisplay",
    "TextVectorizer",
    "TrainingCurveDisplay",
    "WordVectors",
    "export_onnx",
    "find_learning_rate",
    "load_word_vectors",
]

__version__: str
