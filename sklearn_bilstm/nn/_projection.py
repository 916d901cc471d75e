"""What an LSTM makes of tokens, looked up where a network is only read."""

import torch
from torch import Tensor, nn

from sklearn_bilstm.nn._encoder import RecurrentLayer
from sklearn_bilstm.nn._input import TokenInput
from sklearn_bilstm.nn._mask import Order, reorder

__all__ = ["Projection"]

# Fewer numbers of a state than these, in all rows together, come faster from torch's
# own kernel than from single operations, each of which has to be called.
_FEWEST_NUMBERS = 4_000

# What a batch best has of them: more are hardly faster, and take more memory.
_NUMBERS = 16_000

# Numbers of the tables, so that they take a quarter of a GiB at most.
_LARGEST_TABLES = 2**26


class Projection:
    """A first layer that looks up what its weights make of a token.

    At every step an LSTM multiplies the vector that it reads, and its own last state,
    by weights. What it makes of the vector of a token stays the same as long as no
    weight changes, so it is computed once for each token that there is instead of once
    for each that is read. That is the larger part of the work, as vectors are wider
    than states. Torch's kernels do not take it as given: steps are taken here by single
    operations of torch, for both directions at once.

    Weights are those of the moment at which it is made.

    Parameters
    ----------
    input_layer : TokenInput
    layer : RecurrentLayer
        The first layer, which reads what `input_layer` gives.
    """

    @torch.no_grad()
    def __init__(self, input_layer: TokenInput, layer: RecurrentLayer) -> None:
        self.input_layer = input_layer
        tables, weights = [], []
        for lstm in layer.directions:
            weight_ih, weight_hh, bias_ih, bias_hh = lstm.all_weights[0]
            widths = [input_layer.n_shared, input_layer.n_channels]
            of_token, of_evidence = weight_ih.split(widths, 1)
            scale = _scale_of_gates(weight_ih)  # (4 * H, 1)
            bias = scale[:, 0] * (bias_ih + bias_hh)  # (4 * H,)
            vectors = input_layer.embedding.weight  # (V, E - C)
            tables.append(torch.addmm(bias, vectors, (scale * of_token).T))
            # states are kept as halves
            parts = 2 * weight_hh, input_layer.evidence_scale * of_evidence
            weights.append((scale * torch.cat(parts, 1)).T)  # (H + C, 4 * H)
        self.tables = torch.cat(tables)  # (D * V, 4 * H)
        self.weights = torch.stack(weights)  # (D, H + C, 4 * H)
        self.hidden_size = layer.forwards.hidden_size

    @staticmethod
    def n_rows(layer: RecurrentLayer) -> int:
        """Return how many rows a batch best has."""
        return max(1, _NUMBERS // layer.forwards.hidden_size)

    @staticmethod
    def pays(input_layer: nn.Module, layer: RecurrentLayer, n_rows: int) -> bool:
        """Whether batches of so many rows are read faster than without."""
        if not isinstance(input_layer, TokenInput) or layer.cell != "lstm":
            return False
        hidden_size = layer.forwards.hidden_size
        n_sums = 4 * hidden_size * len(layer.directions)
        return (
            input_layer.n_shared >= hidden_size
            and input_layer.input_size * n_sums <= _LARGEST_TABLES
            and n_rows * hidden_size >= _FEWEST_NUMBERS
        )

    def __call__(
        self, ids: Tensor, order: Order, evidence: Tensor | None = None
    ) -> list[Tensor]:
        """Return what the first layer gives for tokens, as `RecurrentEncoder.first`.

        Parameters
        ----------
        ids : int64 tensor of shape (B, T)
        order : Order
            What :func:`reversed_order` gives for the mask.
        evidence : tensor of shape (B, T, C), default=None
            What else is known of each token, if the input layer has channels for it.
        """
        read = self._steps(ids, order, evidence)  # (T + 1, D, B, H + C)
        states = read[..., : self.hidden_size]  # (T + 1, D, B, H)
        states[0] = 0
        self._run(self._places(ids, order), read[:-1], states[1:])
        directions = states[1:].mul_(2).unbind(1)  # (T, B, H) each
        return [states.transpose(0, 1) for states in directions]  # (B, T, H) each

    def _steps(self, ids: Tensor, order: Order, evidence: Tensor | None) -> Tensor:
        """Return room for what each step reads, the evidence of its token in place.

        Of shape (T + 1, D, B, H + C): a step reads the state that the one before it
        has left.
        """
        n_rows, n_steps = ids.shape
        n_directions, width, _ = self.weights.shape
        read = self.weights.new_empty(n_steps + 1, n_directions, n_rows, width)
        if evidence is not None:
            views = [evidence, reorder(evidence, order)][:n_directions]
            by_step = [view.transpose(0, 1) for view in views]  # (T, B, C) each
            read[:-1, ..., self.hidden_size :] = torch.stack(by_step, 1)  # (T, D, B, C)
        return read

    def _places(self, ids: Tensor, order: Order) -> Tensor:
        """Return the rows of the tables that each step reads, (T, D * B)."""
        ids = self.input_layer.known(ids)  # (B, T)
        if len(self.weights) == 1:
            return ids.T.contiguous()
        turned = reorder(ids[..., None], order)[..., 0]  # (B, T)
        return torch.cat([ids.T, turned.T + self.input_layer.input_size], 1)

    def _run(self, places: Tensor, read: Tensor, states: Tensor) -> None:
        """Take all steps, and leave half of each state in `states`."""
        n_directions, n_rows, n_sums = *read.shape[1:3], self.weights.shape[2]
        sums = self.weights.new_empty(n_directions, n_rows, n_sums)  # (D, B, 4 * H)
        rows_of_sums = sums.view(-1, n_sums)  # (D * B, 4 * H)
        enter, forget, candidate, leave = sums.chunk(4, 2)  # (D, B, H) each
        cell = torch.zeros_like(enter)  # (D, B, H)
        squashed = torch.empty_like(enter)  # (D, B, H)
        # tanh(x) is 2 * sigmoid(2 * x) - 1: torch needs a sixth of the time for it
        for place, before, after in zip(places, read, states, strict=True):
            torch.index_select(self.tables, 0, place, out=rows_of_sums)
            sums.baddbmm_(before, self.weights).sigmoid_()
            candidate.sub_(0.5)
            cell.mul_(forget).addcmul_(enter, candidate, value=4)  # twice the cell
            torch.sigmoid(cell, out=squashed)
            torch.mul(leave, squashed.sub_(0.5), out=after)


def _scale_of_gates(weight: Tensor) -> Tensor:
    """Return ones, and twos for the candidate, whose tanh is taken by a sigmoid."""
    scale = weight.new_ones(len(weight), 1)
    scale.chunk(4)[2].fill_(2)  # torch orders the gates i, f, g, o
    return scale
