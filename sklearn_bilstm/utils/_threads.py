"""How many cores are used, and by what."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Lock, local
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

import torch
from threadpoolctl import threadpool_limits

from sklearn_bilstm.utils._memory import KeptMemory

__all__ = ["OneCore", "Workers"]

T = TypeVar("T")


class OneCore:
    """Keep torch to a single core, as a context manager.

    Results then do not depend on how many cores there are. Contexts may overlap, in one
    thread or in several; when the last ends, everything is as it was before the first.

    Parameters
    ----------
    blas : bool, default=False
        Whether numpy and scipy are to keep to it too, which takes a millisecond.
    """

    _lock: ClassVar[Lock] = Lock()
    _here: ClassVar[local] = local()
    _n_open: ClassVar[int] = 0
    _n_blas: ClassVar[int] = 0
    _blas: ClassVar[Any] = None
    n_allowed: ClassVar[int] = 1  # cores of torch outside of all contexts

    def __init__(self, *, blas: bool = False) -> None:
        self.blas = blas

    def __enter__(self) -> Self:
        # Torch keeps its number once for the thread that sets it, and once for all that
        # begin later, which may be within a context too.
        with OneCore._lock:
            if OneCore._n_open == 0:
                OneCore.n_allowed = torch.get_num_threads()
            if self.blas:
                limits = threadpool_limits(1, "blas")
                if OneCore._n_blas == 0:
                    OneCore._blas = limits  # it remembers what was before
            OneCore._n_open += 1
            OneCore._n_blas += self.blas
        self._here.depth = getattr(self._here, "depth", 0) + 1
        torch.set_num_threads(1)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._here.depth -= 1
        with OneCore._lock:
            if self._here.depth == 0:
                torch.set_num_threads(OneCore.n_allowed)
            if self.blas:
                # in every thread, as BLAS libraries too keep a number for each
                OneCore._blas.restore_original_limits()
            OneCore._n_open -= 1
            OneCore._n_blas -= self.blas


class Workers:
    """A pool of threads, in each of which torch keeps to a single core.

    The fused recurrent kernels gain nothing from a second thread on the small steps of
    a sequence, so several of them side by side are faster than one after the other. A
    single worker is the calling thread itself.

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

    def __init__(
        self, n_threads: int | None = None, *, at_most: int | None = None
    ) -> None:
        self.n_threads = n_threads
        self.at_most = at_most
        self._one_core, self._memory = OneCore(), KeptMemory()

    def __enter__(self) -> Self:
        self._memory.__enter__()
        self._one_core.__enter__()
        n_threads = self.n_threads or OneCore.n_allowed
        n_threads = min(n_threads, self.at_most or n_threads)
        self._pool = None
        if n_threads > 1:
            # it starts a thread only when there is something for it to do
            self._pool = ThreadPoolExecutor(
                n_threads, "sklearn_bilstm", torch.set_num_threads, (1,)
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._pool is not None:
                self._pool.shutdown(cancel_futures=True)
        finally:
            self._one_core.__exit__(kind, error, trace)
            self._memory.__exit__(kind, error, trace)

    def map(self, function: Callable[..., T], *items: Iterable[Any]) -> Iterator[T]:
        """Call a function on each item, and yield what it returns, in order."""
        if self._pool is None:
            return map(function, *items)
        return self._pool.map(function, *items)
