"""Import of optional dependencies."""

import importlib
from types import ModuleType

__all__ = ["import_optional"]


def import_optional(name: str, *, purpose: str, extra: str | None = None) -> ModuleType:
    """Import a module, or raise an error that explains how to install it.

    Parameters
    ----------
    name : str
        Name of the module, such as "pyarrow.parquet".
    purpose : str
        What requires it, as the start of a sentence.
    extra : str, default=None
        Extra of this package that installs it, if there is one.

    Raises
    ------
    ImportError
        If the module is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        source = package if extra is None else f"'sklearn-bilstm[{extra}]'"
        raise ImportError(
            f"{purpose} requires {package}: install it with `pip install {source}`."
        ) from error
