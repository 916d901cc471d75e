"""The `save` and `load` functions."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np
import sklearn
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning

import sklearn_bilstm
from sklearn_bilstm.fitting import inner_estimator
from sklearn_bilstm.persistence._objects import (
    check_nesting,
    is_shared,
    is_storable,
    plain_object,
    restored_object,
)
from sklearn_bilstm.persistence._scorers import (
    is_storable_scorer,
    plain_scorer,
    restored_scorer,
)
from sklearn_bilstm.utils._archive import read_archive, write_archive
from sklearn_bilstm.utils._codec import KINDS, Decoder, Encoder, Kind, UnknownKindError
from sklearn_bilstm.utils._device import resolve_device
from sklearn_bilstm.utils._files import AnyFile, name_of_file

__all__ = ["load", "save"]


def save(
    model: Any,
    path: AnyFile,
    *,
    custom_objects: Mapping[str, Any] | None = None,
) -> None:
    """Save a model to a file that :func:`load` reads without pickle.

    The file is a zip archive of JSON and safetensors. An existing file is replaced only
    once the new one is complete: if saving is interrupted, the existing file is
    unchanged.

    Parameters
    ----------
    model : estimator
        An estimator of this package, fitted or not, or a pipeline of such estimators
        and of scikit-learn transformers whose state consists of numbers and strings.
        It can be in, or end with, a CalibratedClassifierCV, FixedThresholdClassifier or
        TunedThresholdClassifierCV.

    path : str, path-like or file
        File to write. An existing file is replaced. A file opened in binary mode is
        written at its current position, and stays open.

    custom_objects : mapping of str to object, default=None
        Functions and other objects in the model that cannot be stored in the file, such
        as a `tokenizer`, by names of your choice. The file contains only the names;
        pass the same objects to :func:`load`.

    Raises
    ------
    TypeError
        If `model` is not an estimator, contains an object that is neither supported nor
        in `custom_objects`, if `custom_objects` is not a mapping, or if `path` is
        neither a path nor a file opened in binary mode.
    ValueError
        If the model contains a pipeline with `memory`, or a parameter is invalid.

    See Also
    --------
    load : Load a model from a file.

    Notes
    -----
    Callbacks set with scikit-learn's `set_callbacks` are not saved.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_bilstm import TextVectorizer, load, save
    >>> vectorizer = TextVectorizer().fit(["not bad", "bad"])
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "vectorizer.zip")
    ...     save(vectorizer, path)
    ...     print(load(path).vocabulary_)
    {'bad': 2, 'not': 3}
    """
    if not isinstance(model, BaseEstimator):
        raise TypeError(
            "model must be an estimator or a pipeline: got an object of type "
            f"{type(model).__name__}. Save several models in a file each."
        )
    custom = _CustomObjects(custom_objects)
    is_compact = _is_compressed(model)
    encoder = Encoder(_kinds(custom), is_compact=is_compact)
    try:
        encoded = encoder.encode(model, "model")
    except UnknownKindError as error:
        raise TypeError(_refusal(error)) from None
    except RecursionError as error:
        raise ValueError("The model is nested too deeply, or holds itself.") from error
    check_nesting(encoded)
    content = {
        "versions": {
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
            "sklearn_bilstm": sklearn_bilstm.__version__,
            "torch": str(torch.__version__),
        },
        "custom_objects": sorted(custom.used),
        "model": encoded,
    }
    write_archive(
        path,
        kind="model",
        content=content,
        arrays=encoder.arrays,
        is_compact=is_compact,
    )


def _is_compressed(model: Any) -> bool:
    """Return whether an estimator, or the last step of a pipeline, is compressed."""
    inner, seen = model, set()
    while inner is not None and id(inner) not in seen:  # a model can hold itself
        seen.add(id(inner))
        model, inner = inner, inner_estimator(inner)
    return hasattr(model, "compression_")


def load(
    path: AnyFile,
    *,
    device: str | torch.device = "auto",
    custom_objects: Mapping[str, Any] | None = None,
) -> Any:
    """Load a model that was saved with :func:`save`.

    No code in the file is executed, whatever its source: only objects of a fixed list
    of classes are created, and any content that :func:`save` does not write raises an
    error.

    Parameters
    ----------
    path : str, path-like or file
        File to read. A file opened in binary mode is read from its current position to
        its end, and stays open.

    device : str or torch.device, default="auto"
        Device of the networks for prediction, regardless of where they were fitted.
        "auto" uses a CUDA device if available, and the CPU otherwise. The `device`
        parameter of an estimator is not changed, and determines where it is fitted
        again.

    custom_objects : mapping of str to object, default=None
        The objects passed to :func:`save`, by the same names.

    Returns
    -------
    model : estimator
        The model. Its predictions are identical to those of the saved model on the same
        type of device, and it can be trained further.

    Raises
    ------
    ValueError
        If the file was not written by :func:`save`, is modified, truncated or of a
        newer version, or requires `custom_objects` that are not given, or if the device
        is not available.
    FileNotFoundError
        If the file does not exist.
    TypeError
        If `custom_objects` is not a mapping, or if `path` is neither a path nor a file
        opened in binary mode.

    Warns
    -----
    InconsistentVersionWarning
        If the file was written with another version of scikit-learn, in which parts of
        the model can have a different meaning.

    See Also
    --------
    save : Save a model to a file, with an example.
    """
    kinds = _kinds(_CustomObjects(custom_objects), resolve_device(device))
    content, arrays = read_archive(path, kind="model")
    with _written_by_save(path):
        version = str(content["versions"]["scikit-learn"])
        missing = sorted(set(content["custom_objects"]) - set(custom_objects or {}))
    if missing:
        raise ValueError(
            f"{name_of_file(path)!r} was saved with custom_objects: pass those of the "
            f"names {missing!r:.200} to load."
        )
    with _written_by_save(path):
        check_nesting(content["model"])
        model = Decoder(arrays, kinds).decode(content["model"])
        if not isinstance(model, BaseEstimator):
            raise TypeError("there is no estimator in it.")
    if version != sklearn.__version__:
        warning = InconsistentVersionWarning(
            estimator_name=type(model).__name__,
            current_sklearn_version=sklearn.__version__,
            original_sklearn_version=version,
        )
        warnings.warn(warning, stacklevel=2)
    return model


class _CustomObjects:
    """User-supplied objects that a file refers to by name."""

    def __init__(self, objects: Mapping[str, Any] | None) -> None:
        if not isinstance(objects, Mapping | None):
            raise TypeError(
                "custom_objects must be a dict of names and objects, such as "
                f"{{'my_object': ...}}: got {objects!r:.80}."
            )
        self.objects = dict(objects or {})
        self.used: set[str] = set()

    def has(self, value: Any) -> bool:
        """Return whether an object has a name."""
        return any(_is_same(value, named) for named in self.objects.values())

    def name_of(self, value: Any) -> str:
        """Return the name of an object, and record its use."""
        names = (name for name in self.objects if _is_same(value, self.objects[name]))
        self.used.add(name := next(names))
        return name


def _is_same(value: Any, named: Any) -> bool:
    # each attribute access creates a new bound method
    return value is named or (callable(value) and callable(named) and value == named)


def _kinds(custom: _CustomObjects, device: str = "cpu") -> dict[str, Kind]:
    """Return the supported kinds of values."""
    restore = partial(restored_object, device=device)
    return {
        **KINDS,
        "@columns": Kind(_is_list_of_columns, attrgetter("data"), list),
        "@object": Kind(is_storable, plain_object, restore, is_shared),
        "@scorer": Kind(is_storable_scorer, plain_scorer, restored_scorer),
        "@custom": Kind(custom.has, custom.name_of, custom.objects.__getitem__),
    }


def _is_list_of_columns(value: Any) -> bool:
    """Return whether it is the list of columns that some ColumnTransformers hold."""
    return type(value).__name__ == "_RemainderColsList"


@contextmanager
def _written_by_save(path: AnyFile) -> Iterator[None]:
    """Convert any error caused by content not written by `save` to a ValueError."""
    try:
        yield
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        MemoryError,
        NameError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        raise ValueError(
            f"{name_of_file(path)!r} does not hold a model as save writes it: "
            f"{type(error).__name__}: {error}"
        ) from error


def _refusal(error: UnknownKindError) -> str:
    value = error.value
    if hasattr(value, "best_estimator_"):
        return f"{error} Save its best_estimator_."
    what = f"an object of type {type(value).__name__}"
    if ".callbacks." in error.path:
        return (
            f"{error.path} contains {what}, which save cannot store: save the model "
            "after set_params(callbacks=None), or give it a name in custom_objects."
        )
    if hasattr(value, "__name__"):
        what = f"the function {value.__name__!r}"
    return (
        f"{error.path} contains {what}, which save cannot store without pickle. Pass "
        "it in custom_objects={'my_object': ...} to both save and load, under the same "
        "name: the file contains the name only, without a fitted state. Alternatively, "
        "use joblib.dump; load such files only from sources that you trust."
    )
