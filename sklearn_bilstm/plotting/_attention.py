"""Heat map of attention weights."""

from numbers import Integral
from typing import Any, Self

import numpy as np

from sklearn_bilstm.inspection import Explanation, explain
from sklearn_bilstm.plotting._axes import axes_for, check_axes
from sklearn_bilstm.utils._optional import import_optional
from sklearn_bilstm.utils._sklearn import Interval, validate_params

__all__ = ["AttentionDisplay"]

# Maximum number of letters of a token in a cell.
_MOST_LETTERS = 12
# Cells above this fraction of the largest weight get white text.
_DARK = 0.6
# Size of a cell in inches.
_CELL_WIDTH, _CELL_HEIGHT = 0.95, 0.32

_checked = validate_params(
    {"tokens_per_line": [Interval(Integral, 1, None, closed="left")]},
    prefer_skip_nested_validation=False,
)


class AttentionDisplay:
    """Heat map of attention weights, with one cell per token.

    Create it with :meth:`from_estimator`, for a model with `pooling="attention"`. It
    requires matplotlib: `pip install 'sklearn-bilstm[plot]'`.

    Parameters
    ----------
    explanations : sequence of Explanation
        Output of :func:`~sklearn_bilstm.explain` with `method="attention"`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the plot.

    figure_ : matplotlib Figure
        Figure that contains the axes.

    image_ : matplotlib AxesImage
        Heat map, line by line; cells without a token are masked.

    texts_ : list of matplotlib Text
        Tokens in the cells.

    See Also
    --------
    TokenImportanceDisplay : Bar chart of the scores of the tokens of a text.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_bilstm import AttentionDisplay, BiLSTMClassifier, TextVectorizer
    >>> from sklearn_bilstm.datasets import make_reviews
    >>> texts, labels = make_reviews(300, random_state=0)
    >>> classifier = BiLSTMClassifier(pooling="attention", random_state=0)
    >>> model = make_pipeline(TextVectorizer(), classifier).fit(texts, labels)
    >>> display = AttentionDisplay.from_estimator(model, ["The acting was NOT good."])
    >>> [text.get_text() for text in display.texts_]
    ['The', 'acting', 'was', 'NOT', 'good']
    """

    ax_: Any
    figure_: Any
    texts_: list

    def __init__(self, explanations: list[Explanation]) -> None:
        self.explanations = explanations

    @classmethod
    @_checked
    def from_estimator(
        cls,
        model: Any,
        texts: Any,
        *,
        target: Any = None,
        tokens_per_line: int = 10,
        ax: Any = None,
    ) -> Self:
        """Plot the attention weights of a fitted model for texts.

        Parameters
        ----------
        model : estimator
            A fitted model with attention pooling, as :func:`~sklearn_bilstm.explain`
            accepts it.
        texts : str, iterable of str or table of shape (n_texts, n_columns)
            One or several texts.
        target : tuple or None, default=None
            For a classifier of several tasks, a tuple (task, None) with the index of
            a task, whose prediction is shown. The weights do not depend on it.
        tokens_per_line : int, default=10
            Maximum number of tokens per line. Longer texts are wrapped.
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure of a suitable size is created.

        Returns
        -------
        display : AttentionDisplay

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the model has no attention pooling, or is of an unsupported type, or if
            `target` is invalid.
        """
        check_axes(cls, ax)
        texts = [texts] if isinstance(texts, str) else texts
        explanations = explain(model, texts, method="attention", target=target)
        return cls(list(explanations)).plot(ax=ax, tokens_per_line=tokens_per_line)

    @_checked
    def plot(self, ax: Any = None, *, tokens_per_line: int = 10) -> Self:
        """Plot the attention weights.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure of a suitable size is created.
        tokens_per_line : int, default=10
            Maximum number of tokens per line. Longer texts are wrapped.

        Returns
        -------
        display : AttentionDisplay
        """
        lines = [
            _in_lines(explanation.scores, tokens_per_line)
            for explanation in self.explanations
        ]
        *starts, n_lines = np.cumsum([0, *map(len, lines)]).tolist()
        is_new = ax is None
        ax = axes_for(self, ax)
        if is_new:
            width, height = tokens_per_line + 2, n_lines + 2
            self.figure_.set_size_inches(_CELL_WIDTH * width, _CELL_HEIGHT * height)
        weights = np.ma.masked_invalid(np.concatenate(lines))
        largest = weights.filled(0).max() or 1.0
        self.image_ = ax.imshow(
            weights, cmap="Purples", vmin=0, vmax=largest, aspect="auto"
        )
        self.figure_.colorbar(
            self.image_,
            ax=ax,
            label="share of attention",
            location="top",  # its size does not depend on the height of the figure
            anchor=(0.0, 0.0),
            shrink=0.4,
            aspect=30,
            pad=0.4 / (n_lines + 2),
        )
        self.texts_ = []
        for start, explanation in zip(starts, self.explanations, strict=True):
            self._write(explanation, start, tokens_per_line)
        for start in starts[1:]:
            ax.axhline(start - 0.5, color="0.5", linewidth=0.8)
        ax.set_xticks([])
        ax.set_yticks(starts, [f"text {number}" for number in range(len(starts))])
        return self

    def _write(
        self, explanation: Explanation, start: int, tokens_per_line: int
    ) -> None:
        """Write the tokens into their cells, in a readable colour."""
        shares = np.nan_to_num(explanation.scores) / self.image_.norm.vmax
        for index, token in enumerate(explanation.tokens):
            if len(token) > _MOST_LETTERS:
                token = token[: _MOST_LETTERS - 1] + "…"
            line, column = divmod(index, tokens_per_line)
            text = self.ax_.text(
                column,
                start + line,
                token,
                ha="center",
                va="center",
                fontsize="small",
                color="white" if shares[index] > _DARK else "black",
                parse_math=False,  # dollar signs do not delimit math
                clip_on=True,
            )
            text.set_clip_box(self._cell(column, start + line))
            self.texts_.append(text)

    def _cell(self, column: int, line: int) -> Any:
        """Return the bounding box of a cell in data coordinates."""
        transforms = import_optional(
            "matplotlib.transforms", purpose="AttentionDisplay", extra="plot"
        )
        cell = transforms.Bbox.from_bounds(column - 0.5, line - 0.5, 1, 1)
        return transforms.TransformedBbox(cell, self.ax_.transData)


def _in_lines(scores: np.ndarray, tokens_per_line: int) -> np.ndarray:
    """Return scores as a matrix with one or more lines, padded with NaN."""
    n_lines = max(1, -(-len(scores) // tokens_per_line))
    lines = np.full(n_lines * tokens_per_line, np.nan)
    lines[: len(scores)] = scores
    return lines.reshape(n_lines, tokens_per_line)
