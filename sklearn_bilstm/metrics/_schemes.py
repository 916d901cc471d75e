"""Schemes of labels: which one some labels are of, and what may follow what in it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sklearn_bilstm.metrics._spans import Span, find_spans, parts_of

__all__ = ["SCHEMES", "allowed_transitions", "find_scheme", "in_scheme"]


class _Scheme(NamedTuple):
    """What labels begin with, behind the "B" of a span of several tokens.

    Parameters
    ----------
    inside, last : str
        For a token within the span, and for its last one.
    single : str
        For a span of a single token.
    """

    inside: str
    last: str
    single: str

    @property
    def letters(self) -> set[str]:
        """All that labels may begin with."""
        return {"O", "B", *self}


# Those in which what follows what is decided. In IOB1 it is not.
SCHEMES = {
    "BIO": _Scheme("I", "I", "B"),
    "BIOES": _Scheme("I", "E", "S"),
    "BILOU": _Scheme("I", "L", "U"),
    "BMES": _Scheme("M", "E", "S"),
}


def find_scheme(rows: Sequence[Sequence[str]]) -> str | None:
    """Tell by which scheme labels mark spans.

    Parameters
    ----------
    rows : sequence of sequence of str
        Labels of the tokens of each sequence.

    Returns
    -------
    scheme : {"BIO", "IOB1", "BIOES", "BILOU", "BMES"} or None
        The first of them that has all that labels begin with. "IOB1" instead of "BIO"
        if more spans begin with a label such as "I-PER" than with one such as "B-PER".
        None if the labels mark no spans, which is also what labels without a kind are
        taken for unless "I" or "M" is among them.
    """
    begins: list[str] = []
    labels: set[str] = set()
    try:
        for row in rows:
            begins += [row[span.start][0] for span in find_spans(row)]
            labels |= set(row)
    except (TypeError, ValueError):  # labels of something else
        return None
    letters = {label[0] for label in labels}
    has_kinds = any("-" in label for label in labels)
    if not begins or not (has_kinds or letters & {"I", "M"}):
        return None
    scheme = next((s for s, of in SCHEMES.items() if letters <= of.letters), None)
    is_iob1 = scheme == "BIO" and begins.count("I") > begins.count("B")
    return "IOB1" if is_iob1 else scheme


def allowed_transitions(labels: Sequence[str], scheme: str) -> np.ndarray:
    """Tell which label may follow which.

    Parameters
    ----------
    labels : sequence of str
        All labels there are, K of them.
    scheme : {"BIO", "BIOES", "BILOU", "BMES"}

    Returns
    -------
    allowed : ndarray of bool, shape (K + 1, K + 1)
        Whether label j may follow label i, in row i and column j. The last row tells
        which may come first, and the last column which may come last.

    Raises
    ------
    ValueError
        If there is no such scheme, or a label marks no span.
    """
    _check_scheme(scheme)
    # nothing is open before the first and behind the last
    around = [parts_of(label) for label in [*labels, "O"]]
    return np.array([[_may_follow(a, b, scheme) for b in around] for a in around])


def _may_follow(label: tuple, following: tuple, scheme: str) -> bool:
    (place, kind), (next_place, next_kind) = label, following
    if next_place in "IE":  # goes on with a span that is open
        return place in "BI" and kind == next_kind
    # begins or stays outside: what is open must have ended
    return scheme == "BIO" or place not in "BI"


def in_scheme(labels: Sequence[str], scheme: str) -> list[str]:
    """Write the spans that labels mark in a scheme.

    Parameters
    ----------
    labels : sequence of str
        As :func:`find_spans` reads them, whatever follows what.
    scheme : {"BIO", "BIOES", "BILOU", "BMES"}

    Returns
    -------
    written : list of str

    Raises
    ------
    ValueError
        If there is no such scheme, or a label marks no span.
    """
    _check_scheme(scheme)
    written = ["O"] * len(labels)
    for span in find_spans(labels):
        written[span.start : span.stop] = _labels_of(span, SCHEMES[scheme])
    return written


def _labels_of(span: Span, scheme: _Scheme) -> list[str]:
    n_tokens = span.stop - span.start
    letters = ["B", *[scheme.inside] * (n_tokens - 1)]
    letters[-1] = scheme.last if n_tokens > 1 else scheme.single
    return [f"{letter}-{span.kind}" if span.kind else letter for letter in letters]


def _check_scheme(scheme: str) -> None:
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {list(SCHEMES)}. Got {scheme!r}.")
