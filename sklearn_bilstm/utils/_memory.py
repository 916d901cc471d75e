"""Memory that a process has freed."""

import ctypes
from contextlib import suppress

__all__ = ["return_freed_memory"]


def return_freed_memory() -> None:
    """Return freed memory to the system, which glibc would keep for later use.

    Without glibc, it has no effect.
    """
    # TypeError: Windows has no library without a name
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(ctypes.c_size_t(0))
