"""The network as one sentence: input layer, encoder, pooling, head."""

import torch
from torch import Tensor, nn

from sklearn_bilstm.nn._part import Part

__all__ = ["SequenceModel"]


class SequenceModel(nn.Module):
    """A network with one row of logits a sequence.

    Parameters
    ----------
    input_layer, encoder, pooling, head : Part
        The parts, in the order of the data.
    """

    def __init__(
        self,
        input_layer: Part,
        encoder: Part,
        pooling: Part,
        head: Part,
    ) -> None:
        super().__init__()
        self.input_layer = input_layer
        self.encoder = encoder
        self.pooling = pooling
        self.head = head

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw the weights of every part."""
        self.input_layer.reset_parameters(generator)
        self.encoder.reset_parameters(generator)
        self.pooling.reset_parameters(generator)
        self.head.reset_parameters(generator)

    def pool(
        self,
        steps: Tensor,
        mask: Tensor,
        generator: torch.Generator | None = None,
        evidence: Tensor | None = None,
    ) -> Tensor:
        """Turn sequences into vectors of shape (B, P); see `forward`."""
        vectors = self.input_layer(steps, mask, generator, evidence)  # (B, T, E)
        states, final = self.encoder(vectors, mask, generator)  # (B, T, H), (B, H)
        return self.pooling(states, mask, final)  # (B, P)

    def forward(
        self,
        steps: Tensor,
        mask: Tensor,
        generator: torch.Generator | None = None,
        evidence: Tensor | None = None,
    ) -> Tensor:
        """Turn sequences into logits.

        Parameters
        ----------
        steps : tensor of shape (B, T) or (B, T, C)
            Token ids or numbers, filled up at the end of each row.
        mask : bool tensor of shape (B, T)
            True on real steps.
        generator : torch.Generator, default=None
            Source of all dropout. None draws from torch's global generator.
        evidence : tensor of shape (B, T, n_channels), default=None
            What else is known of each token, for an input layer that has channels for
            it.

        Returns
        -------
        logits : tensor of shape (B, K)
        """
        pooled = self.pool(steps, mask, generator, evidence)  # (B, P)
        return self.head(pooled, generator)  # (B, K)
