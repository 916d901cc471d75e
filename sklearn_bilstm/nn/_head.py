"""Output layers that map a pooled sequence to logits."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from sklearn_bilstm.nn._dropout import Dropout
from sklearn_bilstm.nn._layer import Layer
from sklearn_bilstm.nn._skip_init import skip_init

__all__ = ["DenseHead"]


class DenseHead(Layer):
    """Dense ReLU layers and a linear output layer, with dropout before each.

    Parameters
    ----------
    input_size : int
        Size of the pooled sequence, P.
    n_outputs : int
        Number of logits, K.
    hidden_layer_sizes : sequence of int, default=()
        Number of units of each dense layer (Nair and Hinton, 2010).
    dropout : float, default=0.0
        Probability of zeroing an input of a layer in training.
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
            layers.append(skip_init(nn.Linear, input_size, size))
            input_size = size
        # a ModuleList does not declare the type of its items
        self.hidden = cast("Sequence[nn.Linear]", nn.ModuleList(layers))
        self.linear = skip_init(nn.Linear, input_size, n_outputs)

    @property
    def config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "input_size": self.input_size,
            "n_outputs": self.output_size,
            "hidden_layer_sizes": [layer.out_features for layer in self.hidden],
            "dropout": self.dropout.p,
        }

    def extra_repr(self) -> str:
        """Return the input size and the output size of each layer."""
        sizes = [self.input_size, *(layer.out_features for layer in self.hidden)]
        return " -> ".join(map(str, [*sizes, self.output_size]))

    @torch.no_grad()
    def of_outputs(self, columns: slice) -> "DenseHead":
        """Return a copy with the outputs of a slice."""
        last = self.linear.weight[columns]
        head = DenseHead(**{**self.config, "n_outputs": len(last)}).to(last)
        state = {name: value.clone() for name, value in self.state_dict().items()}
        for name in ("linear.weight", "linear.bias"):
            state[name] = state[name][columns]
        head.load_state_dict(state)
        return head

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Initialise weights as Glorot and biases as zero."""
        for layer in [*self.hidden, self.linear]:
            nn.init.xavier_uniform_(layer.weight, generator=generator)
            nn.init.zeros_(layer.bias)

    @torch.no_grad()
    def set_constant(self, logits: dict[int, float]) -> None:
        """Make some logits constant.

        Parameters
        ----------
        logits : dict of int to float
            Values of the constant logits, by index.
        """
        for index, value in logits.items():
            self.linear.weight[index] = 0
            self.linear.bias[index] = value

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Map pooled sequences of shape (B, P) to logits of shape (B, K).

        The computation uses the dtype and device of `x`.
        """
        for layer in self.hidden:
            x = _read(layer, self.dropout(x, generator)).relu()  # (B, hidden_size)
        return _read(self.linear, self.dropout(x, generator))  # (B, K)


def _read(layer: nn.Linear, x: Tensor) -> Tensor:
    """Apply a layer in the dtype of `x` without converting its weights in place."""
    if x.dtype == layer.weight.dtype:
        return layer(x)
    return nn.functional.linear(x, layer.weight.to(x), layer.bias.to(x))
