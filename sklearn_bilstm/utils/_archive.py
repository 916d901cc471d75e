"""A file of JSON and arrays that can be read without trust in whoever wrote it.

It is a zip of three parts, which are not compressed: `manifest.json` with the format
number and a SHA-256 of each other part, `content.json`, and `arrays.safetensors`.
Nothing else may be in it, so that its size tells how much memory it takes to read.
"""

import hashlib
import io
import json
import os
import struct
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from sklearn_bilstm.utils._files import (
    AnyFile,
    name_of_file,
    opened_to_write,
    read_bytes,
)

__all__ = ["read_archive", "read_content", "write_archive"]

FORMAT = 1

_MANIFEST, _CONTENT, _ARRAYS = "manifest.json", "content.json", "arrays.safetensors"
_LARGEST_MANIFEST = 2**16
_ENCRYPTED = 0x1
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # for a zip; so that equal content is an equal file

# What Python's zipfile raises for files that are none, or were changed.
_ZIP_ERRORS = (
    *(EOFError, OSError, OverflowError, RuntimeError, ValueError),
    *(struct.error, zipfile.BadZipFile),
)


def write_archive(
    path: AnyFile,
    *,
    kind: str,
    content: Any,
    arrays: Mapping[str, np.ndarray],
) -> None:
    """Write a file, or leave the one that was there if that fails.

    Parameters
    ----------
    path : path or file
        Where it is to be, or a file that is open in binary mode.
    kind : str
        What the file holds, such as "model".
    content : object
        What JSON can hold.
    arrays : mapping of str to ndarray
        Arrays of numbers by name.
    """
    parts = {
        _CONTENT: _to_json(content),
        _ARRAYS: safetensors.numpy.save(dict(arrays)),
    }
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in parts.items()}
    manifest = {"format": FORMAT, "sklearn_bilstm": kind, "sha256": sums}
    with (
        opened_to_write(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive,
    ):
        for name, data in {_MANIFEST: _to_json(manifest), **parts}.items():
            archive.writestr(zipfile.ZipInfo(name, _EARLIEST), data)


def read_archive(path: AnyFile, *, kind: str) -> tuple[Any, dict[str, np.ndarray]]:
    """Read a file.

    Parameters
    ----------
    path : path or file
        What :func:`write_archive` has written, up to the end of the file.
    kind : str
        What it must hold.

    Returns
    -------
    content : object
        What JSON can hold.
    arrays : dict of str to ndarray
        Arrays by name.

    Raises
    ------
    ValueError
        If it is another file, was changed or cut off, or is of a newer format.
    FileNotFoundError
        If there is no such file.
    """
    with _open_parts(path, kind, _CONTENT, _ARRAYS) as parts:
        return _from_json(parts[_CONTENT]), _from_safetensors(parts[_ARRAYS])


def read_content(path: AnyFile, *, kind: str) -> Any:
    """Read the content of a file without its arrays; see :func:`read_archive`."""
    with _open_parts(path, kind, _CONTENT) as parts:
        return _from_json(parts[_CONTENT])


@contextmanager
def _open_parts(path: AnyFile, kind: str, *names: str) -> Iterator[dict[str, bytes]]:
    """Yield the bytes of some parts, whatever is wrong with which is an error."""
    with _opened(path) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                manifest = _manifest(archive, kind)
                _check_parts(archive, file.seek(0, os.SEEK_END))
                yield {name: _part(archive, name, manifest) for name in names}
        except (*_ZIP_ERRORS, SafetensorError, LookupError, TypeError) as error:
            raise ValueError(
                f"{name_of_file(path)!r} cannot be read as a {kind} of sklearn_bilstm: "
                f"{error or type(error).__name__}"
            ) from error


def _opened(path: AnyFile) -> IO[bytes]:
    if isinstance(path, str | os.PathLike):
        return Path(path).open("rb")
    return io.BytesIO(read_bytes(path))


def _manifest(archive: zipfile.ZipFile, kind: str) -> dict[str, Any]:
    """Read the part that says what the others are, if this version can read them."""
    info = archive.getinfo(_MANIFEST)
    _check_stored(info)
    if info.file_size > _LARGEST_MANIFEST:
        raise ValueError(f"its {_MANIFEST} is too large.")
    manifest = _from_json(archive.read(info))
    format_, found = manifest["format"], manifest["sklearn_bilstm"]
    if type(format_) is not int or format_ < 1:
        raise ValueError(f"{format_!r:.80} is no number of a format.")
    if format_ > FORMAT:
        raise ValueError(
            f"it has format {format_}, and this version reads formats up to {FORMAT}. "
            "Read it with a newer version of sklearn_bilstm."
        )
    if found != kind:
        raise ValueError(f"it holds a {found!r:.80}.")
    return manifest


def _check_parts(archive: zipfile.ZipFile, size: int) -> None:
    infos = archive.infolist()
    names = [info.orig_filename for info in infos]
    if sorted(names) != sorted([_MANIFEST, _CONTENT, _ARRAYS]):
        raise ValueError(f"it must hold three parts, and holds {names!r:.200}.")
    for info in infos:
        _check_stored(info)
    if min(info.header_offset for info in infos):
        raise ValueError("it does not begin with one of its parts.")
    if sum(info.file_size for info in infos) > size:
        raise ValueError("its parts are larger than the file.")


def _check_stored(info: zipfile.ZipInfo) -> None:
    stored = info.compress_type == zipfile.ZIP_STORED
    if not stored or info.file_size != info.compress_size:
        raise ValueError(f"{info.filename!r:.80} in it is compressed.")
    if info.flag_bits & _ENCRYPTED:
        raise ValueError(f"{info.filename!r:.80} in it is encrypted.")


def _part(archive: zipfile.ZipFile, name: str, manifest: dict[str, Any]) -> bytes:
    data = archive.read(name)
    if hashlib.sha256(data).hexdigest() != manifest["sha256"][name]:
        raise ValueError(f"{name} in it was changed or damaged.")
    return data


def _to_json(content: Any) -> bytes:
    return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


def _from_json(data: bytes) -> Any:
    return json.loads(data.decode(), parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON.")


def _from_safetensors(data: bytes) -> dict[str, np.ndarray]:
    arrays = safetensors.numpy.load(data)
    # older releases give views of bytes, which nobody can write to
    return {name: np.require(array, requirements="W") for name, array in arrays.items()}
