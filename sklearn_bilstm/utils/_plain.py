"""Parameters as plain values of Python while an estimator is fitted."""

from collections.abc import Callable
from functools import partial, wraps
from numbers import Integral, Number, Real
from types import TracebackType
from typing import Any, Self

import numpy as np

from sklearn_bilstm.utils._interrupts import call_within
from sklearn_bilstm.utils._sklearn import fit_context

__all__ = ["PlainParameters", "fit_method", "plain_value"]


def fit_method(method: Callable) -> Callable:
    """Decorate a method that fits: it validates and reads parameters as plain values.

    Torch refuses scalars of numpy, which is what a search over an array of numpy gives.
    """
    validated = fit_context(prefer_skip_nested_validation=True)(method)

    @wraps(method)
    def fit(estimator: Any, *args: Any, **kwargs: Any) -> Any:
        return call_within(
            PlainParameters(estimator), partial(validated, estimator, *args, **kwargs)
        )

    return fit


class PlainParameters:
    """Let an estimator hold plain values, as a context manager.

    At the end, the estimator gets back the values that it was given, except for
    parameters that were set meanwhile.

    Parameters
    ----------
    estimator : estimator
    """

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator
        pairs = (
            (name, value, plain_value(value))
            for name, value in estimator.get_params(deep=False).items()
        )
        self._replaced = [
            (name, given, plain)
            for name, given, plain in pairs
            if type(given) is not type(plain) or _types(given) != _types(plain)
        ]

    def __enter__(self) -> Self:
        for name, _, plain in self._replaced:
            setattr(self._estimator, name, plain)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name, given, plain in self._replaced:
            if getattr(self._estimator, name) is plain:
                setattr(self._estimator, name, given)


def _types(value: Any) -> list[type]:
    """Return the types of the items of a list or tuple."""
    return list(map(type, value)) if isinstance(value, list | tuple) else []


def plain_value(value: Any) -> Any:
    """Return a scalar as a bool, int, float or str, and any other value as it is.

    In a list or tuple of numbers each is replaced.
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, str):
        return str.__str__(value)
    if type(value) in (list, tuple) and all(isinstance(v, Number) for v in value):
        return type(value)(map(plain_value, value))
    return value
