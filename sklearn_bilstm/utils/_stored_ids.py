"""Token ids in a file, which are read when they are needed."""

import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self
from zlib import crc32

import numpy as np

from sklearn_bilstm.utils._files import replaced_atomically
from sklearn_bilstm.utils._token_ids import TokenIds

__all__ = ["StoredTokenIds", "open_stored_ids", "write_stored_ids"]

_MAGIC, _VERSION = b"BiLSTMid", 1
# Magic bytes and version; numbers of rows, columns, ids and tokens; the largest id; and
# checksums of the ids and of what follows them. Then comes a checksum of all this.
_HEADER = struct.Struct("<8sI4xqqqqqII")
_CHECKSUM = struct.Struct("<I")
# Position of the ids in the file. Later arrays are aligned to a multiple of 8.
_START, _ALIGNMENT = 128, 8
_IDS, _OFFSETS, _FINGERPRINT = np.dtype("<i4"), np.dtype("<i8"), np.dtype("<u2")
# Number of bytes whose checksum is computed at a time.
_BYTES_AT_A_TIME = 2**24


class _Header(NamedTuple):
    """The numbers at the start of a file.

    Parameters
    ----------
    n_rows, n_columns, n_ids : int
        Number of rows, the largest possible number of ids of a row, and number of ids.
    n_tokens : int
        Number of tokens of the fingerprint, -1 if there is none.
    largest_id : int
        Largest id, 0 if there are none.
    crc_of_ids, crc_of_rest : int
        Checksums of the ids, and of the offsets and the fingerprint.
    """

    n_rows: int
    n_columns: int
    n_ids: int
    n_tokens: int
    largest_id: int
    crc_of_ids: int
    crc_of_rest: int

    @property
    def start_of_offsets(self) -> int:
        """Position of the offsets of rows in the file."""
        end = _START + self.n_ids * _IDS.itemsize
        return -(-end // _ALIGNMENT) * _ALIGNMENT

    @property
    def start_of_fingerprint(self) -> int:
        """Position of the fingerprint in the file."""
        return self.start_of_offsets + (self.n_rows + 1) * _OFFSETS.itemsize

    @property
    def size(self) -> int:
        """Number of bytes of the file."""
        return self.start_of_fingerprint + max(0, self.n_tokens) * _FINGERPRINT.itemsize

    def packed(self) -> bytes:
        """Return the bytes at the start of the file."""
        numbers = _HEADER.pack(_MAGIC, _VERSION, *self)
        return (numbers + _CHECKSUM.pack(crc32(numbers))).ljust(_START, b"\0")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the header of a file, and compare the size of the file with it."""
        with path.open("rb") as file:
            start = file.read(_START)
            size = os.fstat(file.fileno()).st_size
        if len(start) < len(_MAGIC) or not start.startswith(_MAGIC):
            raise ValueError(
                f"{os.fspath(path)!r} does not contain token ids as written by "
                "write_token_ids."
            )
        numbers, end = start[: _HEADER.size], _HEADER.size + _CHECKSUM.size
        if (
            len(start) < _START
            or _CHECKSUM.pack(crc32(numbers)) != start[_HEADER.size : end]
        ):
            raise _damaged(path, "its header is incomplete or changed")
        _, version, *values = _HEADER.unpack(numbers)
        if version != _VERSION:
            raise ValueError(
                f"{os.fspath(path)!r} has the format version {version} of token ids, "
                f"but this version of sklearn_bilstm reads version {_VERSION}."
            )
        header = cls(*values)
        if start != header.packed():
            raise _damaged(path, "its header has changed")
        if size != header.size:
            raise _damaged(path, f"it has {size} bytes instead of {header.size}")
        return header


def _damaged(path: Path, reason: str) -> ValueError:
    return ValueError(
        f"The file of token ids {os.fspath(path)!r} is damaged: {reason}. Write it "
        "again with write_token_ids."
    )


class StoredTokenIds:
    """Rows of token ids in a file, which are read when they are needed.

    The estimators accept it as X. It is indexed by rows, as cross-validation does, and
    selected rows are not copied. A pickle contains the path, not the ids.

    It is the result of :func:`~sklearn_bilstm.text.write_token_ids` and
    :func:`~sklearn_bilstm.text.open_token_ids`.

    Parameters
    ----------
    path : path-like
        The file.

    Attributes
    ----------
    path : str
        Absolute path of the file.
    shape : tuple of int
        Number of rows, and `max_length_` of the vectorizer.
    ids : ndarray of int32, shape (n_ids,)
        Ids of all rows of the file, memory-mapped.
    offsets : ndarray of int64, shape (n_rows_of_file + 1,)
        Row i of the file is `ids[offsets[i]:offsets[i + 1]]`. Memory-mapped.
    rows : ndarray of int64, shape (n_rows,), or None
        Indices of the selected rows of the file. None means all rows.
    fingerprint : ndarray of uint16, shape (n_tokens,), or None
        Checksums of the vocabulary. None if it is unknown.
    largest_id : int
        Largest id of the file.
    """

    ndim = 2
    dtype = np.dtype(np.int32)

    def __init__(self, path: Any) -> None:
        located = Path(path).absolute()
        header = _Header.read(located)
        self.path = os.fspath(located)
        self.ids = _mapped(located, _IDS, _START, header.n_ids)
        self.offsets = _mapped(
            located, _OFFSETS, header.start_of_offsets, header.n_rows + 1
        )
        self.rows: np.ndarray | None = None
        self.fingerprint: np.ndarray | None = None
        if header.n_tokens >= 0:
            start, n_tokens = header.start_of_fingerprint, header.n_tokens
            mapped = _mapped(located, _FINGERPRINT, start, n_tokens)
            self.fingerprint = np.array(mapped)
        self.largest_id = header.largest_id
        self._header = header

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and columns."""
        n_rows = self._header.n_rows if self.rows is None else len(self.rows)
        return n_rows, self._header.n_columns

    @property
    def lengths(self) -> np.ndarray:
        """Number of ids of each row."""
        lengths = np.diff(self.offsets)
        return lengths if self.rows is None else lengths[self.rows]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        """Return the ids of a row for an int, and a selection of rows otherwise."""
        if isinstance(key, tuple):
            key, *column_keys = key
            if any(other not in (Ellipsis, slice(None)) for other in column_keys):
                raise IndexError(
                    "StoredTokenIds can only be indexed by rows: select columns of "
                    "X[rows].tocsr()."
                )
        if isinstance(key, int | np.integer):
            row = range(len(self))[key]
            row = row if self.rows is None else int(self.rows[row])
            return np.array(self.ids[slice(*self.offsets[row : row + 2])])
        rows = np.arange(len(self)) if self.rows is None else self.rows
        selected = object.__new__(type(self))
        vars(selected).update(vars(self))
        key = key if isinstance(key, slice) else np.asarray(key)
        if not isinstance(key, slice) and not key.size:
            key = key.astype(np.intp)
        selected.rows = rows[key]
        if selected.rows.ndim != 1:
            raise IndexError(
                "StoredTokenIds must be indexed by a slice or a 1-D array."
            )
        return selected

    def __iter__(self) -> Iterator[np.ndarray]:
        return map(self.__getitem__, range(len(self)))

    def tocsr(self) -> TokenIds:
        """Return the rows as a sparse matrix in memory, as from TextVectorizer.

        Returns
        -------
        ids : csr_array of int32, shape (n_rows, n_columns)
        """
        lengths = self.lengths
        ends = np.concatenate([[0], np.cumsum(lengths)])
        index = np.int32 if ends[-1] <= np.iinfo(np.int32).max else np.int64
        columns = np.arange(ends[-1], dtype=index) - np.repeat(
            ends[:-1].astype(index), lengths
        )
        if self.rows is None:
            values = np.array(self.ids)
        else:
            moved = np.repeat(self.offsets[self.rows] - ends[:-1], lengths)
            values = self.ids[np.arange(ends[-1]) + moved]
        ids = TokenIds((values, columns, ends.astype(index)), self.shape)
        ids.fingerprint = self.fingerprint
        return ids

    def check(self) -> None:
        """Compare the whole file with its checksums.

        Raises
        ------
        ValueError
            If the file is damaged.
        """
        header, path = self._header, Path(self.path)
        if _checksum([self.ids]) != header.crc_of_ids:
            raise _damaged(path, "its token ids have changed")
        rest = [self.offsets, self._stored_fingerprint()]
        if _checksum(rest) != header.crc_of_rest:
            raise _damaged(path, "its offsets or its fingerprint have changed")

    def _stored_fingerprint(self) -> np.ndarray:
        if self.fingerprint is None:
            return np.zeros(0, _FINGERPRINT)
        return self.fingerprint

    def __reduce__(self) -> tuple:
        return _reopened, (self.path, self._header.packed(), self.rows)

    def __repr__(self) -> str:
        n_rows, n_columns = self.shape
        return f"<StoredTokenIds: {n_rows} rows of at most {n_columns} ids>"


def open_stored_ids(path: Any) -> StoredTokenIds:
    """Open a file of token ids, and check it."""
    ids = StoredTokenIds(path)
    ids.check()
    return ids


def write_stored_ids(path: Any, parts: Iterable[Any], n_columns: int) -> StoredTokenIds:
    """Write rows of token ids to a file, which is replaced when it is complete.

    Parameters
    ----------
    path : path-like
    parts : iterable of csr_array of int32
        Rows of token ids, in columns 0, 1, 2, ... Those of TextVectorizer have the
        fingerprint of their vocabulary.
    n_columns : int
        Number of columns of the parts.

    Returns
    -------
    ids : StoredTokenIds
    """
    lengths, crc, n_ids, largest = [np.zeros(1, np.int64)], 0, 0, 0
    fingerprint = None
    with replaced_atomically(path) as file:
        file.write(bytes(_START))
        for part in parts:
            ids = np.ascontiguousarray(part.data, _IDS)
            file.write(ids.data)
            crc, n_ids = crc32(ids.data, crc), n_ids + len(ids)
            largest = max(largest, int(ids.max(initial=0)))
            lengths.append(np.diff(part.indptr).astype(np.int64))
            fingerprint = getattr(part, "fingerprint", None)
        offsets = np.cumsum(np.concatenate(lengths), dtype=_OFFSETS)
        stored = np.zeros(0, _FINGERPRINT)
        if fingerprint is not None:
            stored = fingerprint.astype(_FINGERPRINT)
        header = _Header(
            len(offsets) - 1,
            n_columns,
            n_ids,
            *(-1 if fingerprint is None else len(stored), largest),
            crc,
            _checksum([offsets, stored]),
        )
        file.write(bytes(header.start_of_offsets - file.tell()))
        file.write(offsets.data)
        file.write(stored.data)
        file.seek(0)
        file.write(header.packed())
    return StoredTokenIds(path)


def _reopened(path: str, header: bytes, rows: np.ndarray | None) -> StoredTokenIds:
    """Restore pickled rows."""
    ids = StoredTokenIds(path)
    if ids._header.packed() != header:
        raise ValueError(
            f"The file of token ids {path!r} has been replaced by another one since "
            "its rows were pickled. Pickle the new ones."
        )
    ids.rows = rows
    return ids


def _mapped(path: Path, dtype: np.dtype, start: int, size: int) -> np.ndarray:
    """Return a memory-mapped array that is not a memmap, whose views are slower."""
    if not size:  # cannot be mapped
        return np.zeros(0, dtype)
    return np.asarray(np.memmap(path, dtype, mode="r", offset=start, shape=(size,)))


def _checksum(arrays: list[np.ndarray]) -> int:
    crc = 0
    for array in arrays:
        step = _BYTES_AT_A_TIME // array.itemsize
        for start in range(0, len(array), step):
            crc = crc32(np.ascontiguousarray(array[start : start + step]).data, crc)
    return crc
