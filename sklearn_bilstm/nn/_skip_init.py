"""Torch layers without weight initialisation."""

from typing import Any, TypeVar

import torch
from torch import nn

__all__ = ["skip_init"]

Layer = TypeVar("Layer", bound=nn.Module)


def skip_init(layer: type[Layer], *args: Any, **kwargs: Any) -> Layer:
    """Create a layer without initialising its weights.

    Torch's layers initialise their weights from the global generator, which must not be
    used. This is :func:`torch.nn.utils.skip_init` with support for recurrent layers. In
    the context `torch.device("meta")`, the weights take no memory.
    """
    empty = layer(*args, device="meta", dtype=torch.float32, **kwargs)
    if torch.empty(0).is_meta:
        return empty
    return empty.to_empty(device="cpu")
