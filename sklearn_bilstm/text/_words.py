"""From lists of tokens to the ids of the tokens and of their characters."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from sklearn_bilstm.text._vocabulary import encode, extended
from sklearn_bilstm.utils._ids import FIRST_TOKEN_ID, UNKNOWN_ID

__all__ = ["EncodedWords", "WordReader"]

# Of a longer token only the beginning and the end are spelled.
_LONGEST_SPELLING = 20


@dataclass(frozen=True)
class EncodedWords:
    """Tokens of sentences as numbers.

    Parameters
    ----------
    ids : ndarray of int32, shape (n_tokens_in_all_sentences,)
        Id of each token, `UNKNOWN_ID` for one that is not in the vocabulary.
    lengths : ndarray of int, shape (n_sentences,)
        Number of tokens of each sentence.
    spelled : ndarray of int, shape (n_tokens_in_all_sentences,)
        Row of `spellings` of each token.
    spellings : ndarray of int32, shape (n_distinct_tokens, longest)
        Ids of the characters of each distinct token, filled up with 0.
    """

    ids: np.ndarray
    lengths: np.ndarray
    spelled: np.ndarray
    spellings: np.ndarray


class WordReader:
    """Turn sentences, which are lists of tokens, into ids.

    Parameters
    ----------
    lowercase : bool, default=True
        Whether tokens that differ in case alone share an id. Their characters keep
        their case. If not, a token without an id gets that of its lower case.
    min_df : int, default=1
        Number of sentences that a token must be in to get an id.
    max_features : int or None, default=None
        Number of tokens that get an id: the most frequent.
    """

    def __init__(
        self,
        lowercase: bool = True,
        min_df: int = 1,
        max_features: int | None = None,
    ) -> None:
        self.lowercase = lowercase
        self.min_df = min_df
        self.max_features = max_features

    def fit(
        self, sentences: Sequence[Sequence[str]], known: Iterable[str] = ()
    ) -> Self:
        """Learn which tokens and characters there are.

        Parameters
        ----------
        sentences : sequence of sequence of str
        known : iterable of str, default=()
            Tokens that get an id even if no sentence has them.

        Returns
        -------
        self : WordReader
            With `vocabulary_` and `characters_`, ids by token and by character.
        """
        counts = encode(sentences, self._normalised, counting=True).counts
        kept = counts.ranked(self.min_df, 1.0, self.max_features)
        # words in another case than tokens are looked up in can never be met
        known = [word for word in known if self._normalised([word]) == [word]]
        self.vocabulary_ = extended({}, [*known, *kept])
        characters = Counter(
            c for tokens in sentences for token in tokens for c in token
        )
        self.characters_ = extended({}, sorted(characters))
        return self

    @property
    def n_ids(self) -> int:
        """Number of ids of tokens, padding and unknown among them."""
        return len(self.vocabulary_) + FIRST_TOKEN_ID

    @property
    def n_characters(self) -> int:
        """Number of ids of characters, padding and unknown among them."""
        return len(self.characters_) + FIRST_TOKEN_ID

    def read(self, sentences: Sequence[Sequence[str]]) -> EncodedWords:
        """Return sentences as numbers.

        Parameters
        ----------
        sentences : sequence of sequence of str

        Returns
        -------
        words : EncodedWords
        """
        encoded = encode(sentences, tuple)
        tokens = [str(token) for token in encoded.tokens]
        ids = np.array([self._id(token) for token in tokens], np.int32)
        spellings = self._spellings(tokens)
        return EncodedWords(
            ids[encoded.codes], encoded.lengths, encoded.codes, spellings
        )

    def _id(self, token: str) -> int:
        # with `lowercase` the vocabulary holds nothing else than lower case
        in_lower_case = self.vocabulary_.get(token.lower(), UNKNOWN_ID)
        return self.vocabulary_.get(token, in_lower_case)

    def _normalised(self, tokens: Sequence[str]) -> list[str]:
        return [token.lower() for token in tokens] if self.lowercase else list(tokens)

    def _spellings(self, tokens: Sequence[str]) -> np.ndarray:
        spellings = np.zeros((len(tokens), _LONGEST_SPELLING), np.int32)
        half = _LONGEST_SPELLING // 2
        for row, token in enumerate(tokens):
            if len(token) > _LONGEST_SPELLING:
                token = token[:half] + token[-half:]
            ids = [self.characters_.get(c, UNKNOWN_ID) for c in token]
            spellings[row, : len(ids)] = ids
        return spellings
