"""Recurrent cells.

A cell runs torch's kernel on weights that may have been modified by dropout or
rounding. Its name in `CELLS` is the value of the `cell` parameter.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["CELLS", "Cell", "init_weights"]

# Arguments of torch's kernels: has_biases, num_layers, dropout, train, bidirectional,
# batch_first.
_ONE_WAY = True, 1, 0.0, True, False, False


def _lstm(x: Tensor, start: Tensor, weights: list[Tensor]) -> Tensor:
    return torch.lstm(x, (start, start), weights, *_ONE_WAY)[0]


def _gru(x: Tensor, start: Tensor, weights: list[Tensor]) -> Tensor:
    return torch.gru(x, start, weights, *_ONE_WAY)[0]


def _rnn(x: Tensor, start: Tensor, weights: list[Tensor]) -> Tensor:
    return torch.rnn_tanh(x, start, weights, *_ONE_WAY)[0]


class Cell(NamedTuple):
    """Layer and kernel of a recurrent cell.

    Parameters
    ----------
    layer : type
        Torch layer that holds the weights.
    read : callable
        Maps vectors of shape (T, B, E), an initial state of shape (1, B, H), and
        weights to states of shape (T, B, H).
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
def init_weights(layer: nn.RNNBase, generator: torch.Generator) -> None:
    """Initialise input weights as Glorot and recurrent weights as orthogonal.

    The bias of the forget gate of an LSTM is initialised to one (Jozefowicz et al.,
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
