"""The fitted state of a TextVectorizer, as files hold it."""

from numbers import Integral
from typing import Any

import numpy as np

from sklearn_bilstm.text._vectorizer import TextVectorizer
from sklearn_bilstm.text._vocabulary import TokenCounts, check_vocabulary
from sklearn_bilstm.utils._token_ids import vocabulary_fingerprint

__all__ = ["set_vectorizer_state", "vectorizer_state"]


def vectorizer_state(vectorizer: TextVectorizer) -> dict[str, Any]:
    """Return the values that `set_vectorizer_state` restores.

    Parameters
    ----------
    vectorizer : TextVectorizer
        Fitted vectorizer.

    Returns
    -------
    state : dict
        `vocabulary`, `max_length`, `counts` (TokenCounts, None if unknown),
        `n_columns`, `is_table` (whether X was a table), `column_names` and
        `fingerprint`.
    """
    return {
        "vocabulary": vectorizer.vocabulary_,
        "max_length": int(vectorizer.max_length_),
        "counts": getattr(vectorizer, "_counts", None),
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
    if not isinstance(max_length, Integral) or max_length < 1:
        raise ValueError("The maximum length must be a positive integer.")
    vectorizer.vocabulary_, vectorizer.max_length_ = vocabulary, int(max_length)
    vectorizer._n_columns = state["n_columns"]
    counts = state.get("counts")
    if counts is not None:
        if not isinstance(counts, TokenCounts):
            raise TypeError("The counts must be token counts.")
        vectorizer._counts = counts
    if state.get("fingerprint") is not None:  # recomputed, since files are not trusted
        vectorizer._fingerprint = vocabulary_fingerprint(vocabulary)
    if state["is_table"]:
        vectorizer.n_features_in_ = state["n_columns"]
    if state["column_names"] is not None:
        names = np.asarray(state["column_names"], dtype=object)
        vectorizer.feature_names_in_ = names
