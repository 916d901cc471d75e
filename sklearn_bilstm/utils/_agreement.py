"""Agreement of the processes of a group on what they are about to do."""

import re
import sys
from collections.abc import Mapping
from hashlib import sha256
from importlib import import_module
from itertools import chain
from typing import Any

import numpy as np

import sklearn_bilstm
from sklearn_bilstm.utils._plain import plain_value

__all__ = ["check_agreement", "current_group", "facts_about"]

# Parameters that can differ between processes, since they do not affect the model.
_LOCAL_PARAMS = {"callbacks", "checkpoint", "device", "n_jobs", "n_threads", "verbose"}

# Number of items of an array that is described by its values instead of a hash.
_MOST_SHOWN = 100

_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")


def current_group() -> Any:
    """Return the ProcessGroup of this process, or None if there is none.

    Torch is not imported, since only a process that has done so can have a group.
    """
    if "torch" not in sys.modules:
        return None
    module = import_module("sklearn_bilstm.utils._process_group")
    return module.ProcessGroup.current()


def facts_about(estimator: Any, method: str, **facts: Any) -> dict[str, str]:
    """Return what must be equal in all processes that call a method, by name.

    Parameters
    ----------
    estimator : estimator
        Its parameters must be equal, except for those that do not affect the model.
    method : str
        Name of the method.
    **facts : object
        Further facts, such as `the_vocabulary_of_X`. In error messages, underscores of
        their names are spaces.
    """
    parameters = {
        f"the parameter {name!r}": value
        for name, value in estimator.get_params(deep=False).items()
        if name not in _LOCAL_PARAMS
    }
    facts = {
        "the method": f"{type(estimator).__name__}.{method}",
        "the version of sklearn_bilstm": sklearn_bilstm.__version__,
        "the version of torch": str(sys.modules["torch"].__version__),
        **parameters,
        **{name.replace("_", " "): value for name, value in facts.items()},
    }
    return {name: _described(value) for name, value in facts.items()}


def _described(value: Any) -> str:
    """Return a short description that is equal for equal values."""
    value = plain_value(value)
    if isinstance(value, np.random.RandomState):
        value = np.asarray(value.get_state(legacy=True)[1])  # type: ignore[index]  # a tuple
    if isinstance(value, np.ndarray):
        if value.dtype == object or value.size <= _MOST_SHOWN:
            return _described(value.tolist())
        digest = sha256(f"{value.dtype}{value.shape}".encode() + value.tobytes())
        return f"an array with the hash {digest.hexdigest()[:12]}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_described, value))}]"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(_described, value)))}}}"
    if isinstance(value, Mapping):
        items = (f"{_described(k)}: {_described(v)}" for k, v in value.items())
        return f"{{{', '.join(sorted(items))}}}"
    # functions and objects without a representation are compared by their names
    return _ADDRESS.sub("", repr(value))


def check_agreement(group: Any, facts: dict[str, str]) -> None:
    """Raise an error in all processes if some facts differ between them.

    Parameters
    ----------
    group : ProcessGroup
    facts : dict of str
        Descriptions by name.

    Raises
    ------
    ValueError
        If a fact differs.
    """
    # not interrupted in between, since either all processes leave or none
    with group.uninterrupted():
        all_facts = group.all_gather(facts)
        for name in dict.fromkeys(chain.from_iterable(all_facts)):
            values = [process.get(name, "nothing") for process in all_facts]
            if len(set(values)) > 1:
                group.leave()
                raise _disagreement(name, values)


def _disagreement(name: str, values: list[str]) -> ValueError:
    rank = next(r for r, value in enumerate(values) if value != values[0])
    return ValueError(
        f"All processes of a torch.distributed group must agree on {name}: got "
        f"{values[0]:.200} in process 0, and {values[rank]:.200} in process {rank}. "
        "Pass the same parameters and vocabulary everywhere, or set distributed=False "
        "to fit each process on its own."
    )
