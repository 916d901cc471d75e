"""Exception that stops a training."""

__all__ = ["StopTraining"]


class StopTraining(Exception):
    """Raised by a callback at the end of an epoch to stop the training."""
