"""Convolutions over time, in front of the recurrent layers."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from sklearn_bilstm.nn._layer import Layer
from sklearn_bilstm.nn._skip_init import skip_init

__all__ = ["Convolutions"]

# Width of the kernels, in steps. It is odd, so that a kernel is centred on a step.
_WIDTH = 7

# Largest stride of torch's kernels.
_LARGEST_STRIDE = 2**31 - 1


class Convolutions(Layer):
    """A stack of convolutions over time with ReLU.

    Sequences are padded with zeros at both ends, or at the start. With a stride s, the
    first of every s steps is kept, so that a row of n steps has ceil(n / s) steps after
    a convolution.

    Parameters
    ----------
    input_size : int
        Dimension of the input vectors.
    hidden_layer_sizes : sequence of int
        Number of filters of each convolution.
    stride : int, default=1
        Stride of each convolution.
    is_causal : bool, default=False
        Whether sequences are padded at the start only, so that the output at a step
        does not depend on later steps.
    """

    def __init__(
        self,
        input_size: int,
        hidden_layer_sizes: Sequence[int],
        *,
        stride: int = 1,
        is_causal: bool = False,
    ) -> None:
        super().__init__()
        if type(stride) is not int or not 1 <= stride <= _LARGEST_STRIDE:
            raise ValueError(
                f"stride must be an int in [1, {_LARGEST_STRIDE}]: got {stride!r:.80}."
            )
        self.input_size = input_size
        self.stride = stride
        self.is_causal = is_causal
        layers = []
        for size in hidden_layer_sizes:
            layers.append(
                skip_init(
                    nn.Conv1d,
                    input_size,
                    size,
                    _WIDTH,
                    stride=stride,
                    padding=0 if is_causal else _WIDTH // 2,
                )
            )
            input_size = size
        # a ModuleList does not declare the type of its items
        self.layers = cast("Sequence[nn.Conv1d]", nn.ModuleList(layers))
        self.output_size = input_size

    @property
    def config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "input_size": self.input_size,
            "hidden_layer_sizes": [layer.out_channels for layer in self.layers],
            "stride": self.stride,
            # files of earlier versions have no such argument
            **({"is_causal": True} if self.is_causal else {}),
        }

    @property
    def architecture(self) -> tuple:
        """Architecture signature: sizes of layers, except for the input, and stride."""
        return tuple(layer.out_channels for layer in self.layers), self.stride

    def extra_repr(self) -> str:
        """Return the sizes of the input and of each layer, and the stride."""
        sizes = [self.input_size, *(layer.out_channels for layer in self.layers)]
        return f"{' -> '.join(map(str, sizes))}, stride {self.stride}"

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Initialise weights as He and biases as zero."""
        for layer in self.layers:
            nn.init.kaiming_uniform_(
                layer.weight, nonlinearity="relu", generator=generator
            )
            nn.init.zeros_(layer.get_parameter("bias"))

    @torch.no_grad()
    def copy_weights_from(self, other: "Convolutions", n_shared: int) -> None:
        """Copy the weights of other convolutions.

        Parameters
        ----------
        other : Convolutions
            Convolutions with the same architecture, except for the input after the
            first `n_shared` components.
        n_shared : int
            Number of input components whose weights are copied.
        """
        state = other.state_dict()
        first = self.layers[0].weight.clone()
        first[:, :n_shared] = state["layers.0.weight"][:, :n_shared]
        self.load_state_dict({**state, "layers.0.weight": first})

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the convolutions to vectors of shape (B, T, E).

        Parameters
        ----------
        x : tensor of shape (B, T, E)
            Finite, also on padding.
        mask : bool tensor of shape (B, T)
            True on real steps, which come first in a row.

        Returns
        -------
        x : tensor of shape (B, ceil(T / s), output_size)
            s is the product of the strides. Arbitrary but finite on padding.
        mask : bool tensor of shape (B, ceil(T / s))
            True on the real steps of `x`.
        """
        for layer in self.layers:
            x = x.masked_fill(~mask[..., None], 0.0)  # (B, T, E)
            by_channel = x.transpose(1, 2)  # (B, E, T)
            if self.is_causal:
                by_channel = nn.functional.pad(by_channel, (_WIDTH - 1, 0))
            outputs = layer(by_channel).relu()  # (B, n_filters, ceil(T / stride))
            mask = mask[:, :: self.stride]  # (B, ceil(T / stride))
            x = outputs.transpose(1, 2)  # (B, ceil(T / stride), n_filters)
        return x, mask
