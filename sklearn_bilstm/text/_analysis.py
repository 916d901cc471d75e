"""Tokenisation of documents."""

import importlib
import re
import unicodedata
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

__all__ = [
    "Analyzer",
    "analyze_fields",
    "find_all_tokens",
    "find_tokens",
    "make_analyzer",
    "make_preprocessor",
    "stop_word_set",
    "tokenize",
]

Analyzer = Callable[[Any], Iterable[Hashable]]

# Han, kana, bopomofo and Hangul: scripts whose words, or in Hangul phrases, are not
# reliably separated by spaces, so that each character is a token.
_CJK = (
    "\u1100-\u11ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c"
    "\u3040-\u30ff\u3100-\u318f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc"
    "\U0001b000-\U0001b16f\U00020000-\U000323af"
)
# `\w` does not match combining marks, and would split words at decomposed accents, in
# vocalised Hebrew and Arabic, and in the scripts of South and South-East Asia.
_MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0963\u0966-\u0dff"
    "\u0e31-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ebc\u0ec8-\u0ece\u0f71-\u0f84\u102b-\u103e"
    "\u17b4-\u17d3\u1ab0-\u1aff\u1dc0-\u1dff\u200c\u200d\u20d0-\u20f0\ufe20-\ufe2f"
)
_LETTER = rf"[^\W{_CJK}]"
_WORD = rf"{_LETTER}+(?:'{_LETTER}+|[{_MARKS}]+{_LETTER}*)*"
_EXCLAMATIONS = "!?\u00a1\u00bf\u061f\uff01\uff1f"  # Spanish, Arabic, fullwidth
_SYMBOL = "[\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]"
_EMOJI = (
    "[\U0001f1e6-\U0001f1ff]{2}"
    rf"|{_SYMBOL}(?:[\ufe0f\U0001f3fb-\U0001f3ff]|\u200d{_SYMBOL})*"
)
_EMOTICON = (
    r"[:;=]'?[-^]?[)(\]\[]+"  # :) ;-( ='[
    r"|(?<!\w)[:;=]'?[-^]?[dDpPoO/\\|*3](?!\w)"  # :D :-p :/ not next to a word
    r"|</?3|\^[_.-]?\^|-[_.]+-"  # <3 ^_^ -.-
)
_TOKEN = re.compile(
    # most frequent first, since a regular expression tries alternatives in order
    rf"{_WORD}|[{_EXCLAMATIONS}]|{_EMOTICON}|[{_CJK}]|{_EMOJI}"
)
_WHITE_SPACE = re.compile(r"\s\s+")
# Equivalent for ASCII texts, in two thirds of the time.
_ASCII_TOKEN = re.compile(rf"\w+(?:'\w+)*|[!?]|{_EMOTICON}", re.ASCII)
# English contractions are split as in the Penn Treebank: "I" and "'m", "do" and "n't".
_APOSTROPHE = "['\N{RIGHT SINGLE QUOTATION MARK}]"
_CONTRACTION = (
    rf"(?i:n{_APOSTROPHE}t\b|{_APOSTROPHE}(?:s|m|d|re|ve|ll)\b"
    rf"|{_LETTER}+?(?=n{_APOSTROPHE}t\b))"
)
_URL = "(?:https?://|www\\.)[!#-;=?-~]*[A-Za-z0-9/]"
# All characters but white space, since each can be part of a span.
_ANY_TOKEN = re.compile(
    rf"{_URL}|(?<!{_LETTER})(?:@|#(?!\d)){_LETTER}+|{_CONTRACTION}|\d+(?:[.,:]\d+)+"
    rf"|{_LETTER}(?:{_LETTER}|[{_MARKS}])*|[{_CJK}]|{_EMOJI}|\S"
)


def tokenize(text: str) -> list[str]:
    """Split a text into tokens for sentiment and topic classification.

    Tokens are words of any length including contractions ("don't", with either
    apostrophe), single CJK characters, exclamation and question marks, emoticons and
    emoji. Other punctuation and white space separate tokens and are dropped.

    Parameters
    ----------
    text : str

    Returns
    -------
    tokens : list of str

    Examples
    --------
    >>> from sklearn_bilstm.text import tokenize
    >>> tokenize("I don't like it :( A 7/10? 很好!")
    ['I', "don't", 'like', 'it', ':(', 'A', '7', '10', '?', '很', '好', '!']
    """
    pattern, text = _pattern_for(text)
    return pattern.findall(text)


def find_tokens(text: str) -> Iterator[re.Match]:
    """Yield a match for each token that :func:`tokenize` returns."""
    pattern, text = _pattern_for(text)
    return pattern.finditer(text)


def find_all_tokens(text: str) -> Iterator[re.Match]:
    """Yield a match for each token of a text, without leaving out a character.

    Tokens are words, numbers, single CJK characters, emoji and single punctuation
    marks, and whole URLs, @names and #tags. English contractions are split as in the
    Penn Treebank.
    """
    return _ANY_TOKEN.finditer(text)


def _pattern_for(text: str) -> tuple[re.Pattern, str]:
    """Return a pattern, and the text to apply it to, of the same length."""
    if text.isascii():
        return _ASCII_TOKEN, text
    return _TOKEN, text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")


def make_analyzer(
    *,
    analyzer: str | Callable,
    tokenizer: Callable | None,
    token_pattern: str | None,
    preprocessor: Callable | None = None,
    strip_accents: str | Callable | None = None,
    lowercase: bool = True,
    stop_words: str | Iterable[str] | None = None,
) -> Analyzer:
    """Return a function that splits a document into tokens.

    The parameters have the same meaning as in
    :class:`~sklearn.feature_extraction.text.CountVectorizer`, and its analyzer returns
    the same tokens.

    Parameters
    ----------
    analyzer : {"word", "char"} or callable
        Unit of tokens.
    tokenizer : callable or None
        Function that splits a text into words.
    token_pattern : str or None
        Regular expression of a word, without a `tokenizer`. If both are None,
        :func:`tokenize` splits the words, in contrast to CountVectorizer.
    preprocessor : callable, default=None
        Function that is applied to a text instead of `lowercase` and `strip_accents`.
    strip_accents : {"ascii", "unicode"} or callable, default=None
        How to remove accents.
    lowercase : bool, default=True
        Whether to convert texts to lowercase.
    stop_words : {"english"} or iterable of str, default=None
        Words to remove.

    Returns
    -------
    analyzer : callable

    Raises
    ------
    ValueError
        If a parameter is invalid, such as a `token_pattern` that is not a valid regular
        expression.
    """
    if callable(analyzer):
        return _chain(_decoded, analyzer)
    prepare = make_preprocessor(preprocessor, strip_accents, lowercase)
    if analyzer == "char":
        return _chain(_decoded, prepare, _characters)
    if analyzer != "word":
        raise ValueError(f"{analyzer} is not a valid tokenization scheme/analyzer")
    split = _make_tokenizer(tokenizer, token_pattern)
    excluded = stop_word_set(stop_words)
    if excluded is None:
        return _chain(_decoded, prepare, split)
    _warn_if_inconsistent(excluded, _chain(prepare, split))
    return _chain(_decoded, prepare, split, partial(_without, excluded=excluded))


def make_preprocessor(
    preprocessor: Callable | None,
    strip_accents: str | Callable | None,
    lowercase: bool,
) -> Callable[[str], str]:
    """Return the function that is applied to a text before it is split.

    Parameters
    ----------
    preprocessor, strip_accents, lowercase
        As in :func:`make_analyzer`.
    """
    if preprocessor is not None:
        return partial(_preprocess, preprocessor)
    steps: list[Callable] = [str.lower] if lowercase else []
    if callable(strip_accents):
        steps.append(strip_accents)
    elif strip_accents:
        if strip_accents not in _ACCENT_STRIPPERS:
            raise ValueError(f'Invalid value for "strip_accents": {strip_accents}')
        steps.append(_ACCENT_STRIPPERS[strip_accents])
    return _chain(*steps)


def stop_word_set(stop_words: str | Iterable[str] | None) -> frozenset[str] | None:
    """Return the stop words as a set.

    Parameters
    ----------
    stop_words : {"english"}, iterable of str or None
        "english" imports the list of scikit-learn.
    """
    if stop_words is None:
        return None
    if not isinstance(stop_words, str):
        return frozenset(stop_words)
    if stop_words != "english":
        raise ValueError(f"not a built-in stop list: {stop_words}")
    # imported on demand, since serving does not need scikit-learn otherwise
    return importlib.import_module("sklearn.feature_extraction.text").ENGLISH_STOP_WORDS


def _chain(*steps: Callable) -> Callable[[Any], Any]:
    return partial(_apply, steps=steps)


def _apply(document: Any, *, steps: Sequence[Callable]) -> Any:
    for step in steps:
        document = step(document)
    return document


def _decoded(document: Any) -> Any:
    if isinstance(document, bytes):
        return document.decode("utf-8")
    if document is np.nan:
        raise ValueError(
            "np.nan is an invalid document, expected byte or unicode string."
        )
    return document


def _characters(text: str) -> list[str]:
    return list(_WHITE_SPACE.sub(" ", text))


def _without(tokens: Iterable[str], *, excluded: frozenset[str]) -> list[str]:
    return [token for token in tokens if token not in excluded]


def _strip_accents(text: str) -> str:
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _as_ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


_ACCENT_STRIPPERS: dict[str, Callable[[str], str]] = {
    "ascii": _as_ascii,
    "unicode": _strip_accents,
}


def _make_tokenizer(
    tokenizer: Callable | None, token_pattern: str | None
) -> Callable[[str], Iterable[str]]:
    if tokenizer is not None:
        return tokenizer
    if token_pattern is None:
        return tokenize
    try:
        pattern = re.compile(token_pattern)
    except re.error as error:
        raise ValueError(
            "The 'token_pattern' parameter must be a valid regular expression: got "
            f"{token_pattern!r} ({error})."
        ) from error
    if pattern.groups > 1:
        raise ValueError(
            "More than 1 capturing group in token pattern. Only a single group should "
            "be captured."
        )
    return pattern.findall


def _warn_if_inconsistent(
    stop_words: frozenset[str], analyze: Callable[[str], Iterable[str]]
) -> None:
    """Warn of stop words that are split into tokens that are none."""
    try:
        split = {token for word in stop_words for token in analyze(word)}
        inconsistent = sorted(split - stop_words)
    except Exception:  # functions of a user may not apply to single words
        return
    if inconsistent:
        warnings.warn(
            "Your stop_words may be inconsistent with your preprocessing. Tokenizing "
            f"the stop words generated tokens {inconsistent!r} not in stop_words.",
            stacklevel=2,
        )


def _preprocess(preprocessor: Callable[[str], Any], document: str) -> Any:
    text = preprocessor(document)
    if text is None:
        raise ValueError(
            "The 'preprocessor' parameter must return the text that it is passed, or a "
            f"modified one: got None for the text {document[:50]!r}. Does the function "
            "end with a return statement?"
        )
    return text


def analyze_fields(
    fields: tuple, *, markers: list[str], analyze: Analyzer
) -> list[Hashable]:
    """Concatenate the tokens of several fields, each after its column marker."""
    tokens: list[Hashable] = []
    for marker, field in zip(markers, fields, strict=True):
        tokens.append(marker)
        if field is not None:
            tokens.extend(analyze(field))
    return tokens
