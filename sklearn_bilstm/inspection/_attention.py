"""Attention weights as explanations."""

from typing import Any

import numpy as np

from sklearn_bilstm.inspection._model import Output
from sklearn_bilstm.inspection._scores import Scores
from sklearn_bilstm.nn import AttentionPooling
from sklearn_bilstm.sequences import SequenceDataset

__all__ = ["attention"]


def attention(estimator: Any, rows: SequenceDataset, output: Output) -> list[Scores]:
    """Score tokens by their attention weights, which sum to one.

    Parameters
    ----------
    estimator : BiLSTMClassifier or BiLSTMRegressor
    rows : SequenceDataset
    output : Output

    Returns
    -------
    scores : list of Scores

    Raises
    ------
    ValueError
        If the network does not use attention pooling, or has no state for each token.
    """
    if not isinstance(estimator.module_.pooling, AttentionPooling):
        raise ValueError(
            "method='attention' requires a network with attention, but model has "
            f"pooling={estimator.pooling!r}: fit it with pooling='attention', or use "
            "another method."
        )
    if not estimator.module_.reads_every_step:
        raise ValueError(
            "method='attention' requires a network with a weight for each token, but "
            f"model has convolution_stride={estimator.convolution_stride!r}: fit it "
            "with convolution_stride=1, or use another method."
        )
    values = output.explained_values(estimator.model_.logits(rows), output.columns)
    weights = estimator.net_.attention(estimator.model_.with_features(rows))
    return [
        Scores(row_weights.astype(np.float64), np.zeros(0), value, None)
        for row_weights, value in zip(weights, values, strict=True)
    ]
