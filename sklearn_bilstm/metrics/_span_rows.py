"""Spans of rows of labels, or of rows of spans of characters."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from sklearn.utils import check_consistent_length

from sklearn_bilstm.metrics._spans import Span, find_spans
from sklearn_bilstm.utils._missing import is_missing_label
from sklearn_bilstm.utils._text_spans import has_text_spans, read_text_spans

__all__ = ["read_span_rows"]


def read_span_rows(
    y_true: Sequence, y_pred: Sequence, sample_weight: Any = None
) -> list[tuple[list[Span], list[Span]]]:
    """Return the true and the predicted spans of each row.

    Parameters
    ----------
    y_true, y_pred : sequence of sequence
        Labels of the tokens of each row, or its spans of characters. Tokens whose true
        label is missing are ignored.
    sample_weight : array-like, default=None
        Only its length is checked.

    Raises
    ------
    ValueError
        If the lengths differ, or a label or a span is invalid.
    """
    check_consistent_length(y_true, y_pred, sample_weight)
    rows = enumerate(zip(y_true, y_pred, strict=True))
    if not has_text_spans(chain(y_true, y_pred)):
        return [_spans_of_labels(row, *labels) for row, labels in rows]
    names = "y_true", "y_pred"
    return [
        (_text_spans(true, row, names[0]), _text_spans(predicted, row, names[1]))
        for row, (true, predicted) in rows
    ]


def _text_spans(spans: Any, row: int, name: str) -> list[Span]:
    return [
        Span(span.label, span.start, span.end)
        for span in read_text_spans(spans, row, name)
    ]


def _spans_of_labels(
    row: int, true: Sequence[str], predicted: Sequence[str]
) -> tuple[list[Span], list[Span]]:
    for name, labels in {"y_true": true, "y_pred": predicted}.items():
        if isinstance(labels, str):
            raise ValueError(
                f"{name} must contain a list of labels for each sequence: row {row} is "
                f"{str(labels)!r}."
            )
    if len(true) != len(predicted):
        raise ValueError(
            "The sequences of y_pred must have the same lengths as those of y_true: "
            f"row {row} has {len(predicted)} labels instead of {len(true)}."
        )
    tokens = [token for token, label in enumerate(true) if not is_missing_label(label)]
    if len(tokens) == len(true):
        return find_spans(true), find_spans(predicted)
    true, predicted = ([labels[t] for t in tokens] for labels in (true, predicted))
    return _moved(find_spans(true), tokens), _moved(find_spans(predicted), tokens)


def _moved(spans: list[Span], positions: list[int]) -> list[Span]:
    """Return spans with the positions of their tokens among all tokens."""
    return [
        Span(span.kind, positions[span.start], positions[span.stop - 1] + 1)
        for span in spans
    ]
