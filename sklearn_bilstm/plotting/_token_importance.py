"""A picture of what the tokens of a text speak for."""

from typing import Any, Self

import numpy as np

from sklearn_bilstm.inspection import Explanation, explain
from sklearn_bilstm.plotting._axes import axes_for

__all__ = ["TokenImportanceDisplay"]

# As in the HTML of an explanation: for orange, against blue.
_FOR, _AGAINST = "#e67814", "#1e78e6"


class TokenImportanceDisplay:
    """A bar for each of the tokens of a text that count most, in reading order.

    It is best made by :meth:`from_estimator` or :meth:`from_explanation`. matplotlib is
    needed, which `pip install 'sklearn-bilstm[plot]'` installs.

    Parameters
    ----------
    explanation : Explanation
        What :func:`~sklearn_bilstm.explain` says of a text.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.

    figure_ : matplotlib Figure
        The figure they are in.

    bars_ : matplotlib BarContainer
        The bars, from top to bottom.

    See Also
    --------
    AttentionDisplay : Texts, with the weights of an attention pooling.

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
        """Explain the answer of a fitted model to a text, and draw it.

        Parameters
        ----------
        model : estimator
            A fitted model, as :func:`~sklearn_bilstm.explain` takes it.
        text : str or table of shape (1, n_columns)
            The text, or a row of several columns of text.
        method : {"integrated_gradients", "occlusion", "attention"}, \
                default="integrated_gradients"
            Where the scores come from.
        target : label, default=None
            The class to explain. None means the predicted one.
        n_tokens : int, default=15
            Most tokens to show.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : TokenImportanceDisplay

        Raises
        ------
        ValueError
            If the model, the text or the target are not what they must be.
        """
        texts = [text] if isinstance(text, str) else text
        explanations = explain(model, texts, method, target)
        if len(explanations) > 1:
            raise ValueError(
                "text must be a single text, or a table of one row: got "
                f"{len(explanations)}. Explain them, and draw them one by one by "
                "from_explanation."
            )
        return cls.from_explanation(explanations[0], n_tokens=n_tokens, ax=ax)

    @classmethod
    def from_explanation(
        cls, explanation: Explanation, *, n_tokens: int = 15, ax: Any = None
    ) -> Self:
        """Draw an explanation.

        Parameters
        ----------
        explanation : Explanation
            What :func:`~sklearn_bilstm.explain` says of a text.
        n_tokens : int, default=15
            Most tokens to show.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : TokenImportanceDisplay
        """
        return cls(explanation).plot(ax=ax, n_tokens=n_tokens)

    def plot(self, ax: Any = None, *, n_tokens: int = 15) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        n_tokens : int, default=15
            Most tokens to show: those whose score is the largest, whatever its sign.

        Returns
        -------
        display : TokenImportanceDisplay
        """
        ax = axes_for(self, ax)
        explanation = self.explanation
        sizes = np.nan_to_num(np.abs(explanation.scores), nan=-1.0)  # cut off: last
        shown = np.sort(np.argsort(-sizes, kind="stable")[:n_tokens])
        shown = shown[sizes[shown] >= 0]
        scores = explanation.scores[shown]
        places = np.arange(len(shown))
        self.bars_ = ax.barh(places, scores, color=np.where(scores > 0, _FOR, _AGAINST))
        labels = [explanation.tokens[index] for index in shown]
        ax.set_yticks(places, labels, parse_math=False)  # dollars are dollars
        ax.invert_yaxis()
        ax.axvline(0, color="0.5", linewidth=0.8)
        ax.set_xlabel(f"score by {explanation.method.replace('_', ' ')}")
        ax.set_title(explanation.summary, parse_math=False)
        return self
