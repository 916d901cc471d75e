"""Libraries that only some users need, imported where they are used."""

import importlib
from types import ModuleType

__all__ = ["import_optional"]


def import_optional(name: str, *, purpose: str, extra: str | None = None) -> ModuleType:
    """Import a module, or say which package is missing and what for.

    Parameters
    ----------
    name : str
        Name of the module, such as "pyarrow.parquet".
    purpose : str
        What needs it, as the beginning of a sentence.
    extra : str, default=None
        Extra of this package that installs it, if one does.

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
            f"{purpose} needs {package}: install it by `pip install {source}`."
        ) from error
