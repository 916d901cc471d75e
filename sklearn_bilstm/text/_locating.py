"""Positions of tokens in their documents."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from sklearn_bilstm.text._analysis import (
    find_tokens,
    make_analyzer,
    make_preprocessor,
    stop_word_set,
    tokenize,
)
from sklearn_bilstm.text._documents import Documents

__all__ = [
    "LocatedDocument",
    "LocatedToken",
    "Locator",
    "find_in_order",
    "join_tokens",
]

Span = tuple[int, int] | None

# `analyzer="char"` replaces each run of white space with one character.
_CHARACTER = re.compile(r"\s\s+|.", re.DOTALL)
# A word boundary.
_EDGE = r"(?:(?<!\w)|(?!\w))"


class LocatedToken(NamedTuple):
    """A token and its position in the text.

    Parameters
    ----------
    token : hashable
        Token returned by the analyzer.
    start, end : int or None
        The token is `text[start:end]`. None if it was not found in the text.
    column : int, default=0
        Index of the text column that contains the token.
    is_read : bool, default=True
        False if the token is truncated because its document is too long.
    """

    token: Hashable
    start: int | None
    end: int | None
    column: int = 0
    is_read: bool = True


@dataclass(frozen=True)
class LocatedDocument:
    """A document, or a row with several text columns, and its tokens.

    Parameters
    ----------
    texts : list of str
        Text of each column. For a document that is not a string, its tokens joined by
        spaces.
    columns : list of str
        Name of each column. Empty for documents without columns or with a single one.
    tokens : list of LocatedToken
        All tokens in reading order. With several columns, the tokens of each column
        start with its marker, which has no position in the text.
    """

    texts: list[str]
    columns: list[str]
    tokens: list[LocatedToken]


class Locator:
    """Locate tokens in their documents.

    The tokens are those of the analyzer with the same settings, in the same order. If a
    user function processes the text, the positions are searched for: the search
    maximises the number of tokens that are found in order, and prefers whole words to
    parts of words.

    Parameters
    ----------
    settings : dict
        Arguments of :func:`make_analyzer`.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self._analyze = make_analyzer(**settings)
        self._prepare = make_preprocessor(
            *(settings[name] for name in ("preprocessor", "strip_accents", "lowercase"))
        )
        self._by_character = settings["analyzer"] == "char"
        self._tokenizer = settings["tokenizer"]
        self._pattern = re.compile(settings["token_pattern"] or "")
        if self._tokenizer is None and settings["token_pattern"] is None:
            self._tokenizer = tokenize
        self._stop_words = stop_word_set(settings["stop_words"]) or frozenset()
        # without a function of a user that changes texts in an unknown way
        functions = "analyzer", "preprocessor", "strip_accents"
        self._tracks_offsets = not any(callable(settings[name]) for name in functions)

    def locate_row(self, row: Any, documents: Documents) -> LocatedDocument:
        """Locate the tokens of a row, which is a tuple if it has several columns."""
        fields = row if documents.markers else (row,)
        texts: list[str] = []
        tokens: list[LocatedToken] = []
        for column, field in enumerate(fields):
            text, located = ("", []) if field is None else self.locate(field)
            texts.append(text)
            marker = documents.markers[column : column + 1]
            located = [*(LocatedToken(name, None, None) for name in marker), *located]
            tokens += [token._replace(column=column) for token in located]
        names = documents.names if documents.markers else None
        return LocatedDocument(texts, names or [], tokens)

    def locate(self, document: Any) -> tuple[str, list[LocatedToken]]:
        """Return the text of a document and its located tokens."""
        if self._tracks_offsets:
            prepared = _PreprocessedText(document, self._prepare)
            tokens, spans = self._split(prepared.text)
        else:
            tokens = list(self._analyze(document))
            if not isinstance(document, str):
                return join_tokens(tokens)
            prepared = _PreprocessedText(document, str.lower)
            spans = find_in_order(
                [str(token).lower() for token in tokens], prepared.text
            )
        located = [
            LocatedToken(token, *prepared.original_offsets(span))
            for token, span in zip(tokens, spans, strict=True)
        ]
        return document, located

    def _split(self, text: str) -> tuple[list[Hashable], list[Span]]:
        """Return the tokens of a preprocessed text and their positions."""
        pairs: list[tuple[Hashable, Span]]
        if self._by_character:
            matches = _CHARACTER.finditer(text)
            pairs = [(" " if len(m[0]) > 1 else m[0], m.span()) for m in matches]
        elif self._tokenizer is tokenize:
            pairs = [(m[0], m.span()) for m in find_tokens(text)]
        elif self._tokenizer is not None:
            tokens = list(self._tokenizer(text))
            pairs = list(
                zip(tokens, find_in_order([*map(str, tokens)], text), strict=True)
            )
        else:
            group = self._pattern.groups  # zero or one
            matches = self._pattern.finditer(text)
            pairs = [(m[group] or "", m.span(group)) for m in matches]
        if not self._by_character:
            pairs = [pair for pair in pairs if pair[0] not in self._stop_words]
        return [token for token, _ in pairs], [span for _, span in pairs]


class _PreprocessedText:
    """A lowercased or accent-stripped text that maps to its original characters.

    Parameters
    ----------
    document : str
    prepare : callable
        Function that maps a character to none, one or several characters, independently
        of the others. An exception is the final sigma, which depends on its context but
        remains a single character.
    """

    def __init__(self, document: str, prepare: Callable[[str], str]) -> None:
        self.document = document
        self.text = prepare(document)
        prepare = lru_cache(None)(prepare)
        self._original_indices = [i for i, c in enumerate(document) for _ in prepare(c)]
        self._original_indices.append(len(document))

    def original_offsets(self, span: Span) -> tuple[int | None, int | None]:
        """Return start and end in the document of a span of the preprocessed text."""
        if span is None or span[0] < 0:  # a group of a pattern may match nothing
            return None, None
        first, last = span
        start, limit = self._original_indices[first], self._original_indices[last]
        if first == last:
            return start, start
        end = self._original_indices[last - 1] + 1
        # a stripped accent belongs to the preceding letter
        while end < limit and unicodedata.combining(self.document[end]):
            end += 1
        return start, end


def join_tokens(tokens: Iterable[Hashable]) -> tuple[str, list[LocatedToken]]:
    """Join tokens with spaces, and return their positions."""
    text = ""
    located: list[LocatedToken] = []
    for token in tokens:
        if located:
            text += " "
        located.append(LocatedToken(token, len(text), len(text) + len(str(token))))
        text += str(token)
    return text, located


def find_in_order(tokens: list[str], text: str) -> list[Span]:
    """Find as many tokens as possible in a text, in order."""
    as_words = _longest_chain(tokens, text, edge=_EDGE)
    if None not in as_words:
        return as_words
    as_substrings = _longest_chain(tokens, text, edge="")
    return min(as_words, as_substrings, key=lambda spans: spans.count(None))


def _longest_chain(tokens: list[str], text: str, *, edge: str) -> list[Span]:
    """Find the longest sequence of increasing positions, the first if several."""

    @lru_cache(None)
    def starts_of(token: str) -> list[int]:
        # a lookahead, since matches can overlap
        pattern = f"(?={edge}{re.escape(token)}{edge})"
        return [m.start() for m in re.finditer(pattern, text) if token][::-1]

    ends: list[int] = []  # earliest end of a sequence of one, two, ... tokens
    links: list[Any] = []  # its last token, the token's span, and the previous link
    for index, token in enumerate(tokens):
        for start in starts_of(token):
            n_before = bisect_right(ends, start)
            end = start + len(token)
            link = index, (start, end), links[n_before - 1] if n_before else None
            if n_before == len(ends):
                ends.append(end)
                links.append(link)
            elif end < ends[n_before]:
                ends[n_before], links[n_before] = end, link
    spans: list[Span] = [None] * len(tokens)
    rest: Any = links[-1] if links else None
    while rest is not None:
        index, spans[index], rest = rest
    return spans
