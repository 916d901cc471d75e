"""HTML output of explanations for notebooks. User text is escaped."""

from collections.abc import Callable
from html import escape

from sklearn_bilstm.inspection._text_spans import TextColumn, TextSpan

__all__ = ["box", "legend"]

# RGB: orange for positive and blue for negative scores, which colour-blind readers can
# distinguish, and purple for shares. The colours are translucent, so that text stays
# readable in light and dark themes.
_FOR, _AGAINST = "230, 120, 20", "30, 120, 230"
_SHARE = "120, 90, 180"
_STRONGEST = 0.6

_BOX = (
    "margin: 0.5em 0; padding: 0.5em 0.8em; border-radius: 4px;"
    "border: 1px solid rgba(128, 128, 128, 0.4); line-height: 1.7;"
)
_TEXT = "white-space: pre-wrap; overflow-wrap: anywhere;"
_SMALL = "font-size: 85%; opacity: 0.8;"
_TOKEN = "border-radius: 3px; padding: 0.1em 0;"
_EXPLAINED = " outline: 2px solid;"


def box(heading: str, fields: list[TextColumn], *, is_share: bool = False) -> str:
    """Return a box with a heading and the texts with coloured tokens.

    Parameters
    ----------
    heading : str
    fields : list of TextColumn
    is_share : bool, default=False
        Whether scores are shares of a whole, which have no sign.
    """
    scores = [p.score for f in fields for p in [*f.pieces, *f.elsewhere] if p.score]
    largest = max(map(abs, scores), default=1.0)

    def coloured(piece: TextSpan) -> str:
        if piece.score is None:
            return escape(piece.text)
        rgb = _SHARE if is_share else _FOR if piece.score > 0 else _AGAINST
        value = f"{piece.score:.4g}" if is_share else f"{piece.score:+.4g}"
        more = _EXPLAINED if piece.is_explained else ""
        return _on_colour(piece.text, rgb, abs(piece.score) / largest, value, more)

    shown = "".join(_field(field, coloured) for field in fields)
    note = f"<small>up to {largest:.3g}</small>" if scores else ""
    return (
        f'<div style="{_BOX}"><div><strong>{escape(heading)}</strong> {note}</div>'
        f"{shown}</div>"
    )


def legend(meanings: list[str]) -> str:
    """Return a line that explains the colours.

    Parameters
    ----------
    meanings : list of str
        Meaning of a positive and a negative score, or of a share.
    """
    colours = [_SHARE] if len(meanings) == 1 else [_FOR, _AGAINST]
    swatches = [
        _on_colour(f" {meaning} ", rgb, 1.0, meaning)
        for meaning, rgb in zip(meanings, colours, strict=True)
    ]
    return f'<div style="{_SMALL}">{" ".join(swatches)}</div>'


def _field(field: TextColumn, coloured: Callable[[TextSpan], str]) -> str:
    name = [] if field.name is None else [f"<em>{escape(field.name)}</em>"]
    elsewhere = [f"<small>{coloured(piece)}</small>" for piece in field.elsewhere]
    before = " ".join([*name, *elsewhere])
    text = "".join(map(coloured, field.pieces))
    return (
        f"{before and f'<div>{before}</div>'}"
        f'<div dir="auto" style="{_TEXT}">{text}</div>'
    )


def _on_colour(text: str, rgb: str, strength: float, title: str, more: str = "") -> str:
    style = f"{_TOKEN} background: rgba({rgb}, {_STRONGEST * strength:.3f});{more}"
    return f'<span style="{style}" title="{escape(title)}">{escape(text)}</span>'
