"""Save and load."""

import os
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
from sklearn_bilstm.persistence._networks import plain_net, restored_net
from sklearn_bilstm.persistence._objects import (
    is_storable,
    plain_object,
    restored_object,
)
from sklearn_bilstm.training import SequenceNet
from sklearn_bilstm.utils._archive import read_archive, write_archive
from sklearn_bilstm.utils._codec import KINDS, Decoder, Encoder, Kind, UnknownKindError
from sklearn_bilstm.utils._device import resolve_device

__all__ = ["load", "save"]


def save(
    model: Any,
    path: str | os.PathLike,
    *,
    custom_objects: Mapping[str, Any] | None = None,
) -> None:
    """Store a model in a file that :func:`load` reads without pickle.

    The file is a zip of JSON and safetensors. It takes the place of an older one when
    it is complete: if anything interrupts it, the older one stays.

    Parameters
    ----------
    model : estimator
        An estimator of this package, fitted or not, or a pipeline of them and of
        transformers of scikit-learn that hold numbers and strings.

    path : str or path-like
        File to write, or to replace.

    custom_objects : mapping of str to object, default=None
        Functions and other objects in the model that a file cannot hold, such as a
        `tokenizer`, under names of your choice. The file holds the names, and
        :func:`load` is to be given the same objects.

    Raises
    ------
    TypeError
        If `model` is no estimator, or holds what can neither be stored nor is one of
        `custom_objects`, or if these are no mapping.
    ValueError
        If a pipeline in it has a `memory`, or a parameter is not what it must be.

    See Also
    --------
    load : Read the file.

    Notes
    -----
    Callbacks that were set by scikit-learn's `set_callbacks` are left out.

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
    encoder = Encoder(_kinds(custom))
    try:
        encoded = encoder.encode(model, "model")
    except UnknownKindError as error:
        raise TypeError(_refusal(error)) from None
    except RecursionError as error:
        raise ValueError("The model is nested too deeply, or holds itself.") from error
    content = {
        "versions": {
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
            "sklearn_bilstm": sklearn_bilstm.__version__,
            "torch": str(torch.__version__),
        },
        "custom_objects": sorted(custom.met),
        "model": encoded,
    }
    write_archive(path, kind="model", content=content, arrays=encoder.arrays)


def load(
    path: str | os.PathLike,
    *,
    device: str | torch.device = "auto",
    custom_objects: Mapping[str, Any] | None = None,
) -> Any:
    """Read a model that :func:`save` has stored.

    Nothing in the file is executed, whoever has written it: classes come from a fixed
    list, and whatever is not as :func:`save` writes it is an error.

    Parameters
    ----------
    path : str or path-like
        The file.

    device : str or torch.device, default="auto"
        Where networks are to predict, wherever they were fitted: "auto" takes a CUDA
        device if there is one, else the CPU. The `device` parameter of an estimator
        stays as it was, and says where it is fitted again.

    custom_objects : mapping of str to object, default=None
        The objects that :func:`save` was given, under the same names.

    Returns
    -------
    model : estimator
        It predicts what the model predicted that was stored, to the last bit on the
        same kind of device, and can be fitted further.

    Raises
    ------
    ValueError
        If the file is none of :func:`save`, was changed or cut off, is of a newer
        version, or needs `custom_objects` that are not given, or if there is no such
        device.
    FileNotFoundError
        If there is no such file.
    TypeError
        If `custom_objects` is no mapping.

    Warns
    -----
    InconsistentVersionWarning
        If the file was written with another version of scikit-learn, in which parts of
        the model may have meant something else.

    See Also
    --------
    save : Write the file, with an example.
    """
    kinds = _kinds(_CustomObjects(custom_objects), resolve_device(device))
    content, arrays = read_archive(path, kind="model")
    with _written_by_save(path):
        version = str(content["versions"]["scikit-learn"])
        missing = sorted(set(content["custom_objects"]) - set(custom_objects or {}))
    if missing:
        raise ValueError(
            f"{os.fspath(path)!r} was saved with custom_objects: give load those of "
            f"the names {missing!r:.200} too."
        )
    with _written_by_save(path):
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
    """Objects that stand in a file by the names that a user has given them."""

    def __init__(self, given: Mapping[str, Any] | None) -> None:
        if not isinstance(given, Mapping | None):
            raise TypeError(
                "custom_objects must be a dict of names and objects, such as "
                f"{{'my_object': ...}}: got {given!r:.80}."
            )
        self.given = dict(given or {})
        self.met: set[str] = set()

    def has(self, value: Any) -> bool:
        """Return whether a value has a name."""
        return any(_is_same(value, known) for known in self.given.values())

    def name_of(self, value: Any) -> str:
        """Return the name of a value, and remember that it was met."""
        found = (name for name in self.given if _is_same(value, self.given[name]))
        self.met.add(name := next(found))
        return name


def _is_same(value: Any, known: Any) -> bool:
    # a bound method is a new object each time that it is looked up
    return value is known or (callable(value) and callable(known) and value == known)


def _kinds(custom: _CustomObjects, device: str = "cpu") -> dict[str, Kind]:
    """Return all kinds of values that a model may hold."""
    restore_net = partial(restored_net, device=device)
    return {
        **KINDS,
        "@columns": Kind(_is_list_of_columns, attrgetter("data"), list),
        "@net": Kind(_is_net, plain_net, restore_net),
        "@object": Kind(is_storable, plain_object, restored_object, is_shared=True),
        "@custom": Kind(custom.has, custom.name_of, custom.given.__getitem__),
    }


def _is_net(value: Any) -> bool:
    return isinstance(value, SequenceNet)


def _is_list_of_columns(value: Any) -> bool:
    """Return whether it is a list that warns, as some ColumnTransformers hold."""
    return type(value).__name__ == "_RemainderColsList"


@contextmanager
def _written_by_save(path: str | os.PathLike) -> Iterator[None]:
    """Turn whatever comes of values that `save` has not written into one error."""
    try:
        yield
    except (
        *(ArithmeticError, AttributeError, LookupError),
        *(RuntimeError, TypeError, ValueError),
    ) as error:
        raise ValueError(
            f"{os.fspath(path)!r} does not hold a model as save writes it: "
            f"{type(error).__name__}: {error}"
        ) from error


def _refusal(error: UnknownKindError) -> str:
    value = error.value
    if hasattr(value, "best_estimator_"):
        return f"{error} Save its best_estimator_."
    what = f"an object of type {type(value).__name__}"
    if ".callbacks." in error.place:
        return (
            f"{error.place} holds {what}, which save cannot store: save the model "
            "after set_params(callbacks=None), or give it a name in custom_objects."
        )
    if hasattr(value, "__name__"):
        what = f"the function {value.__name__!r}"
    return (
        f"{error.place} holds {what}, which save cannot store, as it would take pickle "
        "to load it. Give it a name, as in save(model, path, custom_objects="
        "{'my_object': ...}), and give it to load by the same name. Or store the model "
        "by joblib.dump, whose files are to be loaded only if they are trusted."
    )
