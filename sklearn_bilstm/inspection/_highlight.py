"""Texts with coloured spans, for notebooks and web pages. All text is escaped."""

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Any

from sklearn.utils import check_consistent_length

from sklearn_bilstm.metrics import find_spans
from sklearn_bilstm.text import join_tokens
from sklearn_bilstm.utils._text_spans import (
    LabelledSpan,
    check_spans_of_texts,
    has_text_spans,
    read_text_spans,
)

__all__ = ["HighlightedSpans", "highlight_spans"]

# RGB of the labels in sorted order, which colour-blind readers can distinguish (Okabe
# and Ito, 2008). They are translucent, so that text stays readable in dark themes.
_COLOURS = [
    *("230, 159, 0", "86, 180, 233", "0, 158, 115", "240, 228, 66"),
    *("0, 114, 178", "213, 94, 0", "204, 121, 167", "128, 128, 128"),
]
_OPACITY = 0.45

_BOX = (
    "margin: 0.5em 0; padding: 0.5em 0.8em; border-radius: 4px;"
    "border: 1px solid rgba(128, 128, 128, 0.4); line-height: 2;"
)
_TEXT = "white-space: pre-wrap; overflow-wrap: anywhere;"
_SPAN = "border-radius: 3px; padding: 0.15em 0.25em; color: inherit;"
_LABEL = "font-size: 70%; font-weight: bold; margin-left: 0.4em;"
_PAGE = (
    '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>Spans</title></head>'
    '<body style="font-family: sans-serif; max-width: 60em; margin: 1em auto;">'
    "{}</body></html>\n"
)


def highlight_spans(X: Any, spans: Any) -> "HighlightedSpans":
    """Show the spans of texts in colour.

    Parameters
    ----------
    X : sequence of str, sequence of sequence of str, or str
        Texts, or the tokens of sentences, or a single text.
    spans : sequence of sequence
        Spans of characters of each text, as :class:`~sklearn_bilstm.EntityRecognizer`
        predicts them, or labels of the tokens of each sentence, as
        :class:`~sklearn_bilstm.BiLSTMTagger` predicts them. For a single text, its
        spans, or a list of length one that contains them.

    Returns
    -------
    highlighted : HighlightedSpans
        An object that notebooks show in colour.

    Raises
    ------
    ValueError
        If a span is invalid, beyond its text, or overlaps another one.

    Examples
    --------
    >>> from sklearn_bilstm import highlight_spans
    >>> highlight_spans(["Anna left."], [[(0, 4, "PER")]])
    [Anna]PER left.
    >>> highlight_spans([["Anna", "left"]], [["B-PER", "O"]])
    [Anna]PER left
    """
    if isinstance(X, str):
        X, spans = [X], spans if _are_of_one_text(spans) else [spans]
    check_consistent_length(X, spans)
    rows = [
        _text_and_spans(number, *row)
        for number, row in enumerate(zip(X, spans, strict=True))
    ]
    texts, spans, scores = zip(*rows, strict=True) if rows else ((), (), ())
    check_spans_of_texts(spans, texts, "spans")
    return HighlightedSpans(list(texts), list(spans), list(scores))


def _are_of_one_text(spans: Any) -> bool:
    """Return whether spans are a list with the spans of a text, as of `predict`."""
    if not isinstance(spans, list) or len(spans) != 1:
        return False
    (row,) = spans
    return isinstance(row, list) and (not row or has_text_spans([row]))


def _text_and_spans(
    number: int, row: Any, spans: Any
) -> tuple[str, list[LabelledSpan], list[float | None]]:
    """Return a text, its spans and their scores."""
    if isinstance(row, str):
        labelled = read_text_spans(spans, number, "spans")
        score_of = {
            (span["start"], span["end"]): span.get("score")
            for span in spans
            if isinstance(span, dict)
        }
        return row, labelled, [score_of.get(span[:2]) for span in labelled]
    text, tokens = join_tokens(row)
    if has_text_spans([spans]) or len(spans) != len(tokens):
        raise ValueError(
            f"spans must hold a label for each token: row {number} has {len(spans)} "
            f"for {len(tokens)} tokens. For spans of characters, X must hold texts."
        )
    bounds = [(token.start or 0, token.end or 0) for token in tokens]
    offsets = [
        LabelledSpan(bounds[span.start][0], bounds[span.stop - 1][1], span.kind)
        for span in find_spans(spans)
    ]
    return text, offsets, [None] * len(offsets)


class HighlightedSpans:
    """Texts with their spans.

    In a notebook, it is shown in colour with a legend. Use :func:`highlight_spans` to
    create it.

    Parameters
    ----------
    texts : list of str
    spans : list of list of (int, int, str)
        Start, end and label of the spans of each text, in their order.
    scores : list of list of float or None
        Scores of the spans.
    """

    def __init__(
        self,
        texts: list[str],
        spans: list[list[LabelledSpan]],
        scores: list[list[float | None]],
    ) -> None:
        self.texts = texts
        self.spans = spans
        self.scores = scores

    def to_html(self) -> str:
        """Return an HTML page, such as for `Path("spans.html").write_text`."""
        return _PAGE.format(self._repr_html_())

    def _repr_html_(self) -> str:
        counts = Counter(span.label for text_spans in self.spans for span in text_spans)
        colours = {
            label: _COLOURS[index % len(_COLOURS)]
            for index, label in enumerate(sorted(counts))
        }
        legend = " ".join(
            _marked(f"{label} ({counts[label]})", colour)
            for label, colour in colours.items()
        )
        rows = zip(self.texts, self.spans, self.scores, strict=True)
        boxes = [f'<div style="{_BOX}">{_body(*row, colours)}</div>' for row in rows]
        return f"<div>{legend}</div>{''.join(boxes)}"

    def __repr__(self) -> str:
        lines = []
        for text, spans in zip(self.texts, self.spans, strict=True):
            for start, end, label in reversed(spans):
                text = f"{text[:start]}[{text[start:end]}]{label}{text[end:]}"
            lines.append(text)
        return "\n".join(lines)


def _body(
    text: str,
    spans: Sequence[LabelledSpan],
    scores: Sequence[float | None],
    colours: dict[str, str],
) -> str:
    pieces, last = [], 0
    for (start, end, label), score in zip(spans, scores, strict=True):
        pieces.append(escape(text[last:start]))
        title = label if score is None else f"{label} {score:.3f}"
        pieces.append(_marked(text[start:end], colours[label], label, title))
        last = end
    pieces.append(escape(text[last:]))
    return f'<div dir="auto" style="{_TEXT}">{"".join(pieces)}</div>'


def _marked(text: str, rgb: str, label: str = "", title: str = "") -> str:
    style = f"{_SPAN} background: rgba({rgb}, {_OPACITY});"
    named = f'<span style="{_LABEL}">{escape(label)}</span>' if label else ""
    hint = f' title="{escape(title)}"' if title else ""
    return f'<mark style="{style}"{hint}>{escape(text)}{named}</mark>'
