"""Schemes of labels: which one some labels are of, and what may follow what in it."""

from collections.abc import Sequence

import numpy as np

from sklearn_bilstm.metrics._spans import Span, find_spans

__all__ = ["allowed_transitions", "find_scheme", "in_scheme"]


def find_scheme(rows: Sequence[Sequence[str]]) -> str | None:
    """Tell by which scheme labels mark spans.

    Parameters
    ----------
    rows : sequence of sequence of str
        Labels of the tokens of each sequence.

    Returns
    -------
    scheme : {"BIO", "BIOES", "IOB1"} or None
        "BIOES" if there are labels such as "E-PER" or "S-PER". Else "IOB1" if more
        spans begin with a label such as "I-PER" than with one such as "B-PER", or else
        "BIO". None if the labels mark no spans.
    """
    begins = ""
    places = set()
    try:
        for row in rows:
            begins += "".join(row[span.start][0] for span in find_spans(row))
            places |= {label[0] for label in row}
    except (TypeError, ValueError):  # labels of something else
        return None
    if places & {"E", "S"}:
        return "BIOES"
    if not begins:
        return None
    return "IOB1" if begins.count("I") > begins.count("B") else "BIO"


def allowed_transitions(labels: Sequence[str], scheme: str) -> np.ndarray:
    """Tell which label may follow which.

    Parameters
    ----------
    labels : sequence of str
        All labels there are, K of them.
    scheme : {"BIO", "BIOES"}

    Returns
    -------
    allowed : ndarray of bool, shape (K + 1, K + 1)
        Whether label j may follow label i, in row i and column j. The last row tells
        which may come first, and the last column which may come last.
    """
    around = [*labels, "O"]  # nothing is open before the first and behind the last
    return np.array([[_may_follow(a, b, scheme) for b in around] for a in around])


def _may_follow(label: str, following: str, scheme: str) -> bool:
    place, _, kind = label.partition("-")
    next_place, _, next_kind = following.partition("-")
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
    scheme : {"BIO", "BIOES"}

    Returns
    -------
    written : list of str
    """
    written = ["O"] * len(labels)
    for span in find_spans(labels):
        written[span.start : span.stop] = _labels_of(span, scheme)
    return written


def _labels_of(span: Span, scheme: str) -> list[str]:
    n_tokens = span.stop - span.start
    places = ["B", *["I"] * (n_tokens - 1)]
    if scheme == "BIOES":
        places[-1] = "E" if n_tokens > 1 else "S"
    return [f"{place}-{span.kind}" if span.kind else place for place in places]
