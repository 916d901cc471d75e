"""Occlusion: what an answer would be without each token."""

from typing import Any

import numpy as np

from sklearn_bilstm.inspection._model import Output
from sklearn_bilstm.inspection._scores import Scores
from sklearn_bilstm.sequences import RaggedArray, SequenceDataset

__all__ = ["occlusion"]


def occlusion(estimator: Any, rows: SequenceDataset, output: Output) -> list[Scores]:
    """Score tokens by how far the output falls when they are taken out, one at a time.

    A token is taken out and not replaced, so that a negation, for instance, leaves the
    words behind that it turned round. All rows without one token go through the model
    together, a row after the other.

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
    logits = estimator._logits_of_rows(variants)
    columns = np.full(len(logits), output.columns[row])
    value, baseline, *without = output.of_logits(logits, columns)
    return Scores(value - np.array(without), value, baseline)
