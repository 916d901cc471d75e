"""Learning-rate schedules, as skorch callbacks by name."""

import math
from functools import partial
from typing import Any

from skorch.callbacks import Callback
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from sklearn_bilstm.training._callbacks import Resumable

__all__ = ["SCHEDULES", "Schedule"]


# Fraction of the batches for the warm-up of one cycle, and its initial factor.
_WARM_UP = 0.25
_LOWEST = 0.04


class Schedule(Callback):
    """Record the learning rate at the end of an epoch as "lr".

    Parameters
    ----------
    n_steps : int
        Number of batches of the whole training.
    """

    def __init__(self, n_steps: int) -> None:
        self.n_steps = n_steps

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Record the rate."""
        net.history.record("lr", float(net.optimizer_.param_groups[0]["lr"]))


class Constant(Schedule):
    """Constant learning rate."""


class _Changing(Schedule, Resumable):
    """A schedule that uses a scheduler of torch."""

    scheduler_: Any

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Release the optimizer, so that it is not pickled with the callback."""
        del self.scheduler_

    def state_dict(self) -> dict[str, Any]:
        """Return the state after an epoch."""
        return self.scheduler_.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state, after the start of the training."""
        self.scheduler_.load_state_dict(state)


class OneCycle(_Changing):
    """Warm-up, then annealing to zero (Smith and Topin, 2018)."""

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Create the scheduler of the net's optimizer."""
        # OneCycleLR of torch divides by zero for few batches
        self.scheduler_ = LambdaLR(net.optimizer_, partial(_one_cycle, self.n_steps))

    def on_batch_end(self, net: Any, training: bool, **kwargs: Any) -> None:
        """Advance by a batch."""
        if training:
            self.scheduler_.step()


class Plateau(_Changing):
    """Halve the rate after two epochs without a lower loss.

    The loss is that of the validation rows if there are any, otherwise of the training.
    """

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Create the scheduler of the net's optimizer."""
        # torch's patience counts tolerated epochs; the rate is halved after one more
        self.scheduler_ = ReduceLROnPlateau(net.optimizer_, factor=0.5, patience=1)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Record the rate, and pass the loss to the scheduler."""
        super().on_epoch_end(net, **kwargs)
        epoch = net.history[-1]
        self.scheduler_.step(epoch.get("valid_loss", epoch["train_loss"]))


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "one_cycle": OneCycle,
    "plateau": Plateau,
}


def _one_cycle(n_steps: int, step: int) -> float:
    """Return the factor of a step: cosine warm-up to 1 and longer decay to 0."""
    progress = (step + 0.5) / n_steps
    if progress < _WARM_UP:
        rise = (1 - math.cos(math.pi * progress / _WARM_UP)) / 2
        return _LOWEST + (1 - _LOWEST) * rise
    return (1 + math.cos(math.pi * (progress - _WARM_UP) / (1 - _WARM_UP))) / 2
