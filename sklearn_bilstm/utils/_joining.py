"""Joining of the rows that several processes hold."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_bilstm.utils._sklearn import num_samples
from sklearn_bilstm.utils._stored_ids import StoredTokenIds
from sklearn_bilstm.utils._token_ids import TokenIds

__all__ = ["joined_rows"]


def joined_rows(parts: Sequence[Any], name: str) -> Any:
    """Join parts of X or y, one after the other.

    Parameters
    ----------
    parts : sequence of object
        Lists, arrays, sparse matrices, token ids in files, which are read into memory,
        or columns or frames of pandas or polars. Parts that are None, or have no rows,
        are left out.
    name : str
        Name in error messages.

    Returns
    -------
    rows : object
        A container of the type of the parts; None if all of them are None.

    Raises
    ------
    ValueError
        If parts are of different or unsupported types, or have different columns.
    """
    present = [part for part in parts if part is not None]
    filled = [part for part in present if num_samples(part)]
    if len(filled) < 2:
        return (filled or present or [None])[0]
    filled = [
        part.tocsr() if isinstance(part, StoredTokenIds) else part for part in filled
    ]
    try:
        for are_joined, join in _JOINS:
            if all(map(are_joined, filled)) and _are_alike(filled):
                return join(filled)
    except Exception as error:  # polars has its own
        shapes = [getattr(part, "shape", None) for part in filled]
        raise ValueError(
            f"{name} must have the same columns in all processes: got parts of the "
            f"shapes {shapes}. {error}"
        ) from error
    kinds = sorted({_described(part) for part in filled})
    raise ValueError(
        f"{name} must be a list, an array, a sparse matrix, or a column or frame of "
        f"pandas or polars, of the same type in all processes: got {', '.join(kinds)}."
    )


def _are_alike(parts: list[Any]) -> bool:
    """Return whether frames and columns, or text and numbers, are not mixed."""
    if _is_frame(parts[0]):
        return len({type(part) for part in parts}) == 1
    kinds = [getattr(part, "dtype", np.dtype(object)).kind for part in parts]
    return len({kind in "SU" for kind in kinds if kind != "O"}) < 2


def _described(part: Any) -> str:
    name = type(part).__name__
    if _is_frame(part):
        return f"{_library_of(part)}.{name}"
    return f"{name} of {part.dtype}" if isinstance(part, np.ndarray) else name


def _join_sparse(parts: list[Any]) -> Any:
    stacked = sparse.vstack(parts, format="csr")
    if not all(isinstance(part, TokenIds) for part in parts):
        return stacked
    ids = TokenIds((stacked.data, stacked.indices, stacked.indptr), stacked.shape)
    ids.fingerprint = parts[0].fingerprint
    return ids


def _join_frames(parts: list[Any]) -> Any:
    library = import_module(_library_of(parts[0]))
    if library.__name__ == "pandas":
        return library.concat(parts, ignore_index=True)
    return library.concat(parts)


def _library_of(part: Any) -> str:
    return type(part).__module__.partition(".")[0]


def _is_frame(part: Any) -> bool:
    return _library_of(part) in ("pandas", "polars")


def _join_lists(parts: list[Any]) -> list[Any]:
    return [row for part in parts for row in part]


_JOINS: list[tuple[Callable[[Any], bool], Callable[[list], Any]]] = [
    (sparse.issparse, _join_sparse),
    (_is_frame, _join_frames),
    (lambda part: isinstance(part, np.ndarray), np.concatenate),
    (lambda part: isinstance(part, list | tuple), _join_lists),
]
