"""A picture of a learning rate range test."""

from typing import Any, Self

import numpy as np

from sklearn_bilstm.inspection import RangeTest, find_learning_rate
from sklearn_bilstm.plotting._axes import axes_for, check_axes

__all__ = ["LearningRateDisplay"]


class LearningRateDisplay:
    """The loss at growing learning rates, and the rate that is suggested.

    It is best made by :meth:`from_estimator`, or by :meth:`from_range_test` of what
    :func:`find_learning_rate` returned. matplotlib is needed, which
    `pip install 'sklearn-bilstm[plot]'` installs.

    Parameters
    ----------
    range_test : RangeTest
        What to draw.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.

    figure_ : matplotlib Figure
        The figure they are in.

    line_ : matplotlib Line2D
        The smoothed loss.

    suggestion_ : matplotlib Line2D
        The rate that is suggested.

    See Also
    --------
    find_learning_rate : What is drawn, in numbers.
    TrainingCurveDisplay : The loss from epoch to epoch.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_bilstm import BiLSTMClassifier, TextVectorizer
    >>> from sklearn_bilstm import LearningRateDisplay
    >>> from sklearn_bilstm.datasets import make_reviews
    >>> texts, labels = make_reviews(300, random_state=0)
    >>> model = make_pipeline(TextVectorizer(), BiLSTMClassifier(random_state=0))
    >>> display = LearningRateDisplay.from_estimator(model, texts, labels)
    >>> display.range_test.suggestion < 1
    True
    """

    def __init__(self, range_test: RangeTest) -> None:
        self.range_test = range_test

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        lowest: float = 1e-5,
        highest: float = 10.0,
        n_steps: int = 150,
        ax: Any = None,
    ) -> Self:
        """Make a range test of a model, and draw it.

        Parameters
        ----------
        model : estimator
            A BiLSTM estimator, or a Pipeline that ends with one. It is left as it is.
        X : array-like or sparse matrix of shape (n_samples, ...)
            What the `fit` of the model takes.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Target.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        lowest : float, default=1e-5
            Rate of the first step.
        highest : float, default=10.0
            Rate of the last step, if the loss does not diverge before.
        n_steps : int, default=150
            Number of steps from one to the other, 20 or more.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : LearningRateDisplay
        """
        check_axes(cls, ax)
        range_test = find_learning_rate(
            model,
            X,
            y,
            sample_weight=sample_weight,
            lowest=lowest,
            highest=highest,
            n_steps=n_steps,
        )
        return cls.from_range_test(range_test, ax=ax)

    @classmethod
    def from_range_test(cls, range_test: RangeTest, *, ax: Any = None) -> Self:
        """Draw a range test.

        Parameters
        ----------
        range_test : RangeTest
            What :func:`find_learning_rate` returned.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : LearningRateDisplay
        """
        return cls(range_test).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : LearningRateDisplay
        """
        ax = axes_for(self, ax)
        test = self.range_test
        ax.scatter(
            test.rates, test.losses, s=8, color="C0", alpha=0.35, label="a batch"
        )
        (self.line_,) = ax.plot(
            test.rates, test.smoothed_losses, color="C0", label="smoothed"
        )
        self.suggestion_ = ax.axvline(
            test.suggestion,
            color="C1",
            linestyle="--",
            label=f"suggestion: {test.suggestion:.2g}",
        )
        # the last step may be one of which the loss was NaN
        lowest, first = np.nanmin(test.smoothed_losses), test.smoothed_losses[0]
        ax.set(
            xscale="log",
            xlabel="learning rate",
            ylabel="training loss",
            # a diverging end would press all that matters flat
            ylim=(
                0.9 * np.nanmin(test.losses),
                2.5 * first - 1.5 * lowest + 0.1 * first,
            ),
        )
        ax.legend(loc="lower left")  # where the loss has not begun to fall
        return self
