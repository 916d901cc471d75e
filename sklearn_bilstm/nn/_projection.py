"""Precomputed input projections of tokens, for inference with an LSTM."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from sklearn_bilstm.nn._encoder import RecurrentEncoder, RecurrentLayer
from sklearn_bilstm.nn._input import TokenInput
from sklearn_bilstm.nn._mask import Order, reorder

__all__ = ["Projection", "ProjectionBatchSizes"]

# If all rows together have fewer state components, torch's kernel is faster than single
# operations, each of which has a call overhead.
_FEWEST_NUMBERS = 4_000

# Recommended number of state components per batch. Larger batches are hardly faster,
# but use more memory.
_BEST_NUMBERS = 16_000

# Maximum number of table entries, which limits the tables to a quarter of a GiB in
# float32.
_MOST_NUMBERS_OF_TABLES = 2**26


class ProjectionBatchSizes(NamedTuple):
    """Batch sizes for which a :class:`Projection` is faster.

    Parameters
    ----------
    minimum : int
        For smaller batches, torch's kernel is faster.
    recommended : int
        Larger batches are hardly faster.
    """

    minimum: int
    recommended: int


class Projection:
    """A first LSTM layer with precomputed input projections of all tokens.

    At every step, an LSTM multiplies its input vector and its last state by weights.
    The product with a token vector does not change as long as the weights are constant,
    so it is computed once per token of the vocabulary instead of once per token of the
    input. This saves half of the work or more if vectors are at least as wide as
    states. Torch's kernels do not accept projected input, so the steps are computed
    with single torch operations, for both directions at once.

    The projection is a snapshot of the weights and tokens at its creation.

    Parameters
    ----------
    input_layer : TokenInput
    layer : RecurrentLayer
        The first layer, whose input is the output of `input_layer`.
    """

    @torch.no_grad()
    def __init__(self, input_layer: TokenInput, layer: RecurrentLayer) -> None:
        self.channels_of = input_layer.channels
        self.unknown_id = input_layer.unknown_id
        self.n_tokens = input_layer.input_size
        self.hidden_size = layer.forward_rnn.hidden_size
        vectors = input_layer.embedding.weight  # (n_tokens, E - n_channels)
        n_directions, n_sums = len(layer.directions), 4 * self.hidden_size
        width = self.hidden_size + input_layer.n_channels
        tables = vectors.new_empty(n_directions, self.n_tokens, n_sums)
        self.weights = vectors.new_empty(n_directions, width, n_sums)
        parts = zip(layer.directions, tables, self.weights, strict=True)
        for lstm, table, weights in parts:
            _fill(table, weights, vectors, lstm)
        self.tables = tables.flatten(0, 1)  # (n_directions * n_tokens, n_sums)

    @staticmethod
    def batch_sizes(
        input_layer: nn.Module, encoder: RecurrentEncoder
    ) -> ProjectionBatchSizes | None:
        """Return the batch sizes for which a projection is faster.

        None if the first layer is not an LSTM on tokens, if there is too little to
        gain, since vectors are narrower than states or there are more layers, or if
        there are too many tokens for a table.
        """
        layer, *upper = encoder.layers
        if not isinstance(input_layer, TokenInput) or upper or layer.cell != "lstm":
            return None
        hidden_size = layer.forward_rnn.hidden_size
        n_sums = 4 * hidden_size * len(layer.directions)
        if input_layer.input_size * n_sums > _MOST_NUMBERS_OF_TABLES:
            return None
        if input_layer.n_shared < hidden_size:
            return None
        # rounded up, since a batch has at least one row
        sizes = (-(-n // hidden_size) for n in (_FEWEST_NUMBERS, _BEST_NUMBERS))
        return ProjectionBatchSizes(*sizes)

    def __call__(
        self, ids: Tensor, order: Order, log_odds: Tensor | None = None
    ) -> list[Tensor]:
        """Return the output of the first layer, as `RecurrentEncoder.first`.

        Parameters
        ----------
        ids : int64 tensor of shape (B, T)
        order : Order
            Result of :func:`reversed_order` for the mask.
        log_odds : tensor of shape (B, T, n_channels), default=None
            Class log-odds features of each token, if the input layer uses them.
        """
        # the input of a step is the state of the previous step, and the log-odds
        # features of its own token
        read = self._steps(ids, order, log_odds)
        states = read[..., : self.hidden_size]  # (T + 1, n_directions, B, hidden_size)
        states[0] = 0
        self._run(self._row_indices(ids, order), read[:-1], states[1:])
        directions = states[1:].mul_(2).unbind(1)  # (T, B, hidden_size) each
        return [states.transpose(0, 1) for states in directions]

    def _steps(self, ids: Tensor, order: Order, log_odds: Tensor | None) -> Tensor:
        """Allocate the input of all steps, and fill in the log-odds features.

        The shape is (T + 1, n_directions, B, hidden_size + n_channels).
        """
        n_rows, n_steps = ids.shape
        n_directions, width, _ = self.weights.shape
        inputs = self.weights.new_empty(n_steps + 1, n_directions, n_rows, width)
        channels = self.channels_of(log_odds)
        if channels is not None:
            views = [channels, reorder(channels, order)][:n_directions]
            by_step = [view.transpose(0, 1) for view in views]  # (T, B, n_channels)
            inputs[:-1, ..., self.hidden_size :] = torch.stack(by_step, 1)
        return inputs

    def _row_indices(self, ids: Tensor, order: Order) -> Tensor:
        """Return the table rows of each step, (T, n_directions * B)."""
        known_ids = ids.masked_fill(ids >= self.n_tokens, self.unknown_id)  # (B, T)
        reordered = reorder(known_ids[..., None], order)[..., 0]  # (B, T)
        views = [known_ids, reordered + self.n_tokens][: len(self.weights)]
        return torch.cat([view.T for view in views], 1)

    def _run(self, indices: Tensor, inputs: Tensor, states: Tensor) -> None:
        """Compute all steps, and write half of each state to `states`."""
        n_directions, n_rows = inputs.shape[1:3]
        sums = self.weights.new_empty(n_directions, n_rows, self.weights.shape[2])
        rows_of_sums = sums.flatten(0, 1)  # a view, (n_directions * B, n_sums)
        # (n_directions, B, hidden_size) each
        input_gate, forget_gate, candidate, output_gate = sums.chunk(4, 2)
        twice_cell = torch.zeros_like(input_gate)
        sigmoid = torch.empty_like(input_gate)
        # in torch, a sigmoid takes a sixth of the time of a tanh
        for index, before, after in zip(indices, inputs, states, strict=True):
            torch.index_select(self.tables, 0, index, out=rows_of_sums)
            sums.baddbmm_(before, self.weights).sigmoid_()
            candidate.sub_(0.5)
            twice_cell.mul_(forget_gate).addcmul_(input_gate, candidate, value=4)
            torch.sigmoid(twice_cell, out=sigmoid)
            torch.mul(output_gate, sigmoid.sub_(0.5), out=after)


def _fill(table: Tensor, weights: Tensor, vectors: Tensor, lstm: nn.RNNBase) -> None:
    """Fill in the projections of a direction, and stack its remaining weights.

    tanh(x) is 2 * sigmoid(2 * x) - 1, and states are stored as halves.
    """
    weight_ih, weight_hh, bias_ih, bias_hh = lstm.all_weights[0]
    scale = weight_ih.new_ones(len(weight_ih), 1)  # (n_sums, 1)
    scale.chunk(4)[2].fill_(2)  # of the candidate: torch orders the gates i, f, g, o
    bias = scale[:, 0] * (bias_ih + bias_hh)  # (n_sums,)
    scaled = scale * weight_ih  # (n_sums, E)
    vector_weight, channel_weight = scaled.tensor_split([vectors.shape[1]], 1)
    torch.addmm(bias, vectors, vector_weight.T, out=table)
    weights.copy_(torch.cat([2 * scale * weight_hh, channel_weight], 1).T)
