"""Encoding of lists of tokens as token and character ids."""

from collections import Counter
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Self

import numpy as np

from sklearn_bilstm.text._token_counts import count_tokens
from sklearn_bilstm.text._vocabulary import encode, extend_vocabulary
from sklearn_bilstm.utils._ids import FIRST_TOKEN_ID, UNKNOWN_ID
from sklearn_bilstm.utils._words import ids_of_characters, ids_of_tokens

__all__ = ["EncodedWords", "WordReader"]


@dataclass(frozen=True)
class EncodedWords:
    """Encoded tokens of sentences.

    Parameters
    ----------
    ids : ndarray of int32, shape (n_tokens_in_all_sentences,)
        Id of each token, `UNKNOWN_ID` for tokens outside the vocabulary.
    lengths : ndarray of int, shape (n_sentences,)
        Number of tokens of each sentence.
    codes : ndarray of int, shape (n_tokens_in_all_sentences,)
        Index of each token into `spellings` and `tokens`.
    spellings : ndarray of int32, shape (n_distinct_tokens, longest)
        Character ids of each distinct token, padded with 0.
    tokens : list of str
        The distinct tokens.
    """

    ids: np.ndarray
    lengths: np.ndarray
    codes: np.ndarray
    spellings: np.ndarray
    tokens: list[str]


class WordReader:
    """Encode sentences, which are lists of tokens, as ids.

    Parameters
    ----------
    lowercase : bool, default=True
        Whether to lowercase tokens before the vocabulary lookup. Characters keep their
        case. If False, a token outside the vocabulary falls back to its lowercase form.
    min_df : int, default=1
        Minimum number of sentences that contain a token of the vocabulary.
    max_features : int or None, default=None
        Maximum size of the vocabulary; the most frequent tokens are kept.
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
        self, sentences: Sequence[Sequence[str]], included: Iterable[str] = ()
    ) -> Self:
        """Build the vocabularies of tokens and characters.

        Parameters
        ----------
        sentences : sequence of sequence of str
        included : iterable of str, default=()
            Tokens to include in the vocabulary even if no sentence contains them.

        Returns
        -------
        self : WordReader
            With `vocabulary_` and `characters_`, which map tokens and characters to
            ids.
        """
        counts = count_tokens(encode(sentences, self._normalised))
        frequent = counts.ranked(self.min_df, 1.0, self.max_features)
        # exclude words whose case the lookup can never match
        included = [word for word in included if self._normalised([word]) == [word]]
        self.vocabulary_ = extend_vocabulary({}, [*included, *frequent])
        characters = Counter(
            c for tokens in sentences for token in tokens for c in token
        )
        self.characters_ = extend_vocabulary({}, sorted(characters))
        return self

    @property
    def n_ids(self) -> int:
        """Number of token ids, including padding and unknown."""
        return len(self.vocabulary_) + FIRST_TOKEN_ID

    @property
    def n_characters(self) -> int:
        """Number of character ids, including padding and unknown."""
        return len(self.characters_) + FIRST_TOKEN_ID

    def read(self, sentences: Sequence[Sequence[str]]) -> EncodedWords:
        """Encode sentences.

        Parameters
        ----------
        sentences : sequence of sequence of str

        Returns
        -------
        words : EncodedWords
        """
        encoded = encode(sentences, tuple)
        tokens = [str(token) for token in encoded.tokens]
        # with `lowercase`, all tokens of the vocabulary are lowercase
        ids = ids_of_tokens(tokens, self.vocabulary_)
        spellings = ids_of_characters(tokens, self.characters_)
        return EncodedWords(
            ids[encoded.codes], encoded.lengths, encoded.codes, spellings, tokens
        )

    def with_first_tokens(self, n_ids: int) -> Self:
        """Return a reader for which ids of `n_ids` or more are unknown."""
        reader = copy(self)
        reader.vocabulary_ = {t: i for t, i in self.vocabulary_.items() if i < n_ids}
        return reader

    def ids_of(self, larger: Self) -> np.ndarray:
        """Return the id of each id of a reader with more tokens.

        Without `lowercase`, a removed token has the id of its lowercase form, if any.
        """
        ids = np.full(larger.n_ids, UNKNOWN_ID, np.int32)
        ids[0] = 0  # padding
        tokens = [*map(str, larger.vocabulary_)]
        ids[[*larger.vocabulary_.values()]] = ids_of_tokens(tokens, self.vocabulary_)
        return ids

    def _normalised(self, tokens: Sequence[str]) -> list[str]:
        return [token.lower() for token in tokens] if self.lowercase else list(tokens)
