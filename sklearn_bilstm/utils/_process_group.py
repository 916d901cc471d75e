"""The processes of an initialised `torch.distributed` group."""

import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self, TypeVar

import torch
from torch import Tensor, distributed

__all__ = ["LostProcessError", "ProcessGroup", "StoppedProcessError"]

T = TypeVar("T")

# States that each process reports to the others.
_RUNS, _ENDS, _FAILED = range(3)


class StoppedProcessError(RuntimeError):
    """Another process of the group stopped because of an error or Ctrl-C."""


class LostProcessError(RuntimeError):
    """Another process of the group does not answer any more."""


class ProcessGroup:
    """The processes of the default group of `torch.distributed`, during one fit.

    All processes call the same methods in the same order. Each exchange starts with
    :meth:`check`, so that a process that fails between two exchanges can report it to
    the others, which then raise an error instead of waiting for it.

    Attributes
    ----------
    rank : int
        Index of this process.
    size : int
        Number of processes.
    n_bytes, n_messages : int
        Size and number of the tensors that :meth:`all_reduce` has exchanged.
    """

    def __init__(self) -> None:
        self.rank = distributed.get_rank()
        self.size = distributed.get_world_size()
        self.n_bytes = self.n_messages = 0
        self._has_reported = False
        self._defers_interrupts = False
        self._cpu_group = _cpu_group()

    @classmethod
    def current(cls) -> Self | None:
        """Return the group, or None if it is not initialised or has one process."""
        is_used = distributed.is_available() and distributed.is_initialized()
        if not is_used or distributed.get_world_size() == 1:
            return None
        return cls()

    @property
    def is_first(self) -> bool:
        """Whether this is the process of rank 0."""
        return self.rank == 0

    # -- errors

    def check(self, *, ends: bool = False, failed: bool = False) -> bool:
        """Report the state of this process, and return whether one ends the training.

        Parameters
        ----------
        ends : bool, default=False
            Whether this process ends the training early.
        failed : bool, default=False
            Whether this process has failed. The method then raises no error.

        Raises
        ------
        StoppedProcessError
            If another process has failed.
        """
        states = torch.zeros(self.size, dtype=torch.int32)
        states[self.rank] = _FAILED if failed else _ENDS if ends else _RUNS
        self._has_reported |= failed
        with self._losses():
            distributed.all_reduce(states, group=self._cpu_group)
        self._raise_for((states == _FAILED).nonzero()[:, 0].tolist())
        return bool((states == _ENDS).any())

    def _raise_for(self, failed: list[int]) -> None:
        other_ranks = [rank for rank in failed if rank != self.rank]
        if other_ranks and self.rank not in failed:
            self.leave()
            raise StoppedProcessError(
                f"The fit stopped in process {self.rank} of {self.size}, since the "
                f"processes {other_ranks} failed or were interrupted. See their own "
                "errors."
            )

    def leave(self) -> None:
        """Do not report later errors to the other processes, which have left, too."""
        self._has_reported = True

    @contextmanager
    def sharing_failures(self) -> Iterator[None]:
        """Report an error between two exchanges to the other processes."""
        try:
            yield
        except (LostProcessError, StoppedProcessError):
            raise
        except BaseException:
            if not self._has_reported:
                with suppress(LostProcessError):
                    self.check(failed=True)
            raise

    @contextmanager
    def uninterrupted(self) -> Iterator[None]:
        """Defer Ctrl-C, since all processes must complete an exchange.

        Only the main thread receives it.
        """
        handler = signal.getsignal(signal.SIGINT)
        is_main = threading.current_thread() is threading.main_thread()
        if self._defers_interrupts or handler is None or not is_main:
            yield
            return
        received: list[int] = []
        signal.signal(signal.SIGINT, lambda number, frame: received.append(number))
        self._defers_interrupts = True
        try:
            yield
        finally:
            self._defers_interrupts = False
            signal.signal(signal.SIGINT, handler)
            if received:
                signal.raise_signal(signal.SIGINT)

    @contextmanager
    def _losses(self) -> Iterator[None]:
        """Convert an error of the backend to one that explains the cause."""
        try:
            with self.uninterrupted():
                yield
        except RuntimeError as error:
            self._has_reported = True
            raise LostProcessError(
                f"Process {self.rank} of {self.size} lost the connection to another "
                "process, which ended or did not answer within the timeout of the "
                "process group. All processes must call the same methods, unless "
                "distributed=False. With a 'checkpoint', a new fit resumes from the "
                f"last epoch. torch.distributed: {error}"
            ) from error

    # -- objects

    # Values are pickled before the check, so that it reports an error of pickling.

    def gather(self, value: Any) -> list[Any]:
        """Return the values of all processes in the first one, else an empty list."""
        content = pickle.dumps(value)
        pickled: list[Any] = [None] * self.size if self.is_first else []
        received = pickled if self.is_first else None
        with self.uninterrupted():
            self.check()
            with self._losses():
                distributed.gather_object(content, received, group=self._cpu_group)
        return [pickle.loads(item) for item in pickled]

    def all_gather(self, value: T) -> list[T]:
        """Return the values of all processes, in the order of their ranks."""
        content = pickle.dumps(value)
        pickled: list[Any] = [None] * self.size
        with self.uninterrupted():
            self.check()
            with self._losses():
                distributed.all_gather_object(pickled, content, group=self._cpu_group)
        return [pickle.loads(item) for item in pickled]

    def broadcast(self, value: T, *, is_last: bool = False) -> T:
        """Return the value of the first process.

        Parameters
        ----------
        value : object
            Used in the first process only.
        is_last : bool, default=False
            Whether the processes leave after this exchange.
        """
        contents = [pickle.dumps(value) if self.is_first else b""]
        with self.uninterrupted():
            self.check()
            with self._losses():
                distributed.broadcast_object_list(contents, group=self._cpu_group)
            if is_last:
                self.leave()
        return value if self.is_first else pickle.loads(contents[0])

    def from_first(self, function: Callable[[], T], *, is_last: bool = False) -> T:
        """Return the result of a function that only the first process calls.

        An error of the function is raised in all processes. `is_last` is as for
        :meth:`broadcast`.
        """
        outcome: tuple[Any, Exception | None] = None, None
        error: Exception | None = None
        if self.is_first:
            try:
                outcome = function(), None
            except Exception as raised:
                error = raised
                outcome = None, _picklable(raised)
        with self.uninterrupted():
            result, failure = self.broadcast(outcome, is_last=is_last)
            if failure is not None:
                self.leave()
                raise error or failure
        return result

    # -- tensors

    def share_of(self, n_items: int) -> range:
        """Return the indices of the items of this process, out of `n_items`."""
        # rounded up, so that the first process has the only item
        start, end = (
            -(-rank * n_items // self.size) for rank in (self.rank, self.rank + 1)
        )
        return range(start, end)

    def all_reduce(self, values: Tensor, *, failed: bool = False) -> Tensor:
        """Return the sum of a float32 tensor over all processes.

        The sum has the same bits in all processes.

        Parameters
        ----------
        values : tensor of float32, shape (n,)
            Has the same shape in all processes.
        failed : bool, default=False
            Whether this process could not compute its values. The method then raises
            no error.

        Raises
        ------
        StoppedProcessError
            If another process has failed.
        """
        states = values.new_zeros(self.size)
        states[self.rank] = float(failed)
        self._has_reported |= failed
        total = torch.cat([values, states])
        with self._losses():
            distributed.all_reduce(total)
        self.n_bytes += total.nbytes
        self.n_messages += 1
        self._raise_for(total[len(values) :].nonzero()[:, 0].tolist())
        return total[: len(values)]


def _picklable(error: Exception) -> Exception:
    """Return an error, or one with the same message if it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


# By default group, which is kept, so that no later one has its id.
_CPU_GROUPS: dict[Any, Any] = {}


def _cpu_group() -> Any:
    """Return a group that exchanges tensors of the CPU; None for the default one."""
    if distributed.get_backend() == "gloo":
        return None
    default = distributed.group.WORLD
    if default not in _CPU_GROUPS:
        _CPU_GROUPS.clear()  # of groups that were destroyed
        _CPU_GROUPS[default] = distributed.new_group(backend="gloo")
    return _CPU_GROUPS[default]
