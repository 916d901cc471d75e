"""Training callbacks."""

from typing import Any

import torch
from skorch.callbacks import Callback
from torch import Tensor

from sklearn_bilstm.training._stop import StopTraining

__all__ = ["EarlyStopping", "EpochStart", "MaxNorm", "Resumable"]

# Attributes of EarlyStopping that are those of the best epoch.
_BEST = "best_cost_", "best_loss_", "best_epoch_", "best_weights_"

# Layers whose weight matrices do not have one row of incoming weights per unit.
_WITHOUT_UNITS = "input_layer.", "characters.embedding.", "decoder."


class Resumable(Callback):
    """A callback with a checkpointed state: its attributes that end with "_"."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state after an epoch."""
        return {name: x for name, x in vars(self).items() if name.endswith("_")}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state, after the start of the training."""
        self.__dict__.update(state)


class EarlyStopping(Resumable):
    """Stop if the validation rows are no longer predicted better.

    The best weights are kept in memory and restored when training ends, including by an
    interrupt.

    Parameters
    ----------
    patience : int
        Number of consecutive epochs without improvement after which training stops.
    tol : float
        Minimum improvement that counts.
    metric : str, default="valid_loss"
        Name of the observed value in the history. Larger values are better, unless it
        is the loss. Of equal scores, such as those of epochs that predict no span, the
        one with the lower loss is better.
    first_epoch : int, default=1
        Number of the first epoch that can count as one without improvement.
    """

    def __init__(
        self,
        patience: int,
        tol: float,
        metric: str = "valid_loss",
        first_epoch: int = 1,
    ) -> None:
        self.patience = patience
        self.tol = tol
        self.metric = metric
        self.first_epoch = first_epoch
        self._forget()

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Reset the best value and weights."""
        self._forget()

    def _forget(self) -> None:
        self.best_cost_ = self.best_loss_ = torch.inf
        self.best_epoch_: int | None = None
        self.best_weights_: dict[str, Tensor] | None = None

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Keep the weights if they are the best so far, otherwise count the epoch."""
        epoch = net.history[-1]
        value, loss = epoch[self.metric], epoch["valid_loss"]
        cost = value if self.metric == "valid_loss" else -value
        is_as_good = cost <= self.best_cost_ and loss < self.best_loss_ - self.tol
        if cost < self.best_cost_ - self.tol or is_as_good:
            best = cost, loss, epoch["epoch"], _copied_weights(net)
            # a single statement, so that an interrupt leaves a consistent state
            self.__dict__.update(zip(_BEST, best, strict=True))
        elif self.is_over(net):
            raise StopTraining

    def is_over(self, net: Any) -> bool:
        """Return whether the patience is exhausted."""
        last_good = max(self.best_epoch_ or 0, self.first_epoch - 1)
        return len(net.history) - last_good >= self.patience

    def restore(self, net: Any) -> None:
        """Load the best weights so far into a net, if there are any."""
        if self.best_weights_ is not None:
            net.module_.load_state_dict(self.best_weights_)

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Restore the best weights."""
        self.restore(net)
        self.best_weights_ = None


class EpochStart(Callback):
    """Keep the weights at the start of an epoch, in case it is interrupted."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Release the weights."""
        self._epoch, self._weights = 0, dict[str, Tensor]()

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Keep the weights."""
        self._epoch, self._weights = len(net.history), _copied_weights(net)

    def restore(self, net: Any) -> None:
        """Restore the weights if the last epoch is not complete."""
        is_last = self._epoch > 0 and self._epoch == len(net.history)
        if is_last and "seconds" not in net.history[-1]:
            net.module_.load_state_dict(self._weights)


class MaxNorm(Callback):
    """Constrain the norm of incoming weights after each step (Srivastava et al., 2014).

    The incoming weights of a unit are a row of a matrix: in recurrent layers, a row per
    gate of the input weights and the recurrent weights; also in dense layers and
    attention. Token and character vectors and transition weights are not constrained.

    Parameters
    ----------
    max_norm : float
        Maximum Euclidean norm of a row.
    """

    def __init__(self, max_norm: float) -> None:
        self.max_norm = max_norm

    @torch.no_grad()
    def on_batch_end(self, net: Any, training: bool, **kwargs: Any) -> None:
        """Rescale the rows that exceed the maximum norm."""
        if not training:
            return
        for name, weight in net.module_.named_parameters():
            if weight.ndim == 2 and not name.startswith(_WITHOUT_UNITS):
                norms = weight.norm(dim=1, keepdim=True)
                weight.mul_((self.max_norm / norms.clamp(min=1e-12)).clamp(max=1))


def _copied_weights(net: Any) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in net.module_.state_dict().items()}
