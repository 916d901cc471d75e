"""What is to be known of a model beside its graph, as JSON in the metadata."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np

import sklearn_bilstm

__all__ = ["Description"]

_KEY = "sklearn_bilstm"
_FORMAT = 1


@dataclass(frozen=True)
class Description:
    """What is to be known of a model beside its graph.

    Parameters
    ----------
    input_type : {"tokens", "numeric"}
    n_columns : int or None
        Number of columns of a matrix, if the estimator was fitted to one.
    n_static : int
        How many numbers stand beside each sequence.
    n_channels : int or None
        Number of channels of a step, if it holds numbers.
    classes : dict or None
        The labels and their dtype, if there are any.
    one_a_row : bool
        Whether a row has one label, or one number, and not several.
    vectorizer : dict or None
        How text becomes ids, if a vectorizer does it.
    """

    input_type: str
    n_columns: int | None
    n_static: int
    n_channels: int | None
    classes: dict[str, Any] | None
    one_a_row: bool
    vectorizer: dict[str, Any] | None

    @classmethod
    def of(cls, estimator: Any, vectorizer: dict[str, Any] | None) -> Self:
        """Describe a fitted estimator behind a vectorizer."""
        is_classifier = hasattr(estimator, "classes_")
        return cls(
            input_type=estimator.input_type_,
            n_columns=getattr(estimator, "n_features_in_", None),
            n_static=estimator._n_static,
            n_channels=getattr(estimator, "n_channels_", None),
            classes=_described(estimator.classes_) if is_classifier else None,
            one_a_row=(
                not estimator.multilabel_ if is_classifier else estimator._flat_target
            ),
            vectorizer=vectorizer,
        )

    @property
    def labels(self) -> np.ndarray | None:
        """The labels as the user gave them, sorted."""
        if self.classes is None:
            return None
        return np.array(self.classes["labels"], self.classes["dtype"])

    def to_properties(self) -> dict[str, str]:
        """Return what a model holds as its metadata."""
        head = {"format": _FORMAT, "version": sklearn_bilstm.__version__}
        return {_KEY: json.dumps({**head, **asdict(self)})}

    @classmethod
    def from_properties(cls, properties: Mapping[str, str], source: str) -> Self:
        """Read the metadata of a model.

        Parameters
        ----------
        properties : mapping
        source : str
            What a message calls the model.

        Raises
        ------
        ValueError
            If this package did not write it, or a later version did.
        """
        found = _read_json(properties.get(_KEY, ""))
        written_as, version = found.pop("format", None), found.pop("version", None)
        if isinstance(written_as, int) and written_as > _FORMAT:
            raise ValueError(
                f"{source} was written by sklearn_bilstm {version} in format "
                f"{written_as}, and this is {sklearn_bilstm.__version__}, which reads "
                f"format {_FORMAT}: update sklearn-bilstm."
            )
        if written_as != _FORMAT or found.keys() != {f.name for f in fields(cls)}:
            raise ValueError(
                f"{source} must be a model that sklearn_bilstm.export_onnx wrote: it "
                "has no metadata of sklearn_bilstm."
            )
        return cls(**found)


def _read_json(text: str) -> dict[str, Any]:
    """Return the object that JSON holds, an empty one if there is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _described(labels: np.ndarray) -> dict[str, Any]:
    values = labels.tolist()
    for label in values:
        if not isinstance(label, str | bool | int | float):
            raise ValueError(
                "Labels must be strings, ints, floats or bools to be written into a "
                f"model in ONNX: got {label!r} of type {type(label).__name__}."
            )
    dtype = labels.dtype.str if labels.dtype.kind in "biufU" else "O"
    return {"dtype": dtype, "labels": values}
