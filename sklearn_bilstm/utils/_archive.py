"""Files of JSON and arrays that are safe to read from untrusted sources.

A file is an uncompressed zip archive with three parts: `manifest.json` with the format
version and the SHA-256 checksums of the other parts, `content.json`, and
`arrays.safetensors`. Other parts are not allowed, and the number of lists and objects
in the JSON is limited, so that the size of the file bounds the memory required to read
it.
"""

import hashlib
import io
import json
import os
import re
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

# Formats 1 and 2 differ in the JSON: the latter can refer to arrays in fewer bits.
FORMAT = 2

_MANIFEST, _CONTENT, _ARRAYS = "manifest.json", "content.json", "arrays.safetensors"
_LARGEST_MANIFEST = 2**16
# Maximum number of lists and objects in the JSON. Each takes up to 250 bytes once read.
_MAX_CONTAINERS = 2**19
_JSON_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"')
# Record at the end of a zip archive: signature, six numbers that include the size of
# the directory of parts, and the length of a comment. In archives of more than 4 GiB, a
# locator of a longer record precedes it.
_END_RECORD = struct.Struct("<4s4H2LH")
_END, _LOCATOR, _LOCATOR_SIZE = b"PK\x05\x06", b"PK\x06\x07", 20
_LARGEST_DIRECTORY, _LARGEST_ZIP32 = 2**16, 2**32
_ENCRYPTED = 0x1
# earliest date of a zip, so that equal content yields an equal file
_EARLIEST = 1980, 1, 1, 0, 0, 0

# Exceptions that zipfile raises for damaged or other files.
_ZIP_ERRORS = (
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
)


def write_archive(
    path: AnyFile,
    *,
    kind: str,
    content: Any,
    arrays: Mapping[str, np.ndarray],
    is_compact: bool = False,
) -> None:
    """Write a file; if this fails, an existing file is not changed.

    Parameters
    ----------
    path : path or file
        Path, or a file opened in binary mode.
    kind : str
        Kind of content, such as "model".
    content : object
        Content that JSON supports.
    arrays : mapping of str to ndarray
        Numeric arrays by name.
    is_compact : bool, default=False
        Whether the content requires format 2.

    Raises
    ------
    ValueError
        If there are more lists and objects in `content` than :func:`read_archive`
        accepts.
    """
    encoded = _to_json(content)
    _check_containers(encoded)
    parts = {
        _CONTENT: encoded,
        _ARRAYS: safetensors.numpy.save(dict(arrays)),
    }
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in parts.items()}
    format_ = FORMAT if is_compact else 1
    manifest = {"format": format_, "sklearn_bilstm": kind, "sha256": sums}
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
        Output of :func:`write_archive`, which must extend to the end of the file.
    kind : str
        Required kind of content.

    Returns
    -------
    content : object
        Content of the JSON.
    arrays : dict of str to ndarray
        Arrays by name.

    Raises
    ------
    ValueError
        If it is another file, modified, truncated, or of a newer format.
    FileNotFoundError
        If the file does not exist.
    """
    with _open_parts(path, kind, _CONTENT, _ARRAYS) as parts:
        return _from_json(parts[_CONTENT]), _from_safetensors(parts[_ARRAYS])


def read_content(path: AnyFile, *, kind: str) -> Any:
    """Read the content of a file without its arrays; see :func:`read_archive`."""
    with _open_parts(path, kind, _CONTENT) as parts:
        return _from_json(parts[_CONTENT])


@contextmanager
def _open_parts(path: AnyFile, kind: str, *names: str) -> Iterator[dict[str, bytes]]:
    """Yield the bytes of some parts; convert all errors of them to ValueErrors."""
    with _opened(path) as file:
        try:
            size = file.seek(0, os.SEEK_END)
            _check_directory(file, size)
            with zipfile.ZipFile(file) as archive:
                manifest = _manifest(archive, kind)
                _check_parts(archive, size)
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


def _check_directory(file: IO[bytes], size: int) -> None:
    """Check that a zip archive lists few parts, before zipfile reads the list."""
    file.seek(max(size - _END_RECORD.size - _LOCATOR_SIZE, 0))
    tail = file.read()
    if len(tail) < _END_RECORD.size:
        raise ValueError("it is not a zip file.")
    signature, *_, directory_size, _, _ = _END_RECORD.unpack(tail[-_END_RECORD.size :])
    if signature != _END:
        raise ValueError("it is not a zip file, or it is truncated.")
    is_long = tail.startswith(_LOCATOR) and size < _LARGEST_ZIP32
    if is_long or directory_size > _LARGEST_DIRECTORY:
        raise ValueError("it must contain three parts: its directory is too large.")


def _manifest(archive: zipfile.ZipFile, kind: str) -> dict[str, Any]:
    """Read and check the manifest."""
    info = archive.getinfo(_MANIFEST)
    _check_stored(info)
    if info.file_size > _LARGEST_MANIFEST:
        raise ValueError(f"its {_MANIFEST} is too large.")
    manifest = _from_json(archive.read(info))
    format_, kind_of_file = manifest["format"], manifest["sklearn_bilstm"]
    if type(format_) is not int or format_ < 1:
        raise ValueError(f"{format_!r:.80} is not a format version.")
    if format_ > FORMAT:
        raise ValueError(
            f"it has format {format_}, but this version supports formats up to "
            f"{FORMAT}. Use a newer version of sklearn_bilstm."
        )
    if kind_of_file != kind:
        raise ValueError(f"it contains a {kind_of_file!r:.80}.")
    return manifest


def _check_parts(archive: zipfile.ZipFile, size: int) -> None:
    infos = archive.infolist()
    names = [info.orig_filename for info in infos]
    if sorted(names) != sorted([_MANIFEST, _CONTENT, _ARRAYS]):
        raise ValueError(f"it must contain three parts: got {names!r:.200}.")
    for info in infos:
        _check_stored(info)
    if min(info.header_offset for info in infos):
        raise ValueError("it does not begin with one of its parts.")
    if sum(info.file_size for info in infos) > size:
        raise ValueError("its parts are larger than the file.")


def _check_stored(info: zipfile.ZipInfo) -> None:
    stored = info.compress_type == zipfile.ZIP_STORED
    if not stored or info.file_size != info.compress_size:
        raise ValueError(f"its part {info.filename!r:.80} is compressed.")
    if info.flag_bits & _ENCRYPTED:
        raise ValueError(f"its part {info.filename!r:.80} is encrypted.")


def _part(archive: zipfile.ZipFile, name: str, manifest: dict[str, Any]) -> bytes:
    data = archive.read(name)
    if hashlib.sha256(data).hexdigest() != manifest["sha256"][name]:
        raise ValueError(f"its part {name} is modified or damaged.")
    return data


def _to_json(content: Any) -> bytes:
    return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


def _from_json(data: bytes) -> Any:
    _check_containers(data)
    return json.loads(data.decode(), parse_constant=_refuse_constant)


def _check_containers(data: bytes) -> None:
    """Check the number of lists and objects of JSON before it is parsed."""
    if _n_brackets(data) <= _MAX_CONTAINERS:
        return
    if _n_brackets(_JSON_STRING.sub(b"", data)) > _MAX_CONTAINERS:
        raise ValueError(
            f"its JSON contains more than {_MAX_CONTAINERS} lists and objects."
        )


def _n_brackets(data: bytes) -> int:
    return data.count(b"[") + data.count(b"{")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not valid JSON.")


def _from_safetensors(data: bytes) -> dict[str, np.ndarray]:
    arrays = safetensors.numpy.load(data)
    # older versions of safetensors return read-only arrays
    return {name: np.require(array, requirements="W") for name, array in arrays.items()}
