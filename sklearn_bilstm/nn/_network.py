"""Base class of the networks."""

from typing import ClassVar, cast

import torch
from torch import nn

from sklearn_bilstm.nn._encoder import RecurrentEncoder
from sklearn_bilstm.nn._layer import Layer

__all__ = ["Network"]


class Network(nn.Module):
    """Base class of networks, whose children are layers, including an encoder."""

    encoder: RecurrentEncoder
    # whether there are logits for each step instead of each sequence
    of_steps: ClassVar[bool] = False

    def __repr__(self) -> str:
        """Return one line per layer with its number of weights, and the total."""
        rows = [(f"{type(self).__name__}(", "weights")]
        for name, part in self.named_children():
            rows.append((f"  {name}: {part!r}", f"{_n_weights(part):,}"))
        rows.append((")", f"{_n_weights(self):,}"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            f"{text:{widths[0]}}  {number:>{widths[1]}}" for text, number in rows
        )

    @property
    def loss_arguments(self) -> dict[str, nn.Module]:
        """Arguments of the loss other than the logits, by name."""
        return {}

    @property
    def needs_whole_batch(self) -> bool:
        """Whether the output for a row depends on other rows of a training batch."""
        return self.encoder.needs_whole_batch

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Initialise the weights of every layer."""
        for part in self.children():
            cast("Layer", part).reset_parameters(generator)


def _n_weights(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())
