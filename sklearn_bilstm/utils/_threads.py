"""Worker threads, and limits of the threads of torch and BLAS."""

import ctypes
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, wraps
from threading import Condition, Lock
from typing import Any, ClassVar, ParamSpec, Self, TypeVar

import threadpoolctl
import torch

from sklearn_bilstm.utils._interrupts import call_within

__all__ = ["SingleThread", "Workers", "single_threaded"]

# Seconds after which a thread that waits for others handles Ctrl-C at the latest.
_MAX_WAIT = 0.5

P = ParamSpec("P")
T = TypeVar("T")


class _Outside(threading.local):
    n_threads = 1


class SingleThread:
    """Context manager that limits torch to a single thread in the calling thread.

    Results then do not depend on the number of cores. Other threads are not affected.
    Contexts can be nested. At the end of a context, the number of threads before it is
    restored, unless it was changed within the context. Use :func:`single_threaded` for
    code that Ctrl-C can interrupt.

    Parameters
    ----------
    blas : bool, default=False
        Whether to limit the BLAS of NumPy and SciPy too, in all threads. This takes a
        millisecond.
    """

    _outside: ClassVar[_Outside] = _Outside()

    def __init__(self, *, blas: bool = False) -> None:
        self._blas = _BlasLimit() if blas else None
        # previous numbers of threads: of torch, in MKL, and outside of all contexts
        self._n_threads: int | None = None
        self._n_mkl_threads: list[int] = []
        self._n_outside = 1

    @staticmethod
    def n_available() -> int:
        """Return the number of threads of torch outside of all contexts."""
        n_threads = torch.get_num_threads()
        return SingleThread._outside.n_threads if n_threads == 1 else n_threads

    def __enter__(self) -> Self:
        try:
            self._limit_torch()
            if self._blas is not None:
                self._blas.__enter__()
            return self
        except BaseException:
            self.__exit__()  # which a `with` statement does not call in this case
            raise

    def __exit__(self, *error: object) -> None:
        if self._blas is not None:
            self._blas.__exit__()
        if self._n_threads is not None:
            self._restore_torch(self._n_threads)

    def _limit_torch(self) -> None:
        set_torch, set_mkl = _functions_of_this_thread()
        self._n_outside = self._outside.n_threads
        self._n_threads = torch.get_num_threads()
        self._outside.n_threads = self.n_available()
        set_torch(1)
        if set_mkl is not None:
            # Ctrl-C cannot come between the call and storing the previous number
            self._n_mkl_threads.extend(map(set_mkl, [1]))

    def _restore_torch(self, n_threads: int) -> None:
        # in such an order that a second call completes an interrupted one
        set_torch, set_mkl = _functions_of_this_thread()
        if torch.get_num_threads() == 1:
            if set_mkl is not None and self._n_mkl_threads:
                set_mkl(self._n_mkl_threads[0])
            set_torch(n_threads)
        self._outside.n_threads = self._n_outside
        self._n_mkl_threads.clear()
        self._n_threads = None


@cache
def _functions_of_this_thread() -> tuple[
    Callable[[int], Any], Callable[[int], int] | None
]:
    """Return functions that set the number of threads of torch, and in its MKL.

    They apply to the calling thread only, whereas :func:`torch.set_num_threads`, which
    calls both, also applies to threads that are started later. It is the fallback on
    platforms where they are not found. The function of MKL returns the previous number,
    or 0 if the thread had no number of its own.
    """
    controller = threadpoolctl.ThreadpoolController().select(user_api="openmp")
    try:
        set_mkl = None
        if torch.backends.mkl.is_available():
            set_mkl = ctypes.PyDLL(torch._C.__file__).MKL_Set_Num_Threads_Local
        for library in controller.lib_controllers:
            set_openmp = ctypes.PyDLL(library.filepath).omp_set_num_threads
            with ThreadPoolExecutor(1) as pool:  # the number ends with its thread
                if pool.submit(_sets_threads_of_torch, set_openmp).result():
                    return set_openmp, set_mkl
    except (AttributeError, OSError):
        pass
    return torch.set_num_threads, None


def _sets_threads_of_torch(set_openmp: Callable[[int], Any]) -> bool:
    n_threads = torch.get_num_threads() + 1
    set_openmp(n_threads)
    return torch.get_num_threads() == n_threads


class _BlasLimit:
    """Context manager that limits the BLAS of NumPy and SciPy to a single thread.

    Most libraries have one number of threads for the whole process. It is restored when
    the last context ends, and in a forked process.
    """

    _lock: ClassVar[Lock] = Lock()
    _active: ClassVar[list["_BlasLimit"]] = []
    # limited libraries, and their previous numbers of threads
    _limited: ClassVar[list[tuple[Any, int]]] = []

    def __init__(self) -> None:
        self._limited_here: list[tuple[Any, int]] = []

    def __enter__(self) -> Self:
        with _BlasLimit._lock:
            _BlasLimit._active.append(self)  # first, so that __exit__ undoes all
            controller = threadpoolctl.ThreadpoolController().select(user_api="blas")
            for library in controller.lib_controllers:
                self._limit(library)
            _release_openblas_control()
        return self

    def __exit__(self, *error: object) -> None:
        with _BlasLimit._lock:
            _restore_threads(self._limited_here)
            if self not in _BlasLimit._active:
                return
            if _BlasLimit._active == [self]:
                _restore_threads(_BlasLimit._limited)
            _release_openblas_control()
            # last, so that an interrupted exit is repeated
            _BlasLimit._active.remove(self)

    @classmethod
    def restore_in_forked_process(cls) -> None:
        """End all contexts, since other threads do not exist in a forked process."""
        cls._lock = Lock()  # a thread can have held it
        cls._active.clear()
        _restore_threads(cls._limited)
        _release_openblas_control()

    def _limit(self, library: Any) -> None:
        n_threads = library.num_threads
        if n_threads is None or n_threads < 2:
            return
        is_per_thread = _limits_per_thread(library)
        limited = self._limited_here if is_per_thread else _BlasLimit._limited
        limited.append((library, n_threads))
        library.set_num_threads(1)
        if library.num_threads != 1:  # another thread has limited it
            limited.pop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_BlasLimit.restore_in_forked_process)


def _restore_threads(limited: list[tuple[Any, int]]) -> None:
    """Restore the previous numbers of threads, unless they were changed meanwhile."""
    while limited:
        library, n_threads = limited[-1]
        if library.num_threads == 1:
            library.set_num_threads(n_threads)
        limited.pop()  # last, so that it is restored after Ctrl-C


def _limits_per_thread(library: Any) -> bool:
    is_openmp = getattr(library, "threading_layer", None) == "openmp"
    return library.internal_api == "openblas" and is_openmp


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

    Pools of several threads of a process share the threads of torch, since joblib and
    dask limit these in worker processes, but not in worker threads.

    It is a context manager, whose threads end with the context. Within it, torch uses
    a single thread in the calling thread too, since OpenMP threads would wait actively
    on the cores of the other workers.

    Parameters
    ----------
    n_threads : int or None, default=None
        Number of threads. None uses the number of threads of torch, divided by the
        number of threads in which a pool is active.
    """

    # pools with their calling threads; not locked, since each call is atomic
    _active: ClassVar[dict["Workers", int]] = {}

    def __init__(self, n_threads: int | None = None) -> None:
        self.n_threads = n_threads
        self._single_thread = SingleThread()
        self._pool: ThreadPoolExecutor | None = None
        self._n_extra_threads = 0
        self._waiting: Iterator[int] = iter(())  # indices of the remaining calls
        self._is_stopped = False
        # working threads are counted, since after Ctrl-C there can be a thread that was
        # started but not yet stored
        self._changed, self._n_working = Condition(), 0

    def __enter__(self) -> Self:
        self._single_thread.__enter__()
        self._n_extra_threads = (self.n_threads or SingleThread.n_available()) - 1
        Workers._active[self] = threading.get_ident()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop()
        if self._pool is not None:
            self._pool.shutdown()
        self._pool, self._n_extra_threads = None, 0
        Workers._active.pop(self, None)
        self._single_thread.__exit__()

    def map(self, function: Callable[..., T], *items: Sequence[Any]) -> list[T]:
        """Call a function for each item, and return the results in order.

        After an error, no further calls are started, and `is_stopped` is true.
        """
        self._is_stopped = False
        calls = list(zip(*items, strict=True))
        results: list[Any] = [None] * len(calls)
        waiting = self._waiting = iter(range(len(calls)))

        def work() -> None:
            try:
                for index in waiting:
                    results[index] = function(*calls[index])
            except BaseException:
                self._stop()
                raise

        n_helpers = min(self._share() - 1, len(calls) - 1)
        helpers: list[Future] = []
        try:
            while len(helpers) < n_helpers:
                helpers.append(self._threads().submit(self._count, work))
            work()
            self._wait()
        except BaseException:
            self._stop()
            raise
        finally:
            self._wait()
        while helpers:  # emptied, since an error in a future would refer to all locals
            helpers.pop().result()
        return results

    def is_stopped(self) -> bool:
        """Return whether a call failed or was interrupted.

        The results of the other calls are then not used. They should end soon, since
        :meth:`map` waits for them.
        """
        return self._is_stopped

    def _stop(self) -> None:
        """Start no further calls, and let the others end."""
        self._is_stopped = True
        deque(self._waiting, maxlen=0)

    def _wait(self) -> None:
        """Wait for the other threads."""
        with self._changed:
            # Ctrl-C just before Python waits is only noticed when it wakes up
            while not self._changed.wait_for(self._is_idle, timeout=_MAX_WAIT):
                pass

    def _is_idle(self) -> bool:
        return self._n_working == 0

    def _share(self) -> int:
        """Return the number of threads to use while other pools are active."""
        n_threads = self._n_extra_threads + 1
        if self.n_threads is not None:
            return n_threads
        n_callers = len(set(Workers._active.copy().values()))
        return max(n_threads // max(n_callers, 1), 1)

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
                self._n_extra_threads, "sklearn_bilstm", _limit_this_thread
            )
        return self._pool


if hasattr(os, "register_at_fork"):  # other threads do not exist in a forked process
    os.register_at_fork(after_in_child=Workers._active.clear)


def _limit_this_thread() -> None:
    SingleThread().__enter__()  # the limit ends with the thread


def single_threaded(
    *, blas: bool = False
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator that limits torch to a single thread within a function.

    The number of threads is restored even if Ctrl-C interrupts any line.

    Parameters
    ----------
    blas : bool, default=False
        As for :class:`SingleThread`.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def decorated(*args: P.args, **kwargs: P.kwargs) -> T:
            return call_within(
                SingleThread(blas=blas), lambda: function(*args, **kwargs)
            )

        return decorated

    return decorate
