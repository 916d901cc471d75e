"""Parameters as plain values of Python while an estimator is fitted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from numbers import Integral, Number, Real
from typing import Any

import numpy as np

from sklearn_bilstm.utils._sklearn import fit_context

__all__ = ["fit_method", "plain_parameters", "plain_value"]


def fit_method(method: Callable) -> Callable:
    """Decorate a method that fits: it validates and reads parameters as plain values.

    Torch refuses scalars of numpy, which is what a search over an array of numpy gives.
    """
    validated = fit_context(prefer_skip_nested_validation=True)(method)

    @wraps(method)
    def fit(estimator: Any, *args: Any, **kwargs: Any) -> Any:
        with plain_parameters(estimator):
            return validated(estimator, *args, **kwargs)

    return fit


@contextmanager
def plain_parameters(estimator: Any) -> Iterator[None]:
    """Let an estimator hold plain values, and give it back what it was given."""
    given = estimator.get_params(deep=False)
    vars(estimator).update({name: plain_value(value) for name, value in given.items()})
    try:
        yield
    finally:
        vars(estimator).update(given)


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
