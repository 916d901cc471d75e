"""What all networks have in common."""

from typing import ClassVar, cast

import torch
from torch import nn

from sklearn_bilstm.nn._encoder import RecurrentEncoder
from sklearn_bilstm.nn._part import Part

__all__ = ["Network"]


class Network(nn.Module):
    """A network whose children are parts, an encoder among them."""

    encoder: RecurrentEncoder
    # whether each step has logits, and not each sequence
    of_steps: ClassVar[bool] = False

    def __repr__(self) -> str:
        """Return a line a part, each with the number of its weights, and their sum."""
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
        """What the loss needs beside the logits, by name."""
        return {}

    @property
    def needs_whole_batch(self) -> bool:
        """Whether what a row gives depends on the other rows it is learnt from with."""
        return self.encoder.needs_whole_batch

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw the weights of every part."""
        for part in self.children():
            cast("Part", part).reset_parameters(generator)


def _n_weights(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())
