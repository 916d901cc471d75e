"""Weights of tokens, from `sample_weight` and `class_weight`."""

from dataclasses import replace
from typing import Any

import numpy as np

from sklearn_bilstm.fitting._labels import relative_weights, weight_of_classes
from sklearn_bilstm.sequences import RaggedArray, SequenceDataset
from sklearn_bilstm.utils._sklearn import check_sample_weight

__all__ = ["with_token_weights"]


def with_token_weights(
    rows: SequenceDataset, sample_weight: Any, class_weight: Any, classes: np.ndarray
) -> tuple[SequenceDataset, Any]:
    """Return rows with the weights of their tokens, and the weights of rows.

    Parameters
    ----------
    rows : SequenceDataset
        Rows whose target holds the indices of labels; negative if they are missing.
    sample_weight : object
        Weights of rows, or an array for each row with the weights of its tokens.
    class_weight : dict, "balanced" or None
        Weights of labels.
    classes : ndarray of shape (n_classes,)
        The labels.

    Returns
    -------
    rows : SequenceDataset
        Unchanged if tokens have equal weights. Otherwise the mean weight of the tokens
        with a label is one.
    sample_weight : object
        Weights of rows. Rows whose tokens all have weight zero have weight zero.

    Raises
    ------
    ValueError
        If a weight is invalid, or all tokens have weight zero.
    """
    lengths = rows.sequences.lengths
    given = _weights_of_tokens(sample_weight, lengths)
    if given is None and class_weight is None:
        return rows, sample_weight
    weights = np.ones(lengths.sum()) if given is None else relative_weights(given)
    if given is not None:
        ends = np.concatenate([[0], np.cumsum(weights > 0)])[np.cumsum(lengths)]
        n_positive = np.diff(ends, prepend=0)
        sample_weight = ((n_positive > 0) | (lengths == 0)).astype(np.float64)
    codes: np.ndarray = rows.target.values  # type: ignore[union-attr]  # of steps
    is_known = codes >= 0
    row_weights = check_sample_weight(
        sample_weight, lengths, dtype=np.float64, ensure_non_negative=True
    )
    total = weights * np.repeat(relative_weights(row_weights), lengths)
    factors = weight_of_classes(class_weight, classes, codes[is_known], total[is_known])
    weights[is_known] *= relative_weights(factors)[codes[is_known]]
    mean = weights[is_known].mean() if is_known.any() else 1.0
    if not mean > 0:
        raise ValueError(
            "Weights must be positive for at least one token with a label: got zero "
            "for all of them, by sample_weight and class_weight."
        )
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    step_weight = RaggedArray((weights / mean).astype(np.float32), offsets)
    return replace(rows, step_weight=step_weight), sample_weight


def _weights_of_tokens(sample_weight: Any, lengths: np.ndarray) -> np.ndarray | None:
    """Return the concatenated weights of tokens, or None for weights of rows."""
    is_listed = isinstance(sample_weight, list | tuple) or (
        isinstance(sample_weight, np.ndarray) and sample_weight.dtype == object
    )
    if not is_listed or not any(map(_is_sequence, sample_weight)):
        return None
    if len(sample_weight) != len(lengths):
        raise ValueError(
            "sample_weight must hold the weights of the tokens of each row: got "
            f"{len(sample_weight)} arrays for {len(lengths)} rows."
        )
    parts = []
    for row, (weights, length) in enumerate(zip(sample_weight, lengths, strict=True)):
        try:
            row_weights = np.asarray(weights, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"sample_weight must hold numbers: row {row} is {weights!r:.80}."
            ) from error
        if row_weights.shape != (length,):
            raise ValueError(
                f"sample_weight must hold a weight for each token of X: row {row} has "
                f"weights of shape {row_weights.shape} for {length} tokens."
            )
        invalid = np.flatnonzero(~(np.isfinite(row_weights) & (row_weights >= 0)))
        if len(invalid):
            raise ValueError(
                "sample_weight must hold non-negative, finite numbers: row "
                f"{row} holds {row_weights[invalid[0]]} at token {invalid[0]}."
            )
        parts.append(row_weights)
    return np.concatenate(parts)


def _is_sequence(weights: Any) -> bool:
    return isinstance(weights, list | tuple) or bool(np.ndim(weights))
