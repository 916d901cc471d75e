"""Normalisation of states, excluding padding.

A normalisation is called with the states, of shape (B, T, H), the mask and the final
states, of shape (B, H), and returns both normalised. Its name in `NORMALIZATIONS` is
the value of the `normalization` parameter.
"""

from typing import Any

import torch
from torch import Tensor, nn

from sklearn_bilstm.nn._layer import Layer

__all__ = ["NORMALIZATIONS", "BatchNormalization", "LayerNormalization"]

_MOMENTUM = 0.1


class _Normalization(Layer):
    """Base class of normalisations, with a scale and a shift per component.

    Parameters
    ----------
    size : int
        Size of the states, H.
    """

    epsilon = 1e-5  # added to variances

    def __init__(self, size: int) -> None:
        super().__init__()
        self.output_size = size
        self.weight = nn.Parameter(torch.ones(size))
        self.bias = nn.Parameter(torch.zeros(size))

    @property
    def config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"size": self.output_size}

    def extra_repr(self) -> str:
        """Return the size of the states."""
        return str(self.output_size)

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Initialise scales to one and shifts to zero."""
        nn.init.ones_(self.weight)
        nn.init.zeros_(self.bias)


class LayerNormalization(_Normalization):
    """Normalise each state over its components (Ba et al., 2016)."""

    def forward(
        self, states: Tensor, mask: Tensor, final: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Normalise both, to shapes (B, T, H) and (B, H)."""
        empty = ~mask.any(1, keepdim=True)  # (B, 1)
        final = self._normalized(final).masked_fill(empty, 0.0)  # (B, H)
        # torch's kernel copies non-contiguous tensors, and states are time-major
        states = self._normalized(states.transpose(0, 1))  # (T, B, H)
        return states.transpose(0, 1), final  # (B, T, H), (B, H)

    def _normalized(self, states: Tensor) -> Tensor:
        normalized = nn.functional.layer_norm(
            states.to(self.weight.dtype),
            (self.output_size,),
            self.weight,
            self.bias,
            self.epsilon,
        )
        return normalized.to(states.dtype)


class BatchNormalization(_Normalization):
    """Normalise each component over a batch (Ioffe and Szegedy, 2015).

    The statistics are computed over the real steps of all rows. Prediction uses the
    running mean and variance of the training batches.

    Parameters
    ----------
    size : int
        Size of the states, H.
    """

    needs_whole_batch = True
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.register_buffer("running_mean", torch.zeros(size))
        self.register_buffer("running_var", torch.ones(size))

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Initialise scales, shifts and running statistics."""
        super().reset_parameters(generator)
        self.running_mean.zero_()
        self.running_var.fill_(1.0)

    def forward(
        self, states: Tensor, mask: Tensor, final: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Normalise both, to shapes (B, T, H) and (B, H)."""
        dtype = states.dtype
        mean, var = self.running_mean, self.running_var
        if self.training and mask.any():
            states = states.to(self.weight.dtype)
            mean, var = _moments(states, mask)  # (H,), (H,)
            self._remember(mean.detach(), var.detach(), int(mask.sum()))
        scale = self.weight / (var + self.epsilon).sqrt()  # (H,)
        shift = self.bias - mean * scale  # (H,)
        empty = ~mask.any(1, keepdim=True)  # (B, 1)
        final = (final * scale + shift).masked_fill(empty, 0.0)  # (B, H)
        states = states * scale + shift  # (B, T, H)
        return states.to(dtype), final.to(dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, var: Tensor, n_steps: int) -> None:
        unbiased = var * n_steps / max(n_steps - 1, 1)
        self.running_mean.lerp_(mean, _MOMENTUM)
        self.running_var.lerp_(unbiased, _MOMENTUM)


def _moments(states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance of each component over the real steps of all rows."""
    real = mask[..., None]  # (B, T, 1)
    n_steps = mask.sum()
    mean = (states * real).sum((0, 1)) / n_steps  # (H,)
    var = ((states - mean) * real).square().sum((0, 1)) / n_steps  # (H,)
    return mean, var


NORMALIZATIONS: dict[str, type[_Normalization]] = {
    "batch": BatchNormalization,
    "layer": LayerNormalization,
}
