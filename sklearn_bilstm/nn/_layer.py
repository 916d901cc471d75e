"""Base class of the layers of a network."""

from abc import abstractmethod
from typing import Any

import torch
from torch import nn

__all__ = ["Layer"]


class Layer(nn.Module):
    """Base class of layers that know their constructor arguments and initialisation.

    It is printed on one line, with its `extra_repr`.
    """

    output_size: int
    # whether the output for a row depends on the other rows of a training batch
    needs_whole_batch = False

    @property
    @abstractmethod
    def config(self) -> dict[str, Any]:
        """The arguments of the constructor."""

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Initialise the weights. Layers without weights do nothing."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.extra_repr()})"
