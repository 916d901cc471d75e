"""ONNX operators of the layers of a network, with one function per layer.

The functions mirror the modules of :mod:`sklearn_bilstm.nn`, but sequences have the
shape (T, B, features), as the recurrent operators of ONNX require. These operators
process each row up to its own length, in both directions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor, nn

from sklearn_bilstm.nn import (
    NORMALIZATIONS,
    AttentionPooling,
    Convolutions,
    DenseHead,
    LastPooling,
    MaxMeanPooling,
    MaxPooling,
    MeanPooling,
    Network,
    RecurrentEncoder,
    RecurrentLayer,
    SequenceModel,
    TokenInput,
)
from sklearn_bilstm.onnx._graph import Graph
from sklearn_bilstm.onnx._weights import restored, rows_of

__all__ = ["Rows", "array_of", "encoded", "head", "pooled", "token_vectors"]

# End of a slice of all steps.
_MOST_STEPS = 2**63 - 1


@dataclass(frozen=True)
class Rows:
    """Lengths and masks of a batch.

    Parameters
    ----------
    lengths : str
        Number of steps of each row, int64 of shape (B,).
    mask : str
        True on real steps, of shape (T, B, 1).
    filled : str
        True for non-empty rows, of shape (B, 1).
    """

    lengths: str
    mask: str
    filled: str

    @classmethod
    def of(cls, graph: Graph, lengths: str, n_steps: str) -> "Rows":
        """Compute the masks from the lengths and the number of steps, of shape (1,)."""
        steps = graph.op("Range", 0, graph.op("Squeeze", n_steps), 1)  # (T,)
        steps = graph.op("Unsqueeze", steps, [1, 2])  # (T, 1, 1)
        column = graph.op("Unsqueeze", lengths, [1])  # (B, 1)
        mask = graph.op("Less", steps, column)  # (T, B, 1)
        return cls(lengths, mask, graph.op("Greater", column, 0))

    def strided(self, graph: Graph, stride: int) -> "Rows":
        """Return the rows of the first of every `stride` steps."""
        lengths = graph.op("Add", self.lengths, stride - 1)
        lengths = graph.op("Div", lengths, stride)  # (B,)
        mask = graph.op("Slice", self.mask, [0], [_MOST_STEPS], [0], [stride])
        return Rows(lengths, mask, self.filled)


def array_of(weight: Tensor) -> np.ndarray:
    """Return a weight as an array."""
    return weight.detach().cpu().numpy()


def token_vectors(
    graph: Graph, layer: TokenInput, ids: str, log_odds: str | None
) -> str:
    """Return vectors for ids, (B, T), and log-odds features, (T, B, n_channels)."""
    is_known = graph.op("Less", ids, layer.input_size)
    ids = graph.op("Where", is_known, ids, layer.unknown_id)  # (B, T)
    ids = graph.op("Transpose", ids, perm=[1, 0])  # (T, B)
    vectors = rows_of(graph, array_of(layer.embedding.weight), ids)  # (T, B, E)
    if log_odds is None:
        return vectors
    log_odds = graph.op("Mul", log_odds, np.float32(layer.log_odds_scale))
    return graph.op("Concat", vectors, log_odds, axis=-1)  # (T, B, E)


def pooled(graph: Graph, module: SequenceModel, vectors: str, rows: Rows) -> str:
    """Return pooled vectors of shape (B, P) for vectors of shape (T, B, E)."""
    states, final, rows = encoded(graph, module, vectors, rows)
    return _POOLINGS[type(module.pooling)](graph, module.pooling, states, final, rows)


def encoded(
    graph: Graph, module: Network, vectors: str, rows: Rows
) -> tuple[str, str, Rows]:
    """Return states, (T', B, H), final states, (B, H), and the rows of the states."""
    convolutions = getattr(module, "convolutions", None)
    if convolutions is not None:
        vectors, rows = _convolved(graph, convolutions, vectors, rows)
    return *_recurrent_states(graph, module.encoder, vectors, rows), rows


def _convolved(
    graph: Graph, convolutions: Convolutions, x: str, rows: Rows
) -> tuple[str, Rows]:
    """Return convolved vectors of shape (ceil(T / s), B, n_filters), and their rows."""
    for layer in convolutions.layers:
        x = graph.op("Where", rows.mask, x, np.float32(0))
        x = graph.op("Transpose", x, perm=[1, 2, 0])  # (B, E, T)
        weights = array_of(layer.weight), array_of(layer.get_parameter("bias"))
        margin = layer.kernel_size[0] // 2
        pads = [2 * margin, 0] if convolutions.is_causal else [margin, margin]
        strides = [convolutions.stride]
        x = graph.op("Conv", x, *weights, pads=pads, strides=strides)  # (B, F, T / s)
        x = graph.op("Transpose", graph.op("Relu", x), perm=[2, 0, 1])
        rows = rows.strided(graph, convolutions.stride)
    return x, rows


def head(graph: Graph, dense_head: DenseHead, x: str) -> str:
    """Return logits of shape (B, K), in double precision, for pooled vectors."""
    x = graph.cast(x, np.float64)
    for layer in dense_head.hidden:
        x = graph.op("Relu", _linear(graph, layer, x))
    return _linear(graph, dense_head.linear, x)


def _linear(graph: Graph, layer: nn.Linear, x: str) -> str:
    weights = (array_of(w).astype(np.float64) for w in (layer.weight, layer.bias))
    return graph.op("Gemm", x, *weights, transB=1)


# -- the encoder


class _Cell(NamedTuple):
    """Parameters of a recurrent operator.

    Parameters
    ----------
    kind : str
        Name of the operator.
    gates : list of int
        Index of each ONNX gate in the gate order of torch.
    attributes : dict
        Further attributes.
    """

    kind: str
    gates: list[int]
    attributes: dict[str, Any] = {}


_CELLS = {
    # torch applies the reset gate after the matrix product; its order is r, z, n
    "gru": _Cell("GRU", [1, 0, 2], {"linear_before_reset": 1}),
    "lstm": _Cell("LSTM", [0, 3, 1, 2]),  # i, o, f, c; torch has i, f, g, o
    "rnn": _Cell("RNN", [0]),
}

# Operators that merge the directions, except for a concatenation.
_MERGES = {"mean": "Mean", "mul": "Mul", "sum": "Sum"}


def _recurrent_states(
    graph: Graph, encoder: RecurrentEncoder, states: str, rows: Rows
) -> tuple[str, str]:
    """Return states of shape (T, B, H) and final states of shape (B, H)."""
    for index, layer in enumerate(encoder.layers):
        states, final = _recurrent_layer(graph, layer, states, rows)
        if encoder.normalizations:
            normalization = encoder.normalizations[index]
            normalize = _NORMALIZATIONS[type(normalization)]
            states, final = (
                normalize(graph, normalization, x) for x in (states, final)
            )
    return states, final


def _recurrent_layer(
    graph: Graph, layer: RecurrentLayer, x: str, rows: Rows
) -> tuple[str, str]:
    """Return states of shape (T, B, H) and final states of shape (B, H)."""
    kind, gates, attributes = _CELLS[layer.cell]
    directions = [layer.forward_rnn]
    if layer.backward_rnn is not None:
        directions.append(layer.backward_rnn)
    weights = zip(
        *(_weights(direction, gates) for direction in directions), strict=True
    )
    input_weights, state_weights, biases = map(np.stack, weights)
    # an empty row is processed as one step, whose states are not used
    lengths = graph.cast(graph.op("Max", rows.lengths, 1), np.int32)
    states, final = graph.ops(
        kind,
        2,
        x,
        restored(graph, input_weights),
        restored(graph, state_weights),
        biases,
        lengths,
        hidden_size=layer.forward_rnn.hidden_size,
        direction="forward" if layer.backward_rnn is None else "bidirectional",
        **attributes,
    )  # (T, n_directions, B, hidden_size), (n_directions, B, hidden_size)
    final = graph.op("Unsqueeze", final, [0])
    final = graph.op("Squeeze", _merged(graph, layer, final), [0])  # (B, H)
    return _merged(graph, layer, states), final


def _weights(direction: nn.RNNBase, gates: list[int]) -> list[np.ndarray]:
    """Return input weights, state weights and biases in the gate order of ONNX."""
    ordered = []
    for weight in direction.all_weights[0]:
        gate_weights = np.split(array_of(weight), len(gates))
        ordered.append(np.concatenate([gate_weights[gate] for gate in gates]))
    input_weights, state_weights, *biases = ordered
    return [input_weights, state_weights, np.concatenate(biases)]


def _merged(graph: Graph, layer: RecurrentLayer, states: str) -> str:
    """Return states of shape (T, B, H) for those of each direction."""
    if layer.backward_rnn is None or layer.merge_mode == "concat":
        states = graph.op("Transpose", states, perm=[0, 2, 1, 3])
        return graph.op("Reshape", states, [0, 0, layer.output_size])
    directions = (graph.op("Gather", states, i, axis=1) for i in range(2))
    return graph.op(_MERGES[layer.merge_mode], *directions)


def _layer_normalized(graph: Graph, layer: Any, x: str) -> str:
    weights = array_of(layer.weight), array_of(layer.bias)
    return graph.op("LayerNormalization", x, *weights, epsilon=layer.epsilon)


def _batch_normalized(graph: Graph, layer: Any, x: str) -> str:
    scale = layer.weight / (layer.running_var + layer.epsilon).sqrt()
    shift = layer.bias - layer.running_mean * scale
    return graph.op("Add", graph.op("Mul", x, array_of(scale)), array_of(shift))


_NORMALIZATIONS: dict[type, Callable[[Graph, Any, str], str]] = {
    NORMALIZATIONS["batch"]: _batch_normalized,
    NORMALIZATIONS["layer"]: _layer_normalized,
}

# -- poolings, which return zeros for empty rows


def _last(graph: Graph, pooling: Any, states: str, final: str, rows: Rows) -> str:
    return graph.op("Where", rows.filled, final, np.float32(0))


def _max(graph: Graph, pooling: Any, states: str, final: str, rows: Rows) -> str:
    real = graph.op("Where", rows.mask, states, np.float32(-np.inf))
    highest = graph.op("ReduceMax", real, [0], keepdims=0)  # (B, H)
    return graph.op("Where", rows.filled, highest, np.float32(0))


def _mean(graph: Graph, pooling: Any, states: str, final: str, rows: Rows) -> str:
    # a product with the mask, which is faster than a sum over the first axis
    mask = graph.op("Transpose", rows.mask, perm=[1, 2, 0])  # (B, 1, T)
    steps = graph.op("Transpose", states, perm=[1, 0, 2])  # (B, T, H)
    total = graph.op("MatMul", graph.cast(mask, np.float32), steps)
    total = graph.op("Squeeze", total, [1])  # (B, H)
    n_steps = graph.op("Unsqueeze", graph.op("Max", rows.lengths, 1), [1])  # (B, 1)
    return graph.op("Div", total, graph.cast(n_steps, np.float32))


def _max_mean(graph: Graph, pooling: Any, states: str, final: str, rows: Rows) -> str:
    poolings = (pool(graph, pooling, states, final, rows) for pool in (_max, _mean))
    return graph.op("Concat", *poolings, axis=1)


def _attention(graph: Graph, pooling: Any, states: str, final: str, rows: Rows) -> str:
    hidden = graph.op("MatMul", states, array_of(pooling.hidden.weight.T))
    hidden = graph.op("Tanh", graph.op("Add", hidden, array_of(pooling.hidden.bias)))
    scores = graph.op("MatMul", hidden, array_of(pooling.query.weight.T))  # (T, B, 1)
    lowest = np.finfo(np.float32).min  # the softmax of a row of -inf would be NaN
    scores = graph.op("Where", rows.mask, scores, lowest)
    weights = graph.op("Softmax", scores, axis=0)
    weights = graph.op("Where", rows.mask, weights, np.float32(0))
    weighted = graph.op("Mul", weights, states)
    return graph.op("ReduceSum", weighted, [0], keepdims=0)  # (B, H)


_POOLINGS: dict[type, Callable[..., str]] = {
    AttentionPooling: _attention,
    LastPooling: _last,
    MaxMeanPooling: _max_mean,
    MaxPooling: _max,
    MeanPooling: _mean,
}
