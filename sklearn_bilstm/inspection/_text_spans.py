"""Texts split into tokens and the text between them, with scores."""

from collections import Counter
from itertools import groupby
from typing import NamedTuple

import numpy as np

from sklearn_bilstm.text import LocatedDocument

__all__ = [
    "TextColumn",
    "TextSpan",
    "numbered_tokens",
    "shortened",
    "split_into_columns",
]

# Number of tokens that are shown on both sides of a token with a notable score.
_CONTEXT = 8
# Fewer tokens are not omitted.
_FEWEST_OMITTED = 40


class TextSpan(NamedTuple):
    """A span of a text.

    Parameters
    ----------
    text : str
    score : float or None
        None for text between tokens, and for truncated tokens.
    is_explained : bool, default=False
        Whether it is the token whose label is explained.
    is_omission : bool, default=False
        Whether it is an ellipsis that replaces tokens.
    """

    text: str
    score: float | None
    is_explained: bool = False
    is_omission: bool = False


class TextColumn(NamedTuple):
    """The text of one column.

    Parameters
    ----------
    name : str or None
        Name of the column. None if there is only one.
    pieces : list of TextSpan
        The whole text: text between tokens and tokens, alternately.
    elsewhere : list of TextSpan
        Tokens without a position in the text.
    score : float or None, default=None
        Score of the marker token of the column.
    """

    name: str | None
    pieces: list[TextSpan]
    elsewhere: list[TextSpan]
    score: float | None = None


def _find_markers(document: LocatedDocument) -> set[int]:
    """Return the indices of the tokens that mark the start of a column."""
    names = document.columns
    return {
        index
        for index, token in enumerate(document.tokens)
        if names and token.start is None and token.token == f"<{names[token.column]}>"
    }


def numbered_tokens(document: LocatedDocument, tokens: list[str]) -> list[str]:
    """Return distinct names of tokens: repeated ones are numbered.

    The name of a column replaces its marker.

    Parameters
    ----------
    document : LocatedDocument
    tokens : list of str
        The tokens as written.
    """
    markers = _find_markers(document)
    names = [
        f"{document.columns[token.column]}:" if index in markers else text
        for index, (text, token) in enumerate(zip(tokens, document.tokens, strict=True))
    ]
    n_times, n_before = Counter(names), Counter[str]()
    numbered = []
    for name in names:
        n_before[name] += 1
        numbered.append(f"{name} ({n_before[name]})" if n_times[name] > 1 else name)
    return numbered


def split_into_columns(
    document: LocatedDocument, scores: np.ndarray, position: int | None = None
) -> list[TextColumn]:
    """Split the texts of a document into scored tokens and the text between them.

    Parameters
    ----------
    document : LocatedDocument
    scores : ndarray of shape (n_tokens,)
    position : int, default=None
        Index of the token whose label is explained.
    """
    names: list = document.columns or [None]
    fields = [TextColumn(name, [], []) for name in names]
    ends = [0] * len(fields)
    markers = _find_markers(document)
    pairs = zip(document.tokens, scores.tolist(), strict=True)
    for number, (token, score) in enumerate(pairs):
        column, end = token.column, token.end
        score = None if np.isnan(score) else score
        if number in markers:
            fields[column] = fields[column]._replace(score=score)
            continue
        # one character can yield two tokens
        start = max(token.start or 0, ends[column])
        if end is None or end <= start:
            fields[column].elsewhere.append(TextSpan(str(token.token), score))
            continue
        text = document.texts[column]
        fields[column].pieces.append(TextSpan(text[ends[column] : start], None))
        piece = TextSpan(text[start:end], score, number == position)
        fields[column].pieces.append(piece)
        ends[column] = end
    for text, field, end in zip(document.texts, fields, ends, strict=True):
        field.pieces.append(TextSpan(text[end:], None))
    return fields


def shortened(column: TextColumn, min_score: float) -> TextColumn:
    """Replace long parts of a text without notable scores by an ellipsis.

    Parameters
    ----------
    column : TextColumn
    min_score : float
        Smallest absolute value of a notable score.
    """
    tokens = column.pieces[1::2]
    is_notable = [
        token.is_explained
        or (token.score is not None and abs(token.score) >= min_score)
        for token in tokens
    ]
    centres = np.flatnonzero(is_notable) if any(is_notable) else np.array([0])
    is_shown = np.zeros(len(tokens), bool)
    for centre in centres:
        is_shown[max(0, centre - _CONTEXT) : centre + _CONTEXT + 1] = True
    pieces = column.pieces[:1]
    for shown, run in groupby(range(len(tokens)), key=is_shown.__getitem__):
        indices = list(run)
        first, after = 2 * indices[0] + 1, 2 * indices[-1] + 2
        if shown or len(indices) < _FEWEST_OMITTED:
            pieces += column.pieces[first : after + 1]
            continue
        is_start, is_end = indices[0] == 0, indices[-1] == len(tokens) - 1
        is_apart = is_start or pieces[-1].text[-1:].isspace()
        pieces = [] if is_start else [*pieces, TextSpan(" " * (not is_apart), None)]
        ellipsis = f"... {len(indices)} tokens ..."
        pieces.append(TextSpan(ellipsis, None, is_omission=True))
        pieces += [] if is_end else [TextSpan(" ", None)]
    return column._replace(pieces=pieces)
