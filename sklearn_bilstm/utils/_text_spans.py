"""Spans of characters with a label, such as names in a text."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any, NamedTuple

__all__ = ["LabelledSpan", "check_spans_of_texts", "has_text_spans", "read_text_spans"]

_FORM = (
    "a dict with the keys 'start', 'end' and 'label', or a tuple (start, end, label)"
)


class LabelledSpan(NamedTuple):
    """A span of characters, `text[start:end]`, with a label."""

    start: int
    end: int
    label: str


def has_text_spans(rows: Iterable) -> bool:
    """Return whether rows hold spans of characters instead of labels of tokens."""
    for row in rows:
        if isinstance(row, Mapping):
            return True
        for item in () if isinstance(row, str | None) else row:
            return isinstance(item, Mapping | tuple | list)
    return False


def read_text_spans(row: Any, number: int, name: str = "y") -> list[LabelledSpan]:
    """Return the spans of a text in the order of their starts.

    Parameters
    ----------
    row : sequence of dict or tuple, or mapping
        Spans as dicts or tuples. A mapping with the key "entities" holds such a
        sequence, as in the training data of spaCy.
    number : int
        Index of the text, for error messages.
    name : str, default="y"
        Name of the spans in error messages.

    Raises
    ------
    ValueError
        If a span is invalid. The message names the text and the span.
    """
    if isinstance(row, Mapping):
        row = row.get("entities")
    if isinstance(row, str) or not isinstance(row, Sequence):
        raise ValueError(
            f"{name} must hold a list of spans for each text: row {number} is "
            f"{row!r:.80}."
        )
    return sorted(_span(item, number, name) for item in row)


def _span(item: Any, number: int, name: str) -> LabelledSpan:
    if isinstance(item, Mapping):
        label = item.get("label", item.get("entity_group"))
        values = [item.get("start"), item.get("end"), label]
    else:
        is_listed = isinstance(item, tuple | list)
        values = list(item) if is_listed else []
    if len(values) != 3 or any(value is None for value in values):
        raise ValueError(
            f"{name} must hold spans, each {_FORM}: row {number} contains {item!r:.80}."
        )
    start, end, label = values
    is_range = isinstance(start, Integral) and isinstance(end, Integral)
    if not is_range or not 0 <= start < end:
        raise ValueError(
            f"{name} must hold spans with integers 0 <= start < end: row {number} "
            f"contains {item!r:.80}."
        )
    if not isinstance(label, str) or not label:
        raise ValueError(
            f"{name} must hold spans whose label is a non-empty string: row {number} "
            f"contains {item!r:.80}."
        )
    return LabelledSpan(int(start), int(end), str(label))


def check_spans_of_texts(
    spans: Sequence[Sequence[LabelledSpan]], texts: Sequence[str], name: str = "y"
) -> None:
    """Raise an error for a span beyond its text, and for overlapping spans.

    Parameters
    ----------
    spans : sequence of sequence of LabelledSpan
        Spans of each text, in the order of their starts.
    texts : sequence of str
    name : str, default="y"
        Name of the spans in error messages.

    Raises
    ------
    ValueError
        The message names the text and the spans.
    """
    for number, (spans_of_text, text) in enumerate(zip(spans, texts, strict=True)):
        for span in spans_of_text:
            if span.end > len(text):
                raise ValueError(
                    f"{name} must hold spans within their texts: row {number} contains "
                    f"{tuple(span)}, but its text has {len(text)} characters."
                )
        for first, second in pairwise(spans_of_text):
            if second.start < first.end:
                raise ValueError(
                    f"{name} must hold spans that do not overlap: row {number} has "
                    f"{tuple(first)} and {tuple(second)}, of "
                    f"{text[first.start : second.end]!r:.80}."
                )
