"""Reading of compressed and open files, and atomic writing."""

import gzip
import hashlib
import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, BinaryIO
from uuid import uuid4

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # no lock there

__all__ = [
    "AnyFile",
    "name_of_file",
    "open_bytes",
    "opened_to_write",
    "read_bytes",
    "replaced_atomically",
]

# A path, or a file opened in binary mode.
AnyFile = str | os.PathLike[str] | IO[bytes]

_GZIP_MAGIC = b"\x1f\x8b"

_CAN_RENAME_OPEN_FILES = os.name == "posix"


def open_bytes(path: Path) -> BinaryIO:
    """Open a file for reading; gzip files are detected by content and decompressed."""
    with path.open("rb") as file:
        is_gzip = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    # buffered, since reading lines of a gzip file is slow
    return io.BufferedReader(gzip.open(path)) if is_gzip else path.open("rb")


def name_of_file(file: AnyFile) -> str:
    """Return the name of a file for error messages: its path, or the type of object."""
    if isinstance(file, str | os.PathLike):
        return os.fspath(file)
    name = getattr(file, "name", None)
    return name if isinstance(name, str) else type(file).__name__


def read_bytes(file: AnyFile) -> bytes:
    """Read a file; an open file is read from its position to its end.

    An open file is not closed.

    Raises
    ------
    TypeError
        If it is not a file, or opened in text mode.
    ValueError
        If it is not open for reading.
    FileNotFoundError
        If the file does not exist.
    """
    if isinstance(file, str | os.PathLike):
        return Path(file).read_bytes()
    _check_open(file, "read", "rb")
    return file.read()


@contextmanager
def opened_to_write(file: AnyFile) -> Iterator[IO[bytes]]:
    """Open a path with :func:`replaced_atomically`, or buffer output to an open file.

    Buffered output is written to an open file at the end, at its position. The file is
    not closed.

    Raises
    ------
    TypeError
        If it is not a file, or opened in text mode.
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
    remaining = buffer.getbuffer()
    while remaining:  # an unbuffered file can write less than requested
        n_written = file.write(remaining)
        remaining = remaining[len(remaining) if n_written is None else n_written :]


def _check_open(file: Any, method: str, mode: str) -> None:
    """Check that a file is open for reading or writing, in binary mode."""
    advice = f"pass a path, or a file opened in binary mode with open(path, {mode!r})"
    if not hasattr(file, method):
        raise TypeError(
            f"The file must be a path or an open file: got an object of type "
            f"{type(file).__name__}. To fix it, {advice}."
        )
    if isinstance(file, io.TextIOBase) or hasattr(file, "encoding"):
        raise TypeError(f"The file is open in text mode: {advice}.")
    is_allowed = getattr(file, {"read": "readable", "write": "writable"}[method], None)
    if is_allowed is not None and not is_allowed():
        purpose = {"read": "reading", "write": "writing"}[method]
        raise ValueError(f"The file is not open for {purpose}: {advice}.")


@contextmanager
def replaced_atomically(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a temporary file that replaces `path` when it is complete.

    After an error, an existing file is unchanged. Symbolic links are followed, and the
    mode of an existing file is kept. If the process is killed, the temporary file stays
    until the path is written again.

    Parameters
    ----------
    path : path-like

    Yields
    ------
    file : file
        File opened for writing bytes, in the folder of `path`.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    IsADirectoryError
        If `path` is a folder.
    OSError
        If the file cannot be written.
    """
    original_path, path = os.fspath(path), Path(os.path.realpath(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"The folder {os.fspath(path.parent)!r} for {path.name!r} does not exist: "
            "create it first."
        )
    if path.is_dir():
        raise IsADirectoryError(
            f"{os.fspath(path)!r} is a folder: pass the path of a file in it."
        )
    with _errors_naming(original_path):
        file, written = _open_temporary(path)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            with _errors_naming(original_path):
                if path.exists():
                    shutil.copymode(path, written)
                if not _CAN_RENAME_OPEN_FILES:
                    file.close()
                written.replace(path)
    finally:
        written.unlink(missing_ok=True)
    _sync_folder(path.parent)


@contextmanager
def _errors_naming(path: str) -> Iterator[None]:
    """Convert any OSError to one that names the path of the user."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error


def _open_temporary(path: Path) -> tuple[IO[bytes], Path]:
    """Create and lock a temporary file for `path`, and remove those of dead writers.

    The system releases the lock of a process that ends, however it ends. Names contain
    a hash of that of `path`, since they must not be longer than it.
    """
    digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]
    for leftover in path.parent.glob(f".{digest}.*"):
        _remove_if_unlocked(leftover)
    while True:
        written = path.with_name(f".{digest}.{uuid4().hex[:16]}")
        file = written.open("xb")
        _lock(file, wait=True)
        if written.exists():
            return file, written
        file.close()  # another writer removed it before it was locked


def _remove_if_unlocked(written: Path) -> None:
    with suppress(OSError), written.open("r+b") as file:
        if _lock(file):
            written.unlink()


def _lock(file: IO[bytes], *, wait: bool = False) -> bool:
    """Lock an open file, and return whether that succeeded.

    It never does on Windows, and on file systems without locks.
    """
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def _sync_folder(folder: Path) -> None:
    """Make a new file name durable, on systems where a folder can be opened."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
