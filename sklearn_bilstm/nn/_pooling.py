"""Pooling layers that reduce the states of a sequence to one vector.

If `needs_ordered_states`, `forward` receives `(states, mask, final)`: states of shape
(B, T, H) and final states of shape (B, H). Otherwise it receives `(parts, mask)`:
`parts` is a list of tensors of shapes (B, T, H_i) whose sizes sum to H and whose real
steps can be in any order. A pooling has an `output_size` and returns zeros for empty
rows. Its name in `POOLINGS` is the value of the `pooling` parameter.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_bilstm.nn._layer import Layer
from sklearn_bilstm.nn._mask import masked_max, masked_mean, masked_softmax
from sklearn_bilstm.nn._skip_init import skip_init

__all__ = [
    "POOLINGS",
    "AttentionPooling",
    "LastPooling",
    "MaxMeanPooling",
    "MaxPooling",
    "MeanPooling",
]


class Pooling(Layer):
    """Base class of poolings.

    Parameters
    ----------
    input_size : int
        Size of the states, H.
    """

    n_views = 1  # number of concatenated vectors of size H in the output
    needs_ordered_states = False

    def __init__(self, input_size: int) -> None:
        super().__init__()
        self.input_size = input_size
        self.output_size = self.n_views * input_size

    @property
    def config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"input_size": self.input_size}

    def extra_repr(self) -> str:
        """Return the sizes of the states and of the output."""
        return f"{self.input_size} -> {self.output_size}"


class MaxPooling(Pooling):
    """Component-wise maximum over the sequence."""

    def forward(self, parts: Sequence[Tensor], mask: Tensor) -> Tensor:
        """Pool to shape (B, H)."""
        return torch.cat([masked_max(part, mask) for part in parts], 1)  # (B, H)


class MeanPooling(Pooling):
    """Component-wise mean over the sequence."""

    def forward(self, parts: Sequence[Tensor], mask: Tensor) -> Tensor:
        """Pool to shape (B, H)."""
        return torch.cat([masked_mean(part, mask) for part in parts], 1)  # (B, H)


class LastPooling(Pooling):
    """Final state of each direction."""

    needs_ordered_states = True

    def forward(self, states: Tensor, mask: Tensor, final: Tensor) -> Tensor:
        """Pool to shape (B, H)."""
        return final  # (B, H)


class MaxMeanPooling(Pooling):
    """Concatenation of max and mean pooling."""

    n_views = 2

    def forward(self, parts: Sequence[Tensor], mask: Tensor) -> Tensor:
        """Pool to shape (B, 2 H)."""
        views = [
            pool(part, mask) for pool in (masked_max, masked_mean) for part in parts
        ]
        return torch.cat(views, 1)  # (B, 2 H)


class AttentionPooling(Pooling):
    """Weighted mean, by additive attention with a trained query (Yang et al., 2016)."""

    needs_ordered_states = True

    def __init__(self, input_size: int) -> None:
        super().__init__(input_size)
        self.hidden = skip_init(nn.Linear, input_size, input_size)
        self.query = skip_init(nn.Linear, input_size, 1, bias=False)

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Initialise weights as Glorot."""
        nn.init.xavier_uniform_(self.hidden.weight, generator=generator)
        nn.init.zeros_(self.hidden.bias)
        nn.init.xavier_uniform_(self.query.weight, generator=generator)

    def weights(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return attention weights of shape (B, T), zero on padding."""
        scores = self.query(self.hidden(states).tanh())[..., 0]  # (B, T)
        return masked_softmax(scores, mask)  # (B, T)

    def forward(self, states: Tensor, mask: Tensor, final: Tensor) -> Tensor:
        """Pool to shape (B, H)."""
        weights = self.weights(states, mask)[:, None]  # (B, 1, T)
        return (weights @ states)[:, 0]  # (B, H)


POOLINGS: dict[str, type[Pooling]] = {
    "attention": AttentionPooling,
    "last": LastPooling,
    "max": MaxPooling,
    "max_mean": MaxMeanPooling,
    "mean": MeanPooling,
}
