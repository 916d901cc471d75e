"""Plot of the training history."""

from typing import Any, Self

from sklearn_bilstm.inspection._model import fitted_estimator
from sklearn_bilstm.plotting._axes import axes_for

__all__ = ["TrainingCurveDisplay"]

# Names of the metrics in the history, and their axis labels.
_METRICS = {
    "loss": {"loss": "loss"},
    "score": {"accuracy": "accuracy", "f1": "F1 of spans", "r2": "R²"},
    "lr": {"lr": "learning rate"},
}
_ROWS = {
    "train_": {"label": "training", "color": "C0"},
    "valid_": {"label": "validation", "color": "C1"},
    "": {"color": "C2"},
}
# With more points, markers would hide the line.
_MOST_MARKERS = 50


class TrainingCurveDisplay:
    """Plot of the loss, score or learning rate per epoch.

    Create it with :meth:`from_estimator`. It requires matplotlib:
    `pip install 'sklearn-bilstm[plot]'`. Training metrics are recorded during the
    epoch, with dropout, so validation metrics can be better.

    Parameters
    ----------
    history : list of dict
        `history_` of an estimator.
    best_epoch : int
        `best_epoch_` of an estimator.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the plot.

    figure_ : matplotlib Figure
        Figure that contains the axes.

    lines_ : dict of matplotlib Line2D
        Lines by the name of their metric in the history.

    best_epoch_ : matplotlib Line2D or None
        Line at the epoch whose weights are in use. None without validation data.

    See Also
    --------
    LearningRateDisplay : Plot of a learning-rate range test.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_bilstm import BiLSTMClassifier, TextVectorizer
    >>> from sklearn_bilstm import TrainingCurveDisplay
    >>> from sklearn_bilstm.datasets import make_reviews
    >>> texts, labels = make_reviews(300, random_state=0)
    >>> classifier = BiLSTMClassifier(early_stopping=True, random_state=0)
    >>> model = make_pipeline(TextVectorizer(), classifier).fit(texts, labels)
    >>> display = TrainingCurveDisplay.from_estimator(model)
    >>> sorted(display.lines_)
    ['train_loss', 'valid_loss']
    """

    def __init__(self, history: list[dict[str, Any]], best_epoch: int) -> None:
        self.history = history
        self.best_epoch = best_epoch

    @classmethod
    def from_estimator(
        cls, model: Any, *, metric: str = "loss", ax: Any = None
    ) -> Self:
        """Plot the training history of a fitted model.

        Parameters
        ----------
        model : estimator
            A fitted BiLSTM estimator, or a pipeline or search that contains one.
        metric : {"loss", "score", "lr"}, default="loss"
            Metric to plot. The score is the accuracy of a classifier, the R2 of a
            regressor, and, on validation data only, the accuracy or span F1 of a
            tagger. The learning rate is its value at the end of each epoch.
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : TrainingCurveDisplay

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the model is of an unsupported type.
        """
        estimator = fitted_estimator(
            model, "a fitted BiLSTM estimator, or a Pipeline or search with one"
        )
        display = cls(estimator.history_, estimator.best_epoch_)
        return display.plot(ax=ax, metric=metric)

    def plot(self, ax: Any = None, *, metric: str = "loss") -> Self:
        """Plot the history.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.
        metric : {"loss", "score", "lr"}, default="loss"
            Metric to plot, as in :meth:`from_estimator`.

        Returns
        -------
        display : TrainingCurveDisplay

        Raises
        ------
        ValueError
            If the metric is unknown or not in the history.
        """
        label, styles = self._line_styles(metric)
        ax = axes_for(self, ax)
        epochs = [epoch["epoch"] for epoch in self.history]
        marker = "." if len(epochs) <= _MOST_MARKERS else None
        self.lines_ = {}
        for name, style in styles.items():
            values = [epoch[name] for epoch in self.history]
            (self.lines_[name],) = ax.plot(epochs, values, marker=marker, **style)
        self.best_epoch_ = None
        if "valid_loss" in self.history[-1]:
            self.best_epoch_ = ax.axvline(
                self.best_epoch,
                color="0.5",
                linestyle=":",
                label=f"weights of epoch {self.best_epoch}",
            )
        ax.set(xlabel="epoch", ylabel=label)
        ax.xaxis.get_major_locator().set_params(integer=True)
        if ax.get_legend_handles_labels()[0]:
            ax.legend()
        return self

    def _line_styles(self, metric: str) -> tuple[str, dict[str, dict[str, str]]]:
        """Return the axis label of a metric and the style of each of its lines."""
        if metric not in _METRICS:
            metrics = ", ".join(map(repr, _METRICS))
            raise ValueError(
                f"metric must be one of {metrics}: got {metric!r}. For accuracy and "
                "R2, use 'score'."
            )
        for name, label in _METRICS[metric].items():
            styles = {rows + name: style for rows, style in _ROWS.items()}
            curves = {key: styles[key] for key in styles if key in self.history[-1]}
            if curves:
                return label, curves
        raise ValueError(f"history must contain a {metric} for each epoch: got none.")
