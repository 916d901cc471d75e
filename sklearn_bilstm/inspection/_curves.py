"""SVG of series, whose intervals are coloured by their scores."""

from html import escape

import numpy as np

__all__ = ["curve"]

# Size of the drawing, and of the margin above and below the curve.
_WIDTH, _HEIGHT, _MARGIN = 600, 70, 4
# Maximum number of drawn points. Of longer series, the extremes of parts are drawn.
_MOST_POINTS = 1200


def curve(
    name: str, values: np.ndarray, bounds: np.ndarray, fills: list[tuple[str, str]]
) -> str:
    """Return a drawing of a channel of a series.

    Parameters
    ----------
    name : str
        Name of the channel.
    values : ndarray of shape (n_timesteps,)
    bounds : ndarray of int, shape (n_intervals + 1,)
        Interval i has the steps from `bounds[i]` to `bounds[i + 1] - 1`.
    fills : list of (str, str)
        Colour and description of each interval.

    Returns
    -------
    svg : str
        SVG to be inlined into HTML.
    """
    scale = _WIDTH / max(1, len(values))
    intervals = [
        f'<rect x="{start * scale:.2f}" y="0" width="{(end - start) * scale:.2f}" '
        f'height="{_HEIGHT}" fill="{colour}"><title>{escape(text)}</title></rect>'
        for start, end, (colour, text) in zip(
            bounds[:-1], bounds[1:], fills, strict=True
        )
    ]
    steps = _drawn_steps(values)
    points = " ".join(
        f"{(step + 0.5) * scale:.2f},{height:.2f}"
        for step, height in zip(steps, _heights(values[steps]), strict=True)
    )
    line = (
        f'<polyline points="{points}" fill="none" stroke="currentColor" '
        'stroke-width="1.5"/>'
    )
    return (
        f'<div>{escape(name)}</div><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'style="width: 100%; max-width: {_WIDTH}px;">{"".join(intervals)}{line}</svg>'
    )


def _drawn_steps(values: np.ndarray) -> np.ndarray:
    """Return the steps to draw; of a long series, the extremes of its parts."""
    if len(values) <= _MOST_POINTS:
        return np.arange(len(values))
    chunks = np.array_split(np.arange(len(values)), _MOST_POINTS // 2)
    extremes = [
        chunk[find(values[chunk])]
        for chunk in chunks
        for find in (np.argmin, np.argmax)
    ]
    return np.unique(extremes)


def _heights(values: np.ndarray) -> np.ndarray:
    """Return vertical positions, from the top of the drawing."""
    lowest, highest = values.min(initial=np.inf), values.max(initial=-np.inf)
    extent = highest - lowest if highest > lowest else 1.0
    shares = (values - lowest) / extent if highest > lowest else values * 0 + 0.5
    return _MARGIN + (1 - shares) * (_HEIGHT - 2 * _MARGIN)
