"""Explanations as HTML, for notebooks. All that is not ours is escaped."""

from html import escape

from sklearn_bilstm.inspection._pieces import Field, Piece

__all__ = ["as_html"]

# Red, green and blue: orange speaks for and blue against, which all eyes tell apart.
# They are laid over the page, in part, so that its own text stays readable on them,
# be it black on white or white on black.
_FOR, _AGAINST = "230, 120, 20", "30, 120, 230"
_STRONGEST = 0.6

_BOX = (
    "margin: 0.5em 0; padding: 0.5em 0.8em; border-radius: 4px;"
    "border: 1px solid rgba(128, 128, 128, 0.4); line-height: 1.7;"
)
_TEXT = "white-space: pre-wrap; overflow-wrap: anywhere;"
_SMALL = "font-size: 85%; opacity: 0.8;"
_TOKEN = "border-radius: 3px; padding: 0.1em 0;"


def as_html(heading: str, fields: list[Field], legend: list[str]) -> str:
    """Return a box with a heading, the texts with their tokens coloured, and a legend.

    Parameters
    ----------
    heading : str
    fields : list of Field
    legend : list of str
        What a positive score means, and what a negative one means, if there are any.
    """
    scores = [p.score for f in fields for p in [*f.pieces, *f.elsewhere] if p.score]
    largest = max(map(abs, scores), default=1.0)
    shown = "".join(_field(field, largest) for field in fields)
    swatches = " ".join(
        _token(Piece(f" {meaning} ", sign * largest), largest)
        for sign, meaning in zip((1, -1), legend, strict=False)
    )
    return (
        f'<div style="{_BOX}"><div><strong>{escape(heading)}</strong></div>'
        f'{shown}<div style="{_SMALL}">{swatches} up to {largest:.3g}</div></div>'
    )


def _field(field: Field, largest: float) -> str:
    name = "" if field.name is None else f"<em>{escape(field.name)}</em> "
    elsewhere = " ".join(_token(piece, largest) for piece in field.elsewhere)
    text = "".join(_token(piece, largest) for piece in field.pieces)
    return (
        f'<div>{name}<small>{elsewhere}</small></div><div dir="auto" '
        f'style="{_TEXT}">{text}</div>'
    )


def _token(piece: Piece, largest: float) -> str:
    """Return a piece of text, on a colour if it has a score."""
    text = escape(piece.text)
    if piece.score is None:
        return text
    rgb = _FOR if piece.score > 0 else _AGAINST
    alpha = _STRONGEST * abs(piece.score) / largest
    style = f"{_TOKEN} background: rgba({rgb}, {alpha:.3f});"
    return f'<span style="{style}" title="{piece.score:+.4g}">{text}</span>'
