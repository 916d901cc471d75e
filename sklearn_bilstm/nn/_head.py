"""Heads: what turns a pooled sequence into logits."""

import torch
from torch import Tensor, nn

from sklearn_bilstm.nn._dropout import Dropout
from sklearn_bilstm.nn._part import Part
from sklearn_bilstm.nn._undrawn import undrawn

__all__ = ["LinearHead"]


class LinearHead(Part):
    """Dropout and a linear layer.

    Parameters
    ----------
    input_size : int
        Width of the pooled sequence, P.
    n_outputs : int
        Number of logits, K.
    dropout : float, default=0.0
        Probability that a component of the pooled sequence is zeroed in training.
    """

    def __init__(
        self, input_size: int, n_outputs: int, *, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.output_size = n_outputs
        self.dropout = Dropout(dropout)
        self.linear = undrawn(nn.Linear, input_size, n_outputs)

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw Glorot weights and set the bias to zero."""
        nn.init.xavier_uniform_(self.linear.weight, generator=generator)
        nn.init.zeros_(self.linear.bias)

    def forward(
        self, pooled: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Turn pooled sequences of shape (B, P) into logits of shape (B, K)."""
        return self.linear(self.dropout(pooled, generator))  # (B, K)
