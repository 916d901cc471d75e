"""Validation of the tokens that functions of a user return."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from numbers import Number
from typing import Any

from sklearn_bilstm.text._analysis import Analyzer

__all__ = ["check_tokens", "hashable_tokens"]

_VALUES = str, bytes, Number, type(None)


def check_tokens(
    tokens: Iterable[Hashable],
    documents: Iterable,
    analyze: Analyzer,
    *,
    analyzer: str | Callable,
    tokenizer: Callable | None,
    **settings: Any,
) -> None:
    """Raise an error for tokens that never equal those of another document.

    Parameters
    ----------
    tokens : iterable
        The distinct tokens of the documents.
    documents : iterable
        The analysed documents, None for a missing one.
    analyze : callable
        Returns the tokens of a document.
    analyzer, tokenizer, **settings
        Parameters of the vectorizer.

    Raises
    ------
    ValueError
        If `tokenizer` does not return strings, or if `analyzer` returns objects that
        differ when the same document is analysed again.
    """
    kinds = _VALUES if callable(analyzer) else str
    suspect = next((token for token in tokens if not _is_value(token, kinds)), None)
    if suspect is None:
        return
    if not callable(analyzer):
        raise ValueError(
            "The 'tokenizer' parameter must return a list of strings: got a token of "
            f"type {type(suspect).__name__}. Return the text of each token, such as "
            "[token.text for token in nlp(text)] with spaCy."
        )
    # tokens of some libraries define equality, but equal only themselves
    token_sets = (
        set(analyze(document)) for document in documents if document is not None
    )
    if not any(suspect in token_set for token_set in token_sets):
        raise ValueError(
            "The 'analyzer' parameter must return tokens that are equal in all "
            "documents, such as strings: got objects of type "
            f"{type(suspect).__name__}, which differ when the same document is "
            "analysed again. Return the text of each token, such as "
            "[token.text for token in nlp(text)] with spaCy."
        )


def _is_value(token: Any, kinds: Any) -> bool:
    """Return whether a token, or each item of a tuple, has one of some types."""
    if isinstance(token, tuple) and kinds is not str:
        return all(_is_value(item, kinds) for item in token)
    return isinstance(token, kinds)


@contextmanager
def hashable_tokens(*, analyzer: str | Callable, **settings: Any) -> Iterator[None]:
    """Convert errors of unhashable tokens to a ValueError that names the parameter."""
    try:
        yield
    except TypeError as error:
        if "unhashable type" not in str(error):
            raise
        name = "analyzer" if callable(analyzer) else "tokenizer"
        raise ValueError(
            f"The {name!r} parameter must return a list of hashable tokens, such as "
            f"strings: {error}."
        ) from error
