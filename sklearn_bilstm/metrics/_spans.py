"""Spans of labelled tokens, such as names."""

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Span", "find_spans", "parts_of"]

# Names of positions in other schemes, mapped to those of BIOES.
_OTHER_PREFIXES = {"M": "I", "L": "E", "U": "S"}


class Span(NamedTuple):
    """A span of consecutive tokens.

    Parameters
    ----------
    kind : str
        Kind of the span, such as "PER".
    start : int
        Index of the first token.
    stop : int
        Index after the last token.
    """

    kind: str
    start: int
    stop: int


def find_spans(labels: Sequence[str]) -> list[Span]:
    """Find the spans in the labels of a sequence.

    Labels are decoded as in the evaluation script of the CoNLL shared tasks (Tjong Kim
    Sang and Buchholz, 2000), which supports several schemes at once: "B-PER" starts a
    span, and "I-PER" continues it, or starts one if no span of its kind is open (IOB1,
    BIO); "E-PER" ends a span, and "S-PER" is a span of a single token (BIOES). "O" is
    outside of all spans. If there is only one kind of spans, "B", "I", "E" and "S" are
    sufficient. "M" is equivalent to "I" (BMES), "L" to "E" and "U" to "S" (BILOU).

    Parameters
    ----------
    labels : sequence of str
        Label of each token.

    Returns
    -------
    spans : list of Span
        Spans in the order of their tokens.

    Raises
    ------
    ValueError
        If a label does not belong to any of these schemes.

    Examples
    --------
    >>> from sklearn_bilstm.metrics import find_spans
    >>> find_spans(["B-PER", "I-PER", "O", "B-LOC"])
    [Span(kind='PER', start=0, stop=2), Span(kind='LOC', start=3, stop=4)]
    """
    spans: list[Span] = []
    is_open = False
    for token, label in enumerate(labels):
        prefix, kind = parts_of(label)
        if prefix != "O":
            continues = is_open and prefix in "IE" and kind == spans[-1].kind
            start = spans.pop().start if continues else token
            spans.append(Span(kind, start, token + 1))
        is_open = prefix in "BI"
    return spans


def parts_of(label: str) -> tuple[str, str]:
    """Return the BIOES position of a label within its span, and the span's kind.

    Raises
    ------
    ValueError
        If the label does not belong to any scheme.
    """
    letter, _, kind = str(label).partition("-")
    prefix = _OTHER_PREFIXES.get(letter, letter)
    if prefix not in ("B", "I", "O", "E", "S") or (prefix == "O" and label != "O"):
        raise ValueError(
            "A label of spans must be 'O', or one of 'B', 'I', 'E', 'S', 'M', 'L' and "
            f"'U', followed by a hyphen and a kind, such as 'B-PER'. Got {label!r}."
        )
    return prefix, kind
