"""Validation of the metadata and the interface of an untrusted ONNX file."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from sklearn_bilstm.sequences import N_TOKEN_FEATURES

__all__ = [
    "check_description",
    "check_graph",
    "is_count",
    "require",
    "written_by_export",
]

_LARGEST = np.iinfo(np.int32).max
_DTYPES = re.compile(r"O|[|<>](b1|[iu][1248]|f[248]|U\d{1,5})")
_HEXADECIMAL = frozenset("0123456789abcdef")
_TYPES_OF_LABELS: dict[str, Any] = {"b": bool, "i": int, "u": int, "f": float, "U": str}


@contextmanager
def written_by_export(source: str) -> Iterator[None]:
    """Convert any error caused by a file of another origin to a ValueError."""
    try:
        yield
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        reason = str(error) if type(error) is ValueError else _named(error)
        raise ValueError(
            f"{source} must be a model written by sklearn_bilstm.export_onnx: {reason}"
        ) from error


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def require(is_valid: bool, requirement: str, got: Any) -> None:
    """Raise an error if a value of the metadata is invalid."""
    if not is_valid:
        raise ValueError(f"its metadata must contain {requirement}: got {got!r:.80}.")


def is_count(value: Any, minimum: int = 1) -> bool:
    """Return whether a value is an int32 integer of at least `minimum`."""
    return type(value) is int and minimum <= value <= _LARGEST


def check_description(description: dict[str, Any]) -> None:
    """Check the values of a description, apart from the vectorizer.

    Raises
    ------
    ValueError
        If a value is invalid.
    """
    input_type = description["input_type"]
    require(input_type in ("tokens", "numeric"), "'tokens' or 'numeric'", input_type)
    n_static, n_columns, n_channels = (
        description[name] for name in ("n_static", "n_columns", "n_channels")
    )
    require(is_count(n_static, 0), "the number of static features", n_static)
    is_wide_enough = n_columns is None or is_count(n_columns, n_static + 1)
    require(is_wide_enough, "the number of columns", n_columns)
    has_channels = input_type == "numeric"
    require(
        is_count(n_channels) if has_channels else n_channels is None,
        "the number of channels, only for numeric input",
        n_channels,
    )
    require(
        type(description["one_a_row"]) is bool,
        "whether there is one output per row",
        description["one_a_row"],
    )
    of_steps = description["of_steps"]
    require(type(of_steps) is bool, "whether there are outputs of steps", of_steps)
    _check_words(description)
    _check_token_features(description)
    vectorizer = description["vectorizer"]
    require(type(vectorizer) in (dict, type(None)), "a vectorizer or null", vectorizer)
    table = description["table"]
    is_table = type(table) is dict and vectorizer is not None
    require(table is None or is_table, "a table with a vectorizer, or null", table)
    digits = description["fingerprint"]
    is_fingerprint = type(digits) is str and not len(digits) % 4
    is_fingerprint = is_fingerprint and _HEXADECIMAL.issuperset(digits)
    require(digits is None or is_fingerprint, "a fingerprint or null", digits)
    classes = description["classes"]
    if isinstance(classes, list):
        require(len(classes) > 1, "classes of several tasks", classes)
        require(not description["one_a_row"], "several labels per row", True)
        require(not of_steps, "several tasks only for labels of rows", of_steps)
    for task_classes in classes if isinstance(classes, list) else [classes]:
        if classes is not None:
            _check_classes(task_classes)


def _check_words(description: dict[str, Any]) -> None:
    words = description["words"]
    if words is None:
        return
    has_words = description["of_steps"] and description["input_type"] == "tokens"
    has_words = has_words and description["classes"] is not None
    require(has_words and not description["n_static"], "words only for a tagger", True)
    is_pair = type(words) is dict and words.keys() == {"vocabulary", "characters"}
    require(is_pair, "a vocabulary and characters", words)
    _check_strings(words["vocabulary"], "a list of distinct words")
    if words["characters"] is not None:
        _check_strings(words["characters"], "a list of distinct characters")


def _check_token_features(description: dict[str, Any]) -> None:
    n_features = description["n_token_features"]
    if n_features is None:
        return
    is_valid = n_features == N_TOKEN_FEATURES and type(n_features) is int
    requirement = f"{N_TOKEN_FEATURES} features of tokens, or null"
    require(is_valid and description["words"] is not None, requirement, n_features)


def _check_strings(strings: Any, requirement: str) -> None:
    are_strings = type(strings) is list and all(type(s) is str for s in strings)
    require(are_strings and len(set(strings)) == len(strings), requirement, strings)


def _check_classes(classes: Any) -> None:
    is_pair = type(classes) is dict and classes.keys() == {"dtype", "labels"}
    require(is_pair, "labels and their dtype", classes)
    dtype, labels = classes["dtype"], classes["labels"]
    is_dtype = type(dtype) is str and _DTYPES.fullmatch(dtype)
    require(bool(is_dtype), "a dtype of labels", dtype)
    require(type(labels) is list and bool(labels), "a list of labels", labels)
    kind = np.dtype(dtype).kind
    label_type = _TYPES_OF_LABELS.get(kind)
    allowed_types = [label_type] if label_type else [*_TYPES_OF_LABELS.values()]
    are_valid = all(type(label) in allowed_types for label in labels)
    if are_valid and kind in "iu":
        bounds = np.iinfo(dtype)
        are_valid = all(bounds.min <= label <= bounds.max for label in labels)
    require(are_valid, f"labels that fit the dtype {dtype!r}", labels)


def check_graph(session: Any, description: Any) -> None:
    """Check that a graph has the inputs and outputs of a description.

    Raises
    ------
    ValueError
        If their names, types or shapes differ.
    """
    actual = {
        f"{kind} {entry.name!r}": (entry.type, _sizes(entry.shape))
        for kind, entries in (
            ("input", session.get_inputs()),
            ("output", session.get_outputs()),
        )
        for entry in entries
    }
    n_outputs = actual.get("output 'y'", (None, [None, None]))[1][-1]
    expected = _interface(description, n_outputs)
    for name in sorted(actual.keys() | expected.keys()):
        if actual.get(name) != expected.get(name):
            raise ValueError(
                f"its metadata require {expected.get(name)} for the {name} of the "
                f"graph, which is {actual.get(name)}."
            )


def _sizes(shape: list) -> list[int | None]:
    return [size if type(size) is int else None for size in shape]


def _interface(description: Any, n_outputs: Any) -> dict[str, tuple[str, list]]:
    """Return types and sizes of inputs and outputs; None stands for any size."""
    int64, double = "tensor(int64)", "tensor(double)"
    if description.input_type == "tokens":
        interface = {
            "input 'ids'": (int64, [None, None]),
            **_inputs_of_words(description),
        }
    else:
        interface = {
            "input 'values'": (double, [None, None, description.n_channels]),
            "input 'lengths'": (int64, [None]),
        }
    if description.n_static:
        interface["input 'static'"] = (double, [None, description.n_static])
    if description.of_steps:
        return {**interface, **_outputs_of_steps(description, n_outputs)}
    if description.classes is None:
        size = 1 if description.one_a_row else n_outputs or 1
        return {**interface, "output 'y'": (double, [None, size])}
    if isinstance(description.classes, list):
        n_classes = sum(len(task["labels"]) for task in description.classes)
        label_shape = [None, len(description.classes)]
    else:
        n_classes = len(description.classes["labels"])
        label_shape = [None] if description.one_a_row else [None, n_classes]
    return {
        **interface,
        "output 'label'": (int64, label_shape),
        "output 'probabilities'": (double, [None, n_classes]),
        "output 'logits'": (double, [None, n_classes]),
    }


def _inputs_of_words(description: Any) -> dict[str, tuple[str, list]]:
    inputs: dict[str, tuple[str, list]] = {}
    words, n_features = description.words, description.n_token_features
    if words is not None and words["characters"] is not None:
        inputs["input 'characters'"] = "tensor(int64)", [None, None, None]
    if n_features is not None:
        inputs["input 'features'"] = "tensor(int64)", [None, None, n_features]
    return inputs


def _outputs_of_steps(description: Any, n_outputs: Any) -> dict[str, tuple[str, list]]:
    if description.classes is None:
        size = 1 if description.one_a_row else n_outputs or 1
        return {"output 'y'": ("tensor(double)", [None, None, size])}
    n_classes = len(description.classes["labels"])
    return {
        "output 'label'": ("tensor(int64)", [None, None]),
        "output 'probabilities'": ("tensor(double)", [None, None, n_classes]),
    }
