"""How a callback ends a training."""

__all__ = ["StopTraining"]


class StopTraining(Exception):
    """Raised at the end of an epoch to make it the last one."""
