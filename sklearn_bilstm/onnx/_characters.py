"""ONNX operators of the character encoder."""

import numpy as np

from sklearn_bilstm.nn import CharacterEncoder
from sklearn_bilstm.onnx._graph import Graph
from sklearn_bilstm.onnx._network import array_of

__all__ = ["character_vectors"]


def character_vectors(graph: Graph, layer: CharacterEncoder, characters: str) -> str:
    """Return vectors of tokens, float32 of shape (T, B, n_filters).

    Parameters
    ----------
    graph : Graph
    layer : CharacterEncoder
    characters : str
        Character ids of each token, int64 of shape (B, T, L).
    """
    by_step = graph.op("Transpose", characters, perm=[1, 0, 2])  # (T, B, L)
    longest = graph.op("Shape", by_step, start=2)
    ids = graph.op("Reshape", by_step, graph.op("Concat", [-1], longest, axis=0))
    is_known = graph.op("Less", ids, layer.input_size)
    ids = graph.op("Where", is_known, ids, layer.unknown_id)  # (T * B, L)
    padding = graph.op("Unsqueeze", graph.op("Equal", ids, 0), [1])  # (T * B, 1, L)
    vectors = graph.op("Gather", array_of(layer.embedding.weight), ids)
    vectors = graph.op("Transpose", vectors, perm=[0, 2, 1])
    vectors = graph.op("Where", padding, np.float32(0), vectors)
    weights = (array_of(layer.filters.get_parameter(n)) for n in ("weight", "bias"))
    margin = layer.filters.kernel_size[0] // 2
    outputs = graph.op("Conv", vectors, *weights, pads=[margin, margin])
    outputs = graph.op("Where", padding, np.float32(-np.inf), outputs)
    highest = graph.op("ReduceMax", outputs, [2], keepdims=0)  # (T * B, n_filters)
    has_characters = graph.op("Greater", graph.op("ReduceMax", ids, [1]), 0)
    highest = graph.op("Where", has_characters, highest, np.float32(0))
    steps_and_rows = graph.op("Shape", by_step, end=2)
    shape = graph.op("Concat", steps_and_rows, [layer.output_size], axis=0)
    return graph.op("Reshape", highest, shape)
