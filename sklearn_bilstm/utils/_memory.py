"""What becomes of memory that is freed."""

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from threading import Lock
from types import TracebackType
from typing import ClassVar, Self

__all__ = ["KeptMemory"]

# Parameters of mallopt, and what they are outside and inside of all contexts. Outside,
# the thresholds are the largest that glibc would come to by itself.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_OUTSIDE = {_MMAP_THRESHOLD: 2**25, _TRIM_THRESHOLD: 2**26, _TOP_PAD: 2**17}
_INSIDE = {_MMAP_THRESHOLD: 2**25, _TRIM_THRESHOLD: 2**30, _TOP_PAD: 2**26}


class KeptMemory:
    """Let the C library keep the memory that is freed, as a context manager.

    A recurrent kernel asks for megabytes in every call and frees them at its end. glibc
    gives such memory back to the system, which has to fill every page of it with zeros
    when it is asked for again: a fifth of the time of a training. Contexts may overlap,
    in one thread or in several, and what is freed after the last is given back as glibc
    does by default, whatever thresholds it had been given. Other C libraries are left
    alone.

    Notes
    -----
    Within a context, blocks of up to 32 MiB are never mapped one by one, the top of the
    heap is not trimmed, and a thread whose first heap was full keeps the next one too
    (https://man7.org/linux/man-pages/man3/mallopt.3.html).
    """

    _lock: ClassVar[Lock] = Lock()
    _n_open: ClassVar[int] = 0

    def __enter__(self) -> Self:
        with KeptMemory._lock:
            if KeptMemory._n_open == 0:
                _set(_INSIDE)
            KeptMemory._n_open += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with KeptMemory._lock:
            KeptMemory._n_open -= 1
            if KeptMemory._n_open == 0:
                _set(_OUTSIDE)


def _set(options: dict[int, int]) -> None:
    mallopt = _mallopt()
    if mallopt is not None:
        for option, value in options.items():
            mallopt(option, value)


@cache
def _mallopt() -> Callable[[int, int], int] | None:
    """Return the function of glibc, which a process finds once, if it is there."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return library.mallopt if hasattr(library, "gnu_get_libc_version") else None
