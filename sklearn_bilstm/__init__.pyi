from .compression import compress
from .estimators import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTagger,
    EntityRecognizer,
)
from .inspection import explain, find_learning_rate, highlight_spans
from .onnx import export_onnx
from .persistence import load, save
from .plotting import (
    AttentionDisplay,
    LabelConfusionDisplay,
    LearningRateDisplay,
    TokenImportanceDisplay,
    TrainingCurveDisplay,
    TransitionDisplay,
)
from .text import TableVectorizer, TextVectorizer, WordVectors, load_word_vectors

__all__ = [
    "AttentionDisplay",
    "BiLSTMClassifier",
    "BiLSTMRegressor",
    "BiLSTMTagger",
    "EntityRecognizer",
    "LabelConfusionDisplay",
    "LearningRateDisplay",
    "TableVectorizer",
    "TextVectorizer",
    "TokenImportanceDisplay",
    "TrainingCurveDisplay",
    "TransitionDisplay",
    "WordVectors",
    "compress",
    "explain",
    "export_onnx",
    "find_learning_rate",
    "highlight_spans",
    "load",
    "load_word_vectors",
    "save",
]

__version__: str
