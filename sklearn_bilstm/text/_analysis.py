"""Tokenisation of documents."""

import re
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial
from typing import Any

from sklearn.feature_extraction.text import CountVectorizer

__all__ = ["Analyzer", "analyze_fields", "find_tokens", "make_analyzer", "tokenize"]

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
# Equivalent for ASCII texts, in two thirds of the time.
_ASCII_TOKEN = re.compile(rf"\w+(?:'\w+)*|[!?]|{_EMOTICON}", re.ASCII)


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
    **settings: Any,
) -> Analyzer:
    """Return a function that splits a document into tokens.

    It is built by scikit-learn, so the parameters have the same meaning as in
    :class:`~sklearn.feature_extraction.text.CountVectorizer`.

    Parameters
    ----------
    analyzer, tokenizer, token_pattern, **settings
        As in CountVectorizer, except that :func:`tokenize` splits the words if neither
        `tokenizer` nor `token_pattern` is given.

    Returns
    -------
    analyzer : callable

    Raises
    ------
    ValueError
        If `token_pattern` is not a valid regular expression.
    """
    if tokenizer is None and token_pattern is None:
        tokenizer = tokenize
    if settings.get("preprocessor") is not None:
        settings["preprocessor"] = partial(_preprocess, settings["preprocessor"])
    try:
        return CountVectorizer(
            analyzer=analyzer,
            tokenizer=tokenizer,
            token_pattern=token_pattern,
            **settings,
        ).build_analyzer()
    except re.error as error:
        raise ValueError(
            "The 'token_pattern' parameter must be a valid regular expression: got "
            f"{token_pattern!r} ({error})."
        ) from error


def _preprocess(preprocessor: Callable[[str], Any], document: str) -> Any:
    found = preprocessor(document)
    if found is None:
        raise ValueError(
            "The 'preprocessor' parameter must return the text that it is passed, or a "
            f"modified one: got None for the text {document[:50]!r}. Does the function "
            "end with a return statement?"
        )
    return found


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
