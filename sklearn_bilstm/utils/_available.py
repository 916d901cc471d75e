"""Methods that only some objects of a class have."""

from collections.abc import Callable
from types import MethodType
from typing import Any

__all__ = ["available_if"]


class _AvailableIf:
    def __init__(self, method: Callable, check: Callable[[Any], bool]) -> None:
        self._method, self._check = method, check
        self.__doc__ = method.__doc__

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:  # for the documentation of the class
            return self._method
        message = f"This {owner.__name__!r} has no attribute {self._method.__name__!r}"
        try:
            is_available = self._check(instance)
        except AttributeError as error:
            raise AttributeError(message) from error
        if not is_available:
            raise AttributeError(message)
        return MethodType(self._method, instance)


def available_if(check: Callable[[Any], bool]) -> Callable[[Callable], Any]:
    """Return a decorator of a method that exists only if a condition holds.

    It is equivalent to :func:`sklearn.utils.metaestimators.available_if`, for classes
    that do not require scikit-learn.

    Parameters
    ----------
    check : callable
        Function of the object that returns whether it has the method, or raises an
        AttributeError that gives the reason.
    """
    return lambda method: _AvailableIf(method, check)
