"""The `Explanation` of a prediction and its text, table and HTML output."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_bilstm.inspection._html import box, folded, note
from sklearn_bilstm.inspection._text_spans import (
    TextColumn,
    TextSpan,
    numbered_tokens,
    shortened,
    split_into_columns,
)
from sklearn_bilstm.inspection._wording import (
    baseline_input,
    describe_scores,
    describe_truth,
    meanings,
    name_of_class,
)
from sklearn_bilstm.text import LocatedDocument
from sklearn_bilstm.utils._optional import import_optional

__all__ = ["Explanation", "Explanations"]

# Maximum number of tokens, and of static features, printed with their score.
_N_PRINTED = 10
# Long parts of a text whose scores are smaller than this share of the largest are not
# shown.
_FAINT = 0.1
# Smallest difference of a sum that its two decimals show.
_SMALLEST_SHOWN = 0.005
# Label of tokens outside of entities.
_OUTSIDE = "O"


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Explanation of a prediction by one score per token and per static feature.

    `print` shows the text annotated with the largest scores, and a notebook shows it
    with coloured tokens. Both omit long parts of a text without notable scores;
    :meth:`to_frame` has all of them.

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
    static_scores : array-like of shape (n_static_features,), default=()
        Score of each static feature, stored as an ndarray. Empty for attention.
    static_names : sequence of str, default=()
        Names of the static features.
    other : label, default=None
        The other class of a binary classifier, which a negative score favours.
    multilabel : bool, default=False
        Whether the model is a multilabel classifier.
    static_values : array-like of shape (n_static_features,), default=()
        Values of the static features, stored as an ndarray. Empty if they are unknown.
    task : int, default=None
        Index of the explained task of a classifier of several tasks.
    truth : label, tuple of labels or float, default=None
        The true label or number; for a multilabel classifier, all true labels. None if
        it is unknown.
    """

    document: LocatedDocument
    scores: np.ndarray
    method: str
    target: Hashable
    output: float
    baseline: float | None
    probability: float | None
    position: int | None = None
    static_scores: Any = ()
    static_names: Sequence[str] = ()
    other: Hashable = None
    multilabel: bool = False
    static_values: Any = ()
    task: int | None = None
    truth: Any = None

    def __post_init__(self) -> None:
        for name in ("static_scores", "static_values"):
            values = np.asarray(getattr(self, name), np.float64)
            object.__setattr__(self, name, values)  # frozen

    @property
    def tokens(self) -> list[str]:
        """The tokens as written in the text, or as analysed if not located in it."""
        texts = self.document.texts
        return [
            str(t.token) if t.start is None else texts[t.column][t.start : t.end]
            for t in self.document.tokens
        ]

    @property
    def token_labels(self) -> list[str]:
        """Distinct names of the tokens: repeated ones are numbered, as in "good (2)".

        The marker of a column is its name.
        """
        return numbered_tokens(self.document, self.tokens)

    @property
    def legend(self) -> list[str]:
        """Meaning of a positive and of a negative score, or of a share."""
        if self.method == "attention":
            return ["share of attention"]
        if self.probability is None:
            return meanings(None, None)
        other = None if self.other is None else name_of_class(self.other)
        return meanings(name_of_class(self.target, self._kind), other)

    @property
    def note(self) -> str:
        """The unit of the scores and the meaning of the baseline."""
        return describe_scores(
            self.method,
            is_class=self.probability is not None,
            has_static=len(self.static_scores) > 0,
            of_token=self.position is not None,
        )

    @property
    def baseline_input(self) -> str:
        """The input whose output is the baseline, such as "no tokens"."""
        return baseline_input(
            self.method,
            has_static=len(self.static_scores) > 0,
            of_token=self.position is not None,
        )

    @property
    def summary(self) -> str:
        """One-line description of the explained output."""
        task = "" if self.task is None else f"task {self.task}, "
        kind = None if self.probability is None else self._kind
        truth = describe_truth(self.truth, kind)
        if self.method == "attention":
            return f"{task}share of attention ({self._prediction}){truth}"
        if self.probability is None:
            return self._prediction + truth
        odds = f"log odds {self.output:+.2f}, probability {self.probability:.3f}"
        suffix = ""
        if self.position is not None:
            suffix = f" of {self.tokens[self.position]!r}, token {self.position}"
        return f"{task}{self._target_name}{suffix}: {odds}{truth}"

    @property
    def _kind(self) -> str:
        """Whether the target is a class or a label."""
        return "label" if self.multilabel or self.position is not None else "class"

    @property
    def _target_name(self) -> str:
        """The target, unless it is a string, preceded by "class" or "label"."""
        if isinstance(self.target, str):
            return self.target
        return name_of_class(self.target, self._kind)

    @property
    def _prediction(self) -> str:
        """Description of the prediction of the model."""
        if self.probability is not None:
            return f"most probable: {self._target_name}, {self.probability:.3f}"
        output = "" if self.target is None else f" of output {self.target}"
        return f"prediction{output} {self.output:.4g}"

    def _fields(self, min_score: float = np.inf) -> list[TextColumn]:
        """Return the columns without long parts that have no notable scores.

        Scores of at least `min_score` are notable.
        """
        absolute_scores = np.abs(self.scores[~np.isnan(self.scores)])
        min_score = min(min_score, _FAINT * absolute_scores.max(initial=0.0))
        columns = split_into_columns(self.document, self.scores, self.position)
        return [shortened(column, min_score) for column in columns]

    @property
    def _static_lines(self) -> list[tuple[str, float | None]]:
        """Names, values and scores of the static features with the largest scores."""
        names = list(self.static_names)
        if len(self.static_values):
            pairs = zip(names, self.static_values, strict=True)
            names = [f"{name} = {value:.6g}" for name, value in pairs]
        lines: list = list(zip(names, self.static_scores, strict=True))
        n_omitted = len(lines) - _N_PRINTED
        if n_omitted > 0:
            largest = np.argsort(-np.abs(self.static_scores), kind="stable")
            lines = [lines[index] for index in np.sort(largest[:_N_PRINTED])]
            omitted_score = self.static_scores[largest[_N_PRINTED:]].sum()
            omitted = f"... {n_omitted} static features ..."
            lines.append((omitted, omitted_score if self._is_additive else None))
        return lines

    @property
    def _is_additive(self) -> bool:
        """Whether the scores and the baseline sum to the output."""
        return self.method == "integrated_gradients"

    def _totals(self, tokens: str, scores: np.ndarray) -> list[tuple[str, str]]:
        """Return the names and values of sums, which add up, and of the baseline.

        Parameters
        ----------
        tokens : str
            Name of the sum of scores of tokens.
        scores : ndarray
            The scores to sum. Without any, there is no such sum.
        """
        totals: list = [] if self.baseline is None else [("baseline", self.baseline)]
        if self._is_additive and totals:
            terms = [np.nansum(self.scores), self.static_scores.sum(), self.baseline]
            residual = self.output - np.sum(terms)
            if len(scores):
                totals.insert(0, (tokens, np.nansum(scores)))
            if abs(residual) >= _SMALLEST_SHOWN:
                totals.append(("not attributed", residual))
            totals.append(("sum", self.output))
        return [(name, self._number(value)) for name, value in totals]

    def _number(self, value: float) -> str:
        """Return a score or an output of the model as text."""
        return f"{value:{'.4g' if self.probability is None else '+.2f'}}"

    @property
    def _heading(self) -> str:
        """The summary and the attribution method."""
        if self.method == "attention":
            return self.summary
        return f"{self.summary} ({self.method.replace('_', ' ')})"

    @property
    def _baseline(self) -> str | None:
        """The baseline as text."""
        if self.baseline is None:
            return None
        return self._number(self.baseline)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row per token.

        Further rows contain the scores of static features and the baseline.

        Returns
        -------
        frame : pandas.DataFrame
            Columns `kind` ("token", "static" or "baseline"), `token` (or the name of
            the static feature), `token_index`, `start` and `end` (position in the text,
            missing if the token has none), and `score`. If a class or one of several
            outputs is explained, also `target`, and `task` if there are several. With
            several text columns, also `column`. If the values of static features are
            known, also `value`.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pandas = import_optional("pandas", purpose="Explanation.to_frame")
        located, names = self.document.tokens, self.document.columns
        n_tokens, n_static = len(located), len(self.static_names)
        baseline = [] if self.baseline is None else [self.baseline]
        n_others = n_static + len(baseline)
        missing = [None] * n_others

        def positions(values: list) -> Any:
            return pandas.array([*values, *missing], dtype="Int64")

        columns = {
            "kind": ["token"] * n_tokens
            + ["static"] * n_static
            + ["baseline"] * len(baseline),
            "token": [*self.tokens, *self.static_names, *["baseline"] * len(baseline)],
            "token_index": positions(list(range(n_tokens))),
            "start": positions([t.start for t in located]),
            "end": positions([t.end for t in located]),
            "score": np.concatenate([self.scores, self.static_scores, baseline]),
        }
        if self.target is not None and self.method != "attention":
            columns["target"] = [self.target] * (n_tokens + n_others)
        if self.task is not None:
            columns["task"] = [self.task] * (n_tokens + n_others)
        if names:
            columns["column"] = [names[t.column] for t in located] + missing
        if len(self.static_values):
            columns["value"] = np.concatenate(
                [
                    np.full(n_tokens, np.nan),
                    self.static_values,
                    np.full(len(baseline), np.nan),
                ]
            )
        return pandas.DataFrame(columns)

    def __repr__(self) -> str:
        n_static = len(self.static_scores)
        static = f" and {n_static} static features" if n_static else ""
        baseline = f", baseline {self._baseline}" if self._baseline else ""
        scored = f"{len(self.scores)} tokens{static}"
        return f"<Explanation of {scored}, {self.summary}{baseline}>"

    def __str__(self) -> str:
        scores = self.scores[~np.isnan(self.scores)]
        sizes = np.abs(scores)
        min_score = np.sort(sizes)[-_N_PRINTED:].min(initial=np.inf)
        n_shown = np.count_nonzero(sizes >= min_score)
        form = ".2g" if self.method == "attention" else "+.2g"

        def printed(piece: TextSpan) -> str:
            text = f"*{piece.text}*" if piece.is_explained else piece.text
            if piece.score is None or abs(piece.score) < min_score:
                return text
            return f"[{text} {piece.score:{form}}]"

        left_out = f", scores of {n_shown} of {len(sizes)} tokens shown"
        lines = [self._heading + (left_out if n_shown < len(sizes) else "")]
        for column in self._fields(min_score):
            name = TextSpan(f"{column.name}:", column.score)
            before = [] if column.name is None else [name]
            elsewhere = map(printed, [*before, *column.elsewhere])
            text = "".join(map(printed, column.pieces))
            lines.append(" ".join([*elsewhere, text]))
        for feature, score in self._static_lines:
            lines.append(feature if score is None else f"{feature}: {score:{form}}")
        totals = self._totals("other tokens", scores[sizes < min_score])
        lines += [f"{name}: {value}" for name, value in totals]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return self._html + self._html_note

    @property
    def _html(self) -> str:
        """The coloured text with the meaning of the colours."""
        return self.box_of()

    def box_of(self, drawing: str = "", largest: float = 0.0) -> str:
        """Return HTML of the explanation.

        Parameters
        ----------
        drawing : str, default=""
            HTML that replaces the text.
        largest : float, default=0.0
            Largest absolute score in the drawing.

        Returns
        -------
        html : str
            The coloured text or the drawing, with the meaning of the colours.
        """
        return box(
            self._heading,
            self.legend,
            [] if drawing else self._fields(),
            static=self._static_lines,
            totals=self._totals("all tokens", self.scores),
            drawing=drawing,
            largest=largest,
        )

    @property
    def _html_note(self) -> str:
        return note(self.note)


class Explanations(Sequence):
    """Explanations of several texts, or of the labels of a sentence.

    Parameters
    ----------
    explanations : list of Explanation, or of Explanations
    of : {"text", "position", "row"}, default="text"
        What each item explains: a text, the label at a position, or a row of X.
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
        frames = dict(enumerate(item.to_frame() for item in self))
        # an empty sentence has no labels, so its frame has no columns
        frames = {row: frame for row, frame in frames.items() if len(frame.columns)}
        if not frames:
            return pandas.DataFrame()
        numbered = pandas.concat(frames, names=[self._of, None])
        return numbered.reset_index(self._of).reset_index(drop=True)

    def __repr__(self) -> str:
        return f"<Explanations of {len(self)} {self._of}s>"

    def __str__(self) -> str:
        shown, outside = self._entities_first()
        lines = [*map(str, shown)]
        if outside:
            lines.append(f"... {_describe_outside(len(outside))} ...")
        return "\n\n".join(lines)

    def _repr_html_(self) -> str:
        return self._html + self._html_note

    @property
    def _html(self) -> str:
        shown, outside = self._entities_first()
        html = "".join(item._html for item in shown)
        if not outside:
            return html
        outside_html = "".join(item._html for item in outside)
        return html + folded(_describe_outside(len(outside)), outside_html)

    def _entities_first(self) -> tuple[list, list]:
        """Return the explanations to show, and those of tokens outside of entities.

        If all tokens are outside, or none has the label "O", all are shown.
        """
        items = list(self)
        if self._of != "position":
            return items, []
        entities = [item for item in items if item.target != _OUTSIDE]
        outside = [item for item in items if item.target == _OUTSIDE]
        return (entities, outside) if entities else (items, [])

    @property
    def _html_note(self) -> str:
        return "".join(dict.fromkeys(item._html_note for item in self))


def _describe_outside(n_tokens: int) -> str:
    """Describe the explanations of tokens outside of entities."""
    tokens = "token" if n_tokens == 1 else "tokens"
    return f"{n_tokens} {tokens} with the label {_OUTSIDE!r}"
