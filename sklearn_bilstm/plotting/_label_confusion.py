"""A picture of which labels of tokens are taken for which."""

from collections.abc import Sequence
from itertools import chain
from typing import Any, Self

import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.utils import check_consistent_length

from sklearn_bilstm.estimators._sentences import check_label_rows, check_lengths
from sklearn_bilstm.plotting._axes import check_axes

__all__ = ["LabelConfusionDisplay"]


class LabelConfusionDisplay(ConfusionMatrixDisplay):
    """How many tokens of each label are given which, as both are written.

    This is the display of scikit-learn, of whose parameters, attributes and `plot` it
    has all, for rows of labels. It is best made by :meth:`from_estimator` or
    :meth:`from_predictions`. matplotlib is needed, which
    `pip install 'sklearn-bilstm[plot]'` installs.

    Parameters
    ----------
    confusion_matrix : ndarray of shape (n_labels, n_labels)
        Number of tokens of each label, in rows, that are given each label, in columns.
    display_labels : sequence, default=None
        The labels. None means their numbers.

    See Also
    --------
    TransitionDisplay : Which label a tagger lets follow which.

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
        """Draw which labels a fitted model takes for which.

        Parameters
        ----------
        model : estimator
            A fitted :class:`BiLSTMTagger`, or what holds it and predicts as it does.
        X : sequence of sequence of str
            Rows that it reads.
        y : sequence of sequence
            Their labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **options
            See :meth:`from_predictions`.

        Returns
        -------
        display : LabelConfusionDisplay
        """
        check_axes(cls, ax)
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
        xticks_rotation: Any = "vertical",
        **options: Any,
    ) -> Self:
        """Draw which labels are taken for which.

        Parameters
        ----------
        y_true : sequence of sequence
            True labels of each row.
        y_pred : sequence of sequence
            Labels predicted.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        xticks_rotation : {"vertical", "horizontal"} or float, default="vertical"
            Rotation of the labels below.
        **options
            `labels`, `normalize`, `include_values`, `values_format`, `cmap`, `colorbar`
            and so on, of scikit-learn's `ConfusionMatrixDisplay.from_predictions`.

        Returns
        -------
        display : LabelConfusionDisplay

        Raises
        ------
        ValueError
            If the rows are no lists of labels, or have not as many labels each.
        """
        check_axes(cls, ax)
        y_true, y_pred = (
            check_label_rows(y, name=cls.__name__) for y in (y_true, y_pred)
        )
        check_consistent_length(y_true, y_pred, sample_weight)
        lengths = [len(row) for row in y_pred]
        check_lengths(lengths, y_true, "y_true")
        if sample_weight is not None:
            sample_weight = np.repeat(sample_weight, lengths)
        return super().from_predictions(
            [*chain(*y_true)],
            [*chain(*y_pred)],
            sample_weight=sample_weight,
            ax=ax,
            xticks_rotation=xticks_rotation,
            **options,
        )
