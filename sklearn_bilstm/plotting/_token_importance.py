"""Bar chart of the scores of tokens."""

from collections.abc import Iterator
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_bilstm.estimators import BiLSTMTagger, EntityRecognizer
from sklearn_bilstm.inspection import Explanation, explain
from sklearn_bilstm.inspection._model import EXPLAINABLE, fitted_estimator
from sklearn_bilstm.plotting._axes import axes_for, check_axes
from sklearn_bilstm.utils._sklearn import Interval, validate_params

__all__ = ["TokenImportanceDisplay"]

# Same colours as in HTML: positive scores orange, negative blue, shares purple.
_FOR, _AGAINST, _SHARE = "#e67814", "#1e78e6", "#785ab4"
# Number of bars that fit a figure of the default size.
_ROWS_OF_A_FIGURE = 18
# Distance of the legend from the axes, in units of its font size.
_BELOW_THE_LABEL = 5.5

_checked = validate_params(
    {
        "n_tokens": [Interval(Integral, 1, None, closed="left")],
        "position": [Integral, None],
    },
    prefer_skip_nested_validation=False,
)


class TokenImportanceDisplay:
    """Bar chart of the tokens of a text with the largest scores, in reading order.

    The scores of static features and the baseline follow. A legend explains the
    colours.

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
        Bars of the tokens and static features, from top to bottom.

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
    ['The', 'acting', 'was', 'NOT', 'good', 'baseline']
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
        method: str = "auto",
        target: Any = None,
        position: int | None = None,
        n_tokens: int = 15,
        ax: Any = None,
    ) -> Self:
        """Explain the prediction of a fitted model for a text, and plot the scores.

        Parameters
        ----------
        model : estimator
            A fitted model, as :func:`~sklearn_bilstm.explain` accepts it.
        text : str, sequence of str or table of shape (1, n_columns)
            The text, the tokens of a sentence for a tagger, or a row with several text
            columns. For an EntityRecognizer, a text.
        method : {"auto", "integrated_gradients", "occlusion", "attention"}, \
                default="auto"
            Attribution method. "auto" uses occlusion for a tagger, and integrated
            gradients otherwise.
        target : label or tuple, default=None
            Class to explain. If None, explain the predicted class. For a classifier of
            several tasks, a tuple (task, class), as in :func:`~sklearn_bilstm.explain`.
        position : int, default=None
            For a tagger, the index of the token whose label is explained. If None, it
            is the first token whose label is not "O", or else the first token.
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
            If the model, the text, the target or the position are invalid.
        """
        check_axes(cls, ax)
        if isinstance(model, EntityRecognizer):
            check_is_fitted(model)
            (text,) = model.tokenize([text] if isinstance(text, str) else text)
            model = model.tagger_
        if isinstance(fitted_estimator(model, EXPLAINABLE), BiLSTMTagger):
            explanation = _explain_label(model, text, method, target, position)
            return cls.from_explanation(explanation, n_tokens=n_tokens, ax=ax)
        if position is not None:
            raise ValueError(
                f"position must be None, unless model is a tagger: got {position!r}."
            )
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
            Maximum number of tokens to show: those with the largest absolute score. The
            same holds for static features.

        Returns
        -------
        display : TokenImportanceDisplay
        """
        is_new = ax is None
        ax = axes_for(self, ax)
        explanation = self.explanation
        tokens = _largest(explanation.scores, n_tokens)
        static = _largest(explanation.static_scores, n_tokens)
        names = explanation.token_labels
        first = tokens[0] if len(tokens) else 0
        labels = [f"... {first} tokens ..."] * bool(first)
        n_before = len(labels)
        labels += [names[index] for index in tokens]
        labels += [explanation.static_names[index] for index in static]
        scores = explanation.scores[tokens], explanation.static_scores[static]
        baseline = explanation.baseline
        for position in {n_before + len(tokens), len(labels)}:
            ax.axhline(position - 0.5, color="0.8", linewidth=0.8)
        self._draw_bars(ax, np.concatenate(scores), n_before)
        if baseline is not None:
            self._write_baseline(ax, baseline, len(labels))
            labels.append("baseline")
        ax.set_yticks(
            range(len(labels)), labels, parse_math=False
        )  # dollar signs do not delimit math
        ax.set_ylim(len(labels) - 0.4, -0.6)
        self._describe(ax, len(tokens))
        if is_new and len(labels) > _ROWS_OF_A_FIGURE:
            width, height = ax.figure.get_size_inches()
            height *= len(labels) / _ROWS_OF_A_FIGURE
            ax.figure.set_size_inches(width, height)
        return self

    def _draw_bars(self, ax: Any, scores: np.ndarray, first: int) -> None:
        """Draw the bars, the first at the given position."""
        is_share = self.explanation.method == "attention"
        colours = _SHARE if is_share else np.where(scores > 0, _FOR, _AGAINST)
        positions = first + np.arange(len(scores))
        self.bars_ = ax.barh(positions, scores, color=colours)
        ax.axvline(0, color="0.5", linewidth=0.8)

    def _write_baseline(self, ax: Any, baseline: float, position: int) -> None:
        """Write the baseline as text, since it can be much larger than all scores."""
        explanation = self.explanation
        form = ".4g" if explanation.probability is None else "+.2f"
        ax.text(
            0.02,
            position,
            f"{baseline:{form}}, with {explanation.baseline_input}",
            transform=ax.get_yaxis_transform(),  # x is a fraction of the width
            verticalalignment="center",
            color="0.3",
            fontsize="small",
            bbox={"facecolor": ax.get_facecolor(), "edgecolor": "none", "pad": 0},
        )

    def _describe(self, ax: Any, n_shown: int) -> None:
        """Add the title, the labels and the legend of the colours."""
        explanation = self.explanation
        method = explanation.method.replace("_", " ")
        output = "prediction" if explanation.probability is None else "log odds"
        label = f"contribution to the {output} ({method})"
        label = "share of attention" if method == "attention" else label
        n_scored = np.count_nonzero(~np.isnan(explanation.scores))
        if n_shown < n_scored:
            label += f"\nlargest {n_shown} of {n_scored} tokens"
        ax.set_xlabel(label)
        ax.set_title(explanation.summary, parse_math=False)
        colours = [_FOR, _AGAINST] if len(explanation.legend) == 2 else [_SHARE]
        patches = ax.barh([0] * len(colours), 0, color=colours)
        legend = ax.legend(
            patches,
            explanation.legend,
            loc="upper center",
            bbox_to_anchor=(0.5, 0),
            borderaxespad=_BELOW_THE_LABEL,
            frameon=False,
            fontsize="small",
        )
        for text in legend.get_texts():
            text.set_parse_math(False)


def _explain_label(
    model: Any, sentence: Any, method: str, target: Any, position: int | None
) -> Explanation:
    """Explain the label of a token of a sentence."""
    if isinstance(sentence, str):
        raise ValueError(
            f"text must be a list of tokens for a tagger: got {sentence!r:.40}."
        )
    tokens = list(sentence)
    is_nested = len(tokens) == 1 and isinstance(tokens[0], list | tuple | np.ndarray)
    (labels,) = explain(model, tokens if is_nested else [tokens], method, target)
    if not len(labels):
        raise ValueError("text must contain at least one token: got none.")
    if position is None:
        positions = (i for i, label in enumerate(labels) if label.target != "O")
        position = next(positions, 0)
    if not -len(labels) <= position < len(labels):
        raise ValueError(
            f"position must be the index of one of {len(labels)} tokens: got "
            f"{position!r}."
        )
    return labels[position]


def _largest(scores: np.ndarray, n_shown: int) -> np.ndarray:
    """Return the indices of the largest absolute scores, in increasing order."""
    sizes = np.nan_to_num(np.abs(scores), nan=-1.0)  # truncated tokens last
    shown = np.sort(np.argsort(-sizes, kind="stable")[:n_shown])
    return shown[sizes[shown] >= 0]
