"""Files: read as users have them, and written whole or not at all."""

import gzip
import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO
from uuid import uuid4

__all__ = [
    "AnyFile",
    "name_of_file",
    "open_bytes",
    "opened_to_write",
    "read_bytes",
    "replaced_atomically",
]

# The path of a file, or a file that is open in binary mode.
AnyFile = str | os.PathLike[str] | IO[bytes]

_GZIP_MAGIC = b"\x1f\x8b"


def open_bytes(path: Path) -> BinaryIO:
    """Open a file for reading that gzip may have compressed, whatever its name says."""
    with path.open("rb") as file:
        is_gzip = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    # a gzip file alone is slow to read line by line
    return io.BufferedReader(gzip.open(path)) if is_gzip else path.open("rb")


def name_of_file(file: AnyFile) -> str:
    """Return what an error calls a file: its path, or the type of an open one."""
    if isinstance(file, str | os.PathLike):
        return os.fspath(file)
    name = getattr(file, "name", None)
    return name if isinstance(name, str) else type(file).__name__


def read_bytes(file: AnyFile) -> bytes:
    """Read a file, and an open one from its position to its end.

    An open file stays open.

    Raises
    ------
    TypeError
        If it is no file, or open in text mode.
    ValueError
        If it is not open for reading.
    FileNotFoundError
        If there is no such file.
    """
    if isinstance(file, str | os.PathLike):
        return Path(file).read_bytes()
    _check_open(file, "read", "rb")
    return file.read()


@contextmanager
def opened_to_write(file: AnyFile) -> Iterator[IO[bytes]]:
    """Open a path by :func:`replaced_atomically`, or write to an open file at the end.

    What is written gets into an open file all at once, at its position. The file stays
    open.

    Raises
    ------
    TypeError
        If it is no file, or open in text mode.
    ValueError
        If it is not open for writing.
    """
    if isinstance(file, str | os.PathLike):
        with replaced_atomically(file) as written:
            yield written
        return
    _check_open(file, "write", "wb")
    buffer = io.BytesIO()
    yield buffer
    left = buffer.getbuffer()
    while left:  # an unbuffered file may write less than it is given
        n_written = file.write(left)
        left = left[len(left) if n_written is None else n_written :]


def _check_open(file: Any, method: str, mode: str) -> None:
    """Check that a file is open in binary mode, to read it or to write to it."""
    way_out = (
        f"give a path, or a file that is open in binary mode: open(path, {mode!r})"
    )
    if not hasattr(file, method):
        raise TypeError(
            f"The file must be a path or an open file: got an object of type "
            f"{type(file).__name__}. So {way_out}."
        )
    if isinstance(file, io.TextIOBase) or hasattr(file, "encoding"):
        raise TypeError(f"The file is open in text mode: {way_out}.")
    is_allowed = getattr(file, {"read": "readable", "write": "writable"}[method], None)
    if is_allowed is not None and not is_allowed():
        raise ValueError(f"The file is not open to {method}: {way_out}.")


@contextmanager
def replaced_atomically(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of another once all is written.

    What was there before stays if anything fails on the way. A link stays one, and the
    mode of the file that is replaced is that of the new one.

    Parameters
    ----------
    path : path-like

    Yields
    ------
    file : file
        Open to write bytes to. It lies in the folder of `path`.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    IsADirectoryError
        If `path` is a folder itself.
    """
    path = Path(os.path.realpath(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {os.fspath(path.parent)!r} to write {path.name!r} "
            "into: make it first."
        )
    if path.is_dir():
        raise IsADirectoryError(
            f"{os.fspath(path)!r} is a folder: give the path of a file in it."
        )
    written = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with written.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, written)
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Let a new name survive a loss of power too, where a folder can be opened."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
