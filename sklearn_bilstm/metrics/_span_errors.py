"""Lists of wrong spans in their context."""

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

from sklearn.utils import check_consistent_length

from sklearn_bilstm.metrics._span_rows import read_span_rows
from sklearn_bilstm.metrics._spans import Span
from sklearn_bilstm.utils._text_spans import has_text_spans

__all__ = ["SpanError", "span_errors"]

# Number of tokens, and of characters of a text, on both sides of an error.
_TOKENS_AROUND, _CHARACTERS_AROUND = 5, 40


class SpanError(NamedTuple):
    """A wrong span.

    Parameters
    ----------
    error : {"missed", "spurious", "wrong border", "wrong kind"}
        Type of the error.
    row : int
        Index of the sequence.
    true : Span or None
        The true span. None if there is none.
    predicted : Span or None
        The predicted span. None if there is none.
    true_text : str or None, default=None
        Text of the true span.
    predicted_text : str or None, default=None
        Text of the predicted span.
    context : str or None, default=None
        Text around the spans.
    """

    error: str
    row: int
    true: Span | None
    predicted: Span | None
    true_text: str | None = None
    predicted_text: str | None = None
    context: str | None = None


def span_errors(
    y_true: Sequence[Sequence], y_pred: Sequence[Sequence], X: Any = None
) -> list[SpanError]:
    """List the wrong spans of predictions.

    Each wrong span occurs once. A predicted span belongs to the true span that it
    overlaps: first to one with the same borders, then to one of the same kind, then to
    any other one, with the largest overlap in each case.

    Parameters
    ----------
    y_true : sequence of sequence of str
        True labels of the tokens of each sequence, as :func:`find_spans` reads them.
        Also accepted are spans of characters, as in
        :class:`~sklearn_bilstm.EntityRecognizer`.
    y_pred : sequence of sequence of str
        Predicted labels, with the same length for each sequence, or predicted spans.
    X : sequence of sequence of str, or sequence of str, default=None
        Tokens of each sequence, or texts if y holds spans of characters. If None, the
        errors have no texts.

    Returns
    -------
    errors : list of SpanError
        In the order of the sequences. The error of a span is "missed" if no predicted
        span overlaps it, "spurious" if it overlaps no true span, "wrong border" if the
        kind is right, and else "wrong kind". `pandas.DataFrame(errors)` is a table of
        them.

    Raises
    ------
    ValueError
        If the lengths differ, a label or a span is invalid, or X does not hold the
        tokens of the labels, or the texts of the spans of characters. The message names
        the row.

    Examples
    --------
    >>> from sklearn_bilstm.metrics import span_errors
    >>> y_true, y_pred = [["B-PER", "I-PER", "O"]], [["B-PER", "O", "O"]]
    >>> (error,) = span_errors(y_true, y_pred, [["Anna", "Ray", "left"]])
    >>> error.error, error.true_text, error.predicted_text
    ('wrong border', 'Anna Ray', 'Anna')
    """
    rows = read_span_rows(y_true, y_pred)
    if X is not None:
        check_consistent_length(X, y_true)
        X = list(X)
        if has_text_spans(chain(y_true, y_pred)):
            _check_texts(X, rows)
        else:
            _check_tokens(X, y_true)
    errors = []
    for row, (true, predicted) in enumerate(rows):
        for pair in sorted(_wrong_pairs(true, predicted), key=_first_start):
            error = SpanError(_type_of(*pair), row, *pair)
            errors.append(error if X is None else _with_texts(error, X[row]))
    return errors


def _check_texts(X: list, rows: list[tuple[list[Span], list[Span]]]) -> None:
    for number, (text, spans) in enumerate(zip(X, rows, strict=True)):
        if not isinstance(text, str):
            raise ValueError(
                "X must hold texts, which are strings, since y holds spans of "
                f"characters: row {number} is {text!r:.80}."
            )
        for span in chain(*spans):
            if span.stop > len(text):
                raise ValueError(
                    f"X must hold the texts of the spans: row {number} has "
                    f"{len(text)} characters, but its span {span} ends at {span.stop}."
                )


def _check_tokens(X: list, y_true: Sequence[Sequence]) -> None:
    for number, (tokens, labels) in enumerate(zip(X, y_true, strict=True)):
        if isinstance(tokens, str) and len(labels):
            raise ValueError(
                "X must hold a list of tokens for each row, since y holds labels of "
                f"tokens: row {number} is the text {tokens!r:.80}."
            )
        if not isinstance(tokens, str) and len(tokens) != len(labels):
            raise ValueError(
                f"X must hold a token for each label: row {number} has {len(tokens)} "
                f"tokens for {len(labels)} labels."
            )


def _wrong_pairs(
    true: list[Span], predicted: list[Span]
) -> list[tuple[Span | None, Span | None]]:
    """Match wrong spans one to one; those without a partner have None."""
    correct = set(true) & set(predicted)
    missed = [span for span in true if span not in correct]
    spurious = [span for span in predicted if span not in correct]
    candidates = [(a, b) for a in missed for b in spurious if _overlap(a, b) > 0]
    candidates.sort(key=_preference)
    pairs: list[tuple[Span | None, Span | None]] = []
    for a, b in candidates:
        if a in missed and b in spurious:
            missed.remove(a)
            spurious.remove(b)
            pairs.append((a, b))
    return pairs + [(a, None) for a in missed] + [(None, b) for b in spurious]


def _overlap(a: Span, b: Span) -> int:
    return min(a.stop, b.stop) - max(a.start, b.start)


def _preference(pair: tuple[Span, Span]) -> tuple:
    a, b = pair
    return a[1:] != b[1:], a.kind != b.kind, -_overlap(a, b), a.start


def _first_start(pair: tuple[Span | None, Span | None]) -> int:
    return min(span.start for span in pair if span is not None)


def _type_of(true: Span | None, predicted: Span | None) -> str:
    if predicted is None:
        return "missed"
    if true is None:
        return "spurious"
    return "wrong border" if true.kind == predicted.kind else "wrong kind"


def _with_texts(error: SpanError, row: Any) -> SpanError:
    spans = [span for span in (error.true, error.predicted) if span is not None]
    n_around = _CHARACTERS_AROUND if isinstance(row, str) else _TOKENS_AROUND
    start = max(0, min(span.start for span in spans) - n_around)
    stop = max(span.stop for span in spans) + n_around
    return error._replace(
        true_text=_text(row, error.true),
        predicted_text=_text(row, error.predicted),
        context=_joined(row[start:stop]),
    )


def _text(row: Any, span: Span | None) -> str | None:
    return None if span is None else _joined(row[span.start : span.stop])


def _joined(part: Any) -> str:
    return part if isinstance(part, str) else " ".join(map(str, part))
