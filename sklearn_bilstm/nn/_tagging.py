"""The network that labels every step: input layer, encoder, head, labelling."""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_bilstm.nn._characters import CharacterEncoder
from sklearn_bilstm.nn._crf import CRF
from sklearn_bilstm.nn._encoder import RecurrentEncoder
from sklearn_bilstm.nn._labelling import IndependentLabels
from sklearn_bilstm.nn._network import Network
from sklearn_bilstm.nn._part import Part

__all__ = ["TaggingModel"]


class TaggingModel(Network):
    """A network with one row of logits a step.

    Parameters
    ----------
    input_layer : Part
        What makes vectors of steps.
    encoder : RecurrentEncoder
        Reads the vectors, and those of the characters behind them.
    head : DenseHead
        Turns the state of a step into emissions.
    labelling : CRF or IndependentLabels
        What makes labels of emissions.
    characters : CharacterEncoder, default=None
        What makes further vectors of the characters of tokens.
    """

    of_steps = True

    def __init__(
        self,
        input_layer: Part,
        encoder: RecurrentEncoder,
        head: Part,
        labelling: CRF | IndependentLabels,
        characters: CharacterEncoder | None = None,
    ) -> None:
        super().__init__()
        self.input_layer = input_layer
        self.characters = characters
        self.encoder = encoder
        self.head = head
        self.labelling = labelling

    @property
    def design(self) -> tuple:
        """What two networks have in common of which one can go on with the other."""
        layer, spelled = self.input_layer, self.characters
        width = 0 if spelled is None else spelled.output_size
        designs = self.encoder.design, self.labelling.design
        return type(layer), layer.n_shared, width, *designs

    @property
    def loss_arguments(self) -> dict[str, nn.Module]:
        """What the loss needs beside the emissions, by name."""
        return {"labelling": self.labelling}

    def read(
        self,
        steps: Tensor,
        mask: Tensor,
        generator: torch.Generator | None = None,
        characters: Tensor | None = None,
    ) -> Tensor:
        """Turn sequences into states of shape (B, T, H); see `forward`."""
        vectors = self.input_layer(steps, mask, generator)  # (B, T, E)
        if self.characters is not None:
            spelled = self.characters(characters, generator)
            vectors = torch.cat([vectors, spelled], 2)  # (B, T, E + n_filters)
        states, _ = self.encoder(vectors, mask, generator)
        return states  # (B, T, H)

    def forward(
        self,
        steps: Tensor,
        mask: Tensor,
        generator: torch.Generator | None = None,
        characters: Tensor | None = None,
    ) -> Tensor:
        """Turn sequences into emissions.

        Parameters
        ----------
        steps : tensor of shape (B, T) or (B, T, C)
            Token ids or numbers, filled up at the end of each row.
        mask : bool tensor of shape (B, T)
            True on real steps.
        generator : torch.Generator, default=None
            Source of all dropout. None draws from torch's global generator.
        characters : int64 tensor of shape (B, T, L), default=None
            Ids of the characters of each token, for a network that reads them.

        Returns
        -------
        emissions : tensor of shape (B, T, K)
        """
        states = self.read(steps, mask, generator, characters)  # (B, T, H)
        return self.head(states, generator)  # (B, T, K)

    def decode(
        self, steps: Tensor, mask: Tensor, characters: Tensor | None = None
    ) -> Tensor:
        """Return the most probable labels, int64 of shape (B, T)."""
        emissions, labelling = self._exactly(steps, mask, characters)
        return labelling.decode(emissions, mask)  # (B, T)

    def marginals(
        self, steps: Tensor, mask: Tensor, characters: Tensor | None = None
    ) -> Tensor:
        """Return the probability of each label at each step, of shape (B, T, K)."""
        emissions, labelling = self._exactly(steps, mask, characters)
        return labelling.marginals(emissions, mask)  # (B, T, K)

    def _exactly(
        self, steps: Tensor, mask: Tensor, characters: Tensor | None
    ) -> tuple[Tensor, Any]:
        """Return emissions, (B, T, K), and the labelling, both in double precision.

        The rounding of the products of the head depends on how many steps a batch has.
        """
        states = self.read(steps, mask, characters=characters)  # (B, T, H)
        # copies, as other threads may predict with this network at the same time
        head, labelling = (
            deepcopy(part).double() for part in (self.head, self.labelling)
        )
        return head(states.double()), labelling
