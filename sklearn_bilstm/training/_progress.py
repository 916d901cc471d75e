"""Output of the progress of a training."""

import time
from typing import Any

from skorch.callbacks import Callback
from tqdm.auto import tqdm

__all__ = ["BatchBar", "EpochPrinter", "StepPrinter"]

_SECONDS_BETWEEN_LINES = 5.0

_SHOWN = (
    "train_loss",
    "train_accuracy",
    "train_r2",
    "valid_loss",
    "valid_accuracy",
    "valid_f1",
    "valid_r2",
)


class EpochPrinter(Callback):
    """Print a line per epoch: losses, scores, rate, seconds, and remaining time.

    Parameters
    ----------
    n_epochs : int
        Maximum number of epochs.
    """

    def __init__(self, n_epochs: int) -> None:
        self.n_epochs = n_epochs

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Start the timer."""
        self.start_ = time.perf_counter()
        self.n_before_ = len(net.history)
        self.n_timed_ = 0

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Print a message if training is resumed from a checkpoint."""
        n_read = len(net.history) - 1 - self.n_before_
        if self.n_timed_ == 0 and n_read > 0:
            self._print_line(f"resuming from the checkpoint after epoch {n_read}")

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Print a message if the checkpoint is complete."""
        n_read = len(net.history) - self.n_before_
        if self.n_timed_ == 0 and n_read > 0:
            self._print_line(f"the checkpoint is complete, after epoch {n_read}")

    @staticmethod
    def _print_line(line: str) -> None:
        print(line, flush=True)  # noqa: T201, verbose=1

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Print the epoch, and the column names before the first one."""
        self.n_timed_ += 1
        # includes the epochs of a checkpoint, which are not timed
        n_done = len(net.history) - self.n_before_
        cells = self._cells(net.history[-1], n_done)
        if self.n_timed_ == 1:
            self._print({name: name for name in cells})
        self._print(cells)

    def _print(self, cells: dict[str, str]) -> None:
        # fixed widths, so that columns are aligned
        row = [cell.rjust(max(len(name), 9)) for name, cell in cells.items()]
        self._print_line("  ".join(row))

    def _cells(self, epoch: dict[str, Any], n_done: int) -> dict[str, str]:
        elapsed = time.perf_counter() - self.start_
        left = elapsed / self.n_timed_ * (self.n_epochs - n_done)
        return {
            "epoch": f"{n_done}/{self.n_epochs}",
            **{name: f"{epoch[name]:.4f}" for name in _SHOWN if name in epoch},
            "lr": f"{epoch['lr']:.1e}",
            "seconds": f"{epoch['seconds']:.1f}",
            "left": duration(left),
        }


class StepPrinter:
    """Print the number of completed steps and the remaining time every few seconds.

    If all steps together take less time than that, nothing is printed.

    Parameters
    ----------
    name : str
        Name of the steps.
    n_steps : int
    """

    def __init__(self, name: str, n_steps: int) -> None:
        self.name = name
        self.n_steps = n_steps
        self._n_done = 0
        self._start = self._printed = time.perf_counter()

    def step(self) -> None:
        """Count a step, and print a line if enough time has passed."""
        self._n_done += 1
        now = time.perf_counter()
        if now - self._printed >= _SECONDS_BETWEEN_LINES:
            self._printed = now
            left = (now - self._start) / self._n_done * (self.n_steps - self._n_done)
            line = f"{self.name}: {self._n_done}/{self.n_steps}, {duration(left)} left"
            print(line, flush=True)  # noqa: T201, verbose=1


def duration(seconds: float) -> str:
    """Format a duration, such as "48 s", "12 min" or "3 h 05 min"."""
    minutes = round(seconds / 60)
    if round(seconds) < 60:
        return f"{round(seconds)} s"
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02} min"


class BatchBar(Callback):
    """Show a progress bar of the batches of each epoch.

    It is drawn by tqdm, as a widget in a notebook and on standard error otherwise.

    Parameters
    ----------
    n_epochs : int
        Maximum number of epochs.
    """

    def __init__(self, n_epochs: int) -> None:
        self.n_epochs = n_epochs

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Start without a bar."""
        self.bar_: Any = None
        self.n_before_ = len(net.history)

    def on_epoch_begin(
        self, net: Any, dataset_train: Any, dataset_valid: Any = None, **kwargs: Any
    ) -> None:
        """Create a bar with the number of batches."""
        n_begun = len(net.history) - self.n_before_
        loaders = [net.get_iterator(dataset_train, training=True)]
        if dataset_valid is not None:
            loaders.append(net.get_iterator(dataset_valid))
        self.bar_ = tqdm(
            desc=f"epoch {n_begun}/{self.n_epochs}",
            total=sum(map(len, loaders)),
            unit="batch",
            leave=False,
        )

    def on_batch_end(self, net: Any, training: bool, **kwargs: Any) -> None:
        """Advance by a batch."""
        name = "train_loss" if training else "valid_loss"
        loss = net.history[-1, "batches", -1, name]
        self.bar_.set_postfix({name: f"{loss:.4f}"}, refresh=False)
        self.bar_.update()

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Remove the bar, so that the next line is printed in its place."""
        self.bar_.close()

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Remove a bar left by an error or Ctrl-C, and release it."""
        if self.bar_ is not None:
            self.bar_.close()
        self.bar_ = None
