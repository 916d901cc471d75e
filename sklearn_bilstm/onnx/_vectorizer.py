"""Conversion of a fitted vectorizer to JSON and back."""

from typing import Any

import numpy as np

from sklearn_bilstm.text import TextVectorizer

__all__ = ["describe_vectorizer", "make_vectorizer"]

# Parameters that affect `transform` of a fitted vectorizer.
_SETTINGS = (
    "analyzer",
    "lowercase",
    "missing",
    "stop_words",
    "strip_accents",
    "token_pattern",
    "truncation",
)
_MAY_BE_FUNCTIONS = "analyzer", "preprocessor", "strip_accents", "tokenizer"


def describe_vectorizer(vectorizer: TextVectorizer) -> dict[str, Any]:
    """Return the state that a fitted vectorizer needs for `transform`.

    Raises
    ------
    ValueError
        If it uses user functions, or has tokens that are not strings.
    """
    for name in _MAY_BE_FUNCTIONS:
        if callable(getattr(vectorizer, name)):
            raise ValueError(
                f"The {name!r} parameter of TextVectorizer is a function, which a "
                "model in ONNX cannot hold. Export the estimator alone, "
                "export_onnx(pipeline[-1], path), and give what is served the ids "
                "that your vectorizer makes: pipeline[0].transform(texts)."
            )
    for token in vectorizer.vocabulary_:
        if not isinstance(token, str):
            raise ValueError(
                "The tokens of TextVectorizer must be strings to be written into a "
                f"model in ONNX: got {token!r}."
            )
    names = getattr(vectorizer, "feature_names_in_", None)
    return {
        "settings": {name: getattr(vectorizer, name) for name in _SETTINGS},
        "vocabulary": vectorizer.vocabulary_,
        "max_length": int(vectorizer.max_length_),
        "n_columns": vectorizer._n_columns,
        "is_table": hasattr(vectorizer, "n_features_in_"),
        "column_names": None if names is None else names.tolist(),
    }


def make_vectorizer(description: dict[str, Any]) -> TextVectorizer:
    """Restore a fitted vectorizer from its description."""
    vectorizer = TextVectorizer(**description["settings"])
    vectorizer.vocabulary_ = description["vocabulary"]
    vectorizer.max_length_ = description["max_length"]
    vectorizer._n_columns = description["n_columns"]
    if description["is_table"]:
        vectorizer.n_features_in_ = description["n_columns"]
    if description["column_names"] is not None:
        names = np.array(description["column_names"], dtype=object)
        vectorizer.feature_names_in_ = names
    return vectorizer
