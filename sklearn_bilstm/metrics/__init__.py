"""Metrics for sequence tagging."""

from sklearn_bilstm.metrics._schemes import (
    allowed_transitions,
    convert_to_scheme,
    find_scheme,
)
from sklearn_bilstm.metrics._span_errors import SpanError, span_errors
from sklearn_bilstm.metrics._span_report import span_classification_report
from sklearn_bilstm.metrics._span_scores import (
    span_f1_score,
    span_precision_recall_fscore_support,
    span_precision_score,
    span_recall_score,
)
from sklearn_bilstm.metrics._spans import Span, find_spans

__all__ = [
    "Span",
    "SpanError",
    "allowed_transitions",
    "convert_to_scheme",
    "find_scheme",
    "find_spans",
    "span_classification_report",
    "span_errors",
    "span_f1_score",
    "span_precision_recall_fscore_support",
    "span_precision_score",
    "span_recall_score",
]
