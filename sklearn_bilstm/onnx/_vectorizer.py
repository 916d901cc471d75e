"""Conversion of a fitted vectorizer to JSON and back."""

from typing import Any

from sklearn_bilstm.onnx._checks import is_count, require
from sklearn_bilstm.text import (
    TextVectorizer,
    set_vectorizer_state,
    vectorizer_state,
)
from sklearn_bilstm.text._analysis import make_analyzer
from sklearn_bilstm.text._vocabulary import check_vocabulary
from sklearn_bilstm.utils._plain import plain_value

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
_PARTS: dict[str, type | tuple[type, ...]] = {
    "settings": dict,
    "vocabulary": dict,
    "max_length": int,
    "n_columns": int,
    "is_table": bool,
    "column_names": (list, type(None)),
}
# Items of the fitted state, except for the column names.
_STATE = "vocabulary", "max_length", "n_columns", "is_table"
_CALLABLE_PARAMETERS = "analyzer", "preprocessor", "strip_accents", "tokenizer"


def describe_vectorizer(vectorizer: TextVectorizer) -> dict[str, Any]:
    """Return the state that a fitted vectorizer needs for `transform`.

    Raises
    ------
    ValueError
        If it uses user functions, or has tokens that are not strings.
    """
    for name in _CALLABLE_PARAMETERS:
        if callable(getattr(vectorizer, name)):
            raise ValueError(
                f"The {name!r} parameter of TextVectorizer is a function, which cannot "
                "be exported to ONNX. Export the estimator alone, with "
                "export_onnx(pipeline[-1], path), and pass the output of the "
                "vectorizer, pipeline[0].transform(texts), to the exported model."
            )
    for token in vectorizer.vocabulary_:
        if not isinstance(token, str):
            raise ValueError(
                "For an export to ONNX, the tokens of TextVectorizer must be strings: "
                f"got {token!r}."
            )
    state = vectorizer_state(vectorizer)
    names = state["column_names"]
    return {
        "settings": {
            name: plain_value(getattr(vectorizer, name)) for name in _SETTINGS
        },
        **{name: state[name] for name in _STATE},
        "column_names": None if names is None else names.tolist(),
    }


def make_vectorizer(description: dict[str, Any]) -> TextVectorizer:
    """Restore a fitted vectorizer from its description.

    Raises
    ------
    ValueError
        If the description differs from the format of :func:`describe_vectorizer`.
    """
    _check(description)
    vectorizer = TextVectorizer(**description["settings"])
    vectorizer._validate_params()
    # raises an error if settings are invalid; without stop words, since scikit-learn
    # applies the pattern to them, which can take very long
    make_analyzer(**{**vectorizer._analysis_settings(), "stop_words": None})
    set_vectorizer_state(vectorizer, description)
    return vectorizer


def _check(description: dict[str, Any]) -> None:
    """Check all items except the values of settings."""
    names = sorted(description)
    require(names == sorted(_PARTS), "the parts of a vectorizer", names)
    for name, kind in _PARTS.items():
        require(isinstance(description[name], kind), name, description[name])
    names = sorted(description["settings"])
    require(names == sorted(_SETTINGS), "the settings of a vectorizer", names)
    stop_words = description["settings"]["stop_words"]
    if isinstance(stop_words, list):
        are_words = all(isinstance(word, str) for word in stop_words)
        require(are_words, "a list of stop words", stop_words)
    check_vocabulary(description["vocabulary"])
    ids = description["vocabulary"].values()
    require(all(map(is_count, ids)), "integer ids of tokens", list(ids)[:3])
    length, n_columns = description["max_length"], description["n_columns"]
    require(is_count(length), "a maximum length", length)
    least_tables = 1 if description["is_table"] else n_columns
    require(is_count(n_columns) and least_tables == 1, "a number of columns", n_columns)
    names = description["column_names"]
    are_names = names is None or (
        description["is_table"]
        and len(names) == n_columns
        and all(isinstance(name, str) for name in names)
    )
    require(are_names, "a name for each column", names)
