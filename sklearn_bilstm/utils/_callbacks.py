"""Support for scikit-learn's callbacks, available from version 1.9 on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Replacement for versions of scikit-learn without callbacks."""


__all__ = ["CallbackSupportMixin", "FitTask", "fit_task"]


class FitTask:
    """A fit, or an epoch of a fit, as a task of scikit-learn's callbacks.

    It has no cost if no callback is set.

    Parameters
    ----------
    estimator : estimator
        The estimator to fit.
    context : sklearn.callback.CallbackContext or None
        Context of the task. None if no callback is set.
    data : dict
        X, y and the metadata passed to `fit`.
    """

    def __init__(self, estimator: Any, context: Any, data: dict[str, Any]) -> None:
        self._estimator = estimator
        self._context = context
        self._data = data

    def begin(self, n_subtasks: int = 0) -> None:
        """Notify callbacks of the start, with the maximum number of subtasks."""
        if self._context is not None:
            self._context.max_subtasks = n_subtasks
            self._context.call_on_fit_task_begin(
                estimator=self._estimator, **self._data
            )

    def subtask(self, name: str) -> "FitTask":
        """Return the next subtask."""
        if self._context is None:
            return self
        context = self._context.subcontext(task_name=name)
        return FitTask(self._estimator, context, self._data)

    def end(self, attributes: Callable[[], dict[str, Any]] = dict) -> bool:
        """Notify callbacks of the end, and return whether one requests a stop.

        Parameters
        ----------
        attributes : callable
            Returns the attributes that the estimator would have if fitting ended now,
            if they differ from the current ones. Called only if a callback requires it.
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
    """Notify the callbacks of an estimator of a fit, unless it fails.

    It must enclose all code that removes attributes of the estimator after an error,
    since scikit-learn uses these attributes to tear down callbacks.

    Parameters
    ----------
    estimator : estimator with CallbackSupportMixin
    X, y, sample_weight : object
        Arguments of `fit`.

    Yields
    ------
    task : FitTask
        The fit, not yet started.
    """
    context = None
    if hasattr(estimator, "_skl_callbacks"):
        context = estimator._init_callback_context(max_subtasks=None)
    metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
    task = FitTask(estimator, context, {"X": X, "y": y, "metadata": metadata})
    yield task
    task.end()
