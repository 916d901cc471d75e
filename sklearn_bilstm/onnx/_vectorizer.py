"""Conversion of a fitted vectorizer to JSON and back."""

from typing import Any

from sklearn_bilstm import text
from sklearn_bilstm.onnx._checks import is_count, require
from sklearn_bilstm.text._analysis import make_analyzer, stop_word_set
from sklearn_bilstm.text._vocabulary import check_vocabulary
from sklearn_bilstm.utils._ids import MAX_LENGTH
from sklearn_bilstm.utils._plain import plain_value

__all__ = [
    "analysis_settings",
    "check_vectorizer",
    "describe_vectorizer",
    "make_vectorizer",
]

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
# Valid values of the settings in a file, and their description for an error message.
_STRINGS: dict[str, tuple[str | None, ...]] = {
    "analyzer": ("char", "word"),
    "missing": ("empty", "error"),
    "strip_accents": ("ascii", "unicode", None),
    "truncation": ("middle", "post", "pre"),
}
_CALLABLE_PARAMETERS = "analyzer", "preprocessor", "strip_accents", "tokenizer"


def describe_vectorizer(vectorizer: "text.TextVectorizer") -> dict[str, Any]:
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
    state = text.vectorizer_state(vectorizer)
    settings = {name: plain_value(getattr(vectorizer, name)) for name in _SETTINGS}
    if settings["stop_words"] == "english":  # a list that scikit-learn has
        settings["stop_words"] = sorted(stop_word_set("english") or ())
    names = state["column_names"]
    return {
        "settings": settings,
        **{name: state[name] for name in _STATE},
        "column_names": None if names is None else names.tolist(),
    }


def make_vectorizer(description: dict[str, Any]) -> "text.TextVectorizer":
    """Restore a fitted vectorizer from its description.

    Raises
    ------
    ValueError
        If the description differs from the format of :func:`describe_vectorizer`.
    """
    check_vectorizer(description)
    vectorizer = text.TextVectorizer(**description["settings"])
    text.set_vectorizer_state(vectorizer, description)
    return vectorizer


def analysis_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `make_analyzer`."""
    analysis = {k: v for k, v in settings.items() if k not in ("missing", "truncation")}
    return {**analysis, "preprocessor": None, "tokenizer": None}


def check_vectorizer(description: dict[str, Any]) -> None:
    """Check the description of a vectorizer.

    Raises
    ------
    ValueError
        If it differs from the format of :func:`describe_vectorizer`.
    """
    _check_state(description)
    settings = description["settings"]
    _check_settings(settings)
    # without stop words, since the pattern is applied to them, which can take very long
    make_analyzer(**{**analysis_settings(settings), "stop_words": None})


def _check_settings(settings: dict[str, Any]) -> None:
    names = sorted(settings)
    require(names == sorted(_SETTINGS), "the settings of a vectorizer", names)
    stop_words, pattern = settings["stop_words"], settings["token_pattern"]
    if isinstance(stop_words, list):
        are_words = all(isinstance(word, str) for word in stop_words)
        require(are_words, "a list of stop words", stop_words)
    valid = {
        "lowercase": (isinstance(settings["lowercase"], bool), "a bool"),
        "stop_words": (
            isinstance(stop_words, list) or stop_words in ("english", None),
            "'english', a list or None",
        ),
        "token_pattern": (isinstance(pattern, str | None), "a str or None"),
        **{
            name: (settings[name] in values, f"one of {values}")
            for name, values in _STRINGS.items()
        },
    }
    for name, (is_valid, requirement) in valid.items():
        if not is_valid:
            raise ValueError(
                f"The {name!r} parameter of TextVectorizer must be {requirement}. Got "
                f"{settings[name]!r:.80} instead."
            )


def _check_state(description: dict[str, Any]) -> None:
    """Check all items except the values of settings."""
    names = sorted(description)
    require(names == sorted(_PARTS), "the parts of a vectorizer", names)
    for name, kind in _PARTS.items():
        require(isinstance(description[name], kind), name, description[name])
    check_vocabulary(description["vocabulary"])
    ids = description["vocabulary"].values()
    require(all(map(is_count, ids)), "integer ids of tokens", list(ids)[:3])
    length, n_columns = description["max_length"], description["n_columns"]
    is_length = is_count(length) and length <= MAX_LENGTH
    require(is_length, "a maximum length", length)
    least_tables = 1 if description["is_table"] else n_columns
    require(is_count(n_columns) and least_tables == 1, "a number of columns", n_columns)
    names = description["column_names"]
    are_names = names is None or (
        description["is_table"]
        and len(names) == n_columns
        and all(isinstance(name, str) for name in names)
    )
    require(are_names, "a name for each column", names)
