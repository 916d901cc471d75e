"""Characters of the tokens of sequences."""

from dataclasses import dataclass

import numpy as np

from sklearn_bilstm.sequences._ragged import RaggedArray

__all__ = ["TokenCharacters"]


@dataclass(frozen=True)
class TokenCharacters:
    """Characters of tokens, with the interface of a RaggedArray and lazy lookup.

    Parameters
    ----------
    tokens : RaggedArray of int
        Row of each step in `characters`.
    characters : ndarray of int, shape (n_distinct_tokens, longest)
        Character ids of each distinct token, padded with 0.
    """

    tokens: RaggedArray
    characters: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Number of steps of each row."""
        return self.tokens.lengths

    @property
    def values(self) -> np.ndarray:
        """Characters of all steps, of shape (n_steps, longest)."""
        return self.characters[self.tokens.values]

    def take(self, rows: np.ndarray) -> "TokenCharacters":
        """Return the characters of `rows`."""
        return TokenCharacters(self.tokens.take(rows), self.characters)
