"""Recurrent cells: what carries a state from one step of a sequence to the next.

A cell reads a sequence with torch's own kernel for it, from weights that may have been
dropped or rounded on the way. Its name in `CELLS` is what users write.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["CELLS", "Cell", "draw_weights"]

# What torch's layers call the kernels with: has_biases, num_layers, dropout, train,
# bidirectional, batch_first.
_ONE_WAY = True, 1, 0.0, True, False, False


def _lstm(x: Tensor, start: Tensor, weights: list[Tensor]) -> Tensor:
    return torch.lstm(x, (start, start), weights, *_ONE_WAY)[0]


def _gru(x: Tensor, start: Tensor, weights: list[Tensor]) -> Tensor:
    return torch.gru(x, start, weights, *_ONE_WAY)[0]


def _rnn(x: Tensor, start: Tensor, weights: list[Tensor]) -> Tensor:
    return torch.rnn_tanh(x, start, weights, *_ONE_WAY)[0]


class Cell(NamedTuple):
    """What there is for a cell in torch.

    Parameters
    ----------
    layer : type
        Torch's layer, which holds the weights.
    read : callable
        Maps vectors of shape (T, B, E), the state before the first step, of shape
        (1, B, H), and weights to states of shape (T, B, H).
    """

    layer: type[nn.RNNBase]
    read: Callable[[Tensor, Tensor, list[Tensor]], Tensor]


# Hochreiter and Schmidhuber (1997), Cho et al. (2014), Elman (1990)
CELLS = {
    "gru": Cell(nn.GRU, _gru),
    "lstm": Cell(nn.LSTM, _lstm),
    "rnn": Cell(nn.RNN, _rnn),
}


@torch.no_grad()
def draw_weights(layer: nn.RNNBase, generator: torch.Generator) -> None:
    """Draw Glorot weights for the input and orthogonal ones for the state.

    The forget gate of an LSTM starts open, with a bias of one (Jozefowicz et al.,
    2015).
    """
    weight_ih, weight_hh, bias_ih, bias_hh = layer.all_weights[0]
    for gate in weight_ih.split(layer.hidden_size):
        nn.init.xavier_uniform_(gate, generator=generator)
    for gate in weight_hh.split(layer.hidden_size):
        nn.init.orthogonal_(gate, generator=generator)
    nn.init.zeros_(bias_ih)
    nn.init.zeros_(bias_hh)
    if isinstance(layer, nn.LSTM):
        bias_ih.chunk(4)[1].fill_(1.0)  # torch orders the gates i, f, g, o
