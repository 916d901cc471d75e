"""Lookup of the ids of tokens and of their characters."""

from collections.abc import Mapping, Sequence

import numpy as np

from sklearn_bilstm.utils._ids import UNKNOWN_ID

__all__ = ["ids_of_characters", "ids_of_tokens"]

# Maximum number of encoded characters; longer tokens keep their first and last ones.
_LONGEST_SPELLING = 20


def ids_of_tokens(tokens: Sequence[str], vocabulary: Mapping) -> np.ndarray:
    """Return the id of each token, as int32.

    A token outside the vocabulary has the id of its lowercase form, and `UNKNOWN_ID` if
    that is not in the vocabulary either.
    """

    def id_of(token: str) -> int:
        in_lower_case = vocabulary.get(token.lower(), UNKNOWN_ID)
        return vocabulary.get(token, in_lower_case)

    return np.array([id_of(token) for token in tokens], np.int32)


def ids_of_characters(tokens: Sequence[str], characters: Mapping) -> np.ndarray:
    """Return the character ids of each token, padded with 0.

    Returns
    -------
    spellings : ndarray of int32, shape (n_tokens, longest)
    """
    spellings = np.zeros((len(tokens), _LONGEST_SPELLING), np.int32)
    half = _LONGEST_SPELLING // 2
    for row, token in enumerate(tokens):
        if len(token) > _LONGEST_SPELLING:
            token = token[:half] + token[-half:]
        ids = [characters.get(c, UNKNOWN_ID) for c in token]
        spellings[row, : len(ids)] = ids
    return spellings
