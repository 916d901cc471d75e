"""Callbacks of users: those of skorch and those of scikit-learn."""

from collections.abc import Callable
from copy import copy
from typing import Any

from skorch.callbacks import (
    BatchScoring,
    Callback,
    EpochScoring,
    PassthroughScoring,
)

from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.training import StopTraining
from sklearn_bilstm.utils._callbacks import FitTask

__all__ = ["EpochTasks", "copies_of_callbacks"]


class EpochTasks(Callback):
    """Report each epoch of a fit to scikit-learn's callbacks, as a task.

    Parameters
    ----------
    task : FitTask
        The fit.
    attributes : callable
        Returns the attributes of the estimator if training ended with this epoch.
    """

    def __init__(self, task: FitTask, attributes: Callable[[], dict[str, Any]]) -> None:
        self.task: Any = task
        self.attributes: Any = attributes

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Begin a task."""
        self.epoch_ = self.task.subtask("epoch")
        self.epoch_.begin()

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """End the task. Stop training if a scikit-learn callback requests it."""
        if self.epoch_.end(self.attributes):
            raise StopTraining

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Drop the references to the estimator and its data."""
        self.task = self.attributes = self.epoch_ = None


def copies_of_callbacks(config: Config) -> list:
    """Return copies of the skorch callbacks, so that no two fits share one.

    Copies are shallow: they share objects such as log writers.

    Parameters
    ----------
    config : Config

    Returns
    -------
    callbacks : list of skorch callbacks, or of tuples of a name and a callback

    Raises
    ------
    TypeError
        If an item is not a callback, or is a scoring callback.
    """
    return [_copy(entry, config.estimator) for entry in config.callbacks or []]


def _copy(entry: Any, owner: str) -> Any:
    is_named = isinstance(entry, tuple) and len(entry) == 2
    callback = entry[1] if is_named else entry
    if not isinstance(callback, Callback):
        raise TypeError(
            f"The 'callbacks' parameter of {owner} must hold instances of "
            "skorch.callbacks.Callback, or tuples of a name and an instance. Got "
            f"{callback!r} instead. Pass scikit-learn callbacks to set_callbacks."
        )
    if isinstance(callback, EpochScoring | BatchScoring | PassthroughScoring):
        raise TypeError(
            f"The 'callbacks' parameter of {owner} must not contain a "
            f"{type(callback).__name__}: scoring callbacks do not support this "
            "package's batches; history_ already contains losses and scores."
        )
    return (entry[0], copy(callback)) if is_named else copy(callback)
