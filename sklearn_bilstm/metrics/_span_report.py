"""Text report of the scores of spans."""

from collections.abc import Sequence
from typing import Any

from sklearn_bilstm.metrics._span_rows import read_span_rows
from sklearn_bilstm.metrics._span_scores import span_precision_recall_fscore_support

__all__ = ["span_classification_report"]

_AVERAGES = ("micro", "macro", "weighted")
_COLUMNS = ("precision", "recall", "f1-score", "support")


def span_classification_report(
    y_true: Sequence[Sequence],
    y_pred: Sequence[Sequence],
    *,
    kinds: Sequence[str] | None = None,
    sample_weight: Any = None,
    digits: int = 2,
    output_dict: bool = False,
    zero_division: str | float = "warn",
) -> str | dict[str, dict[str, float]]:
    """Build a report of the scores of each kind of spans, and of their averages.

    This is the equivalent of :func:`sklearn.metrics.classification_report` for spans,
    in the format of the package seqeval.

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
    sample_weight : array-like of shape (n_sequences,), default=None
        Weights of the sequences.
    digits : int, default=2
        Number of decimals.
    output_dict : bool, default=False
        Whether to return a dict instead of a text.
    zero_division : {"warn"} or float, default="warn"
        Value of a score whose denominator is zero: 0, 1 or NaN. "warn" means 0 with a
        warning.

    Returns
    -------
    report : str or dict
        For each kind, and "micro avg", "macro avg" and "weighted avg", the precision,
        recall, F1 score and support, which is the number of true spans.

    Raises
    ------
    ValueError
        As in :func:`span_precision_recall_fscore_support`.

    Examples
    --------
    >>> from sklearn_bilstm.metrics import span_classification_report
    >>> y_true = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-LOC"]]
    >>> y_pred = [["B-PER", "I-PER", "O", "B-PER"], ["O", "B-LOC"]]
    >>> print(span_classification_report(y_true, y_pred))
                  precision    recall  f1-score   support
    <BLANKLINE>
             LOC       1.00      0.50      0.67         2
             PER       0.50      1.00      0.67         1
    <BLANKLINE>
       micro avg       0.67      0.67      0.67         3
       macro avg       0.75      0.75      0.67         3
    weighted avg       0.83      0.67      0.67         3
    <BLANKLINE>
    """
    options = {"sample_weight": sample_weight, "zero_division": zero_division}
    if kinds is None:
        rows = read_span_rows(y_true, y_pred, sample_weight)
        kinds = sorted({span.kind for row in rows for spans in row for span in spans})
    *scores, support = span_precision_recall_fscore_support(
        y_true, y_pred, kinds=kinds, **options
    )
    lines = dict(zip(kinds, zip(*scores, support, strict=True), strict=False))
    total = support[: len(kinds)].sum()
    averages = {
        f"{average} avg": (
            *span_precision_recall_fscore_support(
                y_true, y_pred, kinds=kinds, average=average, **options
            )[:3],
            total,
        )
        for average in _AVERAGES
    }
    if output_dict:
        return {
            name: dict(zip(_COLUMNS, map(_number, values), strict=True))
            for name, values in (lines | averages).items()
        }
    return _as_text(lines, averages, digits)


def _number(value: Any) -> float:
    """Return a Python number; counts without weights stay integers."""
    return value.item() if hasattr(value, "item") else value


def _as_text(lines: dict, averages: dict, digits: int) -> str:
    width = max(map(len, [*lines, *averages]))
    width = max(width, len("weighted avg"), digits)
    header = " " * width + " " + "".join(f" {name:>9}" for name in _COLUMNS)
    report = f"{header}\n"
    for block in (lines, averages):
        report += "\n"
        for name, (*scores, support) in block.items():
            numbers = "".join(f" {score:>9.{digits}f}" for score in scores)
            report += f"{name:>{width}} {numbers} {_number(support):>9}\n"
    return report
