"""ONNX operators of the linear model of a tagger."""

import numpy as np

from sklearn_bilstm.onnx._graph import Graph
from sklearn_bilstm.onnx._hash_lookup import hash_indices
from sklearn_bilstm.onnx._network import array_of
from sklearn_bilstm.onnx._weights import rows_of
from sklearn_bilstm.sequences import N_TOKEN_FEATURES
from sklearn_bilstm.training import LinearTagger

__all__ = ["linear_emissions"]

# Maximum number of weights that are looked up at a time for each token, unless there
# are more labels. A layer of the network has as many numbers.
_MOST_WEIGHTS = 512


def linear_emissions(graph: Graph, model: LinearTagger, features: str) -> str:
    """Return the emissions of tokens, float64 of shape (T, B, K).

    Parameters
    ----------
    graph : Graph
    model : LinearTagger
    features : str
        Hashed features of each token, int64 of shape (B, T, N_TOKEN_FEATURES).
    """
    by_step = graph.op("Transpose", features, perm=[1, 0, 2])
    rows = hash_indices(graph, model.features, by_step)  # (T, B, n_features)
    weight = array_of(model.weight)
    table = np.roll(weight, -1, axis=0)  # the weights of unknown features are last
    chunk_size = max(1, _MOST_WEIGHTS // weight.shape[1])
    emissions = ""
    for start in range(0, N_TOKEN_FEATURES, chunk_size):
        chunk = graph.op("Slice", rows, [start], [start + chunk_size], [2])
        weights = rows_of(graph, table, chunk)  # (T, B, chunk_size, K)
        sums = graph.op("ReduceSum", weights, [2], keepdims=0)  # (T, B, K)
        emissions = graph.op("Add", emissions, sums) if emissions else sums
    return graph.cast(emissions, np.float64)
