"""A picture of what a network attends to."""

from numbers import Integral
from typing import Any, Self

import numpy as np

from sklearn_bilstm.inspection import Explanation, explain
from sklearn_bilstm.plotting._axes import axes_for, check_axes
from sklearn_bilstm.utils._optional import import_optional
from sklearn_bilstm.utils._sklearn import Interval, validate_params

__all__ = ["AttentionDisplay"]

# Letters of a token that fit into its cell.
_MOST_LETTERS = 12
# Share of the largest weight from which on a cell is dark.
_DARK = 0.6
# Inches of a cell.
_CELL_WIDTH, _CELL_HEIGHT = 0.95, 0.32

_checked = validate_params(
    {"tokens_per_line": [Interval(Integral, 1, None, closed="left")]},
    prefer_skip_nested_validation=False,
)


class AttentionDisplay:
    """Texts as maps of heat: a cell a token, coloured by the weight of attention.

    It is best made by :meth:`from_estimator`, of a model with `pooling="attention"`.
    matplotlib is needed, which `pip install 'sklearn-bilstm[plot]'` installs.

    Parameters
    ----------
    explanations : sequence of Explanation
        What :func:`~sklearn_bilstm.explain` says of texts with `method="attention"`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.

    figure_ : matplotlib Figure
        The figure they are in.

    image_ : matplotlib AxesImage
        The cells, line by line; masked where there is no token.

    texts_ : list of matplotlib Text
        The tokens in the cells.

    See Also
    --------
    TokenImportanceDisplay : What the tokens of a text speak for.

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
        cls, model: Any, texts: Any, *, tokens_per_line: int = 10, ax: Any = None
    ) -> Self:
        """Draw the attention of a fitted model to texts.

        Parameters
        ----------
        model : estimator
            A fitted model with attention, as :func:`~sklearn_bilstm.explain` takes it.
        texts : str, iterable of str or table of shape (n_texts, n_columns)
            A text, or several.
        tokens_per_line : int, default=10
            Most tokens in a line. Longer texts go on in the next.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure that is as large as it must be.

        Returns
        -------
        display : AttentionDisplay

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the model has no attention, or is of another kind.
        """
        check_axes(cls, ax)
        texts = [texts] if isinstance(texts, str) else texts
        explanations = explain(model, texts, method="attention")
        return cls(list(explanations)).plot(ax=ax, tokens_per_line=tokens_per_line)

    @_checked
    def plot(self, ax: Any = None, *, tokens_per_line: int = 10) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure that is as large as it must be.
        tokens_per_line : int, default=10
            Most tokens in a line. Longer texts go on in the next.

        Returns
        -------
        display : AttentionDisplay
        """
        lines = [_in_lines(one.scores, tokens_per_line) for one in self.explanations]
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
            location="top",  # there it is as large for a word as for pages
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
        """Write tokens into their cells, readable on the colours."""
        shares = np.nan_to_num(explanation.scores) / self.image_.norm.vmax
        for index, token in enumerate(explanation.tokens):
            if len(token) > _MOST_LETTERS:
                token = token[: _MOST_LETTERS - 1] + "…"
            line, place = divmod(index, tokens_per_line)
            text = self.ax_.text(
                place,
                start + line,
                token,
                ha="center",
                va="center",
                fontsize="small",
                color="white" if shares[index] > _DARK else "black",
                parse_math=False,  # dollars are dollars
                clip_on=True,
            )
            text.set_clip_box(self._cell(place, start + line))
            self.texts_.append(text)

    def _cell(self, column: int, line: int) -> Any:
        """Return the box of a cell, wherever the axes come to stand."""
        transforms = import_optional(
            "matplotlib.transforms", purpose="AttentionDisplay", extra="plot"
        )
        cell = transforms.Bbox.from_bounds(column - 0.5, line - 0.5, 1, 1)
        return transforms.TransformedBbox(cell, self.ax_.transData)


def _in_lines(scores: np.ndarray, tokens_per_line: int) -> np.ndarray:
    """Return scores line by line, one line at least, filled up with NaN."""
    n_lines = max(1, -(-len(scores) // tokens_per_line))
    lines = np.full(n_lines * tokens_per_line, np.nan)
    lines[: len(scores)] = scores
    return lines.reshape(n_lines, tokens_per_line)
