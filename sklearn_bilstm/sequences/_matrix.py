"""Conversion of matrices of token ids to ragged arrays."""

from typing import Any

import numpy as np

from sklearn_bilstm.sequences._ragged import RaggedArray
from sklearn_bilstm.utils._sparse import is_sparse

__all__ = ["MAX_ID", "ragged_from_ids"]

# Maximum token id in training, larger than the vocabulary of any corpus. An embedding
# of this size takes gigabytes in training, so larger values must be counts, amounts or
# times rather than ids.
MAX_ID = 1_000_000

# Minimum density of rows of token ids. Rows of TextVectorizer have no gaps; rows of
# counts are mostly empty.
_MIN_FILLED = 0.2


def ragged_from_ids(X: Any, *, max_id: int | None = MAX_ID) -> RaggedArray:
    """Convert a matrix of token ids; zeros are padding at any position.

    Parameters
    ----------
    X : ndarray or CSR array or matrix of shape (n_samples, n_timesteps), or list
        Token ids, of any real dtype. A list contains an array for each row.
    max_id : int or None, default=MAX_ID
        Largest valid id. None, for prediction, allows any id, and gaps.

    Returns
    -------
    sequences : RaggedArray
        Values are int32; ids that do not fit become the largest int32. They can share
        the memory of X.

    Raises
    ------
    ValueError
        If an id is negative, too large, or not an integer, or if X is a matrix of
        counts.
    """
    if isinstance(X, list):
        values, offsets = _joined(X)
    elif is_sparse(X):
        if max_id is not None:
            _check_filled(X)
        values, offsets = _stored(X)
    else:
        values, offsets = _nonzero(X)
    _check_ids(values, offsets, max_id)
    if values.dtype == np.int32:
        return RaggedArray(values, offsets)  # ids of TextVectorizer are not copied
    largest = np.int64(np.iinfo(np.int32).max)  # int64 for any dtype of X
    return RaggedArray(np.minimum(values, largest).astype(np.int32), offsets)


def _nonzero(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    stored = X != 0
    return X[stored], _offsets(stored.sum(1))


def _joined(rows: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    # the dtype of empty rows is arbitrary
    values = np.concatenate([row for row in rows if len(row)] or rows)
    stored = values != 0
    row_of_ids = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    return values[stored], _offsets(
        np.bincount(row_of_ids[stored], minlength=len(rows))
    )


def _stored(X: Any) -> tuple[np.ndarray, np.ndarray]:
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    values, offsets = X.data, X.indptr.astype(np.int64)
    if values.all():
        return values, offsets
    stored = values != 0
    rows = np.repeat(np.arange(X.shape[0]), np.diff(offsets))
    return values[stored], _offsets(np.bincount(rows[stored], minlength=X.shape[0]))


def _offsets(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def _check_filled(X: Any) -> None:
    X = X if X.has_sorted_indices else X.sorted_indices()
    ends = X.indptr[1:][np.diff(X.indptr) > 0] - 1
    columns = int((X.indices[ends].astype(np.int64) + 1).sum())
    if X.nnz < _MIN_FILLED * columns:
        raise ValueError(
            "X is sparse with gaps: rows of token ids must fill columns 0, 1, 2, ..., "
            f"but only {X.nnz / columns:.1%} of these columns contain an id. If X "
            "contains counts, as from CountVectorizer or TfidfVectorizer, or the "
            "stacked ids of several vectorizers, use a single TextVectorizer, which "
            "accepts several text columns. If X contains numbers after the ids, set "
            "the 'n_static_features' parameter."
        )


def _check_ids(values: np.ndarray, offsets: np.ndarray, max_id: int | None) -> None:
    rules = [
        # scikit-learn's estimator checks expect the first words
        (values < 0, "Negative values in data", "non-negative"),
    ]
    if values.dtype.kind == "f":
        fractions = values != np.floor(values)
        rules.append((fractions, "Fractions in data", "whole numbers"))
    if max_id is not None:
        rule = f"at most {max_id:,}"
        rules.append((values > max_id, "Large values in data", rule))
    for broken, problem, rule in rules:
        if broken.any():
            index = int(broken.argmax())
            row = int(np.searchsorted(offsets, index, side="right")) - 1
            raise ValueError(
                f"{problem}: X is interpreted as token ids, which must be {rule}, but "
                f"row {row} contains {values[index]}. X is interpreted as token ids if "
                "it is sparse, of an integer dtype, or if input_type='tokens'. For "
                "numeric sequences, pass a dense X and input_type='numeric'."
            )
