"""Input rows of an exported tagger."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from sklearn_bilstm.sequences import RaggedArray, TokenCharacters, TokenTexts
from sklearn_bilstm.utils._containers import unwrap_container
from sklearn_bilstm.utils._ids import FIRST_TOKEN_ID
from sklearn_bilstm.utils._sentences import as_sentences
from sklearn_bilstm.utils._words import ids_of_characters, ids_of_tokens

__all__ = ["Words", "describe_words", "sentences_of"]


@dataclass(frozen=True)
class Words:
    """Vocabularies of words and characters.

    Parameters
    ----------
    vocabulary : dict
        Id of each word.
    characters : dict or None
        Id of each character, None without character features.
    """

    vocabulary: dict[str, int]
    characters: dict[str, int] | None

    @classmethod
    def from_description(cls, description: dict[str, Any]) -> Self:
        """Restore the vocabularies from the result of :func:`describe_words`."""
        words, characters = description["vocabulary"], description["characters"]
        return cls(
            _numbered(words), None if characters is None else _numbered(characters)
        )

    def read(
        self, sentences: list[list[str]]
    ) -> tuple[RaggedArray, TokenCharacters | None, TokenTexts]:
        """Return the ids of tokens, their characters if there are any, and texts."""
        code_of: dict[str, int] = {}
        # each distinct token is looked up once
        tokens = [token for sentence in sentences for token in sentence]
        codes = np.array(
            [code_of.setdefault(str(token), len(code_of)) for token in tokens], np.int64
        )
        distinct = list(code_of)
        offsets = np.cumsum([0, *map(len, sentences)])
        ids = RaggedArray(ids_of_tokens(distinct, self.vocabulary)[codes], offsets)
        texts = TokenTexts(RaggedArray(codes, offsets), distinct)
        if self.characters is None:
            return ids, None, texts
        characters = ids_of_characters(distinct, self.characters)
        return ids, TokenCharacters(texts.codes, characters), texts


def describe_words(words: Any, network: Any) -> dict[str, Any] | None:
    """Return the words and characters of a WordReader, each in the order of its ids.

    Parameters
    ----------
    words : WordReader or None
        If it is None, so is the description.
    network : Network
        Network of the estimator, which can lack a character encoder.
    """
    if words is None:
        return None
    mappings = words.vocabulary_, words.characters_
    vocabulary, characters = (sorted(mapping, key=mapping.get) for mapping in mappings)
    has_characters = network.characters is not None
    return {
        "vocabulary": vocabulary,
        "characters": characters if has_characters else None,
    }


def sentences_of(X: Any, words: Words | None) -> list[list[str]] | None:
    """Return X as lists of tokens, or None if the tagger reads ids or numbers.

    Raises
    ------
    ValueError
        If X is not in the format that the tagger was fitted to.
    """
    sentences = as_sentences(unwrap_container(X), if_empty=words is not None)
    if sentences is not None and words is None:
        raise ValueError(
            "X must hold rows of token ids or numbers, as in fit: got lists of tokens."
        )
    if sentences is None and words is not None:
        raise ValueError(
            "X must hold lists of tokens, as in fit. Got ids, numbers, or rows that "
            "are not lists of strings."
        )
    return sentences


def _numbered(strings: list[str]) -> dict[str, int]:
    return {string: id_ for id_, string in enumerate(strings, FIRST_TOKEN_ID)}
