"""Confusion matrix of the labels of tokens, or of the kinds of spans."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.utils import check_consistent_length

from sklearn_bilstm.metrics import span_errors
from sklearn_bilstm.metrics._span_rows import read_span_rows
from sklearn_bilstm.plotting._axes import check_axes
from sklearn_bilstm.utils._sentences import check_label_rows, check_lengths

__all__ = ["LabelConfusionDisplay"]

# Numbers of more labels would overlap.
_MOST_LABELS_WITH_VALUES = 8
# Size of a figure in inches: that of its least side, and for each label.
_LEAST_SIDE, _SIDE_OF_LABEL, _SIDE_OF_NAMES = 5.0, 0.35, 2.5


class LabelConfusionDisplay(ConfusionMatrixDisplay):
    """Confusion matrix of the labels of tokens, or of the kinds of spans.

    It extends scikit-learn's :class:`~sklearn.metrics.ConfusionMatrixDisplay` to
    sequences of labels, and has the same parameters and attributes. Its figure grows
    with the number of labels, and it shows numbers for up to eight labels only.
    Create it with :meth:`from_estimator` or :meth:`from_predictions`. It requires
    matplotlib: `pip install 'sklearn-bilstm[plot]'`.

    Parameters
    ----------
    confusion_matrix : ndarray of shape (n_labels, n_labels)
        Number of tokens with each true label (rows) and predicted label (columns), or
        of spans with each true and predicted kind.
    display_labels : sequence, default=None
        Labels of the axes. If None, they are numbered.

    See Also
    --------
    TransitionDisplay : Transition weights between the labels of a tagger.

    Examples
    --------
    >>> from sklearn_bilstm import LabelConfusionDisplay
    >>> display = LabelConfusionDisplay.from_predictions(
    ...     [["DET", "NOUN"], ["NOUN"]], [["DET", "VERB"], ["NOUN"]]
    ... )
    >>> display.confusion_matrix
    array([[1, 0, 0],
           [0, 1, 1],
           [0, 0, 0]])
    """

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        ax: Any = None,
        **options: Any,
    ) -> Self:
        """Plot the confusion matrix of a fitted model.

        Parameters
        ----------
        model : estimator
            A fitted :class:`BiLSTMTagger`, or a meta-estimator with the same output.
            With `unit="span"`, also a fitted :class:`EntityRecognizer`.
        X : sequence of sequence of str, or sequence of str
            Input rows of the model.
        y : sequence of sequence
            True labels, or spans, of each row.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.
        **options
            See :meth:`from_predictions`.

        Returns
        -------
        display : LabelConfusionDisplay

        Raises
        ------
        ValueError
            If the model is a classifier of several tasks, or the rows are invalid as in
            :meth:`from_predictions`.
        """
        check_axes(cls, ax)
        if isinstance(getattr(model, "classes_", None), list):
            raise ValueError(
                "model must predict a label per token: got a classifier of several "
                "tasks. For the task of column j, pass y[:, j] and "
                "model.predict(X)[:, j] to scikit-learn's "
                "ConfusionMatrixDisplay.from_predictions."
            )
        return cls.from_predictions(
            y, model.predict(X), sample_weight=sample_weight, ax=ax, **options
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: Sequence[Sequence],
        y_pred: Sequence[Sequence],
        *,
        unit: str = "token",
        sample_weight: Any = None,
        ax: Any = None,
        include_outside: bool = True,
        include_values: bool | None = None,
        xticks_rotation: Any = "vertical",
        **options: Any,
    ) -> Self:
        """Plot the confusion matrix of true and predicted labels.

        Parameters
        ----------
        y_true : sequence of sequence
            True labels of each row. Tokens whose label is missing do not count. With
            `unit="span"`, also spans of characters, as in :class:`EntityRecognizer`.
        y_pred : sequence of sequence
            Predicted labels, or spans, of each row.
        unit : {"token", "span"}, default="token"
            What the cells count: tokens by their labels, or spans by their kinds. True
            and predicted spans that overlap are matched one to one, as in
            :func:`~sklearn_bilstm.metrics.span_errors`, so that the diagonal contains
            spans with wrong borders too. The column "O" contains missed spans, and the
            row "O" spurious ones.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.
        include_outside : bool, default=True
            Whether to show the label "O", which usually exceeds all others. If False,
            tokens, or spans, whose true or predicted label is "O" do not count.
        include_values : bool or None, default=None
            Whether to write numbers into the cells. None means for up to eight labels.
        xticks_rotation : {"vertical", "horizontal"} or float, default="vertical"
            Rotation of the labels of the x-axis.
        **options
            Further parameters of scikit-learn's
            `ConfusionMatrixDisplay.from_predictions`, such as `labels`, `normalize`,
            `values_format`, `cmap` and `colorbar`.

        Returns
        -------
        display : LabelConfusionDisplay

        Raises
        ------
        ValueError
            If `unit` is invalid, the rows are not lists of labels or spans, there are
            no spans or spans of the kind "O" with `unit="span"`, or true and
            predicted rows differ in length.
        """
        check_axes(cls, ax)
        if unit not in _PAIRS:
            raise ValueError(f"unit must be 'token' or 'span': got {unit!r}.")
        pairs = _PAIRS[unit](y_true, y_pred, sample_weight)
        labels = options.pop("labels", None)
        if labels is None:
            labels = sorted({label for pair in pairs for label in pair[:2]})
            if unit == "span":
                labels = [*(label for label in labels if label != "O"), "O"]
        if not include_outside:
            labels = [label for label in labels if label != "O"]
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight)[[row for *_, row in pairs]]
        return super().from_predictions(
            [true for true, *_ in pairs],
            [predicted for _, predicted, _ in pairs],
            labels=np.asarray(labels),
            sample_weight=sample_weight,
            ax=ax,
            include_values=include_values,
            xticks_rotation=xticks_rotation,
            **options,
        )

    def plot(
        self,
        *,
        include_values: bool | None = None,
        xticks_rotation: Any = "vertical",
        ax: Any = None,
        **options: Any,
    ) -> Self:
        """Plot the confusion matrix.

        Parameters
        ----------
        include_values : bool or None, default=None
            Whether to write numbers into the cells. None means for up to eight labels.
        xticks_rotation : {"vertical", "horizontal"} or float, default="vertical"
            Rotation of the labels of the x-axis.
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created, whose size depends on the
            number of labels.
        **options
            Further parameters of scikit-learn's `ConfusionMatrixDisplay.plot`.

        Returns
        -------
        display : LabelConfusionDisplay
        """
        pyplot = check_axes(type(self), ax)
        n_labels = len(self.confusion_matrix)
        if include_values is None:
            include_values = n_labels <= _MOST_LABELS_WITH_VALUES
        if ax is None:
            side = max(_LEAST_SIDE, _SIDE_OF_NAMES + _SIDE_OF_LABEL * n_labels)
            _, ax = pyplot.subplots(figsize=(1.2 * side, side), layout="constrained")
        return super().plot(
            include_values=include_values,
            xticks_rotation=xticks_rotation,
            ax=ax,
            **options,
        )


def _token_pairs(
    y_true: Sequence[Sequence], y_pred: Sequence[Sequence], sample_weight: Any
) -> list[tuple]:
    """Return the true and predicted label, and the row, of each token."""
    name = LabelConfusionDisplay.__name__
    y_true = check_label_rows(y_true, name=name, allow_missing=True)
    y_pred = check_label_rows(y_pred, name=name)
    check_consistent_length(y_true, y_pred, sample_weight)
    check_lengths([len(row) for row in y_pred], y_true, "y_true")
    return [
        (true, predicted, row)
        for row, labels in enumerate(zip(y_true, y_pred, strict=True))
        for true, predicted in zip(*labels, strict=True)
        if true is not None
    ]


def _span_pairs(
    y_true: Sequence[Sequence], y_pred: Sequence[Sequence], sample_weight: Any
) -> list[tuple]:
    """Return the true and predicted kind, or "O", and the row of each span."""
    rows = read_span_rows(y_true, y_pred, sample_weight)
    for row, (true, predicted) in enumerate(rows):
        if any(span.kind == "O" for span in [*true, *predicted]):
            raise ValueError(
                "y_true and y_pred must hold spans of other kinds than 'O', which "
                f"stands for no span: row {row} has one. Rename this kind."
            )
    pairs = [
        (span.kind, span.kind, row)
        for row, (true, predicted) in enumerate(rows)
        for span in set(true) & set(predicted)
    ]
    for error in span_errors(y_true, y_pred):
        true_kind = error.true.kind if error.true else "O"
        predicted_kind = error.predicted.kind if error.predicted else "O"
        pairs.append((true_kind, predicted_kind, error.row))
    if not pairs:
        raise ValueError("y_true or y_pred must contain at least one span: got none.")
    return pairs


_PAIRS = {"token": _token_pairs, "span": _span_pairs}
