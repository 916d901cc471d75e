"""The fitted state of a TextVectorizer, as files hold it."""

from copy import copy
from typing import Any

import numpy as np

from sklearn_bilstm.text._vectorizer import TextVectorizer
from sklearn_bilstm.text._vocabulary import TokenCounts, check_vocabulary
from sklearn_bilstm.utils._fingerprints import vocabulary_fingerprint
from sklearn_bilstm.utils._ids import MAX_LENGTH
from sklearn_bilstm.utils._state import state_array, state_int

__all__ = [
    "check_counts",
    "set_vectorizer_state",
    "vectorizer_state",
    "with_first_tokens",
]


def vectorizer_state(vectorizer: TextVectorizer) -> dict[str, Any]:
    """Return the values that `set_vectorizer_state` restores.

    Parameters
    ----------
    vectorizer : TextVectorizer
        Fitted vectorizer.

    Returns
    -------
    state : dict
        `vocabulary`, `max_length`, `counts` (TokenCounts),
        `n_columns`, `is_table` (whether X was a table), `column_names` and
        `fingerprint`.
    """
    return {
        "vocabulary": vectorizer.vocabulary_,
        "max_length": int(vectorizer.max_length_),
        "counts": vectorizer._counts,
        "n_columns": vectorizer._n_columns,
        "is_table": hasattr(vectorizer, "n_features_in_"),
        "column_names": getattr(vectorizer, "feature_names_in_", None),
        "fingerprint": vectorizer._fingerprint,
    }


def set_vectorizer_state(vectorizer: TextVectorizer, state: dict[str, Any]) -> None:
    """Set the fitted state of a vectorizer.

    Parameters
    ----------
    vectorizer : TextVectorizer
    state : dict
        As `vectorizer_state` returns it. `counts` and `fingerprint` can be missing.

    Raises
    ------
    LookupError, TypeError, ValueError
        If a value is missing or invalid.
    """
    vocabulary, max_length = state["vocabulary"], state["max_length"]
    if not isinstance(vocabulary, dict):
        raise TypeError("The vocabulary must be a dict.")
    check_vocabulary(vocabulary)
    state_int(max_length, "max_length", least=1, most=MAX_LENGTH)
    vectorizer.vocabulary_, vectorizer.max_length_ = vocabulary, int(max_length)
    vectorizer._n_columns = state_int(state["n_columns"], "n_columns", least=1)
    counts = state.get("counts", TokenCounts())
    check_counts(counts)
    vectorizer._counts = counts
    if state.get("fingerprint") is not None:  # recomputed, since files are not trusted
        vectorizer._fingerprint = vocabulary_fingerprint(vocabulary)
    if state["is_table"]:
        vectorizer.n_features_in_ = state["n_columns"]
    names = state["column_names"]
    if names is not None:
        shape = (vectorizer._n_columns,)
        names = state_array(np.asarray(names, object), "names", kinds="O", shape=shape)
        vectorizer.feature_names_in_ = names


def with_first_tokens(vectorizer: TextVectorizer, n_ids: int) -> TextVectorizer:
    """Return a vectorizer for which ids of `n_ids` or more are unknown.

    It has no counts of tokens, so that `partial_fit` starts to count again.
    """
    smaller = copy(vectorizer)
    vocabulary = {t: i for t, i in vectorizer.vocabulary_.items() if i < n_ids}
    smaller.vocabulary_ = vocabulary
    smaller._counts = TokenCounts()
    if vectorizer._fingerprint is not None:
        smaller._fingerprint = vocabulary_fingerprint(vocabulary)
    return smaller


def check_counts(counts: Any) -> None:
    """Raise an error if it is not the counts of tokens."""
    if not isinstance(counts, TokenCounts) or not isinstance(counts.codes, dict):
        raise TypeError("The counts must be token counts.")
    state_int(counts.n_documents, "n_documents")
    n_tokens = len(counts.codes)
    if list(counts.codes.values()) != list(range(n_tokens)):
        raise ValueError("The tokens of counts must be numbered one by one.")
    for name in ("occurrences", "documents"):
        state_array(getattr(counts, name), name, kinds="i", shape=(n_tokens,))
