"""The recurrent encoder: a stack of one-way or two-way LSTM layers.

Rows are read padded, never packed: torch runs a packed sequence step by step on a CPU
and a padded one through one fused kernel. To stay exact, the backward direction is an
LSTM of its own that reads each row reversed within its own length. In both directions
padding then comes after the last real step, where it cannot reach a real state.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from sklearn_bilstm.nn._dropout import LockedDropout, drop
from sklearn_bilstm.nn._mask import last_step, reorder, reversed_order, time_major
from sklearn_bilstm.nn._part import Part
from sklearn_bilstm.nn._undrawn import undrawn

__all__ = ["RecurrentEncoder", "RecurrentLayer"]


class RecurrentLayer(Part):
    """One LSTM layer (Hochreiter and Schmidhuber, 1997) in one or both directions.

    Parameters
    ----------
    input_size : int
        Width of the vectors read.
    hidden_size : int
        Width of the state of one direction.
    bidirectional : bool, default=True
        Whether a second LSTM reads the sequence from its end (Schuster and Paliwal,
        1997). The states of both are concatenated.
    recurrent_dropout : float, default=0.0
        Probability that a weight from one step to the next is zeroed, the same for
        all steps of a batch: DropConnect on the recurrent weights as in AWD-LSTM
        (Merity et al., 2018), which leaves the fused kernel in use.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        bidirectional: bool = True,
        recurrent_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.recurrent_dropout = recurrent_dropout
        self.output_size = hidden_size * (2 if bidirectional else 1)
        self.forwards = undrawn(nn.LSTM, input_size, hidden_size, batch_first=True)
        self.backwards = None
        if bidirectional:
            self.backwards = undrawn(nn.LSTM, input_size, hidden_size, batch_first=True)

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw the weights of both directions."""
        _draw_weights(self.forwards, generator)
        if self.backwards is not None:
            _draw_weights(self.backwards, generator)

    def forward(
        self,
        x: Tensor,
        mask: Tensor,
        order: Tensor,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Read vectors of shape (B, T, E).

        Parameters
        ----------
        x : tensor of shape (B, T, E)
        mask : bool tensor of shape (B, T)
        order : int64 tensor of shape (T * B,)
            What :func:`reversed_order` gives for `mask`.
        generator : torch.Generator, default=None
            Source of the recurrent dropout.

        Returns
        -------
        states : tensor of shape (B, T, H)
            Arbitrary on padding.
        final : tensor of shape (B, H)
            State of each direction when it has read the whole row.
        """
        forward = self._run(self.forwards, x, generator)  # (B, T, H / 2)
        final = last_step(forward, mask)  # (B, H / 2)
        if self.backwards is None:
            return forward, final
        turned = reorder(x, order)  # (B, T, E)
        backward = self._run(self.backwards, turned, generator)  # (B, T, H / 2)
        final = torch.cat([final, last_step(backward, mask)], 1)  # (B, H)
        backward = reorder(backward, order)  # (B, T, H / 2)
        both = [forward.transpose(0, 1), backward.transpose(0, 1)]
        states = torch.cat(both, 2).transpose(0, 1)  # (B, T, H)
        return states, final  # (B, T, H), (B, H)

    def _run(
        self, lstm: nn.LSTM, x: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        weights: list[Tensor] = [weight.to(x.dtype) for weight in lstm.all_weights[0]]
        if self.training and self.recurrent_dropout > 0:
            recurrent = weights[1]
            weights[1] = drop(
                recurrent, self.recurrent_dropout, recurrent.shape, generator
            )
        start = x.new_zeros(1, len(x), lstm.hidden_size)  # (1, B, H)
        # what nn.LSTM itself calls, with has_biases, num_layers, dropout, train,
        # bidirectional, batch_first
        more = True, 1, 0.0, True, False, False
        states = torch.lstm(x.transpose(0, 1), (start, start), weights, *more)[0]
        return states.transpose(0, 1)  # (B, T, H / 2)


@torch.no_grad()
def _draw_weights(lstm: nn.LSTM, generator: torch.Generator) -> None:
    """Draw Glorot weights for the input and orthogonal ones for the state.

    The forget gate starts open, with a bias of one (Jozefowicz et al., 2015).
    """
    weight_ih, weight_hh, bias_ih, bias_hh = lstm.all_weights[0]
    for gate in weight_ih.chunk(4):
        nn.init.xavier_uniform_(gate, generator=generator)
    for gate in weight_hh.chunk(4):
        nn.init.orthogonal_(gate, generator=generator)
    nn.init.zeros_(bias_ih)
    nn.init.zeros_(bias_hh)
    bias_ih.chunk(4)[1].fill_(1.0)  # torch orders the gates i, f, g, o


class RecurrentEncoder(Part):
    """A stack of recurrent layers with locked dropout between them.

    Parameters
    ----------
    input_size : int
        Width of the vectors read.
    hidden_layer_sizes : sequence of int
        Width of one direction, for each layer.
    bidirectional : bool, default=True
        Whether each layer reads in both directions.
    dropout : float, default=0.0
        Probability that a state component is zeroed between two layers.
    recurrent_dropout : float, default=0.0
        See :class:`RecurrentLayer`.
    training_dtype : torch.dtype or None, default=None
        What the LSTMs compute in while they are trained, if not in the dtype of the
        vectors. Weights, their gradients and what comes out keep theirs (Micikevicius
        et al., 2018).
    """

    def __init__(
        self,
        input_size: int,
        hidden_layer_sizes: Sequence[int],
        *,
        bidirectional: bool = True,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        training_dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.training_dtype = training_dtype
        layers = []
        for hidden_size in hidden_layer_sizes:
            layer = RecurrentLayer(
                input_size,
                hidden_size,
                bidirectional=bidirectional,
                recurrent_dropout=recurrent_dropout,
            )
            layers.append(layer)
            input_size = layer.output_size
        # a ModuleList does not tell what it holds
        self.layers = cast("Sequence[RecurrentLayer]", nn.ModuleList(layers))
        self.dropout = LockedDropout(dropout)
        self.output_size = input_size

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw the weights of every layer."""
        for layer in self.layers:
            layer.reset_parameters(generator)

    def forward(
        self, x: Tensor, mask: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Read vectors of shape (B, T, E).

        Returns
        -------
        states : tensor of shape (B, T, H)
            Arbitrary on padding.
        final : tensor of shape (B, H)
            State of each direction of the last layer when it has read the whole row.
        """
        order = reversed_order(mask)  # (B, T)
        dtype = x.dtype
        if self.training and self.training_dtype is not None:
            x = x.to(self.training_dtype)  # (B, T, E)
        x = time_major(x)  # (B, T, E)
        states, final = self.layers[0](x, mask, order, generator)
        for layer in self.layers[1:]:
            states = self.dropout(states, generator)  # (B, T, H)
            states, final = layer(states, mask, order, generator)
        return states.to(dtype), final.to(dtype)  # (B, T, H), (B, H)
