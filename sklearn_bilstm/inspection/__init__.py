"""Tools to inspect models: explanations and the learning-rate range test."""

from sklearn_bilstm.inspection._explain import explain
from sklearn_bilstm.inspection._explanation import Explanation, Explanations
from sklearn_bilstm.inspection._learning_rate import RangeTest, find_learning_rate

__all__ = [
    "Explanation",
    "Explanations",
    "RangeTest",
    "explain",
    "find_learning_rate",
]
