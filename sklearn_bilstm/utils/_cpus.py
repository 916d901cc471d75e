"""Number of usable CPUs."""

import os
from contextlib import suppress
from math import ceil
from pathlib import Path

__all__ = ["cpu_count"]

_CONTROL_GROUPS = Path("/sys/fs/cgroup")


def cpu_count() -> int:
    """Return the number of CPUs that the process may use.

    It respects the CPU affinity of the process and, in a container, the CPU quota of
    its control group.
    """
    n_cpus = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # on Linux
        n_cpus = len(os.sched_getaffinity(0)) or n_cpus
    quota = _quota()
    return n_cpus if quota is None else max(1, min(n_cpus, ceil(quota)))


def _quota() -> float | None:
    """Return the CPU quota of the control group of a container, if there is one."""
    with suppress(OSError, ValueError):  # version 2 of control groups
        quota, period = (_CONTROL_GROUPS / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota, period = (
            (_CONTROL_GROUPS / "cpu" / f"cpu.cfs_{name}_us").read_text()
            for name in ("quota", "period")
        )
        return int(quota) / int(period) if int(quota) > 0 else None
    return None
