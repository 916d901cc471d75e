"""Files: read as users have them, and written whole or not at all."""

import gzip
import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO
from uuid import uuid4

__all__ = ["open_bytes", "replaced_atomically"]

_GZIP_MAGIC = b"\x1f\x8b"


def open_bytes(path: Path) -> BinaryIO:
    """Open a file for reading that gzip may have compressed, whatever its name says."""
    with path.open("rb") as file:
        is_gzip = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    # a gzip file alone is slow to read line by line
    return io.BufferedReader(gzip.open(path)) if is_gzip else path.open("rb")


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
