"""A picture of a training, epoch by epoch."""

from typing import Any, Self

from sklearn_bilstm.inspection._model import fitted_estimator
from sklearn_bilstm.plotting._axes import axes_for

__all__ = ["TrainingCurveDisplay"]

# The names in the history of what may be drawn, and how its axis is called.
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
# More points would hide their line.
_MOST_MARKERS = 50


class TrainingCurveDisplay:
    """The loss, score or learning rate of a training, from epoch to epoch.

    It is best made by :meth:`from_estimator`. matplotlib is needed, which
    `pip install 'sklearn-bilstm[plot]'` installs. What was learnt from is drawn as it
    was at the time, with dropout, so that validation rows may well do better.

    Parameters
    ----------
    history : list of dict
        The `history_` of an estimator.
    best_epoch : int
        Its `best_epoch_`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.

    figure_ : matplotlib Figure
        The figure they are in.

    lines_ : dict of matplotlib Line2D
        The lines, by the name that the history has for what they show.

    best_epoch_ : matplotlib Line2D or None
        Where the epoch is whose weights are in use, if there are validation rows.

    See Also
    --------
    LearningRateDisplay : The loss at growing learning rates, before a training.

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
        """Draw how a fitted model was trained.

        Parameters
        ----------
        model : estimator
            A fitted BiLSTM estimator, or a Pipeline or search that holds one.
        metric : {"loss", "score", "lr"}, default="loss"
            What to draw. The score of a classifier is its accuracy, that of a regressor
            R2, and that of a tagger, on validation rows alone, accuracy or the F1 of
            spans. The learning rate is that which an epoch ended with.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : TrainingCurveDisplay

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If it is of another kind.
        """
        estimator = fitted_estimator(
            model, "a fitted BiLSTM estimator, or a Pipeline or search that holds one"
        )
        display = cls(estimator.history_, estimator.best_epoch_)
        return display.plot(ax=ax, metric=metric)

    def plot(self, ax: Any = None, *, metric: str = "loss") -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        metric : {"loss", "score", "lr"}, default="loss"
            What to draw, as for :meth:`from_estimator`.

        Returns
        -------
        display : TrainingCurveDisplay

        Raises
        ------
        ValueError
            If there is no such metric, or none in the history.
        """
        label, looks = self._lines_of(metric)
        ax = axes_for(self, ax)
        epochs = [epoch["epoch"] for epoch in self.history]
        marker = "." if len(epochs) <= _MOST_MARKERS else None
        self.lines_ = {}
        for name, look in looks.items():
            values = [epoch[name] for epoch in self.history]
            (self.lines_[name],) = ax.plot(epochs, values, marker=marker, **look)
        self.best_epoch_ = None
        if "valid_loss" in self.history[-1]:
            self.best_epoch_ = ax.axvline(
                self.best_epoch,
                color="0.5",
                linestyle=":",
                label=f"epoch {self.best_epoch}, in use",
            )
        ax.set(xlabel="epoch", ylabel=label)
        ax.xaxis.get_major_locator().set_params(integer=True)
        if ax.get_legend_handles_labels()[0]:
            ax.legend()
        return self

    def _lines_of(self, metric: str) -> tuple[str, dict[str, dict[str, str]]]:
        """Return the label of a metric, and how each of its lines is drawn."""
        if metric not in _METRICS:
            known = ", ".join(map(repr, _METRICS))
            raise ValueError(
                f"metric must be one of {known}: got {metric!r}. Accuracy and R2 are "
                "drawn by 'score'."
            )
        for name, label in _METRICS[metric].items():
            looks = {rows + name: look for rows, look in _ROWS.items()}
            found = {key: looks[key] for key in looks if key in self.history[-1]}
            if found:
                return label, found
        raise ValueError(f"history must hold a {metric} of each epoch: it has none.")
