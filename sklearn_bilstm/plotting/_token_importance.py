"""Bar chart of the scores of tokens."""

from collections.abc import Iterator
from numbers import Integral
from typing import Any, Self

import numpy as np

from sklearn_bilstm.inspection import Explanation, explain
from sklearn_bilstm.plotting._axes import axes_for, check_axes
from sklearn_bilstm.utils._sklearn import Interval, validate_params

__all__ = ["TokenImportanceDisplay"]

# Same colours as in HTML: positive scores orange, negative blue, shares purple.
_FOR, _AGAINST, _SHARE = "#e67814", "#1e78e6", "#785ab4"

_checked = validate_params(
    {"n_tokens": [Interval(Integral, 1, None, closed="left")]},
    prefer_skip_nested_validation=False,
)


class TokenImportanceDisplay:
    """Bar chart of the tokens of a text with the largest scores, in reading order.

    Create it with :meth:`from_estimator` or :meth:`from_explanation`. It requires
    matplotlib: `pip install 'sklearn-bilstm[plot]'`.

    Parameters
    ----------
    explanation : Explanation
        Explanation of one text or label, from :func:`~sklearn_bilstm.explain`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the plot.

    figure_ : matplotlib Figure
        Figure that contains the axes.

    bars_ : matplotlib BarContainer
        Bars, from top to bottom.

    See Also
    --------
    AttentionDisplay : Heat map of attention weights.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_bilstm import BiLSTMClassifier, TextVectorizer
    >>> from sklearn_bilstm import TokenImportanceDisplay
    >>> from sklearn_bilstm.datasets import make_reviews
    >>> texts, labels = make_reviews(300, random_state=0)
    >>> model = make_pipeline(TextVectorizer(), BiLSTMClassifier(random_state=0))
    >>> display = TokenImportanceDisplay.from_estimator(
    ...     model.fit(texts, labels), "The acting was NOT good.", method="occlusion"
    ... )
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['The', 'acting', 'was', 'NOT', 'good']
    """

    def __init__(self, explanation: Explanation) -> None:
        self.explanation = explanation

    @classmethod
    @_checked
    def from_estimator(
        cls,
        model: Any,
        text: Any,
        *,
        method: str = "integrated_gradients",
        target: Any = None,
        n_tokens: int = 15,
        ax: Any = None,
    ) -> Self:
        """Explain the prediction of a fitted model for a text, and plot the scores.

        Parameters
        ----------
        model : estimator
            A fitted model, as :func:`~sklearn_bilstm.explain` accepts it, other than a
            tagger. To plot the explanation of a label, use :meth:`from_explanation`.
        text : str or table of shape (1, n_columns)
            The text, or a row with several text columns.
        method : {"integrated_gradients", "occlusion", "attention"}, \
                default="integrated_gradients"
            Attribution method.
        target : label, default=None
            Class to explain. If None, explain the predicted class.
        n_tokens : int, default=15
            Maximum number of tokens to show.
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : TokenImportanceDisplay

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the model, the text or the target are invalid.
        """
        check_axes(cls, ax)
        texts = [text] if isinstance(text, str) else text
        if isinstance(texts, Iterator):
            texts = list(texts)
        n_texts = len(texts) if hasattr(texts, "__len__") else 1
        if n_texts != 1:
            raise ValueError(
                f"text must be a single text, or a table of one row: got {n_texts}. "
                "For several texts, use explain and from_explanation."
            )
        explanations = explain(model, texts, method, target)
        return cls.from_explanation(explanations[0], n_tokens=n_tokens, ax=ax)

    @classmethod
    def from_explanation(
        cls, explanation: Explanation, *, n_tokens: int = 15, ax: Any = None
    ) -> Self:
        """Plot an explanation.

        Parameters
        ----------
        explanation : Explanation
            Explanation of one text or label, from :func:`~sklearn_bilstm.explain`.
        n_tokens : int, default=15
            Maximum number of tokens to show.
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : TokenImportanceDisplay

        Raises
        ------
        TypeError
            If `explanation` is not the Explanation of a single text or label.
        """
        if not isinstance(explanation, Explanation):
            raise TypeError(
                "explanation must be the Explanation of a single text, such as the "
                "first item of the output of explain, or of a single label, such as "
                f"explanations[0][0] for a tagger: got {explanation!r}."
            )
        return cls(explanation).plot(ax=ax, n_tokens=n_tokens)

    @_checked
    def plot(self, ax: Any = None, *, n_tokens: int = 15) -> Self:
        """Plot the scores.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.
        n_tokens : int, default=15
            Maximum number of tokens to show: those with the largest absolute score.

        Returns
        -------
        display : TokenImportanceDisplay
        """
        ax = axes_for(self, ax)
        explanation = self.explanation
        sizes = np.nan_to_num(
            np.abs(explanation.scores), nan=-1.0
        )  # truncated tokens last
        shown = np.sort(np.argsort(-sizes, kind="stable")[:n_tokens])
        shown = shown[sizes[shown] >= 0]
        scores = explanation.scores[shown]
        places = np.arange(len(shown))
        is_share = explanation.method == "attention"
        colours = _SHARE if is_share else np.where(scores > 0, _FOR, _AGAINST)
        self.bars_ = ax.barh(places, scores, color=colours)
        labels = [explanation.tokens[index] for index in shown]
        ax.set_yticks(
            places, labels, parse_math=False
        )  # dollar signs do not delimit math
        ax.invert_yaxis()
        ax.axvline(0, color="0.5", linewidth=0.8)
        label = f"score by {explanation.method.replace('_', ' ')}"
        ax.set_xlabel("share of attention" if is_share else label)
        ax.set_title(explanation.summary, parse_math=False)
        return self
