"""Outputs of a graph for each step: labels of a tagger, or numbers of a regressor."""

from typing import Any

import numpy as np

from sklearn_bilstm.nn import CRF, TaggingModel
from sklearn_bilstm.onnx._crf import (
    Emissions,
    StepInput,
    marginals,
    most_probable_labels,
)
from sklearn_bilstm.onnx._graph import Graph
from sklearn_bilstm.onnx._network import Rows, encoded, head

__all__ = ["write_steps"]


def write_steps(
    graph: Graph,
    estimator: Any,
    vectors: str,
    lengths: str,
    static: str | None,
    source: StepInput,
    emissions: str | None = None,
) -> None:
    """Write the outputs of the steps.

    Parameters
    ----------
    graph : Graph
    estimator : BiLSTMTagger or BiLSTMRegressor
    vectors : str
        Vectors of the steps, of shape (T, B, E).
    lengths : str
        Number of steps of each row, int64 of shape (B,).
    static : str or None
        Standardised static features of shape (B, S).
    source : StepInput
        The input with the steps.
    emissions : str or None, default=None
        Emissions of another model, float64 of shape (T, B, K), which are added.
    """
    module = estimator.module_
    rows = Rows.of(graph, lengths, graph.op("Shape", vectors, end=1))
    states, _, rows = encoded(graph, module, vectors, rows)  # (T, B, H)
    if static is not None:
        shape = graph.op("Concat", graph.op("Shape", vectors, end=1), [1, 1], axis=0)
        repeated = graph.op("Expand", graph.op("Unsqueeze", static, [0]), shape)
        states = graph.op("Concat", states, repeated, axis=2)
    logits = _step_logits(graph, module.head, states)  # (T, B, K)
    if emissions is not None:
        logits = graph.op("Add", logits, emissions)
    if isinstance(module, TaggingModel):
        _write_labels(graph, module.decoder, Emissions(logits, rows, source))
    else:
        _write_numbers(graph, estimator, logits)


def _step_logits(graph: Graph, dense_head: Any, states: str) -> str:
    """Return logits of shape (T, B, K), in double precision."""
    flat = graph.op("Reshape", states, [-1, dense_head.input_size])
    steps_and_rows = graph.op("Shape", states, end=2)
    shape = graph.op("Concat", steps_and_rows, [dense_head.output_size], axis=0)
    return graph.op("Reshape", head(graph, dense_head, flat), shape)


def _write_labels(graph: Graph, decoder: Any, emissions: Emissions) -> None:
    if isinstance(decoder, CRF):
        label = most_probable_labels(graph, decoder, emissions)
        probabilities = marginals(graph, decoder, emissions)
    else:
        label = graph.op("ArgMax", emissions.values, axis=2, keepdims=0)
        probabilities = graph.op("Softmax", emissions.values, axis=2)
    label = graph.op("Transpose", label, perm=[1, 0])
    graph.output("label", label, np.int64, ["rows", "steps"])
    probabilities = graph.op("Transpose", probabilities, perm=[1, 0, 2])
    shape = ["rows", "steps", decoder.output_size]
    graph.output("probabilities", probabilities, np.float64, shape)


def _write_numbers(graph: Graph, estimator: Any, outputs: str) -> None:
    scaler = estimator.model_.target.scaler
    y = graph.op("Add", graph.op("Mul", outputs, scaler.scale_), scaler.mean_)
    y = graph.op("Transpose", y, perm=[1, 0, 2])
    graph.output("y", y, np.float64, ["rows", "steps", estimator.n_outputs_])
