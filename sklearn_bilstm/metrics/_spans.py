"""Spans that the labels of tokens mark, such as names."""

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Span", "find_spans", "parts_of"]

# What schemes call the places of a label in its span, beside those of BIOES.
_OTHER_PLACES = {"M": "I", "L": "E", "U": "S"}


class Span(NamedTuple):
    """Tokens that belong together.

    Parameters
    ----------
    kind : str
        What they are, such as "PER".
    start : int
        Index of the first token.
    stop : int
        Index behind the last one.
    """

    kind: str
    start: int
    stop: int


def find_spans(labels: Sequence[str]) -> list[Span]:
    """Find the spans that the labels of a sequence mark.

    They are read as by the evaluation script of the CoNLL shared tasks (Tjong Kim Sang
    and Buchholz, 2000), which understands several schemes at once: "B-PER" begins a
    span and "I-PER" goes on with it, or begins one where none of its kind is open
    (IOB1, BIO); "E-PER" ends one, and "S-PER" is one of a single token (BIOES). "O" is
    outside of all. Where all spans are of one kind, "B", "I", "E" and "S" will do. "M"
    is another name of "I" (BMES), "L" of "E" and "U" of "S" (BILOU).

    Parameters
    ----------
    labels : sequence of str
        A label for each token.

    Returns
    -------
    spans : list of Span
        In the order of their tokens.

    Raises
    ------
    ValueError
        If a label is of none of these schemes.

    Examples
    --------
    >>> from sklearn_bilstm.metrics import find_spans
    >>> find_spans(["B-PER", "I-PER", "O", "B-LOC"])
    [Span(kind='PER', start=0, stop=2), Span(kind='LOC', start=3, stop=4)]
    """
    spans: list[Span] = []
    is_open = False
    for token, label in enumerate(labels):
        place, kind = parts_of(label)
        if place != "O":
            goes_on = is_open and place in "IE" and kind == spans[-1].kind
            start = spans.pop().start if goes_on else token
            spans.append(Span(kind, start, token + 1))
        is_open = place in "BI"
    return spans


def parts_of(label: str) -> tuple[str, str]:
    """Return the place of a label in its span, as BIOES names it, and the span's kind.

    Raises
    ------
    ValueError
        If it is a label of no scheme.
    """
    letter, _, kind = str(label).partition("-")
    place = _OTHER_PLACES.get(letter, letter)
    if place not in ("B", "I", "O", "E", "S") or (place == "O" and label != "O"):
        raise ValueError(
            "A label of spans must be 'O', or one of 'B', 'I', 'E', 'S', 'M', 'L' and "
            f"'U' with a kind behind a hyphen, such as 'B-PER'. Got {label!r}."
        )
    return place, kind
