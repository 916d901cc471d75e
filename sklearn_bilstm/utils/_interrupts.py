"""Contexts that are exited even if Ctrl-C interrupts their enter or exit."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

__all__ = ["call_within"]

T = TypeVar("T")


def call_within(context: AbstractContextManager, function: Callable[[], T]) -> T:
    """Call a function within a context that is exited even after an interrupt.

    A `with` statement does not call `__exit__` if KeyboardInterrupt is raised before
    `__enter__` returns, nor again if it is raised within `__exit__`. This function
    calls `__exit__` once more after any error.

    Parameters
    ----------
    context : context manager
        Its `__exit__` must be idempotent, even if the first call or `__enter__` is
        interrupted.
    function : callable

    Returns
    -------
    result : object
        Return value of the function.
    """
    try:
        with context:
            return function()
    except BaseException as error:
        context.__exit__(type(error), error, error.__traceback__)
        raise
