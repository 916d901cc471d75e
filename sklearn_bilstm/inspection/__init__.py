"""Tools to inspect models: explanations and the learning-rate range test."""

from sklearn_bilstm.inspection._explain import explain
from sklearn_bilstm.inspection._explanation import Explanation, Explanations
from sklearn_bilstm.inspection._hard_sentences import (
    HardSentence,
    find_hard_sentences,
)
from sklearn_bilstm.inspection._highlight import HighlightedSpans, highlight_spans
from sklearn_bilstm.inspection._learning_rate import RangeTest, find_learning_rate
from sklearn_bilstm.inspection._series import SeriesExplanation

__all__ = [
    "Explanation",
    "Explanations",
    "HardSentence",
    "HighlightedSpans",
    "RangeTest",
    "SeriesExplanation",
    "explain",
    "find_hard_sentences",
    "find_learning_rate",
    "highlight_spans",
]
