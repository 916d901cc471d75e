"""Heat map of CRF transition weights."""

from typing import Any, Self

import numpy as np

from sklearn_bilstm.estimators import BiLSTMTagger
from sklearn_bilstm.inspection._model import fitted_estimator
from sklearn_bilstm.nn import CRF
from sklearn_bilstm.plotting._axes import axes_for, check_axes

__all__ = ["TransitionDisplay"]

_START, _END = "start", "end"


class TransitionDisplay:
    """Heat map of the transition weights of a conditional random field (CRF).

    Rows are the previous label and columns the next one. The last row holds the weights
    of start transitions, and the last column those of end transitions. Grey cells are
    forbidden transitions. Create it with :meth:`from_estimator`. It requires
    matplotlib: `pip install 'sklearn-bilstm[plot]'`.

    Parameters
    ----------
    weights : ndarray of shape (n_classes + 1, n_classes + 1)
        Transition weights; masked or NaN if a transition is forbidden.
    labels : sequence
        Labels, such as the `classes_` of a tagger.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the plot.

    figure_ : matplotlib Figure
        Figure that contains the axes.

    image_ : matplotlib AxesImage
        Heat map; forbidden transitions are masked.

    See Also
    --------
    LabelConfusionDisplay : Confusion matrix of token labels.

    Examples
    --------
    >>> from sklearn_bilstm import BiLSTMTagger, TransitionDisplay
    >>> X = [["Anna", "Ray", "met", "Ben"], ["Ben", "left"]] * 20
    >>> y = [["B-PER", "I-PER", "O", "B-PER"], ["B-PER", "O"]] * 20
    >>> tagger = BiLSTMTagger(max_epochs=1).fit(X, y)
    >>> display = TransitionDisplay.from_estimator(tagger)
    >>> [text.get_text() for text in display.ax_.get_yticklabels()]
    ['B-PER', 'I-PER', 'O', 'start']
    """

    ax_: Any
    figure_: Any

    def __init__(self, weights: np.ndarray, labels: Any) -> None:
        self.weights = weights
        self.labels = labels

    @classmethod
    def from_estimator(cls, model: Any, *, ax: Any = None) -> Self:
        """Plot the transition weights of a fitted tagger.

        Parameters
        ----------
        model : estimator
            A fitted :class:`BiLSTMTagger` with `crf=True`, or a pipeline, search or
            FrozenEstimator that contains one.
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : TransitionDisplay

        Raises
        ------
        ValueError
            If the model is of an unsupported type, or has no CRF.
        """
        check_axes(cls, ax)
        kind = "a fitted BiLSTMTagger with crf=True, or a model that contains one"
        tagger = fitted_estimator(model, kind)
        is_tagger = isinstance(tagger, BiLSTMTagger)
        if not is_tagger or not isinstance(tagger.module_.decoder, CRF):
            raise ValueError(f"model must be {kind}: got {model!r}.")
        field = tagger.module_.decoder
        allowed = field.allowed.cpu().numpy()
        weights = field.weight.detach().cpu().numpy()
        return cls(np.where(allowed, weights, np.nan), tagger.classes_).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Plot the transition weights.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : TransitionDisplay
        """
        ax = axes_for(self, ax)
        weights = np.ma.masked_invalid(self.weights)
        weights[-1, -1] = np.ma.masked  # sequences are not empty
        largest = np.abs(weights).max()
        self.image_ = ax.imshow(weights, cmap="RdBu", vmin=-largest, vmax=largest)
        ax.set_facecolor("0.75")
        self.figure_.colorbar(self.image_, ax=ax, label="transition weight")
        labels = [str(label) for label in self.labels]
        positions = range(len(labels) + 1)
        ax.set_xticks(positions, [*labels, _END], rotation=90)
        ax.set_yticks(positions, [*labels, _START])
        ax.set(xlabel="next label", ylabel="label")
        return self
