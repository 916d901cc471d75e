"""Detection of a wrong number of static features."""

import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_bilstm.utils._token_ids import TokenIds

__all__ = ["check_boundary", "check_names"]

# As `TextVectorizer.get_feature_names_out` and a ColumnTransformer name columns of ids.
_TOKEN_COLUMN = re.compile(r"(?:.*__)?token_\d+")

# Fewer rows may look like token ids by chance, and so may more with this probability.
_FEWEST_ROWS = 3
_LARGEST_CHANCE = 0.01


def check_boundary(
    X: Any, ids: Any, static: np.ndarray, names: np.ndarray | None = None
) -> None:
    """Check `n_static_features` against the names and values of the columns of X.

    Parameters
    ----------
    X : object
        X as passed by the user.
    ids : {ndarray, sparse matrix} of shape (n_samples, n_timesteps)
        Columns used as token ids.
    static : ndarray of shape (n_samples, n_static)
        Columns used as static features.
    names : ndarray of str, shape (n_timesteps + n_static,), default=None
        Names of the columns, if they are known.

    Raises
    ------
    ValueError
        If X holds token ids alone, or names of columns show that an id is read as a
        number or a number as an id.

    Warns
    -----
    UserWarning
        If the values make that likely.
    """
    if isinstance(X, TokenIds):
        raise ValueError(
            "The 'n_static_features' parameter must be 0 where X holds nothing but the "
            f"token ids of a TextVectorizer: got {static.shape[1]}."
        )
    if names is not None:
        check_names(names, static.shape[1])
    last = _column(ids, -1)
    if _ends_in_number(ids, last):
        _warn(
            "the last column of token ids holds values behind gaps of zeros, as a "
            "number does",
            "small",
        )
    if _begins_with_ids(last, static[:, 0]):
        _warn(
            "the first of them holds a whole number only in rows whose token ids fill "
            "all columns before it, as a further token id does",
            "large",
        )


def check_names(names: Sequence[str] | np.ndarray, n_static: int) -> None:
    """Raise an error if columns are named as token ids and are none, or vice versa.

    Parameters
    ----------
    names : array-like of str
        Names of the columns of X.
    n_static : int
        Number of static features.

    Raises
    ------
    ValueError
        If the names of some columns, but not of all before the static features, are
        those of token ids.
    """
    are_ids = [_TOKEN_COLUMN.fullmatch(name) is not None for name in names]
    n_ids = sum(are_ids)
    if not n_ids:
        return
    if n_ids != len(names) - n_static or not all(are_ids[:n_ids]):
        raise ValueError(
            "The 'n_static_features' parameter must be the number of columns that "
            f"follow the token ids: got {n_static}, and X has {n_ids} columns "
            f"of token ids, such as {names[are_ids.index(True)]!r}, and "
            f"{len(names) - n_ids} others."
        )


def _ends_in_number(ids: Any, last: np.ndarray) -> bool:
    """Return whether values of the last column stand behind gaps in many rows."""
    n_stored = np.asarray((ids != 0).sum(axis=1)).ravel()
    has_gap = (n_stored < ids.shape[1]) & (_column(ids, 0) != 0)
    return bool((has_gap & (last != 0)).sum() >= _FEWEST_ROWS)


def _begins_with_ids(last: np.ndarray, first_static: np.ndarray) -> bool:
    """Return whether a static feature continues token ids, and is zero elsewhere."""
    holds = first_static != 0
    if holds.sum() < _FEWEST_ROWS or holds.all():
        return False
    values = first_static[holds]
    whole = (values > 0).all() and (values == np.floor(values)).all()
    by_chance = (last != 0).mean() ** holds.sum()
    continues = (last[holds] != 0).all() and by_chance < _LARGEST_CHANCE
    return bool(whole and (values > 1).any() and continues)


def _column(X: Any, index: int) -> np.ndarray:
    column = X[:, [index]]
    return (column.toarray() if sparse.issparse(column) else column).ravel()


def _warn(reason: str, size: str) -> None:
    warnings.warn(
        f"The 'n_static_features' parameter may be too {size}: {reason}. It must be "
        "the number of columns that follow the token ids.",
        UserWarning,
        stacklevel=2,
    )
