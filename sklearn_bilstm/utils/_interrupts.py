"""Contexts that end whatever line Ctrl-C interrupts."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

__all__ = ["call_within"]

T = TypeVar("T")


def call_within(context: AbstractContextManager, function: Callable[[], T]) -> T:
    """Call a function within a context whose end an interrupt cannot prevent.

    A `with` statement alone does not undo what `__enter__` has done when
    KeyboardInterrupt is raised before it returns, nor anything when it is raised before
    `__exit__` has done its work. Here `__exit__` is called once more after any error.

    Parameters
    ----------
    context : context manager
        Calling its `__exit__` twice must be like calling it once, even if the first
        call, or `__enter__`, is interrupted.
    function : callable

    Returns
    -------
    result : object
        What the function returns.
    """
    try:
        with context:
            return function()
    except BaseException as error:
        context.__exit__(type(error), error, error.__traceback__)
        raise
