"""What happens between the epochs of a training."""

from typing import Any

import torch
from skorch.callbacks import Callback
from torch import Tensor

from sklearn_bilstm.training._stop import StopTraining

__all__ = ["EarlyStopping", "EpochPrinter", "MaxNorm", "ValidationAccuracy"]


class ValidationAccuracy(Callback):
    """Record the weighted share of validation rows classified right.

    A row with several labels is right if all of them are. It stands in the history as
    "valid_accuracy".
    """

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Count from zero."""
        self.right_ = self.total_ = 0.0

    def on_batch_end(
        self,
        net: Any,
        batch: tuple,
        training: bool,
        y_pred: Tensor,
        **kwargs: Any,
    ) -> None:
        """Count the rows of a validation batch."""
        if training:
            return
        target, weight = batch[1]["target"], batch[1]["weight"].double()
        y_pred = y_pred.to(target.device)
        if target.ndim == 2:
            right = ((y_pred > 0) == (target > 0)).all(1)
        else:
            right = y_pred.argmax(1) == target
        self.right_ += float(weight[right].sum())
        self.total_ += float(weight.sum())

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Record the share."""
        if self.total_:
            net.history.record("valid_accuracy", self.right_ / self.total_)


class EarlyStopping(Callback):
    """Stop when the validation loss no longer falls, and go back to the best weights.

    The best weights are kept in memory and put back when training ends, also when it
    ends by an interrupt.

    Parameters
    ----------
    patience : int
        Number of epochs in a row without a lower loss after which training stops.
    tol : float
        By how much the loss has to be lower to count as lower.
    """

    def __init__(self, patience: int, tol: float) -> None:
        self.patience = patience
        self.tol = tol

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Forget what was best in an earlier training."""
        self.best_loss_ = torch.inf
        self.best_epoch_ = None
        self.best_weights_: dict[str, Tensor] | None = None

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Keep the weights if they are the best so far, or count the epoch."""
        epoch = net.history[-1]
        if epoch["valid_loss"] < self.best_loss_ - self.tol:
            self.best_loss_ = epoch["valid_loss"]
            self.best_epoch_ = epoch["epoch"]
            weights = net.module_.state_dict()
            self.best_weights_ = {key: value.clone() for key, value in weights.items()}
        elif epoch["epoch"] - (self.best_epoch_ or 0) >= self.patience:
            raise StopTraining

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Put the best weights back."""
        if self.best_weights_ is not None:
            net.module_.load_state_dict(self.best_weights_)
        self.best_weights_ = None


class MaxNorm(Callback):
    """Shorten what a unit reads by, after every step (Srivastava et al., 2014).

    The weights of a unit are a row of a matrix: of a recurrent layer, for each gate,
    from below and from the step before, and of a dense layer or attention. The vectors
    of tokens are left alone.

    Parameters
    ----------
    max_norm : float
        Largest Euclidean norm of a row.
    """

    def __init__(self, max_norm: float) -> None:
        self.max_norm = max_norm

    @torch.no_grad()
    def on_batch_end(self, net: Any, training: bool, **kwargs: Any) -> None:
        """Shorten the rows that are too long."""
        if not training:
            return
        for name, weight in net.module_.named_parameters():
            if weight.ndim == 2 and not name.startswith("input_layer."):
                norms = weight.norm(dim=1, keepdim=True)
                weight.mul_((self.max_norm / norms.clamp(min=1e-12)).clamp(max=1))


class EpochPrinter(Callback):
    """Print a line an epoch: losses, rate, seconds, and the time left.

    Parameters
    ----------
    n_epochs : int
        Number of epochs of the training, if nothing stops it.
    """

    def __init__(self, n_epochs: int) -> None:
        self.n_epochs = n_epochs

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Begin to measure."""
        self.seconds_: list[float] = []

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Print the epoch that has ended."""
        epoch = net.history[-1]
        self.seconds_.append(epoch["seconds"])
        n_done = len(self.seconds_)
        left = sum(self.seconds_) / n_done * (self.n_epochs - n_done)
        shown = [f"epoch {n_done}/{self.n_epochs}"]
        names = ("train_loss", "valid_loss", "valid_accuracy")
        shown += [f"{name} {epoch[name]:.4f}" for name in names if name in epoch]
        shown.append(f"lr {epoch['lr']:.1e}")
        shown.append(f"{epoch['seconds']:.1f} s, {left:.0f} s left")
        print("  ".join(shown), flush=True)  # noqa: T201, verbose=1 asks for it
