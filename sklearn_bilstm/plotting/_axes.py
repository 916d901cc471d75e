"""Axes of a Display."""

from types import ModuleType
from typing import Any

from sklearn_bilstm.utils._optional import import_optional

__all__ = ["axes_for", "check_axes"]


def check_axes(display: type, ax: Any) -> ModuleType:
    """Check matplotlib and the axes before anything expensive is computed.

    Parameters
    ----------
    display : type of Display
    ax : matplotlib Axes or None
        Axes to plot on.

    Returns
    -------
    pyplot : module

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If `ax` is not a matplotlib Axes.
    """
    purpose = display.__name__
    pyplot = import_optional("matplotlib.pyplot", purpose=purpose, extra="plot")
    if ax is not None and not hasattr(ax, "imshow"):
        raise TypeError(
            f"ax must be the matplotlib Axes to draw on, or None: got {ax!r}."
        )
    return pyplot


def axes_for(display: Any, ax: Any) -> Any:
    """Return the axes to plot on, and store them on the Display.

    Parameters
    ----------
    display : Display
        It gets the attributes `ax_` and `figure_`.
    ax : matplotlib Axes or None
        If None, a new figure is created.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    ImportError, TypeError
        As :func:`check_axes`.
    """
    pyplot = check_axes(type(display), ax)
    if ax is None:
        _, ax = pyplot.subplots(layout="constrained")
    display.ax_ = ax
    display.figure_ = ax.figure
    return ax
