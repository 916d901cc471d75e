"""The network for whole sequences: input layer, encoder, pooling and head."""

from typing import cast

import torch
from torch import Tensor

from sklearn_bilstm.nn._convolution import Convolutions
from sklearn_bilstm.nn._encoder import RecurrentEncoder
from sklearn_bilstm.nn._input import TokenInput
from sklearn_bilstm.nn._layer import Layer
from sklearn_bilstm.nn._mask import Order, reversed_order
from sklearn_bilstm.nn._network import Network
from sklearn_bilstm.nn._pooling import AttentionPooling, Pooling
from sklearn_bilstm.nn._projection import Projection, ProjectionBatchSizes

__all__ = ["SequenceModel"]


class SequenceModel(Network):
    """A network that returns one row of logits per sequence.

    Parameters
    ----------
    input_layer : Layer
    encoder : RecurrentEncoder
    pooling : Pooling
    head : Layer
        The layers, in this order.
    convolutions : Convolutions, default=None
        Convolutions between the input layer and the encoder.
    """

    def __init__(
        self,
        input_layer: Layer,
        encoder: RecurrentEncoder,
        pooling: Pooling,
        head: Layer,
        convolutions: Convolutions | None = None,
    ) -> None:
        super().__init__()
        self.input_layer = input_layer
        self.convolutions = convolutions
        self.encoder = encoder
        self.pooling = pooling
        self.head = head

    @property
    def architecture(self) -> tuple:
        """Architecture signature; must match for a warm start."""
        layer, convolutions = self.input_layer, self.convolutions
        return (
            type(layer),
            layer.n_shared,
            None if convolutions is None else convolutions.architecture,
            self.encoder.architecture,
            type(self.pooling),
        )

    @property
    def reads_every_step(self) -> bool:
        """Whether the encoder has a state for each step, without strides."""
        return self.convolutions is None or self.convolutions.stride == 1

    @property
    def projection_batch_sizes(self) -> ProjectionBatchSizes | None:
        """Batch sizes for which a projection is faster, None if there are none."""
        if self.convolutions is not None:
            return None
        return Projection.batch_sizes(self.input_layer, self.encoder)

    def projection(self) -> Projection:
        """Return a projection with the current weights.

        It is faster for the batch sizes in `projection_batch_sizes`.
        """
        layer = cast("TokenInput", self.input_layer)
        return Projection(layer, self.encoder.layers[0])

    def pool(
        self,
        steps: Tensor,
        mask: Tensor,
        generator: torch.Generator | None = None,
        log_odds: Tensor | None = None,
        static: Tensor | None = None,
        projection: Projection | None = None,
    ) -> Tensor:
        """Map sequences to pooled vectors of shape (B, P); see `forward`.

        If a `projection` is given, it replaces the first layer. It does not support
        training.
        """
        if projection is not None:
            order = reversed_order(mask)
            first = projection(steps, order, log_odds)  # (B, T, hidden_size) each
        else:
            vectors = self.input_layer(steps, mask, generator, log_odds)  # (B, T, E)
            vectors, mask = self._convolved(vectors, mask)
            order = reversed_order(mask)
            first = self.encoder.first(vectors, order, generator)
        return self._pooled(first, mask, order, static, generator)  # (B, P)

    def logits_of_vectors(
        self, vectors: Tensor, mask: Tensor, static: Tensor | None = None
    ) -> Tensor:
        """Map vectors, (B, T, E), of the input layer to logits, (B, K).

        Explanations use it to modify the vectors.
        """
        vectors, mask = self._convolved(vectors, mask)
        order = reversed_order(mask)
        first = self.encoder.first(vectors, order)  # (B, T, hidden_size) each
        return self.head(self._pooled(first, mask, order, static))  # (B, K)

    def _convolved(self, vectors: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the input of the encoder and its mask."""
        if self.convolutions is None:
            return vectors, mask
        return self.convolutions(vectors, mask)

    def _pooled(
        self,
        first: list[Tensor],
        mask: Tensor,
        order: Order,
        static: Tensor | None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        encoder = self.encoder
        if self.pooling.needs_ordered_states:
            states, final = encoder.states(first, mask, order, generator)
            pooled = self.pooling(states, mask, final)  # (B, P - S)
        else:
            parts = encoder.states_in_any_order(first, mask, order, generator)
            pooled = self.pooling(parts, mask)  # (B, P - S)
        if static is None:
            return pooled  # (B, P)
        return torch.cat([pooled, static], 1)  # (B, P)

    def attention(
        self,
        steps: Tensor,
        mask: Tensor,
        log_odds: Tensor | None = None,
        static: Tensor | None = None,
    ) -> Tensor:
        """Return attention weights of shape (B, T), if all strides are 1."""
        vectors = self.input_layer(steps, mask, log_odds=log_odds)  # (B, T, E)
        vectors, mask = self._convolved(vectors, mask)
        states, _ = self.encoder(vectors, mask)
        pooling = cast("AttentionPooling", self.pooling)
        return pooling.weights(states, mask)  # (B, T)

    def forward(
        self,
        steps: Tensor,
        mask: Tensor,
        generator: torch.Generator | None = None,
        log_odds: Tensor | None = None,
        static: Tensor | None = None,
    ) -> Tensor:
        """Map sequences to logits.

        Parameters
        ----------
        steps : tensor of shape (B, T) or (B, T, C)
            Token ids or numbers, padded at the end of each row.
        mask : bool tensor of shape (B, T)
            True on real steps.
        generator : torch.Generator, default=None
            Random generator of all dropout. None uses torch's global generator.
        log_odds : tensor of shape (B, T, n_channels), default=None
            Class log-odds features of each token, if the input layer uses them.
        static : tensor of shape (B, S), default=None
            Static features, which are concatenated to the pooled vector.

        Returns
        -------
        logits : tensor of shape (B, K)
        """
        pooled = self.pool(steps, mask, generator, log_odds, static)  # (B, P)
        return self.head(pooled, generator)  # (B, K)
