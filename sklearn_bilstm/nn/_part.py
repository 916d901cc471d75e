"""What all parts of a network have in common."""

from abc import abstractmethod
from typing import Any

import torch
from torch import nn

__all__ = ["Part"]


class Part(nn.Module):
    """A part that knows what it is made of and draws its own weights.

    It is printed in a line, with what its `extra_repr` says: what it turns into what.
    """

    output_size: int
    # whether what a row gives depends on the other rows it is learnt from with
    needs_whole_batch = False

    @property
    @abstractmethod
    def config(self) -> dict[str, Any]:
        """The arguments that make a part like this one."""

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw new weights. A part without any has nothing to do."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.extra_repr()})"
