"""Static features: their number, and detection of a wrong one."""

import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_bilstm.fitting._input import check_finite
from sklearn_bilstm.utils._boundary import find_boundary, without_boundary
from sklearn_bilstm.utils._token_ids import TokenIds

__all__ = ["check_layout", "count_static", "split_off_static"]

# Names of token-id columns, as given by `TextVectorizer.get_feature_names_out` and by a
# ColumnTransformer.
_TOKEN_COLUMN = re.compile(r"(?:.*__)?(token_\d+)")

# Consider only patterns that at least this many rows show, and warn that columns look
# like token ids only if the probability of that by chance is lower than this.
_FEWEST_ROWS = 3
_LARGEST_CHANCE = 0.01


def count_static(
    X: Any,
    n_static_features: int | str,
    names: Sequence[str] | np.ndarray | None,
    input_type: str,
) -> int:
    """Return the number of static features of X.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_columns)
    n_static_features : int or "auto"
        Parameter of the estimators. With "auto", the number is the one of columns after
        the boundary that a TableVectorizer writes, or after columns that are named as
        token ids; otherwise 0.
    names : array-like of str, shape (n_columns,), or None
        Names of the columns, if they are known.
    input_type : {"auto", "tokens", "numeric"}

    Raises
    ------
    ValueError
        If the number contradicts the boundary or the names, or if the columns of token
        ids are not the first ones.
    """
    is_auto = isinstance(n_static_features, str)
    if input_type == "numeric":
        return 0 if is_auto else int(n_static_features)
    boundary = find_boundary(X)
    if boundary is not None:
        n_ids, n_static = boundary, X.shape[1] - boundary - 1
    else:
        n_ids = 0 if names is None else _count_named_ids(names)
        n_static = X.shape[1] - n_ids if n_ids else 0
    if is_auto:
        return n_static
    if n_ids and n_static_features != n_static:
        raise ValueError(
            "The 'n_static_features' parameter must be the number of columns after the "
            f"token ids, or 'auto': got {n_static_features}, but X has {n_ids} columns "
            f"of token ids and {n_static} others."
        )
    return int(n_static_features)


def split_off_static(X: Any, n_static: int) -> tuple[Any, np.ndarray | None]:
    """Return the sequences in a matrix, and its static features or None.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_columns)
    n_static : int

    Raises
    ------
    ValueError
        If no column is left for the sequences, or a static feature is not finite.
    """
    n_columns = X.shape[1]
    if not n_static:
        return X, None
    if n_static >= n_columns:
        raise ValueError(
            "The 'n_static_features' parameter must be less than the number of "
            f"columns of X, {n_columns}. Got {n_static!r} instead."
        )
    static = X[:, n_columns - n_static :]
    if sparse.issparse(static):
        static = static.toarray()
    try:
        check_finite(static)
    except ValueError as error:
        raise ValueError(
            f"{error} It is in one of the last {n_static} columns, which are "
            "static features. Impute missing values, for instance with "
            "sklearn.impute.SimpleImputer."
        ) from error
    return without_boundary(X[:, : n_columns - n_static]), static


def check_layout(X: Any, ids: Any, static: np.ndarray | None) -> None:
    """Check that the columns used as token ids, and only those, look like token ids.

    Parameters
    ----------
    X : object
        X as passed by the user.
    ids : {ndarray, sparse matrix} of shape (n_samples, n_timesteps)
        Columns used as token ids.
    static : ndarray of shape (n_samples, n_static) or None
        Columns used as static features.

    Raises
    ------
    ValueError
        If X holds only token ids but static features are expected, or if ids follow the
        padding of other ids, as in the stacked ids of several vectorizers.

    Warns
    -----
    UserWarning
        If the values suggest that the number of static features is wrong.
    """
    if isinstance(X, TokenIds):
        # the boundary that a TableVectorizer writes is one more column
        if static is not None and ids.shape[1] + static.shape[1] >= X.shape[1]:
            raise ValueError(
                "The 'n_static_features' parameter must be 0 or 'auto' if X holds only "
                f"the token ids of a TextVectorizer: got {static.shape[1]}."
            )
        return
    starts = _starts_after_padding(ids)
    if starts.size and starts[0] < ids.shape[1] - 1:
        raise ValueError(
            "X must hold the token ids of a single TextVectorizer, whose rows are "
            "padded at their end only: other values follow the padding of most short "
            f"rows, from column {starts[0]} on. If X holds the ids of several "
            "vectorizers, which overlap, pass all text columns to a single one, such "
            "as (TextVectorizer(), ['title', 'text']) in a ColumnTransformer. If X "
            "holds numbers, use TableVectorizer, or set 'n_static_features' to the "
            "number of their columns. To join ids of one vocabulary, pass lists of "
            "ids without padding."
        )
    last = _column(ids, -1)
    if starts.size or (static is not None and _ends_in_number(ids, last)):
        _warn(
            "the last token-id column has values in rows whose preceding columns are "
            "zero, as a numeric feature would",
            "small",
        )
    if static is not None and _begins_with_ids(last, static[:, 0]):
        _warn(
            "the first static feature is a whole number only in rows without padding, "
            "as a token id would be",
            "large",
        )


def _count_named_ids(names: Sequence[str] | np.ndarray) -> int:
    """Return the number of columns that are named as token ids."""
    matches = [_TOKEN_COLUMN.fullmatch(name) for name in names]
    tokens = [match[1] for match in matches if match]
    if len(set(tokens)) < len(tokens):
        raise ValueError(
            "X must hold the token ids of a single TextVectorizer, since those of "
            f"several overlap: {len(tokens)} of its columns are named as token ids, "
            f"but there are only {len(set(tokens))} different names. Pass all text "
            "columns to a single TextVectorizer, such as (TextVectorizer(), ['title', "
            "'text']) in a ColumnTransformer."
        )
    if not all(matches[: len(tokens)]):
        first = next(name for name, match in zip(names, matches, strict=True) if match)
        raise ValueError(
            "The columns of token ids must be the first ones of X, and static features "
            f"must be the columns after the token ids: got {names[0]!r} before "
            f"{first!r}. Put the TextVectorizer first, or use TableVectorizer."
        )
    return len(tokens)


def _starts_after_padding(ids: Any) -> np.ndarray:
    """Return the columns at which values follow padding, as of stacked blocks.

    Ids with masked tokens have gaps too. Those of several vectorizers side by side are
    recognised by gaps that begin at various columns, since texts differ in length, but
    all end at the same columns.

    Parameters
    ----------
    ids : {ndarray, sparse matrix} of shape (n_samples, n_timesteps)

    Returns
    -------
    starts : ndarray of int
        Sorted columns. Empty if the gaps have another pattern.
    """
    ids = sparse.csr_array(ids)
    if not (ids.has_canonical_format and ids.data.all()):
        ids = ids.copy()
        ids.sum_duplicates()
        ids.eliminate_zeros()
    rows = np.repeat(np.arange(ids.shape[0]), np.diff(ids.indptr))
    gaps = np.flatnonzero((np.diff(ids.indices) > 1) & (np.diff(rows) == 0))
    ends, starts = ids.indices[gaps], ids.indices[gaps + 1]
    columns = np.unique(starts)
    for column in columns:
        column_ends = ends[starts == column]
        if len(column_ends) < _FEWEST_ROWS or column_ends.min() == column_ends.max():
            return columns[:0]
    return columns


def _ends_in_number(ids: Any, last: np.ndarray) -> bool:
    """Return whether the last column has values after padding in several rows."""
    n_stored = np.asarray((ids != 0).sum(axis=1)).ravel()
    has_gap = (n_stored < ids.shape[1]) & (_column(ids, 0) != 0)
    return bool((has_gap & (last != 0)).sum() >= _FEWEST_ROWS)


def _begins_with_ids(last: np.ndarray, first_static: np.ndarray) -> bool:
    """Return whether a static feature looks like one more column of token ids.

    It is then a positive whole number in some rows without padding, and zero elsewhere.
    """
    is_nonzero = first_static != 0
    if is_nonzero.sum() < _FEWEST_ROWS or is_nonzero.all():
        return False
    values = first_static[is_nonzero]
    are_ids = (values > 0).all() and (values == np.floor(values)).all()
    p_value = (last != 0).mean() ** is_nonzero.sum()
    continues = (last[is_nonzero] != 0).all() and p_value < _LARGEST_CHANCE
    return bool(are_ids and (values > 1).any() and continues)


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
