"""What users hang into a training: callbacks of skorch and of scikit-learn."""

from copy import copy

from skorch.callbacks import (
    BatchScoring,
    Callback,
    EpochScoring,
    PassthroughScoring,
)

from sklearn_bilstm.training import StopTraining

__all__ = ["EpochTasks", "copies_of_callbacks"]


class EpochTasks(Callback):
    """Make each epoch of a fit a task of scikit-learn's callbacks.

    Parameters
    ----------
    task : FitTask
        The fit.
    attributes : callable
        Returns what the estimator would be if the training ended with this epoch.
    """

    def __init__(self, task, attributes):
        self.task = task
        self.attributes = attributes

    def on_epoch_begin(self, net, **kwargs):
        """Begin a task."""
        self.epoch_ = self.task.subtask("epoch")
        self.epoch_.begin()

    def on_epoch_end(self, net, **kwargs):
        """End it, and the training with it if a callback wants that."""
        if self.epoch_.end(self.attributes):
            raise StopTraining

    def on_train_end(self, net, **kwargs):
        """Let go of the estimator, and of what it was fitted to."""
        self.task = self.attributes = self.epoch_ = None


def copies_of_callbacks(estimator):
    """Return copies of an estimator's skorch callbacks, so that no two fits share one.

    A copy holds the very objects that its original was given, as these may stand for
    something outside: a writer, a run.

    Parameters
    ----------
    estimator : estimator
        With a parameter `callbacks`.

    Returns
    -------
    callbacks : list of skorch callbacks, or of tuples of a name and a callback

    Raises
    ------
    TypeError
        If one is no callback, or one that scores.
    """
    return [
        _copy(entry, type(estimator).__name__) for entry in estimator.callbacks or []
    ]


def _copy(entry, owner):
    named = isinstance(entry, tuple) and len(entry) == 2
    callback = entry[1] if named else entry
    if not isinstance(callback, Callback):
        raise TypeError(
            f"The 'callbacks' parameter of {owner} must hold instances of "
            "skorch.callbacks.Callback, or tuples of a name and an instance. Got "
            f"{callback!r} instead. Those of scikit-learn are given to set_callbacks."
        )
    if isinstance(callback, EpochScoring | BatchScoring | PassthroughScoring):
        raise TypeError(
            f"The 'callbacks' parameter of {owner} must not hold a "
            f"{type(callback).__name__}, which reads another kind of batch: losses and "
            "scores are in history_ without it."
        )
    return (entry[0], copy(callback)) if named else copy(callback)
