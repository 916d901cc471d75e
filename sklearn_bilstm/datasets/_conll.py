"""Loaders of token labels in the formats of the CoNLL shared tasks."""

import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from sklearn_bilstm.utils._files import open_bytes
from sklearn_bilstm.utils._sklearn import validate_params

__all__ = ["load_conll", "load_conllu"]

# Columns of CoNLL-U (https://universaldependencies.org/format.html).
_CONLLU = "id form lemma upos xpos feats head deprel deps misc".split()  # noqa: SIM905 - shorter than a list of strings

_CONLLU_ID = re.compile(r"\d+([-.]\d+)?")

# str.splitlines would also split at tokens such as U+2028. Text files written twice in
# Windows text mode have two carriage returns per line.
_LINE_END = re.compile(r"\r{0,2}\n|\r")

# Not all of str.isspace: a token can contain a no-break space, or consist of one.
_BLANKS = " \t"

_HINT_AT_COMMENTS = '. If lines that begin with "#" are comments, set comment="#"'

Rows = list[list[str]]


@validate_params(
    {
        "token_column": [Integral],
        "label_column": [Integral],
        "comment": [str, None],
        "encoding": [str],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def load_conll(
    path: str | PathLike,
    *,
    token_column: int = 0,
    label_column: int = -1,
    comment: str | None = None,
    encoding: str = "utf-8",
    return_X_y: bool = False,
) -> Bunch | tuple[Rows, Rows]:
    """Load sentences from a file with one token and its label per line.

    Columns are separated by tabs, or by spaces in lines without a tab. An empty line,
    or one of tabs and spaces only, ends a sentence. A line that starts with
    "-DOCSTART-" starts a document, as in CoNLL-2003.

    Parameters
    ----------
    path : path
        Text file, plain or compressed with gzip.
    token_column : int, default=0
        Index of the token column; -1 is the last.
    label_column : int, default=-1
        Index of the label column.
    comment : str, default=None
        Prefix of comment lines to skip, such as "#" in files with lines like
        "# sent_id = 1". If None, no lines are skipped, since "#" can be a token, in
        tweets for example.
    encoding : str, default="utf-8"
        Encoding of the file. CoNLL-2002 uses "latin-1".
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.

    Returns
    -------
    sentences : :class:`~sklearn.utils.Bunch`
        data : list of list of str
            Tokens of each sentence.
        target : list of list of str
            Labels of each sentence.
        document : ndarray of int, shape (n_sentences,)
            Index of the document of each sentence, for grouped cross-validation. All
            are 0 if the file does not mark documents.

    Raises
    ------
    ValueError
        If a line lacks its token or label, or the number of columns changes within a
        sentence, or if the file or a parameter is invalid.

    See Also
    --------
    load_conllu : Load files in the CoNLL-U format, with comments and ten columns.
    """
    file = _File(Path(path), encoding)
    columns = {"token_column": token_column, "label_column": label_column}
    sentences = file.sentences(
        _begins_document_of_conll,
        partial(_conll_word, columns, comment),
        hint=_HINT_AT_COMMENTS if comment is None else "",
    )
    return (sentences.data, sentences.target) if return_X_y else sentences


def load_conllu(
    path: str | PathLike, *, label: str = "upos", return_X_y: bool = False
) -> Bunch | tuple[Rows, Rows]:
    """Load sentences from a CoNLL-U file, the format of Universal Dependencies.

    Syntactic words, which carry the labels, are loaded. Multiword tokens and empty
    nodes of enhanced dependencies are skipped.

    Parameters
    ----------
    path : path
        UTF-8 file, plain or compressed with gzip.
    label : {"lemma", "upos", "xpos", "feats", "deprel"}, default="upos"
        Column of the labels, such as universal ("upos") or language-specific ("xpos")
        part-of-speech tags.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.

    Returns
    -------
    sentences : :class:`~sklearn.utils.Bunch`
        data : list of list of str
            Words of each sentence.
        target : list of list of str
            Labels of each sentence.
        document : ndarray of int, shape (n_sentences,)
            Index of the document of each sentence, for grouped cross-validation. All
            are 0 if the file does not mark documents.

    Raises
    ------
    ValueError
        If `label` is not a column, or a line violates the format.

    See Also
    --------
    load_conll : Load files with other columns.

    References
    ----------
    .. [1] Nivre et al. (2020). Universal Dependencies v2: an evergrowing multilingual
       treebank collection. LREC.
    """
    choices = ("lemma", "upos", "xpos", "feats", "deprel")
    if label not in choices:
        raise ValueError(f"label must be one of {choices}. Got {label!r} instead.")
    file = _File(Path(path), "utf-8")
    column = _CONLLU.index(label)
    sentences = file.sentences(
        _begins_document_of_conllu, partial(_conllu_word, column)
    )
    return (sentences.data, sentences.target) if return_X_y else sentences


def _begins_document_of_conll(line: str) -> bool:
    return line.startswith("-DOCSTART-")


def _begins_document_of_conllu(line: str) -> bool:
    return line.startswith("#") and line[1:].split()[:1] == ["newdoc"]


def _conll_word(
    columns: dict[str, int], comment: str | None, line: str
) -> list[Any] | None:
    """Return token, label and number of columns of a line, None for a comment."""
    if comment and line.startswith(comment):
        return None
    cells = line.split("\t") if "\t" in line else re.findall("[^ ]+", line)
    if len(cells) < 2:
        raise ValueError(f"must have at least two columns: got {line!r:.80}")
    word = []
    for name, column in columns.items():
        exists = -len(cells) <= column < len(cells)
        cell = cells[column].strip(" ") if exists else ""
        if not cell:
            raise ValueError(
                f"has an empty or missing column {name}={column} ({len(cells)} "
                f"columns): {line!r:.80}. Use another {name}, or correct the line"
            )
        word.append(cell)
    return [*word, len(cells)]


def _conllu_word(column: int, line: str) -> list[Any] | None:
    """Return word, label and number of columns of a line, None without a word."""
    if line.startswith("#"):
        return None
    cells = line.split("\t")
    if len(cells) != len(_CONLLU):
        raise ValueError(
            f"must have {len(_CONLLU)} columns separated by tabs: got {len(cells)}"
        )
    if not _CONLLU_ID.fullmatch(cells[0]):
        raise ValueError(
            f"must begin with an id such as 7, 7-8 or 7.1: got {cells[0]!r}"
        )
    if not cells[0].isdecimal():
        return None
    for i in (_CONLLU.index("form"), column):
        if not cells[i].strip(" "):
            raise ValueError(
                f"has an empty column {_CONLLU[i]!r}, which CoNLL-U writes as '_': "
                f"{line!r:.80}"
            )
    return [cells[_CONLLU.index("form")], cells[column], len(cells)]


@dataclass
class _Sentences:
    """Builder of the sentences of a file."""

    data: Rows = field(default_factory=list)
    target: Rows = field(default_factory=list)
    document: list[int] = field(default_factory=list)
    open_document: int = 0
    n_columns: int | None = None  # of the open sentence, None if there is none

    def add(self, token: str, label: str, n_columns: int) -> None:
        """Add a token to the open sentence, or start one."""
        if self.n_columns is None:
            self.data.append([])
            self.target.append([])
            self.document.append(self.open_document)
            self.n_columns = n_columns
        elif self.n_columns != n_columns:
            raise ValueError(
                f"has {n_columns} columns, but the previous lines of its sentence have "
                f"{self.n_columns}"
            )
        self.data[-1].append(token)
        self.target[-1].append(label)

    def end(self) -> None:
        """End the open sentence, if there is one."""
        self.n_columns = None

    def begin_document(self) -> None:
        """End the open sentence and start a document, unless the last one is empty."""
        self.end()
        self.open_document = self.document[-1] + 1 if self.document else 0


class _File:
    """Lines of a file, which keeps track of the line number for error messages."""

    def __init__(self, path: Path, encoding: str) -> None:
        self.path = path
        self.encoding = encoding
        self.n_lines = 0

    def __iter__(self) -> Iterator[str]:
        """Yield lines without line endings."""
        for line in _LINE_END.split(self._text()):
            self.n_lines += 1
            yield line

    def _text(self) -> str:
        """Return the text of the file without a byte order mark."""
        content = self._content()
        try:
            return content.decode(self.encoding).removeprefix("\ufeff")
        except LookupError as error:
            raise ValueError(
                "encoding must be the name of a Python encoding, such as 'utf-8' or "
                f"'latin-1'. Got {self.encoding!r} instead."
            ) from error
        except UnicodeDecodeError as error:
            valid = error.object[: error.start].decode(self.encoding, "replace")
            self.n_lines = len(_LINE_END.split(valid))
            invalid = error.object[error.start : error.end]
            raise self._refuse(
                f"must be text in the encoding {self.encoding!r}: found {invalid!r}"
            ) from error

    def _content(self) -> bytes:
        try:
            with open_bytes(self.path) as file:
                return file.read()
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(
                f"{str(self.path)!r} is a damaged gzip file: {error}"
            ) from error

    def sentences(
        self,
        begins_document: Callable[[str], bool],
        word_of: Callable[[str], Any],
        hint: str = "",
    ) -> Bunch:
        """Read all sentences, with a function that parses a line of the format.

        `hint` is appended to an error if the line, or the first line of its sentence,
        starts with "#".
        """
        sentences = _Sentences()
        first = ""
        for line in self:
            if begins_document(line):
                sentences.begin_document()
            elif not line.strip(_BLANKS):
                sentences.end()
            else:
                first = line if sentences.n_columns is None else first
                try:
                    word = word_of(line)
                    if word is not None:
                        sentences.add(*word)
                except ValueError as error:
                    is_hinted = line.startswith("#") or first.startswith("#")
                    reason = f"{error}{hint if is_hinted else ''}"
                    raise self._refuse(reason) from error
        if not sentences.data:
            raise ValueError(
                f"{str(self.path)!r} must contain at least one sentence: got none."
            )
        document = np.array(sentences.document, dtype=np.intp)
        return Bunch(data=sentences.data, target=sentences.target, document=document)

    def _refuse(self, reason: object) -> ValueError:
        return ValueError(f"{str(self.path)!r}, line {self.n_lines}, {reason}.")
