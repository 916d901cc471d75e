"""Learning-rate schedules, as skorch callbacks chosen by name."""

import math
from functools import partial
from typing import Any

from skorch.callbacks import Callback
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from sklearn_bilstm.training._callbacks import Resumable

__all__ = ["SCHEDULES", "Schedule"]


# Share of the batches in which one cycle warms up, and the factor it begins with.
_WARM_UP = 0.25
_LOWEST = 0.04


class Schedule(Callback):
    """Record the rate that an epoch ended with as "lr".

    Parameters
    ----------
    n_steps : int
        Number of batches in the whole training.
    """

    def __init__(self, n_steps: int) -> None:
        self.n_steps = n_steps

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Record the rate."""
        net.history.record("lr", float(net.optimizer_.param_groups[0]["lr"]))


class Constant(Schedule):
    """The same rate throughout."""


class _Changing(Schedule, Resumable):
    """A rate that a scheduler of torch changes."""

    scheduler_: Any

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Let go of the optimiser, which is not to be pickled with the callback."""
        del self.scheduler_

    def state_dict(self) -> dict[str, Any]:
        """Return the state after an epoch."""
        return self.scheduler_.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a state, once the training has begun."""
        self.scheduler_.load_state_dict(state)


class OneCycle(_Changing):
    """Warm up from a small rate, then anneal to zero (Smith and Topin, 2018)."""

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Begin the cycle on the optimiser of the net."""
        # torch's own OneCycleLR divides by zero where there are few batches
        self.scheduler_ = LambdaLR(net.optimizer_, partial(_one_cycle, self.n_steps))

    def on_batch_end(self, net: Any, training: bool, **kwargs: Any) -> None:
        """Move on by a batch."""
        if training:
            self.scheduler_.step()


class Plateau(_Changing):
    """Halve the rate after two epochs without a lower loss.

    It is the loss on validation rows where there are any, else the training loss.
    """

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Begin to watch."""
        # torch counts the epochs that it lets pass, and halves after one more
        self.scheduler_ = ReduceLROnPlateau(net.optimizer_, factor=0.5, patience=1)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Record the rate and look at the loss."""
        super().on_epoch_end(net, **kwargs)
        epoch = net.history[-1]
        self.scheduler_.step(epoch.get("valid_loss", epoch["train_loss"]))


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "one_cycle": OneCycle,
    "plateau": Plateau,
}


def _one_cycle(n_steps: int, step: int) -> float:
    """Return the factor of a step: a cosine up to 1 and a longer one down to 0."""
    place = (step + 0.5) / n_steps
    if place < _WARM_UP:
        rise = (1 - math.cos(math.pi * place / _WARM_UP)) / 2
        return _LOWEST + (1 - _LOWEST) * rise
    return (1 + math.cos(math.pi * (place - _WARM_UP) / (1 - _WARM_UP))) / 2
