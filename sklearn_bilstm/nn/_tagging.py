"""The network for taggers: input layer, encoder, head and decoder."""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_bilstm.nn._characters import CharacterEncoder
from sklearn_bilstm.nn._crf import CRF
from sklearn_bilstm.nn._decoder import IndependentLabels
from sklearn_bilstm.nn._encoder import RecurrentEncoder
from sklearn_bilstm.nn._layer import Layer
from sklearn_bilstm.nn._network import Network

__all__ = ["TaggingModel"]

# Probability of dropping the emissions of another model for a sentence in training.
# With 0, the network learns little; it reaches the accuracy of the other model only.
_EMISSION_DROPOUT = 0.5


class TaggingModel(Network):
    """A network that returns one row of logits per step.

    The emissions of another model can be added to its own. In training, they are
    dropped for random sentences (as in Neverova et al., 2016), so that the network
    learns to predict labels without them too.

    Parameters
    ----------
    input_layer : Layer
        Maps steps to vectors.
    encoder : RecurrentEncoder
        Encodes the vectors, concatenated with those of the characters.
    head : DenseHead
        Maps the state of a step to emissions.
    decoder : CRF or IndependentLabels
        Decodes labels from emissions.
    characters : CharacterEncoder, default=None
        Maps the characters of tokens to further vectors.
    """

    of_steps = True

    def __init__(
        self,
        input_layer: Layer,
        encoder: RecurrentEncoder,
        head: Layer,
        decoder: CRF | IndependentLabels,
        characters: CharacterEncoder | None = None,
    ) -> None:
        super().__init__()
        self.input_layer = input_layer
        self.characters = characters
        self.encoder = encoder
        self.head = head
        self.decoder = decoder

    @property
    def architecture(self) -> tuple:
        """Architecture signature; must match for a warm start."""
        layer, characters = self.input_layer, self.characters
        width = 0 if characters is None else characters.output_size
        architectures = self.encoder.architecture, self.decoder.architecture
        return type(layer), layer.n_shared, width, *architectures

    @property
    def loss_arguments(self) -> dict[str, nn.Module]:
        """Arguments of the loss other than the emissions, by name."""
        return {"decoder": self.decoder}

    def read(
        self,
        steps: Tensor,
        mask: Tensor,
        generator: torch.Generator | None = None,
        characters: Tensor | None = None,
    ) -> Tensor:
        """Map sequences to states of shape (B, T, H); see `forward`."""
        vectors = self.input_layer(steps, mask, generator)  # (B, T, E)
        if self.characters is not None:
            encoded = self.characters(characters, generator)
            vectors = torch.cat([vectors, encoded], 2)  # (B, T, E + n_filters)
        states, _ = self.encoder(vectors, mask, generator)
        return states  # (B, T, H)

    def forward(
        self,
        steps: Tensor,
        mask: Tensor,
        generator: torch.Generator | None = None,
        characters: Tensor | None = None,
        emissions: Tensor | None = None,
    ) -> Tensor:
        """Map sequences to emissions.

        Parameters
        ----------
        steps : tensor of shape (B, T) or (B, T, C)
            Token ids or numbers, padded at the end of each row.
        mask : bool tensor of shape (B, T)
            True on real steps.
        generator : torch.Generator, default=None
            Random generator of all dropout. None uses torch's global generator.
        characters : int64 tensor of shape (B, T, L), default=None
            Character ids of each token, if the network uses them.
        emissions : tensor of shape (B, T, K), default=None
            Emissions of another model, which are added.

        Returns
        -------
        emissions : tensor of shape (B, T, K)
        """
        states = self.read(steps, mask, generator, characters)  # (B, T, H)
        network_emissions = self.head(states, generator)  # (B, T, K)
        if emissions is None:
            return network_emissions
        if self.training:
            keep_mask = emissions.new_empty(len(network_emissions), 1, 1)  # (B, 1, 1)
            keep_mask.bernoulli_(1 - _EMISSION_DROPOUT, generator=generator)
            emissions = emissions * keep_mask  # (B, T, K)
        return network_emissions + emissions  # (B, T, K)

    def decode(
        self,
        steps: Tensor,
        mask: Tensor,
        characters: Tensor | None = None,
        emissions: Tensor | None = None,
    ) -> Tensor:
        """Return the most probable labels, int64 of shape (B, T); see `forward`."""
        emissions, decoder = self._exactly(steps, mask, characters, emissions)
        return decoder.decode(emissions, mask)  # (B, T)

    def marginals(
        self,
        steps: Tensor,
        mask: Tensor,
        characters: Tensor | None = None,
        emissions: Tensor | None = None,
    ) -> Tensor:
        """Return the marginal probabilities of labels, (B, T, K); see `forward`."""
        emissions, decoder = self._exactly(steps, mask, characters, emissions)
        return decoder.marginals(emissions, mask)  # (B, T, K)

    def _exactly(
        self,
        steps: Tensor,
        mask: Tensor,
        characters: Tensor | None = None,
        emissions: Tensor | None = None,
    ) -> tuple[Tensor, Any]:
        """Return emissions, (B, T, K), and the decoder, both in double precision.

        In single precision, the rounding of the head depends on the number of steps of
        a batch.
        """
        states = self.read(steps, mask, characters=characters)  # (B, T, H)
        # copies, since other threads can predict with this network at the same time
        head, decoder = (deepcopy(part).double() for part in (self.head, self.decoder))
        network_emissions = head(states.double())  # (B, T, K)
        if emissions is None:
            return network_emissions, decoder
        return network_emissions + emissions, decoder
