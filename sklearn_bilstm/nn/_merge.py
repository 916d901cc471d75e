"""Merge modes of the two directions, by name."""

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["MERGES"]


def _concat(forward: Tensor, backward: Tensor) -> Tensor:
    return torch.cat([forward, backward], -1)


def _mean(forward: Tensor, backward: Tensor) -> Tensor:
    return (forward + backward) / 2


MERGES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "concat": _concat,
    "mean": _mean,
    "mul": torch.mul,
    "sum": torch.add,
}
