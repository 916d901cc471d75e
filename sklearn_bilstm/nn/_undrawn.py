"""Torch layers without initial weights."""

from typing import Any, TypeVar

import torch
from torch import nn

__all__ = ["undrawn"]

Layer = TypeVar("Layer", bound=nn.Module)


def undrawn(layer: type[Layer], *args: Any, **kwargs: Any) -> Layer:
    """Make a layer whose weights are still to be set.

    Torch's layers draw their weights from the global generator, which must not be
    touched. It is :func:`torch.nn.utils.skip_init`, for recurrent layers too. Within
    `torch.device("meta")` the weights take no memory yet.
    """
    empty = layer(*args, device="meta", dtype=torch.float32, **kwargs)
    if torch.empty(0).is_meta:
        return empty
    return empty.to_empty(device="cpu")
