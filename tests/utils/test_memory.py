import platform
import subprocess
import sys

import pytest

# Two threads write to forty blocks of 4 MiB each and free them, again and again.
SCRIPT = """
import resource, sys
from contextlib import nullcontext
from concurrent.futures import ThreadPoolExecutor
from sklearn_bilstm.utils._memory import KeptMemory

def n_faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def write(_):
    blocks = [bytearray(b"x") * 2**22 for _ in range(40)]

if sys.argv[1] == "given back afterwards":
    with KeptMemory():
        pass
with KeptMemory() if sys.argv[1] == "kept" else nullcontext():
    with ThreadPoolExecutor(2) as pool:
        for _ in range(3):
            before = n_faults()
            list(pool.map(write, range(8)))
            found = n_faults() - before
    print(found)
"""

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="for another C library"
)


def faults(name):
    run = [sys.executable, "-c", SCRIPT, name]
    return int(subprocess.run(run, stdout=subprocess.PIPE, check=True).stdout)


def test_memory_that_was_freed_is_there_for_the_next_blocks():
    n_pages = 8 * 40 * 2**22 / 4096
    assert faults("given back") > n_pages / 2
    assert faults("given back afterwards") > n_pages / 2
    assert faults("kept") < n_pages / 20
