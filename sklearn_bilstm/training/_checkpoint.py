"""Checkpoints, from which an interrupted training is resumed exactly."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skorch.callbacks import GradientNormClipping

import sklearn_bilstm
from sklearn_bilstm.sequences import HashedNgramVocabulary, SequenceDataset
from sklearn_bilstm.training._callbacks import EarlyStopping, MaxNorm, Resumable
from sklearn_bilstm.training._schedules import Schedule
from sklearn_bilstm.utils._archive import read_archive, read_content, write_archive
from sklearn_bilstm.utils._codec import KINDS, Decoder, Encoder, UnknownKindError

__all__ = ["Checkpoint", "load_state", "state_of"]

# Callbacks that affect training. User callbacks are not included.
_TRAINING_CALLBACKS = (EarlyStopping, GradientNormClipping, MaxNorm, Schedule)

_ARGUMENTS = ("batch_size", "compile", "lr", "seed")
_ARGUMENT_PREFIXES = ("criterion__", "optimizer__")


class Checkpoint:
    """A file with the state of a training after its last complete epoch.

    A training is identified by its initial state: versions, the network with its
    initial weights, hyperparameters, and rows. The file of another training is neither
    used nor replaced.

    Parameters
    ----------
    path : str or path-like
        The file, or a folder with one file per training.
    net : SequenceNet
        The net before training.
    train, valid : SequenceDataset or None
        Training and validation rows.
    n_epochs : int
        Maximum number of epochs.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        net: Any,
        train: SequenceDataset,
        valid: SequenceDataset | None,
        n_epochs: int,
    ) -> None:
        self.fingerprint = {
            "versions": {
                "sklearn_bilstm": sklearn_bilstm.__version__,
                "torch": str(torch.__version__),
            },
            "network": _digest(_network(net)),
            **{name: _digest(value) for name, value in _parameters(net).items()},
            "max_epochs": n_epochs,
            "rows": _digest(_plain(train)),
            "validation rows": _digest(_plain(valid)),
        }
        self.path = Path(path)
        if self.path.is_dir():
            self.path /= f"{_digest(self.fingerprint)[:16]}.zip"
        if not self.path.parent.is_dir():
            raise ValueError(
                "The 'checkpoint' parameter must be the path of a file in an existing "
                f"folder: got {os.fspath(path)!r}."
            )

    def resume(self, net: Any) -> bool:
        """Restore the state of an interrupted training, or start a file.

        Returns
        -------
        continues : bool
            Whether training continues, which is not the case if early stopping has
            ended it. A training that was stopped by a user callback continues, unless
            the callback stops it again.

        Raises
        ------
        ValueError
            If the file is damaged, or belongs to another training.
        """
        if not self.path.exists():
            self.write(net)
            return True
        with self._written_by_fit():
            self._check_fingerprint()
            self._restore(net)
        stopping = (c for _, c in net.callbacks_ if isinstance(c, EarlyStopping))
        return not any(callback.is_over(net) for callback in stopping)

    def _restore(self, net: Any) -> None:
        content, arrays = read_archive(self.path, kind="checkpoint")
        load_state(net, Decoder(arrays, KINDS).decode(content["state"]))

    def write(self, net: Any) -> None:
        """Replace the file with the current state."""
        if self.path.exists():
            with self._written_by_fit():
                self._check_fingerprint()
        encoder = Encoder(KINDS)
        try:
            encoded = encoder.encode(state_of(net), "state")
        except UnknownKindError as error:
            raise TypeError(
                "The 'checkpoint' parameter requires that callbacks record only "
                f"numbers and strings in the history: {error}"
            ) from None
        content = {"fingerprint": self.fingerprint, "state": encoded}
        write_archive(
            self.path, kind="checkpoint", content=content, arrays=encoder.arrays
        )

    @contextmanager
    def _written_by_fit(self) -> Iterator[None]:
        """Convert any error caused by content not written by `fit` to a ValueError."""
        try:
            yield
        except (AttributeError, LookupError, RuntimeError, TypeError) as error:
            raise ValueError(
                f"The 'checkpoint' parameter is {os.fspath(self.path)!r}, a file that "
                "does not contain a training state as written by fit. Remove the file "
                "or pass another path."
            ) from error

    def _check_fingerprint(self) -> None:
        stored = read_content(self.path, kind="checkpoint")["fingerprint"]
        names = [*self.fingerprint, *(stored.keys() - self.fingerprint.keys())]
        if other := [k for k in names if stored.get(k) != self.fingerprint.get(k)]:
            raise ValueError(
                f"The 'checkpoint' parameter is {os.fspath(self.path)!r}, a file with "
                "the state of another training, which differs in "
                f"{', '.join(other)}. Remove the file if it is not needed, or pass "
                "another path. If the path is a folder, each training writes its own "
                "file, as a search or cross-validation requires."
            )


def state_of(net: Any) -> dict[str, Any]:
    """Return the state of a training between two epochs."""
    callbacks = _resumable(net).items()
    return {
        "weights": dict(net.module_.state_dict()),
        "optimizer": net.optimizer_.state_dict(),
        "callbacks": {name: callback.state_dict() for name, callback in callbacks},
        "history": [{**epoch, "batches": []} for epoch in net.history],
        "n_steps": net.n_steps_,
    }


def load_state(net: Any, state: dict[str, Any]) -> None:
    """Restore the state of a training, after its start."""
    net.module_.load_state_dict(state["weights"])
    net.optimizer_.load_state_dict(state["optimizer"])
    for name, callback in _resumable(net).items():
        if name in state["callbacks"]:
            callback.load_state_dict(state["callbacks"][name])
    net.history[:] = state["history"]
    net.n_steps_ = state["n_steps"]


def _resumable(net: Any) -> dict[str, Resumable]:
    callbacks = (callback for _, callback in net.callbacks_)
    return {type(c).__name__: c for c in callbacks if isinstance(c, Resumable)}


def _network(net: Any) -> dict[str, Any]:
    return {
        "device": torch.device(net.device).type,
        "parts": [
            [type(part).__name__, part.config] for part in net.module_.children()
        ],
        "weights": dict(net.module_.state_dict()),
    }


def _parameters(net: Any) -> dict[str, Any]:
    """Return all training parameters by name, except for the threads."""
    arguments = {
        name: value
        for name, value in vars(net).items()
        if name in _ARGUMENTS or name.startswith(_ARGUMENT_PREFIXES)
    }
    callback_params = {
        type(callback).__name__: callback.get_params(deep=False)
        for _, callback in net.callbacks_
        if isinstance(callback, _TRAINING_CALLBACKS)
    }
    names = {"loss": net.criterion.__name__, "optimizer": net.optimizer.__name__}
    return {**arguments, **callback_params, **names}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [*map(_plain, value)]
    if isinstance(value, HashedNgramVocabulary):
        return value.state()
    if not is_dataclass(value):
        return value
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def _digest(value: Any) -> str:
    """Return a hash of a value, including its arrays."""
    encoder = Encoder(KINDS)
    digest = hashlib.sha256(json.dumps(encoder.encode(value, "value")).encode())
    for array in encoder.arrays.values():
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
