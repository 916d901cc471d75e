"""Threads that share the cores of a machine."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

import torch

__all__ = ["Workers"]

T = TypeVar("T")


class Workers:
    """A pool of threads, in each of which torch keeps to a single core.

    The fused recurrent kernels gain nothing from a second thread on the small steps of
    a sequence, so several of them side by side are faster than one after the other.

    It is a context manager, and its threads end with the context. Within it, torch
    keeps to one core in the calling thread too: the threads of OpenMP that it would
    share a step with wait for the next one busily, on the cores that the pool needs.

    Parameters
    ----------
    n_threads : int or None, default=None
        Number of threads. None means as many as torch is allowed.
    at_most : int or None, default=None
        Number of threads that there is work for, if that is known.
    """

    # Torch keeps what it is told once for the thread that tells it, and once for all
    # that begin later, among them others that open a pool.
    _lock: ClassVar[Lock] = Lock()
    _n_open: ClassVar[int] = 0
    _n_allowed: ClassVar[int] = 1

    def __init__(
        self, n_threads: int | None = None, *, at_most: int | None = None
    ) -> None:
        self.n_threads = n_threads
        self.at_most = at_most

    def __enter__(self) -> Self:
        with Workers._lock:
            if Workers._n_open == 0:
                Workers._n_allowed = torch.get_num_threads()
            Workers._n_open += 1
        n_threads = self.n_threads or Workers._n_allowed
        n_threads = min(n_threads, self.at_most or n_threads)
        started = Barrier(n_threads)

        def start(_: int) -> None:
            torch.set_num_threads(1)
            started.wait()

        torch.set_num_threads(1)
        self._pool = ThreadPoolExecutor(n_threads, "sklearn_bilstm")
        list(self.map(start, range(n_threads)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        with Workers._lock:
            Workers._n_open -= 1
            torch.set_num_threads(Workers._n_allowed)

    def map(self, function: Callable[..., T], *items: Iterable[Any]) -> Iterator[T]:
        """Call a function on each item, and yield what it returns, in order."""
        return self._pool.map(function, *items)
