"""Exception that stops a training."""

__all__ = ["StopTraining"]


class StopTraining(Exception):
    """Raised by a callback to stop training, after a batch or an epoch."""


class StoppedElsewhere(StopTraining):
    """Raised if a callback in another process has ended the training."""
