"""The `Explanation` of a prediction and its text, table and HTML output."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sklearn_bilstm.inspection._html import box, legend
from sklearn_bilstm.inspection._text_spans import (
    TextColumn,
    TextSpan,
    split_into_columns,
)
from sklearn_bilstm.text import LocatedDocument
from sklearn_bilstm.utils._optional import import_optional

__all__ = ["Explanation", "Explanations"]

# Maximum number of tokens printed with their score, those with the largest first.
_N_PRINTED = 10


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Explanation of a prediction by one score per token and per static feature.

    `print` shows the text annotated with the largest scores, and a notebook shows it
    with coloured tokens.

    Parameters
    ----------
    document : LocatedDocument
        The original text and the positions of its tokens.
    scores : ndarray of shape (n_tokens,)
        Score of each token. NaN for truncated tokens.
    method : {"integrated_gradients", "occlusion", "attention"}
        Attribution method.
    target : label, int or None
        The explained class, or the index of the explained output. None for a regressor
        with a single output. For attention, whose weights do not depend on the class,
        the most probable class.
    output : float
        The explained output: the log odds of the class, or the prediction.
    baseline : float or None
        Output without any token, with all static features at their mean. None for
        attention.
    probability : float or None
        Probability of the class. None for a regressor.
    position : int or None, default=None
        Index of the token whose label is explained. None if the prediction of a whole
        text is explained.
    static_scores : ndarray of shape (n_static_features,), default=array([])
        Score of each static feature. Empty for attention.
    static_names : sequence of str, default=()
        Names of the static features.
    """

    document: LocatedDocument
    scores: np.ndarray
    method: str
    target: Hashable
    output: float
    baseline: float | None
    probability: float | None
    position: int | None = None
    static_scores: np.ndarray = field(default_factory=lambda: np.zeros(0))
    static_names: Sequence[str] = ()

    @property
    def tokens(self) -> list[str]:
        """The tokens as written in the text, or as analysed if not located in it."""
        texts = self.document.texts
        return [
            str(t.token) if t.start is None else texts[t.column][t.start : t.end]
            for t in self.document.tokens
        ]

    @property
    def summary(self) -> str:
        """One-line description of the explained output."""
        if self.method == "attention":
            return f"share of attention ({self._prediction})"
        if self.probability is None:
            return self._prediction
        odds = f"log odds {self.output:+.2f}, probability {self.probability:.3f}"
        if self.position is None:
            return f"{self.target}: {odds}"
        token = self.tokens[self.position]
        return f"{self.target} of {token!r}, token {self.position}: {odds}"

    @property
    def _prediction(self) -> str:
        """Description of the prediction of the model."""
        if self.probability is not None:
            return f"most probable: {self.target}, {self.probability:.3f}"
        output = "" if self.target is None else f" of output {self.target}"
        return f"prediction{output} {self.output:.4g}"

    @property
    def _fields(self) -> list[TextColumn]:
        return split_into_columns(self.document, self.scores, self.position)

    @property
    def _heading(self) -> str:
        """The summary and the attribution method."""
        if self.method == "attention":
            return self.summary
        return f"{self.summary} ({self.method})"

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row per token.

        Returns
        -------
        frame : pandas.DataFrame
            Columns `token`, `start` and `end` (position in the text, missing if the
            token has none), and `score`. If a class or one of several outputs is
            explained, also `target`. With several text columns, also `column`.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pandas = import_optional("pandas", purpose="Explanation.to_frame")
        located, names = self.document.tokens, self.document.columns
        columns = {
            "token": self.tokens,
            "start": pandas.array([t.start for t in located], dtype="Int64"),
            "end": pandas.array([t.end for t in located], dtype="Int64"),
            "score": self.scores,
        }
        if self.target is not None and self.method != "attention":
            columns["target"] = [self.target] * len(located)
        if names:
            columns["column"] = [names[t.column] for t in located]
        return pandas.DataFrame(columns)

    def __repr__(self) -> str:
        return f"<Explanation of {len(self.scores)} tokens, {self.summary}>"

    def __str__(self) -> str:
        sizes = np.abs(self.scores[~np.isnan(self.scores)])
        least = np.sort(sizes)[-_N_PRINTED:].min(initial=np.inf)
        n_shown = np.count_nonzero(sizes >= least)
        form = ".2g" if self.method == "attention" else "+.2g"

        def printed(piece: TextSpan) -> str:
            text = f"*{piece.text}*" if piece.is_explained else piece.text
            if piece.score is None or abs(piece.score) < least:
                return text
            return f"[{text} {piece.score:{form}}]"

        left_out = f", scores of {n_shown} of {len(sizes)} tokens shown"
        lines = [self._heading + (left_out if n_shown < len(sizes) else "")]
        for of_column in self._fields:
            name = [] if of_column.name is None else [f"{of_column.name}:"]
            elsewhere = map(printed, of_column.elsewhere)
            text = "".join(map(printed, of_column.pieces))
            lines.append(" ".join([*name, *elsewhere, text]))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return self._html + self._html_legend

    @property
    def _html(self) -> str:
        """The coloured text without a legend."""
        return box(self._heading, self._fields, is_share=self.method == "attention")

    @property
    def _html_legend(self) -> str:
        if self.method == "attention":
            return legend(["share of attention"])
        if self.probability is None:
            return legend(["raises the prediction", "lowers it"])
        named = "class" if self.position is None else "label"
        return legend([f"raises the odds of the {named}", "lowers them"])


class Explanations(Sequence):
    """Explanations of several texts, or of the labels of a sentence.

    Parameters
    ----------
    explanations : list of Explanation, or of Explanations
    of : {"text", "position"}, default="text"
        What each item explains: a text, or the label at a position.
    """

    def __init__(self, explanations: Sequence, of: str = "text") -> None:
        self._explanations = explanations
        self._of = of

    def __len__(self) -> int:
        return len(self._explanations)

    def __getitem__(self, index: Any) -> Any:
        """Return an explanation, or a list of explanations for a slice."""
        return self._explanations[index]

    def __iter__(self) -> Iterator:
        return iter(self._explanations)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row per token.

        Returns
        -------
        frame : pandas.DataFrame
            As returned by :meth:`Explanation.to_frame`, with the index of the text in
            column `text`, or for labels the index of the explained token in `position`.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pandas = import_optional("pandas", purpose="Explanations.to_frame")
        frames = {number: one.to_frame() for number, one in enumerate(self)}
        # an empty sentence has no labels, so its frame has no columns
        frames = {number: one for number, one in frames.items() if len(one.columns)}
        if not frames:
            return pandas.DataFrame()
        numbered = pandas.concat(frames, names=[self._of, None])
        return numbered.reset_index(self._of).reset_index(drop=True)

    def __repr__(self) -> str:
        return f"<Explanations of {len(self)} {self._of}s>"

    def __str__(self) -> str:
        return "\n\n".join(map(str, self))

    def _repr_html_(self) -> str:
        return self._html + self._html_legend

    @property
    def _html(self) -> str:
        return "".join(one._html for one in self)

    @property
    def _html_legend(self) -> str:
        return "".join(dict.fromkeys(one._html_legend for one in self))
