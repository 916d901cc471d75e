"""A text cut into tokens and what stands between them, to be shown with scores."""

from typing import NamedTuple

import numpy as np

from sklearn_bilstm.text import LocatedDocument

__all__ = ["Field", "Piece", "cut_into_fields"]


class Piece(NamedTuple):
    """A part of a text.

    Parameters
    ----------
    text : str
    score : float or None
        None for what is no token, and for a token that was cut off.
    is_explained : bool, default=False
        Whether it is the token whose label is explained.
    """

    text: str
    score: float | None
    is_explained: bool = False


class Field(NamedTuple):
    """The text of a column.

    Parameters
    ----------
    name : str or None
        Name of the column. None if there is one only.
    pieces : list of Piece
        The whole text, piece by piece.
    elsewhere : list of Piece
        Tokens without a place of their own in the text.
    """

    name: str | None
    pieces: list[Piece]
    elsewhere: list[Piece]


def cut_into_fields(
    document: LocatedDocument, scores: np.ndarray, position: int | None = None
) -> list[Field]:
    """Cut the texts of a document, whose tokens have scores, into pieces.

    Parameters
    ----------
    document : LocatedDocument
    scores : ndarray of shape (n_tokens,)
    position : int, default=None
        Number of the token whose label is explained.
    """
    names: list = document.columns or [None]
    fields = [Field(name, [], []) for name in names]
    ends = [0] * len(fields)
    pairs = zip(document.tokens, scores.tolist(), strict=True)
    for number, (token, score) in enumerate(pairs):
        column, end = token.column, token.end
        score = None if np.isnan(score) else score
        # two tokens may be parts of one character
        start = max(token.start or 0, ends[column])
        if end is None or end <= start:
            fields[column].elsewhere.append(Piece(str(token.token), score))
            continue
        text = document.texts[column]
        fields[column].pieces.append(Piece(text[ends[column] : start], None))
        piece = Piece(text[start:end], score, number == position)
        fields[column].pieces.append(piece)
        ends[column] = end
    for text, field, end in zip(document.texts, fields, ends, strict=True):
        field.pieces.append(Piece(text[end:], None))
    return fields
