"""Worker threads, and limits of the threads of torch and BLAS."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import wraps
from threading import Condition, Lock, get_ident
from types import TracebackType
from typing import Any, ClassVar, ParamSpec, Self, TypeVar

import threadpoolctl
import torch

from sklearn_bilstm.utils._interrupts import call_within

__all__ = ["OneCore", "Workers", "single_threaded"]

P = ParamSpec("P")
T = TypeVar("T")


class OneCore:
    """Context manager that limits torch to a single thread.

    Results then do not depend on the number of cores. Contexts can overlap, in one
    thread or in several. When the last one ends, the number of threads before the first
    one is restored. Use :func:`single_threaded` for code that Ctrl-C can interrupt.

    Parameters
    ----------
    blas : bool, default=False
        Whether to limit the BLAS of NumPy and SciPy too, which takes a millisecond.
    """

    _lock: ClassVar[Lock] = Lock()
    _active: ClassVar[list["OneCore"]] = []
    # limited BLAS libraries, and their previous numbers of threads
    _limited: ClassVar[list[tuple[Any, int]]] = []
    _n_available: ClassVar[int] = 1  # threads of torch outside of all contexts

    def __init__(self, *, blas: bool = False) -> None:
        self.blas = blas
        self._thread = 0
        self._limited_here: list[tuple[Any, int]] = []

    @staticmethod
    def n_available() -> int:
        """Return the number of threads of torch outside of all contexts."""
        with OneCore._lock:
            return OneCore._n_available if OneCore._active else torch.get_num_threads()

    def __enter__(self) -> Self:
        # Torch sets the number for the current thread and for threads started later,
        # which can also be within a context.
        with OneCore._lock:
            if not OneCore._active:
                OneCore._n_available = torch.get_num_threads()
            self._thread = get_ident()
            OneCore._active.append(self)  # first, so that __exit__ undoes all changes
            torch.set_num_threads(1)
            if self.blas:
                self._limit_blas()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with OneCore._lock:
            if self not in OneCore._active:
                return
            others = [context for context in OneCore._active if context is not self]
            if all(context._thread != self._thread for context in others):
                torch.set_num_threads(OneCore._n_available)
            if self.blas:
                _restore_threads(self._limited_here)
                if not any(context.blas for context in others):
                    _restore_threads(OneCore._limited)
                _release_openblas_control()
            OneCore._active.remove(
                self
            )  # last, so that an interrupted exit is repeated

    @staticmethod
    def keep_thread_to_one_core() -> None:
        """Limit torch to a single thread in a worker thread, if a context is active.

        Otherwise, the limit would apply to all threads started later.
        """
        with OneCore._lock:
            if OneCore._active:
                torch.set_num_threads(1)

    def _limit_blas(self) -> None:
        controller = threadpoolctl.ThreadpoolController().select(user_api="blas")
        for library in controller.lib_controllers:
            n_threads = library.num_threads
            if n_threads is None or n_threads < 2:
                continue
            here = _limits_per_thread(library)
            limited = self._limited_here if here else OneCore._limited
            limited.append((library, n_threads))
            library.set_num_threads(1)
            if library.num_threads != 1:  # another thread has limited it
                limited.pop()
        _release_openblas_control()


def _restore_threads(limited: list[tuple[Any, int]]) -> None:
    """Restore the previous numbers of threads of libraries."""
    while limited:
        library, n_threads = limited[-1]
        library.set_num_threads(n_threads)
        limited.pop()  # last, so that it is restored after Ctrl-C


def _limits_per_thread(library: Any) -> bool:
    of_openmp = getattr(library, "threading_layer", None) == "openmp"
    return library.internal_api == "openblas" and of_openmp


def _release_openblas_control() -> None:
    # from version 3.8 on, threadpoolctl ignores other threads than the first one that
    # sets a number, until this is cleared
    openblas = getattr(threadpoolctl, "OpenBLASController", None)
    clear = getattr(openblas, "clear_controlling_thread", None)
    if clear is not None:
        clear()


class Workers:
    """Pool of worker threads, in each of which torch uses a single thread.

    Fused recurrent kernels are not faster with several threads, since the steps of a
    sequence are small, so batches are processed in parallel instead. The calling thread
    is one of the workers, so that a single worker requires no other thread.

    It is a context manager, whose threads end with the context. Within it, torch uses
    a single thread in the calling thread too, since OpenMP threads would wait actively
    on the cores of the other workers.

    Parameters
    ----------
    n_threads : int or None, default=None
        Number of threads. None uses the number of threads of torch.
    """

    def __init__(self, n_threads: int | None = None) -> None:
        self.n_threads = n_threads
        self._core = OneCore()
        self._pool: ThreadPoolExecutor | None = None
        self._n_extra_threads = 0
        self._waiting: Iterator[int] = iter(())  # indices of the remaining calls
        # working threads are counted, since after Ctrl-C there can be a thread that was
        # started but not yet stored
        self._changed, self._n_working = Condition(), 0

    def __enter__(self) -> Self:
        self._core.__enter__()
        self._n_extra_threads = (self.n_threads or OneCore.n_available()) - 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        deque(self._waiting, maxlen=0)
        if self._pool is not None:
            self._pool.shutdown()
        self._pool, self._n_extra_threads = None, 0
        self._core.__exit__(kind, error, trace)

    def map(self, function: Callable[..., T], *items: Sequence[Any]) -> list[T]:
        """Call a function for each item, and return the results in order.

        After an error, no further calls are started.
        """
        calls = list(zip(*items, strict=True))
        results: list[Any] = [None] * len(calls)
        waiting = self._waiting = iter(range(len(calls)))

        def work() -> None:
            try:
                for index in waiting:
                    results[index] = function(*calls[index])
            except BaseException:
                deque(waiting, maxlen=0)
                raise

        n_helpers = min(self._n_extra_threads, len(calls) - 1)
        helpers: list[Future] = []
        try:
            while len(helpers) < n_helpers:
                helpers.append(self._threads().submit(self._count, work))
            work()
        finally:
            deque(waiting, maxlen=0)
            with self._changed:
                self._changed.wait_for(lambda: self._n_working == 0)
        while helpers:  # emptied, since an error in a future would refer to all locals
            helpers.pop().result()
        return results

    def _count(self, work: Callable[[], None]) -> None:
        """Call a function, and count the thread as working meanwhile."""
        with self._changed:
            self._n_working += 1
        try:
            work()
        finally:
            with self._changed:
                self._n_working -= 1
                self._changed.notify_all()

    def _threads(self) -> ThreadPoolExecutor:
        # the pool starts threads on demand
        if self._pool is None:
            self._pool = ThreadPoolExecutor(
                self._n_extra_threads, "sklearn_bilstm", OneCore.keep_thread_to_one_core
            )
        return self._pool


def single_threaded(
    *, blas: bool = False
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator that limits torch to a single thread within a function.

    The number of threads is restored even if Ctrl-C interrupts any line.

    Parameters
    ----------
    blas : bool, default=False
        As for :class:`OneCore`.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def decorated(*args: P.args, **kwargs: P.kwargs) -> T:
            return call_within(OneCore(blas=blas), lambda: function(*args, **kwargs))

        return decorated

    return decorate
