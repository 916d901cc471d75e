"""Optimizers by name."""

from torch import optim

__all__ = ["OPTIMIZERS"]

OPTIMIZERS: dict[str, type[optim.Optimizer]] = {
    "adam": optim.Adam,
    "adamw": optim.AdamW,
    "sgd": optim.SGD,
}
