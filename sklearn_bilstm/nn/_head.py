"""Heads: what turns a pooled sequence into logits."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from sklearn_bilstm.nn._dropout import Dropout
from sklearn_bilstm.nn._part import Part
from sklearn_bilstm.nn._undrawn import undrawn

__all__ = ["DenseHead"]


class DenseHead(Part):
    """Dense layers with rectified units, and a linear one; dropout before each.

    Parameters
    ----------
    input_size : int
        Width of the pooled sequence, P.
    n_outputs : int
        Number of logits, K.
    hidden_layer_sizes : sequence of int, default=()
        Number of units of each dense layer (Nair and Hinton, 2010).
    dropout : float, default=0.0
        Probability that what a layer reads is zeroed in training.
    """

    def __init__(
        self,
        input_size: int,
        n_outputs: int,
        hidden_layer_sizes: Sequence[int] = (),
        *,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.output_size = n_outputs
        self.dropout = Dropout(dropout)
        layers = []
        for size in hidden_layer_sizes:
            layers.append(undrawn(nn.Linear, input_size, size))
            input_size = size
        # a ModuleList does not tell what it holds
        self.hidden = cast("Sequence[nn.Linear]", nn.ModuleList(layers))
        self.linear = undrawn(nn.Linear, input_size, n_outputs)

    @property
    def config(self) -> dict[str, Any]:
        """The arguments that make a part like this one."""
        return {
            "input_size": self.input_size,
            "n_outputs": self.output_size,
            "hidden_layer_sizes": [layer.out_features for layer in self.hidden],
            "dropout": self.dropout.p,
        }

    def extra_repr(self) -> str:
        """Return the widths of what is read and of what each layer makes of it."""
        sizes = [self.input_size, *(layer.out_features for layer in self.hidden)]
        return " -> ".join(map(str, [*sizes, self.output_size]))

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw Glorot weights and set the biases to zero."""
        for layer in [*self.hidden, self.linear]:
            nn.init.xavier_uniform_(layer.weight, generator=generator)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Turn pooled sequences of shape (B, P) into logits of shape (B, K).

        They are computed in the precision of `x`, and on its device.
        """
        for layer in self.hidden:
            x = _read(layer, self.dropout(x, generator)).relu()  # (B, hidden_size)
        return _read(self.linear, self.dropout(x, generator))  # (B, K)


def _read(layer: nn.Linear, x: Tensor) -> Tensor:
    """Call a layer in the precision of `x`, and leave it in its own."""
    if x.dtype == layer.weight.dtype:
        return layer(x)
    return nn.functional.linear(x, layer.weight.to(x), layer.bias.to(x))
