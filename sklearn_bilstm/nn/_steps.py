"""The network for a number per step: input layer, encoder and head."""

import torch
from torch import Tensor

from sklearn_bilstm.nn._convolution import Convolutions
from sklearn_bilstm.nn._encoder import RecurrentEncoder
from sklearn_bilstm.nn._layer import Layer
from sklearn_bilstm.nn._network import Network

__all__ = ["StepModel"]


class StepModel(Network):
    """A network that returns one row of outputs per step, without a decoder.

    Parameters
    ----------
    input_layer : Layer
        Maps steps to vectors.
    encoder : RecurrentEncoder
        Encodes the vectors.
    head : Layer
        Maps the state of a step, and the static features of its row, to outputs.
    convolutions : Convolutions, default=None
        Convolutions of stride 1 between the input layer and the encoder.
    """

    of_steps = True

    def __init__(
        self,
        input_layer: Layer,
        encoder: RecurrentEncoder,
        head: Layer,
        convolutions: Convolutions | None = None,
    ) -> None:
        super().__init__()
        if convolutions is not None and convolutions.stride != 1:
            raise ValueError(
                "convolutions must have a stride of 1, so that there is an output for "
                f"each step: got {convolutions.stride}."
            )
        self.input_layer = input_layer
        self.convolutions = convolutions
        self.encoder = encoder
        self.head = head

    @property
    def architecture(self) -> tuple:
        """Architecture signature; must match for a warm start."""
        layer, convolutions = self.input_layer, self.convolutions
        return (
            type(self),
            type(layer),
            layer.n_shared,
            None if convolutions is None else convolutions.architecture,
            self.encoder.architecture,
        )

    def read(
        self,
        steps: Tensor,
        mask: Tensor,
        generator: torch.Generator | None = None,
        static: Tensor | None = None,
    ) -> Tensor:
        """Map sequences to the input of the head, (B, T, P); see `forward`."""
        vectors = self.input_layer(steps, mask, generator)  # (B, T, E)
        if self.convolutions is not None:
            vectors, mask = self.convolutions(vectors, mask)
        states, _ = self.encoder(vectors, mask, generator)  # (B, T, H)
        if static is None:
            return states  # (B, T, P)
        repeated = static[:, None].expand(-1, states.shape[1], -1)  # (B, T, S)
        return torch.cat([states, repeated], 2)  # (B, T, P)

    def forward(
        self,
        steps: Tensor,
        mask: Tensor,
        generator: torch.Generator | None = None,
        static: Tensor | None = None,
    ) -> Tensor:
        """Map sequences to outputs.

        Parameters
        ----------
        steps : tensor of shape (B, T) or (B, T, C)
            Token ids or numbers, padded at the end of each row.
        mask : bool tensor of shape (B, T)
            True on real steps.
        generator : torch.Generator, default=None
            Random generator of all dropout. None uses torch's global generator.
        static : tensor of shape (B, S), default=None
            Static features, which are concatenated to the state of every step.

        Returns
        -------
        outputs : tensor of shape (B, T, K)
            Arbitrary but finite on padding.
        """
        return self.head(self.read(steps, mask, generator, static), generator)

    def outputs(
        self, steps: Tensor, mask: Tensor, static: Tensor | None = None
    ) -> Tensor:
        """Return the outputs for prediction, float64 of shape (B, T, K).

        The head is computed in double precision, since the rounding of its products
        depends on the number of steps of a batch.
        """
        return self.head(self.read(steps, mask, static=static).double())  # (B, T, K)
