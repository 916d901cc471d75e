"""Description of a model outside of its graph, stored as JSON metadata."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, NoReturn, Self

import numpy as np

import sklearn_bilstm
from sklearn_bilstm.onnx._checks import check_description, require, written_by_export
from sklearn_bilstm.onnx._sentences import Words, describe_words
from sklearn_bilstm.sequences import N_TOKEN_FEATURES

__all__ = ["Description"]

_KEY = "sklearn_bilstm"
_FORMAT = 1
# Items that the files of older versions lack, with their value.
_ADDED: dict[str, Any] = {
    "of_steps": False,
    "words": None,
    "n_token_features": None,
    "table": None,
}
# Number of characters that an array of labels may have in a file of any size.
_FEWEST_CHARACTERS = 2**18


@dataclass(frozen=True)
class Description:
    """Description of a model outside of its graph.

    Parameters
    ----------
    input_type : {"tokens", "numeric"}
    n_columns : int or None
        Number of columns of X, if the estimator was fitted to a matrix.
    n_static : int
        Number of static features.
    n_channels : int or None
        Number of channels of numeric sequences.
    classes : dict, list of dict or None
        Labels and their dtype, or those of each of several tasks. None for a regressor.
    one_a_row : bool
        Whether there is one label or output per row or step, and not several.
    vectorizer : dict or None
        State of the vectorizer, if there is one.
    fingerprint : str or None, default=None
        Fingerprint of the vocabulary of the ids in `fit`, in hexadecimal digits, if
        there is no vectorizer. Files of older versions have none.
    of_steps : bool, default=False
        Whether there are labels or outputs for each step.
    words : dict or None, default=None
        Vocabularies of words and characters of a tagger, if it reads words.
    n_token_features : int or None, default=None
        Number of hashed features of each token, if the tagger has a linear model.
    table : dict or None, default=None
        Columns and steps of a table, if X is one with static features.
    """

    input_type: str
    n_columns: int | None
    n_static: int
    n_channels: int | None
    classes: dict[str, Any] | list[dict[str, Any]] | None
    one_a_row: bool
    vectorizer: dict[str, Any] | None
    fingerprint: str | None = None
    of_steps: bool = False
    words: dict[str, Any] | None = None
    n_token_features: int | None = None
    table: dict[str, Any] | None = None

    @classmethod
    def of(
        cls,
        estimator: Any,
        vectorizer: dict[str, Any] | None,
        table: dict[str, Any] | None = None,
    ) -> Self:
        """Describe a fitted estimator, and the vectorizer and table that it reads."""
        model = estimator.model_
        is_classifier = hasattr(estimator, "classes_")
        fingerprint = model.reader.fingerprint if vectorizer is None else None
        digits = None
        if fingerprint is not None:
            digits = fingerprint.astype("<u2").tobytes().hex()
        has_features = hasattr(model.auxiliary_models, "linear_tagger")
        return cls(
            input_type=estimator.input_type_,
            n_columns=getattr(estimator, "n_features_in_", None),
            n_static=model.reader.n_static,
            n_channels=getattr(estimator, "n_channels_", None),
            classes=_described_classes(estimator) if is_classifier else None,
            one_a_row=_has_one_output(estimator),
            vectorizer=vectorizer,
            fingerprint=digits,
            of_steps=model.network.of_steps,
            words=describe_words(model.reader.words, model.network),
            n_token_features=N_TOKEN_FEATURES if has_features else None,
            table=table,
        )

    @property
    def vocabulary_fingerprint(self) -> np.ndarray | None:
        """Fingerprint of the vocabulary, as in :class:`TokenIds`."""
        if self.fingerprint is None:
            return None
        return np.frombuffer(bytes.fromhex(self.fingerprint), "<u2")

    @property
    def is_tagger(self) -> bool:
        """Whether there is a label for each step."""
        return self.of_steps and self.classes is not None

    @cached_property
    def known_words(self) -> Words | None:
        """The vocabularies of a tagger, if it reads words."""
        return None if self.words is None else Words.from_description(self.words)

    def labels(self, file_size: int) -> np.ndarray | list[np.ndarray] | None:
        """Return the sorted labels in their original type, for several tasks a list.

        Parameters
        ----------
        file_size : int
            Number of bytes of the file, which limits the size of an array of strings.

        Raises
        ------
        ValueError
            If the arrays would be far larger than the file.
        """
        if self.classes is None:
            return None
        if not isinstance(self.classes, list):
            _check_size([self.classes], file_size)
            return _labels(self.classes)
        _check_size(self.classes, file_size)
        return [*map(_labels, self.classes)]

    def to_properties(self) -> dict[str, str]:
        """Return the description as metadata of an ONNX model."""
        head = {"format": _FORMAT, "version": sklearn_bilstm.__version__}
        values = asdict(self)
        # without items that older versions do not know, unless they have a value
        for name in _ADDED:
            if values[name] == _ADDED[name]:
                del values[name]
        return {_KEY: json.dumps({**head, **values})}

    @classmethod
    def from_properties(cls, properties: Mapping[str, str], source: str) -> Self:
        """Parse the metadata of an ONNX model.

        Parameters
        ----------
        properties : mapping
        source : str
            Name of the model in error messages.

        Raises
        ------
        ValueError
            If the model was not written by this package, was written by a later
            version, or contains an invalid value.
        """
        with written_by_export(source):
            content = _read_json(properties.get(_KEY, ""))
        file_format, version = content.pop("format", None), content.pop("version", None)
        if type(file_format) is int and file_format > _FORMAT:
            raise ValueError(
                f"{source} was written by sklearn_bilstm {version!s:.20} in format "
                f"{file_format}, but this is {sklearn_bilstm.__version__}, which "
                f"supports format {_FORMAT}: update sklearn-bilstm."
            )
        with written_by_export(source):
            if type(file_format) is not int or file_format != _FORMAT:
                raise ValueError("it has no metadata of sklearn_bilstm.")
            content = {"fingerprint": None, **_ADDED, **content}
            if unmatched := sorted(content.keys() ^ {f.name for f in fields(cls)}):
                raise ValueError(
                    f"its metadata have missing or unexpected keys: {unmatched!r:.80}."
                )
            check_description(content)
        return cls(**content)


def _read_json(text: str) -> dict[str, Any]:
    """Parse a JSON object; anything else yields an empty one."""
    if not text:
        return {}
    try:
        content = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("its metadata are nested too deeply.") from None
    except ValueError as error:
        raise ValueError(f"its metadata are not valid JSON: {error}") from error
    return content if isinstance(content, dict) else {}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"found {name}")


def _check_size(tasks: list[dict[str, Any]], file_size: int) -> None:
    """Raise an error if the arrays of labels would be far larger than the file."""
    size = 0
    for labels in (task["labels"] for task in tasks if _are_strings(task)):
        longest = max(map(len, labels))
        size += longest * len(labels)
        require(
            size <= _FEWEST_CHARACTERS + 4 * file_size,
            "labels of similar length",
            f"{len(labels)} labels of up to {longest} characters",
        )


def _are_strings(classes: dict[str, Any]) -> bool:
    return np.dtype(classes["dtype"]).kind == "U"


def _labels(classes: dict[str, Any]) -> np.ndarray:
    return np.array(
        classes["labels"], str if _are_strings(classes) else classes["dtype"]
    )


def _has_one_output(estimator: Any) -> bool:
    if not hasattr(estimator, "classes_"):
        return estimator.model_.target.is_flat
    has_several = isinstance(estimator.classes_, list)
    return not (has_several or getattr(estimator, "multilabel_", False))


def _described_classes(estimator: Any) -> dict[str, Any] | list[dict[str, Any]]:
    classes = estimator.classes_
    return (
        [*map(_described, classes)]
        if isinstance(classes, list)
        else _described(classes)
    )


def _described(labels: np.ndarray) -> dict[str, Any]:
    values = labels.tolist()
    for label in values:
        if not isinstance(label, str | bool | int | float):
            raise ValueError(
                "For an export to ONNX, labels must be strings, ints, floats or bools: "
                f"got {label!r} of type {type(label).__name__}."
            )
    dtype = labels.dtype.str if labels.dtype.kind in "biufU" else "O"
    return {"dtype": dtype, "labels": values}
