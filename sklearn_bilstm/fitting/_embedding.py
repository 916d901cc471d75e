"""Initial token vectors."""

from typing import Any

import numpy as np
from sklearn.utils import check_array

from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.sequences import Sequences, largest_id
from sklearn_bilstm.text import WordReader, WordVectors
from sklearn_bilstm.training import cooccurrence_vectors
from sklearn_bilstm.utils._fingerprints import have_same_ids, vocabulary_fingerprint
from sklearn_bilstm.utils._ids import FIRST_TOKEN_ID, UNKNOWN_ID

__all__ = ["InitialVectors", "n_tokens"]

_IDS_OF_WORD_VECTORS = (
    "Pass the same WordVectors as TextVectorizer(vocabulary=...), or pass "
    "embedding=word_vectors.aligned_to(vectorizer.vocabulary_)."
)


def n_tokens(sequences: Sequences) -> int:
    """Return the number of ids of an embedding, including padding and unknown."""
    return max(largest_id(sequences), UNKNOWN_ID) + 1


class InitialVectors:
    """Initial token vectors, as the parameter `embedding` describes them.

    Parameters
    ----------
    config : Config
    words : WordReader or None
        Vocabulary of the words of sentences, to which WordVectors are aligned.

    Attributes
    ----------
    width : int
        Dimension of the vectors.
    is_learnt : bool
        Whether vectors are computed from co-occurrences.
    """

    def __init__(self, config: Config, words: WordReader | None = None) -> None:
        embedding = config.embedding
        self._word_vectors: WordVectors | None = None
        if isinstance(embedding, WordVectors) and len(embedding) > 0:
            self._word_vectors = embedding
        self._words = words if self._word_vectors is not None else None
        self._array: np.ndarray | None = None
        self.is_learnt = isinstance(embedding, str)
        self.width = config.embedding_dim
        if self._word_vectors is not None:
            self.width = self._word_vectors.vectors.shape[1]
        elif not (embedding is None or self.is_learnt):
            self._array = _checked_array(embedding)
            self.width = self._array.shape[1]

    @property
    def n_given(self) -> int:
        """Number of ids with a given vector, including padding and unknown."""
        if self._words is not None:
            return self._words.n_ids
        if self._word_vectors is not None:
            return len(self._word_vectors) + FIRST_TOKEN_ID
        return 0 if self._array is None else len(self._array)

    def n_ids(self, sequences: Sequences, fingerprint: np.ndarray | None) -> int:
        """Return the number of ids of the embedding.

        Raises
        ------
        ValueError
            If an id has no given vector, or if given vectors belong to other ids.
        """
        n_needed = n_tokens(sequences)
        if 0 < self.n_given < n_needed:
            raise ValueError(
                "The 'embedding' parameter must hold one vector per id: got "
                f"{self.n_given} vectors, but X contains id {n_needed - 1}. "
                f"{_IDS_OF_WORD_VECTORS}"
            )
        if not self.has_ids_of(fingerprint):
            raise ValueError(
                "The 'embedding' parameter holds WordVectors whose words have other "
                f"ids than in X. {_IDS_OF_WORD_VECTORS}"
            )
        return max(n_needed, self.n_given)

    def has_ids_of(self, fingerprint: np.ndarray | None) -> bool:
        """Return whether words have the same ids as in X; True if it is unknown."""
        if self._word_vectors is None or fingerprint is None:
            return True
        ids = {word: id_ for id_, word in enumerate(self._word_vectors, FIRST_TOKEN_ID)}
        return have_same_ids(fingerprint, vocabulary_fingerprint(ids))

    def values(self, sequences: Sequences, n_ids: int, seed: int) -> np.ndarray | None:
        """Return the vectors, one row per id, or None for random ones.

        Parameters
        ----------
        sequences : Sequences
            Rows from whose co-occurrences vectors are computed.
        n_ids : int
        seed : int
        """
        if self._word_vectors is not None:
            ids: Any = self._word_vectors
            if self._words is not None:
                ids = self._words.vocabulary_
            return self._word_vectors.aligned_to(ids)
        if self.is_learnt:
            random_state = np.random.RandomState(seed)
            return cooccurrence_vectors(sequences, n_ids, self.width, random_state)
        return self._array


def _checked_array(embedding: Any) -> np.ndarray:
    try:
        return check_array(
            embedding,
            dtype=np.float32,
            order="C",
            ensure_min_samples=FIRST_TOKEN_ID,
            input_name="embedding",
        )
    except (TypeError, ValueError) as error:
        raise ValueError(
            "The 'embedding' parameter must be 'svd', None, non-empty WordVectors, or "
            f"an array of shape (n_ids, width) with one row per id, from id 0: {error}"
        ) from error
