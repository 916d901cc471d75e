"""Occlusion: the output without each token."""

from typing import Any

import numpy as np

from sklearn_bilstm.inspection._model import Output
from sklearn_bilstm.inspection._scores import Scores
from sklearn_bilstm.sequences import RaggedArray, SequenceDataset

__all__ = ["occlusion"]


def occlusion(estimator: Any, rows: SequenceDataset, output: Output) -> list[Scores]:
    """Score tokens by the decrease of the output when they are removed, one at a time.

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
        The baseline is the output without any token.

    References
    ----------
    Li, Monroe and Jurafsky (2016). Understanding neural networks through representation
    erasure. arXiv:1612.08220.
    """
    return [_of_row(estimator, rows, output, row) for row in range(len(rows))]


def _of_row(estimator: Any, rows: SequenceDataset, output: Output, row: int) -> Scores:
    start, end = rows.sequences.offsets[row : row + 2]
    ids = rows.sequences.values[start:end]
    changed = [ids, ids[:0], *(np.delete(ids, step) for step in range(len(ids)))]
    values = np.concatenate(changed)
    offsets = np.cumsum([0, *map(len, changed)])
    static = None if rows.static is None else rows.static[np.full(len(changed), row)]
    variants = SequenceDataset(RaggedArray(values, offsets), static=static)
    logits = estimator.model_.logits(variants)
    columns = np.full(len(logits), output.columns[row])
    value, baseline, *without = output.of_logits(logits, columns)
    return Scores(value - np.array(without), value, baseline)
