"""Scorers that scikit-learn's make_scorer returns, stored by the name of the metric."""

from typing import Any

from sklearn import metrics
from sklearn.metrics import accuracy_score, make_scorer

__all__ = ["is_storable_scorer", "plain_scorer", "restored_scorer"]

_SCORER = type(make_scorer(accuracy_score))
# Functions of labels or scores, which call no other functions that a file could name.
_METRICS = {
    name: getattr(metrics, name)
    for name in metrics.__all__
    if name.endswith(("_coef", "_corrcoef", "_error", "_loss", "_score"))
}


def is_storable_scorer(value: Any) -> bool:
    """Return whether a value is a scorer of a metric of scikit-learn."""
    return type(value) is _SCORER and _name_of(value) is not None


def plain_scorer(scorer: Any) -> list:
    """Return the name of the metric, the sign, the arguments and the method."""
    kwargs = dict(scorer._kwargs)
    return [_name_of(scorer), scorer._sign, kwargs, scorer._response_method]


def restored_scorer(plain: list) -> Any:
    """Restore a scorer from the result of :func:`plain_scorer`."""
    name, sign, kwargs, method = plain
    return make_scorer(
        _METRICS[name], response_method=method, greater_is_better=sign > 0, **kwargs
    )


def _name_of(scorer: Any) -> str | None:
    function = scorer._score_func
    return next((name for name, metric in _METRICS.items() if metric is function), None)
