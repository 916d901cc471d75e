"""How many cores are used, and by what."""

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
    """Keep torch to a single core, as a context manager.

    Results then do not depend on how many cores there are. Contexts may overlap, in one
    thread or in several; when the last ends, torch has the cores that it had before the
    first. Use :func:`single_threaded` where Ctrl-C may hit.

    Parameters
    ----------
    blas : bool, default=False
        Whether numpy and scipy are to keep to it too, which takes a millisecond.
    """

    _lock: ClassVar[Lock] = Lock()
    _open: ClassVar[list["OneCore"]] = []
    # BLAS libraries that were limited, and the threads that each had
    _limited: ClassVar[list[tuple[Any, int]]] = []
    _n_allowed: ClassVar[int] = 1  # cores of torch outside of all contexts

    def __init__(self, *, blas: bool = False) -> None:
        self.blas = blas
        self._thread = 0
        self._limited_here: list[tuple[Any, int]] = []

    @staticmethod
    def n_allowed() -> int:
        """Return the number of cores that torch has outside of all contexts."""
        with OneCore._lock:
            return OneCore._n_allowed if OneCore._open else torch.get_num_threads()

    def __enter__(self) -> Self:
        # Torch keeps its number once for the thread that sets it, and once for all that
        # begin later, which may be within a context too.
        with OneCore._lock:
            if not OneCore._open:
                OneCore._n_allowed = torch.get_num_threads()
            self._thread = get_ident()
            OneCore._open.append(self)  # before anything changes, so that it is undone
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
            if self not in OneCore._open:
                return
            others = [context for context in OneCore._open if context is not self]
            if all(context._thread != self._thread for context in others):
                torch.set_num_threads(OneCore._n_allowed)
            if self.blas:
                _give_back(self._limited_here)
                if not any(context.blas for context in others):
                    _give_back(OneCore._limited)
                _let_others_limit()
            OneCore._open.remove(self)  # once all is undone, or it is undone again

    @staticmethod
    def keep_thread_to_one_core() -> None:
        """Keep torch to a single core in a thread of its own, if a context is open.

        Without one, the number would hold for all threads that begin later.
        """
        with OneCore._lock:
            if OneCore._open:
                torch.set_num_threads(1)

    def _limit_blas(self) -> None:
        controller = threadpoolctl.ThreadpoolController().select(user_api="blas")
        for library in controller.lib_controllers:
            n_threads = library.num_threads
            if n_threads is None or n_threads < 2:
                continue
            here = _has_a_number_for_each_thread(library)
            limited = self._limited_here if here else OneCore._limited
            limited.append((library, n_threads))
            library.set_num_threads(1)
            if library.num_threads != 1:  # another thread has limited it
                limited.pop()
        _let_others_limit()


def _give_back(limited: list[tuple[Any, int]]) -> None:
    """Let libraries have as many threads as they had."""
    while limited:
        library, n_threads = limited[-1]
        library.set_num_threads(n_threads)
        limited.pop()  # only now, so that after Ctrl-C it is given back again


def _has_a_number_for_each_thread(library: Any) -> bool:
    of_openmp = getattr(library, "threading_layer", None) == "openmp"
    return library.internal_api == "openblas" and of_openmp


def _let_others_limit() -> None:
    # from 3.8 on threadpoolctl heeds only the first thread that sets a number, until it
    # is told that this thread has done
    openblas = getattr(threadpoolctl, "OpenBLASController", None)
    clear = getattr(openblas, "clear_controlling_thread", None)
    if clear is not None:
        clear()


class Workers:
    """Threads that work side by side, in each of which torch keeps to a single core.

    The fused recurrent kernels gain nothing from a second thread on the small steps of
    a sequence, so several of them side by side are faster than one after the other. The
    calling thread is one of the workers: it need not be woken, and a single one is all
    there is then.

    It is a context manager, and its threads end with the context. Within it, torch
    keeps to one core in the calling thread too: the threads of OpenMP that it would
    share a step with wait for the next one busily, on the cores that the others need.

    Parameters
    ----------
    n_threads : int or None, default=None
        Number of threads. None means as many as torch is allowed.
    """

    def __init__(self, n_threads: int | None = None) -> None:
        self.n_threads = n_threads
        self._core = OneCore()
        self._pool: ThreadPoolExecutor | None = None
        self._n_helpers = 0
        self._waiting: Iterator[int] = iter(
            ()
        )  # items for the next thread that is free
        # Ctrl-C may leave a thread that nobody knows of, as it was just being started:
        # so threads are counted that work
        self._changed, self._n_at_work = Condition(), 0

    def __enter__(self) -> Self:
        self._core.__enter__()
        self._n_helpers = (self.n_threads or OneCore.n_allowed()) - 1
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
        self._pool, self._n_helpers = None, 0
        self._core.__exit__(kind, error, trace)

    def map(self, function: Callable[..., T], *items: Sequence[Any]) -> list[T]:
        """Call a function on each item, and return what it returns, in order.

        After an error no further item is begun.
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

        n_helpers = min(self._n_helpers, len(calls) - 1)
        helpers: list[Future] = []
        try:
            while len(helpers) < n_helpers:
                helpers.append(self._threads().submit(self._count, work))
            work()
        finally:
            deque(waiting, maxlen=0)
            with self._changed:
                self._changed.wait_for(lambda: self._n_at_work == 0)
        while helpers:  # an error that they still held would hold all that is here
            helpers.pop().result()
        return results

    def _count(self, work: Callable[[], None]) -> None:
        """Do some work, and be counted as long as it goes on."""
        with self._changed:
            self._n_at_work += 1
        try:
            work()
        finally:
            with self._changed:
                self._n_at_work -= 1
                self._changed.notify_all()

    def _threads(self) -> ThreadPoolExecutor:
        # a pool starts a thread only when there is something for it to do
        if self._pool is None:
            self._pool = ThreadPoolExecutor(
                self._n_helpers, "sklearn_bilstm", OneCore.keep_thread_to_one_core
            )
        return self._pool


def single_threaded(
    *, blas: bool = False
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator of functions in which torch keeps to a single core.

    The cores come back whatever line Ctrl-C interrupts.

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
