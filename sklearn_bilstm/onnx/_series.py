"""ONNX operators for the linear model of numeric sequences.

Here sequences have the shape (B, T, C), padded at the end of each row.
"""

from typing import Any

import numpy as np

from sklearn_bilstm.onnx._graph import Graph
from sklearn_bilstm.training import MiniRocket, SeriesModel

__all__ = ["series_logits"]


def series_logits(
    graph: Graph, model: SeriesModel, values: str, lengths: str, static: str | None
) -> str:
    """Return the logits of a fitted linear model, float64 of shape (B, K).

    Parameters
    ----------
    graph : Graph
    model : SeriesModel
    values : str
        Standardised numbers, float32 of shape (B, T, C).
    lengths : str
        Number of steps of each row, int64 of shape (B,).
    static : str or None
        Standardised static features of shape (B, S).
    """
    coefficients = {
        block: matrix.astype(np.float64) for block, matrix in model.coefficients.items()
    }
    convolution_coefficients = coefficients.get(model.CONVOLUTIONS)
    last_step_coefficients = coefficients.get(model.LAST_STEPS)
    static_coefficients = coefficients.get(model.STATIC)
    terms = []
    if convolution_coefficients is not None:
        rocket: Any = model.rocket
        terms += _convolution_terms(
            graph, rocket, convolution_coefficients, values, lengths
        )
    if last_step_coefficients is not None:
        numbers = _last_steps(graph, values, lengths, model.n_last_steps)
        terms.append(_product(graph, numbers, last_step_coefficients))
    if static_coefficients is not None and static is not None:
        terms.append(_product(graph, static, static_coefficients))
    intercepts = model.intercepts.astype(np.float64)
    if not terms:
        n_rows = graph.op("Shape", lengths)
        shape = graph.op("Concat", n_rows, [model.n_outputs], axis=0)
        return graph.op("Expand", intercepts, shape)
    return graph.op("Add", graph.op("Sum", *terms), intercepts)


def _product(graph: Graph, features: str, coefficients: np.ndarray) -> str:
    return graph.op("MatMul", graph.cast(features, np.float64), coefficients)


def _convolution_terms(
    graph: Graph,
    rocket: MiniRocket,
    coefficients: np.ndarray,
    values: str,
    lengths: str,
) -> list[str]:
    """Return the contributions of each dilation, float64 of shape (B, K)."""
    column = graph.op("Unsqueeze", lengths, [1])  # (B, 1)
    steps = graph.op("Transpose", values, perm=[0, 2, 1])  # (B, C, T)
    n_steps = graph.op("Shape", steps, start=2)
    step = graph.op("Range", 0, graph.op("Squeeze", n_steps), 1)  # (T,)
    mask = graph.op("Unsqueeze", graph.op("Less", step, column), [1])  # (B, 1, T)
    steps = graph.op("Where", mask, steps, np.float32(0))
    n_real = graph.cast(graph.op("Max", column, 1), np.float32)  # (B, 1)
    terms, end = [], 0
    kernels = zip(rocket.dilations.tolist(), rocket.weights(), strict=True)
    for (dilation, weights), thresholds in zip(kernels, rocket.thresholds, strict=True):
        margin = dilation * (weights.shape[2] // 2)
        outputs = graph.op(
            "Conv", steps, weights, dilations=[dilation], pads=[margin, margin]
        )  # (B, 84, T)
        outputs = graph.op("Where", mask, outputs, np.float32(-np.inf))
        outputs = graph.op("Unsqueeze", outputs, [2])  # (B, 84, 1, T)
        above = graph.op("Greater", outputs, thresholds[..., np.newaxis])
        counts = graph.op("ReduceSum", graph.cast(above, np.float32), [3], keepdims=0)
        counts = graph.op("Reshape", counts, [-1, thresholds.size])
        start, end = end, end + thresholds.size
        shares = graph.op("Div", counts, n_real)
        terms.append(_product(graph, shares, coefficients[start:end]))
    return terms


def _last_steps(graph: Graph, values: str, lengths: str, n_last: int) -> str:
    """Return the last steps of rows, of shape (B, n_last * C)."""
    shape = graph.op("Shape", values)
    n_rows, n_steps, n_channels = (graph.op("Gather", shape, [i]) for i in range(3))
    column = graph.op("Unsqueeze", lengths, [1])
    index = graph.op("Add", column, np.arange(-n_last, 0))  # (B, n_last)
    is_before = graph.op("Unsqueeze", graph.op("Less", index, 0), [2])
    row = graph.op("Range", 0, graph.op("Squeeze", n_rows), 1)
    start = graph.op("Unsqueeze", graph.op("Mul", row, n_steps), [1])
    index = graph.op("Add", graph.op("Max", index, 0), start)
    flat = graph.op("Reshape", values, graph.op("Concat", [-1], n_channels, axis=0))
    steps = graph.op("Gather", flat, index)  # (B, n_last, C)
    steps = graph.op("Where", is_before, np.float32(0), steps)
    return graph.op("Reshape", steps, graph.op("Concat", n_rows, [-1], axis=0))
