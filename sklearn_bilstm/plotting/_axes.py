"""Where a Display draws."""

from types import ModuleType
from typing import Any

from sklearn_bilstm.utils._optional import import_optional

__all__ = ["axes_for", "check_axes"]


def check_axes(display: type, ax: Any) -> ModuleType:
    """Check that a Display can be drawn, before anything is computed for it.

    Parameters
    ----------
    display : type of Display
    ax : matplotlib Axes or None
        Where it is to be drawn.

    Returns
    -------
    pyplot : module

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If there are no such axes.
    """
    purpose = display.__name__
    pyplot = import_optional("matplotlib.pyplot", purpose=purpose, extra="plot")
    if ax is not None and not hasattr(ax, "imshow"):
        raise TypeError(
            f"ax must be the matplotlib Axes to draw on, or None: got {ax!r}."
        )
    return pyplot


def axes_for(display: Any, ax: Any) -> Any:
    """Return the axes that a Display draws on, and let it know them.

    Parameters
    ----------
    display : Display
        It gets the attributes `ax_` and `figure_`.
    ax : matplotlib Axes or None
        None stands for the axes of a new figure.

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
