"""Plot of a learning-rate range test."""

from typing import Any, Self

import numpy as np

from sklearn_bilstm.inspection import RangeTest, find_learning_rate
from sklearn_bilstm.plotting._axes import axes_for, check_axes

__all__ = ["LearningRateDisplay"]


class LearningRateDisplay:
    """Plot of a learning-rate range test, with the suggested rate.

    Create it with :meth:`from_estimator`, or with :meth:`from_range_test` from the
    result of :func:`find_learning_rate`. It requires matplotlib:
    `pip install 'sklearn-bilstm[plot]'`.

    Parameters
    ----------
    range_test : RangeTest
        Result of :func:`find_learning_rate`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the plot.

    figure_ : matplotlib Figure
        Figure that contains the axes.

    line_ : matplotlib Line2D
        Smoothed loss.

    suggestion_ : matplotlib Line2D
        Suggested learning rate.

    See Also
    --------
    find_learning_rate : Run a range test and return its result.
    TrainingCurveDisplay : Plot of the loss per epoch.

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
        """Run a range test of a model, and plot it.

        Parameters
        ----------
        model : estimator
            A BiLSTM estimator, or a pipeline that ends with one. It is not modified.
        X : array-like or sparse matrix of shape (n_samples, ...)
            Training data in the format that `model.fit` accepts.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Target.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.
        lowest : float, default=1e-5
            Learning rate of the first step.
        highest : float, default=10.0
            Learning rate of the last step, unless the loss diverges earlier.
        n_steps : int, default=150
            Number of steps between both rates, at least 20.
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

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
        """Plot a range test.

        Parameters
        ----------
        range_test : RangeTest
            Result of :func:`find_learning_rate`.
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : LearningRateDisplay
        """
        return cls(range_test).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Plot the smoothed loss and the suggested learning rate.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

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
        # the loss of the last step may be NaN
        lowest, first = np.nanmin(test.smoothed_losses), test.smoothed_losses[0]
        ax.set(
            xscale="log",
            xlabel="learning rate",
            ylabel="training loss",
            # cut off the steep end of a diverging loss, which would flatten the curve
            ylim=(
                0.9 * np.nanmin(test.losses),
                2.5 * first - 1.5 * lowest + 0.1 * first,
            ),
        )
        ax.legend(loc="lower left")  # below the start of the curve
        return self
