import ctypes
import platform
import subprocess
import sys

import pytest

from sklearn_bilstm.utils._memory import return_freed_memory

# The last block keeps the others, which are freed, within the heap.
SCRIPT = """
from pathlib import Path
from sklearn_bilstm.utils._memory import return_freed_memory

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

blocks = [bytearray(b"x") * 30_000 for _ in range(5_000)]
blocks = blocks[-1:]
before = megabytes()
return_freed_memory()
print(before - megabytes())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="requires glibc")
def test_freed_memory_is_returned():
    out = subprocess.check_output([sys.executable, "-c", SCRIPT], text=True)
    assert float(out) > 100


@pytest.mark.parametrize("error", [AttributeError, OSError, TypeError])
def test_other_libraries_are_left_alone(monkeypatch, error):
    def fail(name):
        raise error

    monkeypatch.setattr(ctypes, "CDLL", fail)
    return_freed_memory()
