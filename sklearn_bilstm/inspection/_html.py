"""HTML output of explanations for notebooks. User text is escaped."""

from collections.abc import Callable, Sequence
from html import escape

from sklearn_bilstm.inspection._text_spans import TextColumn, TextSpan

__all__ = ["box", "colour_of", "folded", "note"]

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
_SCORES = "margin-top: 0.3em; border-top: 1px solid rgba(128, 128, 128, 0.2);"
_LEGEND = "font-size: 85%;"
_SMALL = "font-size: 85%; opacity: 0.8;"
_ASIDE = "opacity: 0.6;"
# the margin separates the colours of adjacent tokens
_TOKEN = "border-radius: 3px; margin: 0 1px; padding: 0.1em 0;"
_SWATCH = " padding: 0.1em 0.4em; margin-right: 0.4em;"
_EXPLAINED = " outline: 2px solid;"

_Colour = Callable[[TextSpan], str]


def box(
    heading: str,
    meanings: list[str],
    fields: list[TextColumn],
    *,
    static: Sequence[tuple[str, float | None]] = (),
    totals: Sequence[tuple[str, str]] = (),
    drawing: str = "",
    largest: float = 0.0,
) -> str:
    """Return a box with a heading, a legend and the texts with coloured tokens.

    Parameters
    ----------
    heading : str
    meanings : list of str
        Meaning of a positive and of a negative score; or of a share, which has no sign.
    fields : list of TextColumn
    static : sequence of (str, float or None), default=()
        Names and scores of static features.
    totals : sequence of (str, str), default=()
        Names and values of the baseline and of sums.
    drawing : str, default=""
        HTML to show before the texts.
    largest : float, default=0.0
        Largest absolute score in the drawing.
    """
    pieces = [p for f in fields for p in [*f.pieces, *f.elsewhere]]
    scores = [*(p.score for p in pieces), *(f.score for f in fields)]
    scores += [score for _, score in static]
    largest = max((abs(score) for score in scores if score), default=largest)
    is_share = len(meanings) == 1

    def coloured(piece: TextSpan) -> str:
        if piece.is_omission:
            return f'<span style="{_ASIDE}">{escape(piece.text)}</span>'
        if piece.score is None:
            return escape(piece.text)
        rgb = _SHARE if is_share else _FOR if piece.score > 0 else _AGAINST
        value = f"{piece.score:.4g}" if is_share else f"{piece.score:+.4g}"
        more = _EXPLAINED if piece.is_explained else ""
        strength = abs(piece.score) / (largest or 1.0)
        return _on_colour(piece.text, rgb, strength, value, more)

    lines = [f"<div><strong>{escape(heading)}</strong></div>"]
    lines += [_legend(meanings, largest), drawing]
    lines += [_field(field, coloured) for field in fields]
    other_lines = [_static_line(name, score, coloured) for name, score in static]
    other_lines += [
        f"<div>{escape(name)} <small>{escape(value)}</small></div>"
        for name, value in totals
    ]
    if other_lines:
        lines.append(f'<div style="{_SCORES}">{"".join(other_lines)}</div>')
    return f'<div style="{_BOX}">{"".join(lines)}</div>'


def colour_of(score: float, largest: float) -> str:
    """Return the colour of a score, as CSS.

    Parameters
    ----------
    score : float
    largest : float
        The absolute score with the strongest colour.
    """
    return _translucent(_FOR if score > 0 else _AGAINST, abs(score) / (largest or 1.0))


def folded(summary: str, html: str) -> str:
    """Return HTML that a click on its summary shows."""
    return f"<details><summary>{escape(summary)}</summary>{html}</details>"


def note(text: str) -> str:
    """Return a note below the boxes."""
    return f'<div style="{_SMALL}">{escape(text)}</div>'


def _legend(meanings: list[str], largest: float) -> str:
    """Return a line that explains the colours."""
    colours = [_SHARE] if len(meanings) == 1 else [_FOR, _AGAINST]
    swatches = [
        _on_colour(meaning, rgb, 1.0, meaning, _SWATCH)
        for meaning, rgb in zip(meanings, colours, strict=True)
    ]
    strongest = [f"strongest colour: {largest:.3g}"] if largest else []
    return f'<div style="{_LEGEND}">{" ".join(swatches + strongest)}</div>'


def _field(field: TextColumn, coloured: _Colour) -> str:
    name = TextSpan(f"{field.name}:", field.score)
    names = [] if field.name is None else [f"<em>{coloured(name)}</em>"]
    elsewhere = [f"<small>{coloured(piece)}</small>" for piece in field.elsewhere]
    before = " ".join([*names, *elsewhere])
    text = "".join(map(coloured, field.pieces))
    return (
        f"{before and f'<div>{before}</div>'}"
        f'<div dir="auto" style="{_TEXT}">{text}</div>'
    )


def _static_line(name: str, score: float | None, coloured: _Colour) -> str:
    if score is None:
        return f'<div style="{_ASIDE}">{escape(name)}</div>'
    span = coloured(TextSpan(name, score))
    return f"<div>{span} <small>{score:+.2f}</small></div>"


def _translucent(rgb: str, strength: float) -> str:
    return f"rgba({rgb}, {_STRONGEST * strength:.3f})"


def _on_colour(text: str, rgb: str, strength: float, title: str, more: str = "") -> str:
    style = f"{_TOKEN} background: {_translucent(rgb, strength)};{more}"
    return f'<span style="{style}" title="{escape(title)}">{escape(text)}</span>'
