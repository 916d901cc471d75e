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
        The scheme that most spans are written in, the first of several. "IOB1" instead
        of "BIO" if more spans begin with a label such as "I-PER" than with one such as
        "B-PER". None if a label marks no span, or if labels without a kind are not all
        of one scheme, "B" and "I" or "M" among them.
    """
    labels: set[str] = set()
    n_written = dict.fromkeys(SCHEMES, 0)
    begins = {"B": 0, "I": 0}
    try:
        for row in rows:
            labels |= set(row)
            for span in find_spans(row):
                written = list(row[span.start : span.stop])
                begins["B"] += written[0].startswith("B")
                begins["I"] += written[0].startswith("I")
                for name, scheme in SCHEMES.items():
                    n_written[name] += written == _labels_of(span, scheme)
    except (AttributeError, TypeError, ValueError):  # labels of something else
        return None
    if not labels or _are_something_else(labels):
        return None
    found = max(SCHEMES, key=n_written.__getitem__)
    return "IOB1" if found == "BIO" and begins["I"] > begins["B"] else found


def _are_something_else(labels: set[str]) -> bool:
    """Return whether labels are such as sizes, which letters of schemes stand for."""
    if labels == {"O"} or any("-" in label for label in labels):
        return False
    is_known = any(labels <= scheme.letters for scheme in SCHEMES.values())
    return not is_known or "B" not in labels or not labels & {"I", "M"}


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
