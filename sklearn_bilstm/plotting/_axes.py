"""Where a Display draws."""

from typing import Any

from sklearn_bilstm.utils._optional import import_optional

__all__ = ["axes_for"]


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
    ImportError
        If matplotlib is not installed.
    """
    purpose = type(display).__name__
    pyplot = import_optional("matplotlib.pyplot", purpose=purpose, extra="plot")
    if ax is None:
        _, ax = pyplot.subplots(layout="constrained")
    display.ax_ = ax
    display.figure_ = ax.figure
    return ax
