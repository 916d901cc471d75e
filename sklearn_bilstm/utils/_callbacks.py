"""The callbacks of scikit-learn, which it has from version 1.9 on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """What an estimator has where there are no callbacks: nothing."""


__all__ = ["CallbackSupportMixin", "FitTask", "fit_task"]


class FitTask:
    """A fit, or an epoch of one, that scikit-learn's callbacks are told of.

    It costs nothing if no callback was set.

    Parameters
    ----------
    estimator : estimator
        What is fitted.
    context : sklearn.callback.CallbackContext or None
        The place of the task among others. None if no callback was set.
    data : dict
        X, y and the metadata that `fit` was given.
    """

    def __init__(self, estimator: Any, context: Any, data: dict[str, Any]) -> None:
        self._estimator = estimator
        self._context = context
        self._data = data

    def begin(self, n_subtasks: int = 0) -> None:
        """Tell that it begins, and of how many tasks it consists at most."""
        if self._context is not None:
            self._context.max_subtasks = n_subtasks
            self._context.call_on_fit_task_begin(
                estimator=self._estimator, **self._data
            )

    def subtask(self, name: str) -> "FitTask":
        """Return the next of the tasks it consists of."""
        if self._context is None:
            return self
        context = self._context.subcontext(task_name=name)
        return FitTask(self._estimator, context, self._data)

    def end(self, attributes: Callable[[], dict[str, Any]] = dict) -> bool:
        """Tell that it ends, and return whether a callback wants no more of them.

        Parameters
        ----------
        attributes : callable
            Returns the attributes that the estimator would have if fitting ended now,
            as far as they are not those it has. It is called if a callback asks.
        """
        if self._context is None:
            return False
        return self._context.call_on_fit_task_end(
            estimator=self._estimator,
            reconstruction_attributes=attributes,
            **self._data,
        )


@contextmanager
def fit_task(
    estimator: Any, X: Any, y: Any, sample_weight: Any = None
) -> Iterator[FitTask]:
    """Tell the callbacks of an estimator that it has been fitted, unless by an error.

    It must enclose whatever takes attributes from the estimator when there is an error,
    as scikit-learn finds there which callbacks it has to tear down.

    Parameters
    ----------
    estimator : estimator with CallbackSupportMixin
    X, y, sample_weight : object
        What `fit` was given.

    Yields
    ------
    task : FitTask
        The fit, to be begun.
    """
    context = None
    if hasattr(estimator, "_skl_callbacks"):
        context = estimator._init_callback_context(max_subtasks=None)
    metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
    task = FitTask(estimator, context, {"X": X, "y": y, "metadata": metadata})
    yield task
    task.end()
