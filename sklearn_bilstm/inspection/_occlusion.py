"""Occlusion: the output without each token."""

from typing import Any

import numpy as np

from sklearn_bilstm.inspection._model import Output
from sklearn_bilstm.inspection._scores import Scores
from sklearn_bilstm.sequences import RaggedArray, SequenceDataset

__all__ = ["occlusion", "static_variants"]


def occlusion(estimator: Any, rows: SequenceDataset, output: Output) -> list[Scores]:
    """Score tokens by the decrease of the output when they are removed, one at a time.

    The score of a static feature is the decrease when it is replaced by its mean.
    A token is removed and not replaced: removing a negation, for instance, leaves the
    words that it negated. The variants of a row are predicted together, one row after
    the other.

    Parameters
    ----------
    estimator : BiLSTMClassifier or BiLSTMRegressor
    rows : SequenceDataset
    output : Output

    Returns
    -------
    scores : list of Scores
        The baseline is the output without any token, with all static features at
        their mean.

    References
    ----------
    Li, Monroe and Jurafsky (2016). Understanding neural networks through representation
    erasure. arXiv:1612.08220.
    """
    return [_occlusion_scores(estimator, rows, output, row) for row in range(len(rows))]


def _occlusion_scores(
    estimator: Any, rows: SequenceDataset, output: Output, row: int
) -> Scores:
    start, end = rows.sequences.offsets[row : row + 2]
    ids = rows.sequences.values[start:end]
    variant_ids = [ids, ids[:0], *(np.delete(ids, step) for step in range(len(ids)))]
    static = None
    if rows.static is not None:
        static, n_static = static_variants(rows.static[row], len(variant_ids))
        variant_ids += [ids] * n_static
    values = np.concatenate(variant_ids)
    offsets = np.cumsum([0, *map(len, variant_ids)])
    variants = SequenceDataset(RaggedArray(values, offsets), static=static)
    logits = estimator.model_.logits(variants)
    columns = np.full(len(logits), output.columns[row])
    value, baseline, *without = output.explained_values(logits, columns)
    tokens, static_scores = np.split(value - np.array(without), [len(ids)])
    return Scores(tokens, static_scores, value, baseline)


def static_variants(static: np.ndarray, n_constant: int) -> tuple[np.ndarray, int]:
    """Return the static features of the variants of a row, and the number of features.

    They are at their mean, which is zero, in the second variant. Each of the variants
    after the first `n_constant` has one feature at its mean.
    """
    n_static = len(static)
    variants = np.tile(static, (n_constant + n_static, 1))
    variants[1] = 0
    variants[n_constant:][np.eye(n_static, dtype=bool)] = 0
    return variants, n_static
