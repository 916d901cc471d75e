"""What is found out about an answer, and how it is shown."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_bilstm.inspection._html import as_html
from sklearn_bilstm.inspection._pieces import Piece, cut_into_fields
from sklearn_bilstm.text import LocatedDocument
from sklearn_bilstm.utils._optional import import_optional

__all__ = ["Explanation", "Explanations"]

# Tokens whose score is printed: those that count most.
_N_PRINTED = 10


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Why a model answers a text as it does: a score for each token.

    `print` shows the text with the largest scores written into it, and a notebook the
    text in colours.

    Parameters
    ----------
    document : LocatedDocument
        The text as it came, and where its tokens stand.
    scores : ndarray of shape (n_tokens,)
        Score of each token. NaN for one that was cut off.
    method : {"integrated_gradients", "occlusion", "attention"}
        Where the scores come from.
    target : label, int or None
        The class explained, or the number of an output. None where a regressor
        predicts a single number.
    output : float
        What is explained: the log odds of the class, or the number predicted.
    baseline : float or None
        What that is without tokens. None for attention.
    probability : float or None
        Probability of the class. None for a regressor.
    """

    document: LocatedDocument
    scores: np.ndarray
    method: str
    target: Hashable
    output: float
    baseline: float | None
    probability: float | None

    @property
    def tokens(self) -> list[str]:
        """The tokens as they were written, or as they are read without a place."""
        texts = self.document.texts
        return [
            str(t.token) if t.start is None else texts[t.column][t.start : t.end]
            for t in self.document.tokens
        ]

    @property
    def summary(self) -> str:
        """What is explained, in a line."""
        if self.probability is None:
            output = "" if self.target is None else f" of output {self.target}"
            return f"prediction{output} {self.output:.4g}"
        odds = f"log odds {self.output:+.2f}, probability {self.probability:.3f}"
        return f"{self.target}: {odds}"

    def to_frame(self) -> Any:
        """Return a pandas frame with a row a token.

        Returns
        -------
        frame : pandas.DataFrame
            With the columns `token`, `start` and `end` (its place in the text, missing
            if it has none), `score`, and with several text columns `column`.

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
        if names:
            columns["column"] = [names[t.column] for t in located]
        return pandas.DataFrame(columns)

    def __repr__(self) -> str:
        return f"<Explanation of {len(self.scores)} tokens, {self.summary}>"

    def __str__(self) -> str:
        sizes = np.sort(np.nan_to_num(np.abs(self.scores)))
        least = sizes[-_N_PRINTED:].min(initial=np.inf)

        def printed(piece: Piece) -> str:
            if piece.score is None or abs(piece.score) < least:
                return piece.text
            return f"[{piece.text} {piece.score:+.2g}]"

        lines = [f"{self.summary} ({self.method})"]
        for field in cut_into_fields(self.document, self.scores):
            name = [] if field.name is None else [f"{field.name}:"]
            elsewhere = map(printed, field.elsewhere)
            text = "".join(map(printed, field.pieces))
            lines.append(" ".join([*name, *elsewhere, text]))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        heading = f"{self.summary} ({self.method})"
        fields = cut_into_fields(self.document, self.scores)
        return as_html(heading, fields, self._legend)

    @property
    def _legend(self) -> list[str]:
        """What a positive score means, and a negative one."""
        if self.method == "attention":
            return ["counts"]
        if self.probability is None:
            return ["raises the prediction", "lowers it"]
        return [f"speaks for {self.target}", "speaks against it"]


class Explanations(Sequence):
    """Explanations of several texts.

    Parameters
    ----------
    explanations : list of Explanation
    """

    def __init__(self, explanations: list[Explanation]) -> None:
        self._explanations = explanations

    def __len__(self) -> int:
        return len(self._explanations)

    def __getitem__(self, index: Any) -> Any:
        """Return an explanation, or for a slice a list of them."""
        return self._explanations[index]

    def __iter__(self) -> Iterator[Explanation]:
        return iter(self._explanations)

    def to_frame(self) -> Any:
        """Return a pandas frame with a row a token.

        Returns
        -------
        frame : pandas.DataFrame
            As :meth:`Explanation.to_frame`, with the number of the text in `text`.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pandas = import_optional("pandas", purpose="Explanations.to_frame")
        frames = {text: one.to_frame() for text, one in enumerate(self)}
        numbered = pandas.concat(frames, names=["text", None])
        return numbered.reset_index("text").reset_index(drop=True)

    def __repr__(self) -> str:
        return f"<Explanations of {len(self)} texts>"

    def __str__(self) -> str:
        return "\n\n".join(map(str, self))

    def _repr_html_(self) -> str:
        return "".join(one._repr_html_() for one in self)
