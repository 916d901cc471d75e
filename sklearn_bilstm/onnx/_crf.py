"""ONNX operators of a conditional random field.

The recurrences over the steps are `Scan` operators, whose bodies have one operator for
all rows of a batch. All sums are in log space and in double precision, as in
:class:`~sklearn_bilstm.nn.CRF`. Steps come first: emissions have the shape (T, B, K).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sklearn_bilstm.nn import CRF
from sklearn_bilstm.onnx._graph import Graph
from sklearn_bilstm.onnx._network import Rows, array_of

__all__ = ["Emissions", "StepInput", "marginals", "most_probable_labels"]

# In this range, a sum of exponentials keeps full precision.
_LEAST, _MOST = 1e-250, 1e250


class StepInput(NamedTuple):
    """An input of the graph with a dimension of steps.

    It is an input of each recurrence too, so that the size of a batch limits the number
    of repetitions. :mod:`sklearn_bilstm.onnx._protobuf` requires it.

    Parameters
    ----------
    name : str
        Name of the input, which has the shape (B, T, ...).
    dtype : type
    sizes : list of int
        Sizes of the dimensions after that of the steps.
    """

    name: str
    dtype: type
    sizes: list[int]


@dataclass(frozen=True)
class Emissions:
    """Emissions of a batch.

    Parameters
    ----------
    values : str
        Score of each label at each step, float64 of shape (T, B, K). Finite, also on
        padding.
    rows : Rows
    source : StepInput
    """

    values: str
    rows: Rows
    source: StepInput


class _Value(NamedTuple):
    """A value of a step, of shape (B, size), or of all steps, (T, B, size).

    An output of a recurrence, which names it, has the name "".
    """

    name: str
    dtype: type
    size: int


# Maps a body, its state and its inputs to the next state and the output of a step.
_Step = Callable[..., tuple[str, str]]


def most_probable_labels(graph: Graph, crf: CRF, emissions: Emissions) -> str:
    """Return the indices of labels by the Viterbi algorithm, int64 of shape (T, B).

    Labels of padding are arbitrary.
    """
    weights, n_labels = _weights(crf), crf.output_size
    rows = emissions.rows
    transitions = weights[:-1, :-1].T  # (K, K), from the label in the last dimension
    masked_emissions = graph.op("Where", rows.mask, emissions.values, np.float64(0))

    def extend(body: Graph, best: str, emission: str, has_next: str) -> tuple[str, str]:
        best = body.op("Add", best, emission)  # (B, K)
        sums = body.op("Add", body.op("Unsqueeze", best, [1]), transitions)  # (B, K, K)
        highest = body.op("ReduceMax", sums, [2], keepdims=0)  # (B, K)
        backpointer = body.op("ArgMax", sums, axis=2, keepdims=0)  # (B, K)
        stay = np.arange(n_labels)[np.newaxis]
        return (
            body.op("Where", has_next, highest, best),
            body.op("Where", has_next, backpointer, stay),
        )

    n_steps = graph.op("Shape", emissions.values, end=1)
    n_transitions = graph.op("Sub", rows.lengths, 1)
    has_next = Rows.of(graph, n_transitions, n_steps).mask  # (T, B, 1)
    best, backpointers = _scan(
        graph,
        "viterbi",
        extend,
        initial=_initial_state(graph, emissions, weights[-1, :-1]),
        inputs=[
            _Value(masked_emissions, np.float64, n_labels),
            _Value(has_next, np.bool_, 1),
        ],
        source=emissions.source,
        output=_Value("", np.int64, n_labels),
    )
    best = graph.op("Add", best, weights[:-1, -1])
    last = graph.op("ArgMax", best, axis=1, keepdims=1)  # (B, 1)

    def follow(body: Graph, label: str, backpointer: str) -> tuple[str, str]:
        label = body.op("GatherElements", backpointer, label, axis=1)  # (B, 1)
        return label, label

    _, labels = _scan(
        graph,
        "backtrace",
        follow,
        initial=_Value(last, np.int64, 1),
        inputs=[_Value(backpointers, np.int64, n_labels)],
        source=emissions.source,
        output=_Value("", np.int64, 1),
        backwards=True,
    )
    return graph.op("Squeeze", labels, [2])


def marginals(graph: Graph, crf: CRF, emissions: Emissions) -> str:
    """Return the probabilities of labels, by the forward-backward algorithm.

    They are float64 of shape (T, B, K), and arbitrary on padding.
    """
    weights, n_labels = _weights(crf), crf.output_size
    transitions = weights[:-1, :-1]
    emission_values = _Value(emissions.values, np.float64, n_labels)
    is_real = _Value(emissions.rows.mask, np.bool_, 1)
    output = _Value("", np.float64, n_labels)

    def forward(body: Graph, alpha: str, emission: str) -> tuple[str, str]:
        alpha = body.op("Add", alpha, emission)
        return _log_product(body, alpha, transitions), alpha

    def backward(
        body: Graph, beta: str, emission: str, is_real: str
    ) -> tuple[str, str]:
        extended = _log_product(body, body.op("Add", beta, emission), transitions.T)
        return body.op("Where", is_real, extended, beta), beta

    _, alpha = _scan(
        graph,
        "forward",
        forward,
        initial=_initial_state(graph, emissions, weights[-1, :-1]),
        inputs=[emission_values],
        source=emissions.source,
        output=output,
    )
    _, beta = _scan(
        graph,
        "backward",
        backward,
        initial=_initial_state(graph, emissions, weights[:-1, -1]),
        inputs=[emission_values, is_real],
        source=emissions.source,
        output=output,
        backwards=True,
    )
    return graph.op("Softmax", graph.op("Add", alpha, beta), axis=2)


def _weights(crf: CRF) -> np.ndarray:
    return array_of(crf.weights_of_transitions()).astype(np.float64)


def _initial_state(graph: Graph, emissions: Emissions, weights: np.ndarray) -> _Value:
    """Return weights of shape (K,) as the initial state of all rows."""
    n_rows = graph.op("Shape", emissions.rows.lengths)
    shape = graph.op("Concat", n_rows, [len(weights)], axis=0)
    initial = graph.op("Expand", weights, shape)  # (B, K)
    return _Value(initial, np.float64, len(weights))


def _log_product(body: Graph, logs: str, matrix: np.ndarray) -> str:
    """Return the logarithm of the product of `exp(logs)` and `exp(matrix)`, (B, K).

    Exponentials are multiplied directly. A log-sum-exp, which takes many times as long,
    replaces the rows for which they leave the range of double precision.
    """
    largest = body.op("ReduceMax", logs, [1])  # (B, 1)
    powers = body.op("Exp", body.op("Sub", logs, largest))
    product = body.op("MatMul", powers, np.exp(matrix))  # (B, K)
    lowest, highest = (body.op(f"Reduce{end}", product, [1]) for end in ("Min", "Max"))
    is_inside = body.op(
        "And",
        body.op("Greater", lowest, np.float64(_LEAST)),
        body.op("Less", highest, np.float64(_MOST)),
    )  # (B, 1)
    is_outside = body.op("Not", body.op("Squeeze", is_inside, [1]))
    outside = body.op("Squeeze", body.op("NonZero", is_outside), [0])
    sums = body.op("Unsqueeze", body.op("Gather", logs, outside), [1])
    sums = body.op("Add", sums, matrix.T)
    exact = body.op("ReduceLogSumExp", sums, [2], keepdims=0)
    fast = body.op("Add", body.op("Log", product), largest)
    indices = body.op("Unsqueeze", outside, [1])
    return body.op("ScatterND", fast, indices, exact)


def _scan(
    graph: Graph,
    name: str,
    step: _Step,
    *,
    initial: _Value,
    inputs: list[_Value],
    source: StepInput,
    output: _Value,
    backwards: bool = False,
) -> list[str]:
    """Add a recurrence over the steps.

    Parameters
    ----------
    graph : Graph
    name : str
        Prefix of the names in the body.
    step : callable
        Adds the operators of a step to the body.
    initial : _Value
        State before the first step.
    inputs : list of _Value
        Inputs of all steps.
    source : StepInput
    output : _Value
        Type and size of the output of a step.
    backwards : bool, default=False
        Whether the last step comes first.

    Returns
    -------
    values : list of str
        The last state, of shape (B, size), and the outputs, (T, B, size).
    """
    body = Graph(prefix=f"{name}_")
    names = [
        body.input(f"{name}_input_{i}", value.dtype, ["rows", value.size])
        for i, value in enumerate([initial, *inputs])
    ]
    body.input(f"{name}_source", source.dtype, ["rows", *source.sizes])
    state, step_output = step(body, *names)
    body.output(f"{name}_state", state, initial.dtype, ["rows", initial.size])
    body.output(f"{name}_output", step_output, output.dtype, ["rows", output.size])
    n_inputs = len(inputs) + 1
    return graph.ops(
        "Scan",
        2,
        initial.name,
        *(value.name for value in inputs),
        source.name,
        body=body.to_graph(name),
        num_scan_inputs=n_inputs,
        scan_input_axes=[0] * len(inputs) + [1],
        scan_input_directions=[int(backwards)] * n_inputs,
        scan_output_directions=[int(backwards)],
    )
