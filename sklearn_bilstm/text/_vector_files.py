"""Readers of word vector files."""

import codecs
import gzip
import os
import re
import warnings
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np

from sklearn_bilstm.utils._files import open_bytes

__all__ = ["read_vectors"]

# Large enough for fast parsing, small compared with the vectors of a large file.
_CHUNK_BYTES = 2**18
_SAMPLE_BYTES = 2**12
_LONGEST_FIRST_LINE = 2**20
# Deflate compresses by at most this factor.
_MAX_GZIP_RATIO = 1032
# Bytes that occur in binary numbers but not in text.
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_HEADER = re.compile(rb"\s*(\d{1,12})\s+(\d{1,9})\s*")

# Words with their positions in the file, and the unparsed numbers of each word.
_Block = list[tuple[int, bytes, bytes]]


def read_vectors(
    path: str | PathLike,
    *,
    keep: Collection[str] | None,
    encoding: str,
    errors: str,
) -> tuple[list[str], np.ndarray]:
    """Read words and their vectors from a file.

    Parameters
    ----------
    path : path
        File in any of the formats of :func:`load_word_vectors`.
    keep : collection of str or None
        Words to keep. None keeps all words.
    encoding : str
        Encoding of the words.
    errors : str
        Handling of decoding errors, as in `bytes.decode`.

    Returns
    -------
    words : list of str
        The distinct words, in the order of the file.
    vectors : ndarray of float32, shape (n_words, n_dims)
        First vector of each word in the file.

    Raises
    ------
    ValueError
        If the format of the file is unknown, or the file violates it.
    """
    name = repr(str(path))
    _check_encoding(encoding)
    with open_bytes(Path(path)) as file:
        try:
            layout = _recognise(file, name)
            n_rows = _count_at_most(file, layout) if keep is None else len(keep)
            n_rows = min(n_rows, _most_rows(file, layout))
            words = _Words(layout, n_rows, keep, encoding, errors)
            n_words = _read(file, words)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{name} is a damaged gzip file: {error}") from error
    if layout.n_words not in (None, n_words):
        raise ValueError(
            f"{name}: the header declares {layout.n_words} words with {layout.n_dims} "
            f"numbers, but the file contains {n_words}. Download the file again, or "
            "correct line 1."
        )
    return words.finished()


def _check_encoding(encoding: str) -> None:
    try:
        b"a".decode(encoding, "ignore")
    except (LookupError, TypeError) as error:
        raise ValueError(
            "encoding must be the name of a Python encoding, such as 'utf-8' or "
            f"'latin-1'. Got {encoding!r} instead."
        ) from error


@dataclass(frozen=True)
class _Layout:
    """Format of a file, detected from its first bytes."""

    name: str
    n_dims: int
    n_words: int | None  # as declared in the header, if there is one
    is_binary: bool = False

    @property
    def n_header_lines(self) -> int:
        return int(self.n_words is not None)

    @property
    def n_bytes(self) -> int:
        """Number of bytes of a vector in a binary file."""
        return 4 * self.n_dims

    @property
    def unit(self) -> str:
        """Unit of positions in the file."""
        return "word" if self.is_binary else "line"

    def bad_line(self, index: int, problem: str) -> ValueError:
        return ValueError(
            f"{self.name}, line {index} must contain a word and {self.n_dims} finite "
            f"numbers, separated by spaces: {problem}."
        )


class _Words:
    """The kept words and their vectors.

    Parameters
    ----------
    layout : _Layout
        Format of the file.
    n_rows : int
        Maximum number of words to keep.
    keep : collection of str or None
        Words to keep. None keeps all words.
    encoding, errors : str
        As in `bytes.decode`.
    """

    def __init__(
        self,
        layout: _Layout,
        n_rows: int,
        keep: Collection[str] | None,
        encoding: str,
        errors: str,
    ) -> None:
        self.layout = layout
        self._n_rows = n_rows
        self._keep = keep
        self._encoding = encoding
        self._errors = errors
        self._words: dict[str, None] = {}
        self._n_written = 0

    @cached_property
    def _vectors(self) -> np.ndarray:
        # allocated at once, since a growing array can be in memory twice; and after the
        # first line is read, since the header can declare too large a size
        return np.empty((self._n_rows, self.layout.n_dims), np.float32)

    def accepts(self, word: bytes, index: int) -> bool:
        """Add a word, unless it is a duplicate or not to be kept."""
        try:
            text = word.decode(self._encoding, self._errors)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{self.layout.name}, {self.layout.unit} {index} must be encoded in "
                f"{self._encoding}: found {word!r}. Set the encoding parameter to that "
                "of the file, or errors='replace'."
            ) from error
        if text in self._words or (self._keep is not None and text not in self._keep):
            return False
        self._words[text] = None
        return True

    def write(self, vectors: np.ndarray) -> None:
        """Add the vectors of the words accepted since the last call."""
        end = self._n_written + len(vectors)
        self._vectors[self._n_written : end] = vectors
        self._n_written = end

    def finished(self) -> tuple[list[str], np.ndarray]:
        """Return words and vectors, and free the memory of unused rows."""
        shape = (self._n_written, self.layout.n_dims)
        self._vectors.resize(shape, refcheck=False)
        return list(self._words), self._vectors


def _recognise(file: BinaryIO, name: str) -> _Layout:
    """Detect the format from the first bytes, and rewind the file."""
    _rewind(file)
    first = file.readline(_LONGEST_FIRST_LINE)
    sample = file.read(_SAMPLE_BYTES)
    _rewind(file)
    if not (first + sample).strip():
        raise ValueError(f"{name} must contain at least one word: it is empty.")
    if header := _HEADER.fullmatch(first):
        n_words, n_dims = map(int, header.groups())
        if n_words < 1 or n_dims < 1:
            raise ValueError(
                f"{name}, line 1 must declare at least one word with one number: got "
                f"{n_words} words with {n_dims} numbers."
            )
        return _Layout(name, n_dims, n_words, _is_binary(sample))
    n_dims = len(first.split()) - 1
    if _CONTROL.search(first) or n_dims < 1:
        raise ValueError(
            f"{name}, line 1 must contain a word and its numbers, or the number of "
            f"words and the dimension: it begins with {first[:20]!r}. If the file is "
            "a zip archive, unpack it. If it is a fastText or gensim model, load it "
            "with that library and pass its KeyedVectors."
        )
    return _Layout(name, n_dims, None)


def _rewind(file: BinaryIO) -> None:
    """Go to the beginning of the file, after its byte order mark if there is one."""
    file.seek(0)
    if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
        file.seek(0)


def _is_binary(sample: bytes) -> bool:
    """Return whether the numbers after the header are binary or text."""
    fields = sample.partition(b"\n")[0].split()[1:]
    has_digits = any(_numbers(field, 1) is not None for field in fields)
    return bool(sample) and (bool(_CONTROL.search(sample)) or not has_digits)


def _read(file: BinaryIO, words: _Words) -> int:
    """Read all words, keep the requested ones, and return the total number."""
    layout = words.layout
    for _ in range(layout.n_header_lines):
        file.readline()
    blocks = _binary_blocks if layout.is_binary else _text_blocks
    parse = _parse_binary if layout.is_binary else _parse_text
    n_words = 0
    for block in blocks(file, layout):
        numbers_at = {
            index: numbers
            for index, word, numbers in block
            if words.accepts(word, index)
        }
        words.write(parse(numbers_at, layout))
        n_words += len(block)
    return n_words


def _count_at_most(file: BinaryIO, layout: _Layout) -> int:
    """Return an upper bound of the number of words, which is usually tight."""
    if layout.is_binary:
        count = file.seek(0, os.SEEK_END) // (layout.n_bytes + 1)  # vector and space
    else:
        chunks = iter(lambda: file.read(_CHUNK_BYTES), b"")
        count = 1 + sum(chunk.count(b"\n") for chunk in chunks)
    _rewind(file)
    return count


def _most_rows(file: BinaryIO, layout: _Layout) -> int:
    """Return an upper bound of the number of words, by the size of the file."""
    size = os.fstat(file.fileno()).st_size
    if isinstance(getattr(file, "raw", None), gzip.GzipFile):
        size *= _MAX_GZIP_RATIO
    # a number takes at least two characters of text
    n_bytes = layout.n_bytes if layout.is_binary else 2 * layout.n_dims
    return size // n_bytes + 1


def _text_blocks(file: BinaryIO, layout: _Layout) -> Iterator[_Block]:
    """Yield blocks of lines with their line numbers."""
    number = layout.n_header_lines
    while lines := file.readlines(_CHUNK_BYTES):
        indices = range(number + 1, number + 1 + len(lines))
        stripped = zip(indices, map(bytes.strip, lines), strict=True)
        yield [
            (index, *_split(line, index, layout)) for index, line in stripped if line
        ]
        number += len(lines)


def _split(line: bytes, index: int, layout: _Layout) -> tuple[bytes, bytes]:
    """Split a line into its word, which can contain spaces, and its numbers."""
    word, _, numbers = line.partition(b" ")
    if numbers.count(b" ") == layout.n_dims - 1:
        return word, numbers
    word, *fields = line.rsplit(None, layout.n_dims)
    if len(fields) < layout.n_dims:
        raise layout.bad_line(index, f"found {len(fields)} fields after the first")
    before = word.split()[1:]
    if before and _numbers(before[-1], 1) is not None:
        raise layout.bad_line(index, "found more numbers")
    return word, b" ".join(fields)


def _parse_text(numbers_at: dict[int, bytes], layout: _Layout) -> np.ndarray:
    """Parse the vectors of the lines, or raise an error for the invalid line."""
    count = len(numbers_at) * layout.n_dims
    parsed = _numbers(b" ".join(numbers_at.values()), count)
    if parsed is not None:
        return parsed.reshape(-1, layout.n_dims)
    index, field = next(
        (index, field)
        for index, numbers in numbers_at.items()
        for field in numbers.split(b" ")
        if _numbers(field, 1) is None
    )
    text = field.decode(errors="backslashreplace")
    raise layout.bad_line(index, f"found {text!r} instead of a number")


def _numbers(text: bytes, count: int) -> np.ndarray | None:
    """Parse finite numbers; None if the text is invalid or the count is wrong."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # older NumPy versions only warn of invalid text
        try:
            numbers = np.fromstring(text, np.float32, sep=" ")
        except (ValueError, Warning):
            return None
    return numbers if len(numbers) == count and np.isfinite(numbers).all() else None


def _binary_blocks(file: BinaryIO, layout: _Layout) -> Iterator[_Block]:
    """Yield blocks of words with their indices."""
    number, rest = 0, b""
    while chunk := file.read(_CHUNK_BYTES):
        words, rest = _split_binary(rest + chunk, layout)
        indices = range(number + 1, number + 1 + len(words))
        yield [(index, *word) for index, word in zip(indices, words, strict=True)]
        number += len(words)
    if rest.strip(b"\n"):
        raise ValueError(
            f"{layout.name} must contain for each word the word, a space and "
            f"{layout.n_bytes} bytes for {layout.n_dims} numbers: it ends within word "
            f"{number + 1} of {layout.n_words}. Download the file again."
        )


def _split_binary(
    data: bytes, layout: _Layout
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Split bytes into words and their numbers, and the remaining bytes."""
    words = []
    start, space = 0, data.find(b" ")
    while space >= 0 and space + layout.n_bytes < len(data):
        end = space + 1 + layout.n_bytes
        # some programs write a line break after each vector, others do not
        words.append((data[start:space].lstrip(b"\n"), data[space + 1 : end]))
        start, space = end, data.find(b" ", end)
    return words, data[start:]


def _parse_binary(numbers_at: dict[int, bytes], layout: _Layout) -> np.ndarray:
    """Parse the vectors of the words, or raise an error for the invalid word."""
    numbers = np.frombuffer(b"".join(numbers_at.values()), "<f4")
    rows = numbers.reshape(-1, layout.n_dims)
    is_good = np.isfinite(rows).all(axis=1)
    if not is_good.all():
        index = list(numbers_at)[is_good.argmin()]
        raise ValueError(
            f"{layout.name}, the {layout.n_dims} numbers of word {index} must be "
            "finite: found NaN or infinity."
        )
    return rows
