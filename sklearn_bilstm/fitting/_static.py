"""Detection of a wrong number of static features."""

import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_bilstm.utils._token_ids import TokenIds

__all__ = ["check_boundary", "check_names"]

# Names of token-id columns, as given by `TextVectorizer.get_feature_names_out` and by a
# ColumnTransformer.
_TOKEN_COLUMN = re.compile(r"(?:.*__)?token_\d+")

# Warn only if at least this many rows look like token ids, and the probability that
# they do so by chance is lower than this.
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
        If X holds only token ids, or if the column names contradict
        `n_static_features`.

    Warns
    -----
    UserWarning
        If the values suggest that `n_static_features` is wrong.
    """
    if isinstance(X, TokenIds):
        raise ValueError(
            "The 'n_static_features' parameter must be 0 if X holds only the token "
            f"ids of a TextVectorizer: got {static.shape[1]}."
        )
    if names is not None:
        check_names(names, static.shape[1])
    last = _column(ids, -1)
    if _ends_in_number(ids, last):
        _warn(
            "the last token-id column has values in rows whose preceding columns are "
            "zero, as a numeric feature would",
            "small",
        )
    if _begins_with_ids(last, static[:, 0]):
        _warn(
            "the first static feature is a whole number only in rows without padding, "
            "as a token id would be",
            "large",
        )


def check_names(names: Sequence[str] | np.ndarray, n_static: int) -> None:
    """Raise an error if the column names contradict `n_static_features`.

    Parameters
    ----------
    names : array-like of str
        Names of the columns of X.
    n_static : int
        Number of static features.

    Raises
    ------
    ValueError
        If some columns, but not exactly those before the static features, are named as
        token ids.
    """
    are_ids = [_TOKEN_COLUMN.fullmatch(name) is not None for name in names]
    n_ids = sum(are_ids)
    if not n_ids:
        return
    if n_ids != len(names) - n_static or not all(are_ids[:n_ids]):
        raise ValueError(
            "The 'n_static_features' parameter must be the number of columns after the "
            f"token ids: got {n_static}, but X has {n_ids} columns of token ids, such "
            f"as {names[are_ids.index(True)]!r}, and {len(names) - n_ids} others."
        )


def _ends_in_number(ids: Any, last: np.ndarray) -> bool:
    """Return whether the last column has values after padding in several rows."""
    n_stored = np.asarray((ids != 0).sum(axis=1)).ravel()
    has_gap = (n_stored < ids.shape[1]) & (_column(ids, 0) != 0)
    return bool((has_gap & (last != 0)).sum() >= _FEWEST_ROWS)


def _begins_with_ids(last: np.ndarray, first_static: np.ndarray) -> bool:
    """Return whether a static feature looks like one more column of token ids.

    It is then a positive whole number in some rows without padding, and zero elsewhere.
    """
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
        "the number of columns after the token ids.",
        UserWarning,
        stacklevel=2,
    )
