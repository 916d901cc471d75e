"""Confusion matrix of token labels."""

from collections.abc import Sequence
from itertools import chain
from typing import Any, Self

import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.utils import check_consistent_length

from sklearn_bilstm.plotting._axes import check_axes
from sklearn_bilstm.utils._sentences import check_label_rows, check_lengths

__all__ = ["LabelConfusionDisplay"]

# Numbers of more labels would overlap.
_MOST_LABELS_WITH_VALUES = 8
# Size of a figure in inches: that of its least side, and for each label.
_LEAST_SIDE, _SIDE_OF_LABEL, _SIDE_OF_NAMES = 5.0, 0.35, 2.5


class LabelConfusionDisplay(ConfusionMatrixDisplay):
    """Confusion matrix of token labels.

    It extends scikit-learn's :class:`~sklearn.metrics.ConfusionMatrixDisplay` to
    sequences of labels, and has the same parameters and attributes. Its figure grows
    with the number of labels, and it shows numbers for up to eight labels only.
    Create it with :meth:`from_estimator` or :meth:`from_predictions`. It requires
    matplotlib: `pip install 'sklearn-bilstm[plot]'`.

    Parameters
    ----------
    confusion_matrix : ndarray of shape (n_labels, n_labels)
        Number of tokens with each true label (rows) and predicted label (columns).
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
        X : sequence of sequence of str
            Input rows of the model.
        y : sequence of sequence
            True labels of each row.
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
            True labels of each row. Tokens whose label is missing do not count.
        y_pred : sequence of sequence
            Predicted labels of each row.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.
        include_outside : bool, default=True
            Whether to show the label "O", which usually exceeds all others. If False,
            tokens whose true or predicted label is "O" do not count.
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
            If the rows are not lists of labels, or true and predicted rows differ in
            length.
        """
        check_axes(cls, ax)
        y_true = check_label_rows(y_true, name=cls.__name__, allow_missing=True)
        y_pred = check_label_rows(y_pred, name=cls.__name__)
        check_consistent_length(y_true, y_pred, sample_weight)
        lengths = [len(row) for row in y_pred]
        check_lengths(lengths, y_true, "y_true")
        pairs = list(zip(chain(*y_true), chain(*y_pred), strict=True))
        known = [i for i, (label, _) in enumerate(pairs) if label is not None]
        if sample_weight is not None:
            sample_weight = np.repeat(sample_weight, lengths)[known]
        if not include_outside:
            labels = options.get("labels")
            if labels is None:
                labels = sorted({label for i in known for label in pairs[i]})
            options["labels"] = [label for label in labels if label != "O"]
        return super().from_predictions(
            [pairs[i][0] for i in known],
            [pairs[i][1] for i in known],
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
