"""Tagging schemes and their allowed transitions."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sklearn_bilstm.metrics._spans import Span, find_spans, parts_of

__all__ = ["SCHEMES", "allowed_transitions", "convert_to_scheme", "find_scheme"]


class _Scheme(NamedTuple):
    """Prefixes of labels.

    Parameters
    ----------
    inside, last : str
        Prefix of a token inside a span, and of its last token.
    single : str
        Prefix of a span of a single token.
    first : str, default="B"
        Prefix of the first of several tokens.
    """

    inside: str
    last: str
    single: str
    first: str = "B"

    @property
    def letters(self) -> set[str]:
        """All prefixes of the scheme."""
        return {"O", "B", *self}


# In IOB1, "B" only marks the first token of a span that follows one of the same kind.
SCHEMES = {
    "BIO": _Scheme("I", "I", "B"),
    "BIOES": _Scheme("I", "E", "S"),
    "BILOU": _Scheme("I", "L", "U"),
    "BMES": _Scheme("M", "E", "S"),
    "IOB1": _Scheme("I", "I", "I", first="I"),
}


def find_scheme(rows: Sequence[Sequence[str]]) -> str | None:
    """Detect the tagging scheme of labels.

    Parameters
    ----------
    rows : sequence of sequence of str
        Labels of the tokens of each sequence.

    Returns
    -------
    scheme : {"BIO", "IOB1", "BIOES", "BILOU", "BMES"} or None
        The scheme that matches the most spans, the first in case of a tie. "IOB1" is
        returned instead of "BIO" if more spans start with a label such as "I-PER" than
        with one such as "B-PER". None is returned if a label is not part of a scheme,
        or if labels without a kind do not all belong to one scheme that includes "B"
        and "I" or "M".
    """
    labels: set[str] = set()
    schemes = {name: SCHEMES[name] for name in SCHEMES if name != "IOB1"}
    n_written = dict.fromkeys(schemes, 0)
    n_first = {"B": 0, "I": 0}
    try:
        for row in rows:
            labels |= set(row)
            for span in find_spans(row):
                span_labels = list(row[span.start : span.stop])
                n_first["B"] += span_labels[0].startswith("B")
                n_first["I"] += span_labels[0].startswith("I")
                for name, scheme in schemes.items():
                    n_written[name] += span_labels == _labels_of(span, scheme)
    except (AttributeError, TypeError, ValueError):  # not labels of spans
        return None
    if not labels or _only_resemble_prefixes(labels):
        return None
    name = max(n_written, key=n_written.__getitem__)
    return "IOB1" if name == "BIO" and n_first["I"] > n_first["B"] else name


def _only_resemble_prefixes(labels: set[str]) -> bool:
    """Return whether labels such as sizes only look like prefixes of a scheme."""
    if labels == {"O"} or any("-" in label for label in labels):
        return False
    is_known = any(labels <= scheme.letters for scheme in SCHEMES.values())
    return not is_known or "B" not in labels or not labels & {"I", "M"}


def allowed_transitions(labels: Sequence[str], scheme: str) -> np.ndarray:
    """Return the allowed transitions between labels.

    Parameters
    ----------
    labels : sequence of str
        All K labels.
    scheme : {"BIO", "BIOES", "BILOU", "BMES", "IOB1"}

    Returns
    -------
    allowed : ndarray of bool, shape (K + 1, K + 1)
        Whether label j (column) can follow label i (row). The last row holds the
        allowed first labels, and the last column the allowed last labels.

    Raises
    ------
    ValueError
        If the scheme is unknown, or a label is not part of it.
    """
    _check_scheme(scheme)
    # no span is open before the first label or after the last one
    parts = [parts_of(label) for label in [*labels, "O"]]
    return np.array([[_may_follow(a, b, scheme) for b in parts] for a in parts])


def _may_follow(label: tuple, following: tuple, scheme: str) -> bool:
    (prefix, kind), (next_prefix, next_kind) = label, following
    if scheme == "IOB1":
        return next_prefix != "B" or (prefix in "BI" and kind == next_kind)
    if next_prefix in "IE":  # continues an open span
        return prefix in "BI" and kind == next_kind
    # starts a span or is outside: the previous span must have ended
    return scheme == "BIO" or prefix not in "BI"


def convert_to_scheme(labels: Sequence[str], scheme: str) -> list[str]:
    """Convert the labels of a sequence to a scheme.

    Parameters
    ----------
    labels : sequence of str
        Labels in any scheme that :func:`find_spans` accepts.
    scheme : {"BIO", "BIOES", "BILOU", "BMES", "IOB1"}

    Returns
    -------
    written : list of str

    Raises
    ------
    ValueError
        If the scheme is unknown, or a label is not part of any scheme.
    """
    _check_scheme(scheme)
    written = ["O"] * len(labels)
    previous = None
    for span in find_spans(labels):
        letters = written[span.start : span.stop] = _labels_of(span, SCHEMES[scheme])
        if scheme == "IOB1" and previous == (span.kind, span.start):
            written[span.start] = f"B{letters[0][1:]}"
        previous = span.kind, span.stop
    return written


def _labels_of(span: Span, scheme: _Scheme) -> list[str]:
    n_tokens = span.stop - span.start
    letters = [scheme.first, *[scheme.inside] * (n_tokens - 1)]
    letters[-1] = scheme.last if n_tokens > 1 else scheme.single
    return [f"{letter}-{span.kind}" if span.kind else letter for letter in letters]


def _check_scheme(scheme: str) -> None:
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {list(SCHEMES)}. Got {scheme!r}.")
