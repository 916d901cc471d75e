"""Precision, recall and F1 of spans."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import precision_recall_fscore_support

from sklearn_bilstm.metrics._span_rows import read_span_rows
from sklearn_bilstm.metrics._spans import Span
from sklearn_bilstm.utils._sklearn import check_sample_weight

__all__ = [
    "span_f1_score",
    "span_precision_recall_fscore_support",
    "span_precision_score",
    "span_recall_score",
]

Rows = Sequence[Sequence[str]]

# Code of an item that is not a span.
_NONE = -1


def span_precision_recall_fscore_support(
    y_true: Rows,
    y_pred: Rows,
    *,
    kinds: Sequence[str] | None = None,
    average: str | None = None,
    sample_weight: Any = None,
    zero_division: str | float = "warn",
) -> tuple[Any, Any, Any, Any]:
    """Compute precision, recall, F-score and support of spans.

    A predicted span is correct if its kind, start and end are correct. This is the
    equivalent of :func:`sklearn.metrics.precision_recall_fscore_support` for spans.
    With `average="micro"`, the results are those of the evaluation script of the CoNLL
    shared tasks. Tokens whose true label is missing or -100 are removed from both.

    Parameters
    ----------
    y_true : sequence of sequence of str
        True labels of the tokens of each sequence, as :func:`find_spans` reads them.
        Also accepted are spans of characters, as in
        :class:`~sklearn_bilstm.EntityRecognizer`.
    y_pred : sequence of sequence of str
        Predicted labels, with the same length for each sequence, or predicted spans.
    kinds : sequence of str, default=None
        Kinds of spans to include. If None, all kinds in `y_true` and `y_pred` in sorted
        order.
    average : {"micro", "macro", "weighted"} or None, default=None
        "micro" computes the scores over all spans, "macro" their unweighted mean over
        kinds, and "weighted" their mean weighted by the support of each kind. If None,
        the scores of each kind are returned.
    sample_weight : array-like of shape (n_sequences,), default=None
        Weights of the sequences.
    zero_division : {"warn"} or float, default="warn"
        Value of a score whose denominator is zero: 0, 1 or NaN. "warn" means 0 with a
        warning.

    Returns
    -------
    precision : float or ndarray of shape (n_kinds,)
        Fraction of the predicted spans that are correct.
    recall : float or ndarray of shape (n_kinds,)
        Fraction of the true spans that are found.
    fscore : float or ndarray of shape (n_kinds,)
        Harmonic mean of precision and recall.
    support : None or ndarray of shape (n_kinds,)
        Number of true spans. None if `average` is not None.

    Raises
    ------
    ValueError
        If `y_true` and `y_pred` differ in length, as a whole or in a sequence, if a
        label does not belong to a known scheme, or if `kinds` is a str.

    Examples
    --------
    >>> from sklearn_bilstm.metrics import span_precision_recall_fscore_support
    >>> y_true = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-LOC"]]
    >>> y_pred = [["B-PER", "I-PER", "O", "B-PER"], ["O", "B-LOC"]]
    >>> p, r, f, n = span_precision_recall_fscore_support(y_true, y_pred)
    >>> p.tolist(), r.tolist(), n.tolist()  # of LOC and PER
    ([1.0, 0.5], [0.5, 1.0], [2, 1])
    """
    if isinstance(kinds, str):
        raise ValueError(
            f"kinds must be a list of kinds of spans, or None. Got {kinds!r} instead. "
            "Pass a single kind as [kind]."
        )
    pairs = [
        (set(true), set(predicted))
        for true, predicted in read_span_rows(y_true, y_pred, sample_weight)
    ]
    if kinds is None:
        kinds = sorted({span.kind for row in pairs for spans in row for span in spans})
    rows, true, predicted = _as_items(pairs, kinds)
    if sample_weight is not None:
        weight = check_sample_weight(sample_weight, y_true, ensure_non_negative=True)
        sample_weight = np.append(weight, 1.0)[rows]
    n_codes = len(kinds) if average is None else max(1, len(kinds))  # for an empty mean
    return precision_recall_fscore_support(
        true,
        predicted,
        labels=range(n_codes),
        average=average,
        sample_weight=sample_weight,
        zero_division=zero_division,
    )


def span_precision_score(
    y_true: Rows,
    y_pred: Rows,
    *,
    kinds: Sequence[str] | None = None,
    average: str | None = "micro",
    sample_weight: Any = None,
    zero_division: str | float = "warn",
) -> Any:
    """Compute the precision of spans: the fraction of predicted spans that are correct.

    Parameters
    ----------
    y_true : sequence of sequence of str
        True labels of the tokens of each sequence, as :func:`find_spans` reads them.
        Also accepted are spans of characters, as in
        :class:`~sklearn_bilstm.EntityRecognizer`.
    y_pred : sequence of sequence of str
        Predicted labels, with the same length for each sequence, or predicted spans.
    kinds : sequence of str, default=None
        Kinds of spans to include. If None, all kinds in `y_true` and `y_pred` in sorted
        order.
    average : {"micro", "macro", "weighted"} or None, default="micro"
        As in :func:`span_precision_recall_fscore_support`.
    sample_weight : array-like of shape (n_sequences,), default=None
        Weights of the sequences.
    zero_division : {"warn"} or float, default="warn"
        Value if there are no predicted spans. "warn" means 0 with a warning.

    Returns
    -------
    precision : float or ndarray of shape (n_kinds,)

    Raises
    ------
    ValueError
        As in :func:`span_precision_recall_fscore_support`.
    """
    scores = span_precision_recall_fscore_support(
        y_true,
        y_pred,
        kinds=kinds,
        average=average,
        sample_weight=sample_weight,
        zero_division=zero_division,
    )
    return scores[0]


def span_recall_score(
    y_true: Rows,
    y_pred: Rows,
    *,
    kinds: Sequence[str] | None = None,
    average: str | None = "micro",
    sample_weight: Any = None,
    zero_division: str | float = "warn",
) -> Any:
    """Compute the recall of spans: the fraction of true spans that are found.

    Parameters
    ----------
    y_true : sequence of sequence of str
        True labels of the tokens of each sequence, as :func:`find_spans` reads them.
        Also accepted are spans of characters, as in
        :class:`~sklearn_bilstm.EntityRecognizer`.
    y_pred : sequence of sequence of str
        Predicted labels, with the same length for each sequence, or predicted spans.
    kinds : sequence of str, default=None
        Kinds of spans to include. If None, all kinds in `y_true` and `y_pred` in sorted
        order.
    average : {"micro", "macro", "weighted"} or None, default="micro"
        As in :func:`span_precision_recall_fscore_support`.
    sample_weight : array-like of shape (n_sequences,), default=None
        Weights of the sequences.
    zero_division : {"warn"} or float, default="warn"
        Value if there are no true spans. "warn" means 0 with a warning.

    Returns
    -------
    recall : float or ndarray of shape (n_kinds,)

    Raises
    ------
    ValueError
        As in :func:`span_precision_recall_fscore_support`.
    """
    scores = span_precision_recall_fscore_support(
        y_true,
        y_pred,
        kinds=kinds,
        average=average,
        sample_weight=sample_weight,
        zero_division=zero_division,
    )
    return scores[1]


def span_f1_score(
    y_true: Rows,
    y_pred: Rows,
    *,
    kinds: Sequence[str] | None = None,
    average: str | None = "micro",
    sample_weight: Any = None,
    zero_division: str | float = "warn",
) -> Any:
    """Compute the F1 score of spans: the harmonic mean of their precision and recall.

    Parameters
    ----------
    y_true : sequence of sequence of str
        True labels of the tokens of each sequence, as :func:`find_spans` reads them.
        Also accepted are spans of characters, as in
        :class:`~sklearn_bilstm.EntityRecognizer`.
    y_pred : sequence of sequence of str
        Predicted labels, with the same length for each sequence, or predicted spans.
    kinds : sequence of str, default=None
        Kinds of spans to include. If None, all kinds in `y_true` and `y_pred` in sorted
        order.
    average : {"micro", "macro", "weighted"} or None, default="micro"
        As in :func:`span_precision_recall_fscore_support`.
    sample_weight : array-like of shape (n_sequences,), default=None
        Weights of the sequences.
    zero_division : {"warn"} or float, default="warn"
        Value if there are no spans. "warn" means 0 with a warning.

    Returns
    -------
    f1 : float or ndarray of shape (n_kinds,)

    Raises
    ------
    ValueError
        As in :func:`span_precision_recall_fscore_support`.

    Examples
    --------
    >>> from sklearn_bilstm.metrics import span_f1_score
    >>> span_f1_score([["B-PER", "I-PER", "O"]], [["B-PER", "O", "O"]])
    0.0
    """
    scores = span_precision_recall_fscore_support(
        y_true,
        y_pred,
        kinds=kinds,
        average=average,
        sample_weight=sample_weight,
        zero_division=zero_division,
    )
    return scores[2]


def _as_items(
    pairs: list[tuple[set[Span], set[Span]]], kinds: Sequence[str]
) -> np.ndarray:
    """Return row, true and predicted code of each span, and of one non-span item."""
    codes = {kind: code for code, kind in enumerate(kinds)}
    items = [(-1, _NONE, _NONE)]
    for row, (true, predicted) in enumerate(pairs):
        for span in true | predicted:
            code = codes.get(span.kind, _NONE)
            is_true, is_predicted = span in true, span in predicted
            items.append(
                (row, code if is_true else _NONE, code if is_predicted else _NONE)
            )
    return np.array(items, dtype=np.intp).T
