"""Processes of a torch.distributed group that call functions of tests."""

import os
import pickle
import subprocess
import sys
import tempfile
import warnings
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from torch import distributed

ROOT = Path(__file__).parents[1]
TIMEOUT = 60.0
# On a busy machine, gloo can fail to connect the processes.
N_TRIALS = 3


class NotConnectedError(RuntimeError):
    """The processes could not form a group."""


class Processes:
    """Processes that form a new group for each call.

    Parameters
    ----------
    size : int, default=2
        Number of processes.
    """

    def __init__(self, size=2):
        command = [sys.executable, "-m", "tests.processes"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self._children = [
            subprocess.Popen(
                [*command, str(rank), str(size)],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            for rank in range(size)
        ]

    def call(self, function, *args):
        """Call a function of a module in all processes, with their rank as the first.

        Returns the result of each process, or the exception that it raised. A process
        that was killed has the result None.
        """
        for _ in range(N_TRIALS):
            found = self._call(function, args)
            if not any(isinstance(result, NotConnectedError) for result in found):
                break
        return found

    def _call(self, function, args):
        with tempfile.TemporaryDirectory() as folder:
            store = str(Path(folder, "store"))
            for child in self._children:
                pickle.dump((store, function, args), child.stdin)
                child.stdin.flush()
            return [_received(child) for child in self._children]

    def close(self):
        """End the processes."""
        for child in self._children:
            child.kill()
            child.wait()
            child.stdout.close()
            with suppress(OSError):
                child.stdin.close()


def _received(child):
    try:
        return pickle.load(child.stdout)
    except EOFError:
        return None


def connect(store, rank, size):
    """Form a process group."""
    try:
        distributed.init_process_group(
            "gloo",
            init_method=f"file://{store}",
            rank=rank,
            world_size=size,
            timeout=timedelta(seconds=TIMEOUT),
        )
    except RuntimeError as error:
        raise NotConnectedError(str(error)) from error


def serve(rank, size):
    """Call the functions that are received, until there are no more."""
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    warnings.simplefilter("ignore")
    while True:
        try:
            store, function, args = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            connect(store, rank, size)
            result = function(rank, *args)
        except BaseException as error:  # returned to the test
            result = error
        if distributed.is_initialized():
            distributed.destroy_process_group()
        try:
            content = pickle.dumps(result)
        except Exception:
            content = pickle.dumps(RuntimeError(repr(result)))
        channel.write(content)
        channel.flush()


if __name__ == "__main__":
    from tests.processes import serve  # whose exceptions can be unpickled

    serve(*map(int, sys.argv[1:]))
