"""Texts split into tokens and the text between them, with scores."""

from typing import NamedTuple

import numpy as np

from sklearn_bilstm.text import LocatedDocument

__all__ = ["TextColumn", "TextSpan", "split_into_columns"]


class TextSpan(NamedTuple):
    """A span of a text.

    Parameters
    ----------
    text : str
    score : float or None
        None for text between tokens, and for truncated tokens.
    is_explained : bool, default=False
        Whether it is the token whose label is explained.
    """

    text: str
    score: float | None
    is_explained: bool = False


class TextColumn(NamedTuple):
    """The text of one column.

    Parameters
    ----------
    name : str or None
        Name of the column. None if there is only one.
    pieces : list of TextSpan
        The whole text, span by span.
    elsewhere : list of TextSpan
        Tokens without a position in the text.
    """

    name: str | None
    pieces: list[TextSpan]
    elsewhere: list[TextSpan]


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
    pairs = zip(document.tokens, scores.tolist(), strict=True)
    for number, (token, score) in enumerate(pairs):
        column, end = token.column, token.end
        score = None if np.isnan(score) else score
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
