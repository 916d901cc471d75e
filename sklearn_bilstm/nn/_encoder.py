"""The recurrent encoder: a stack of unidirectional or bidirectional layers.

Rows are padded, not packed: on a CPU, torch processes a packed sequence step by step,
and a padded one with a single fused kernel. For exact results, the backward direction
is a separate cell whose input is reversed within the length of each row. In both
directions, padding then follows the last real step and cannot affect real states.
"""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from sklearn_bilstm.nn._cell import CELLS, init_weights
from sklearn_bilstm.nn._dropout import LockedDropout, drop
from sklearn_bilstm.nn._layer import Layer
from sklearn_bilstm.nn._mask import (
    Order,
    last_step,
    reorder,
    reversed_order,
    time_major,
)
from sklearn_bilstm.nn._merge import MERGES
from sklearn_bilstm.nn._normalization import NORMALIZATIONS
from sklearn_bilstm.nn._skip_init import skip_init

__all__ = ["RecurrentEncoder", "RecurrentLayer"]


class RecurrentLayer(Layer):
    """A recurrent layer with one or two directions.

    Parameters
    ----------
    input_size : int
        Dimension of the input vectors.
    hidden_size : int
        Number of units per direction.
    cell : {"lstm", "gru", "rnn"}, default="lstm"
        Type of recurrent cell.
    bidirectional : bool, default=True
        Whether to process the sequence in reverse too (Schuster and Paliwal, 1997).
    merge_mode : {"concat", "sum", "mean", "mul"}, default="concat"
        How to combine the states of both directions.
    recurrent_dropout : float, default=0.0
        Probability of zeroing a recurrent weight, with the same mask for all steps of a
        batch: DropConnect as in AWD-LSTM (Merity et al., 2018), which is compatible
        with the fused kernel.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        cell: str = "lstm",
        bidirectional: bool = True,
        merge_mode: str = "concat",
        recurrent_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.cell = cell
        self.merge_mode = merge_mode
        self.recurrent_dropout = recurrent_dropout
        is_concatenated = bidirectional and merge_mode == "concat"
        self.output_size = hidden_size * (2 if is_concatenated else 1)
        self.forward_rnn = skip_init(CELLS[cell].layer, input_size, hidden_size)
        self.backward_rnn = None
        if bidirectional:
            self.backward_rnn = skip_init(CELLS[cell].layer, input_size, hidden_size)

    @property
    def config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "input_size": self.input_size,
            "hidden_size": self.forward_rnn.hidden_size,
            "cell": self.cell,
            "bidirectional": self.backward_rnn is not None,
            "merge_mode": self.merge_mode,
            "recurrent_dropout": self.recurrent_dropout,
        }

    @property
    def directions(self) -> list[nn.RNNBase]:
        """The recurrent cells, one per direction."""
        return [
            self.forward_rnn,
            *([] if self.backward_rnn is None else [self.backward_rnn]),
        ]

    @property
    def input_size(self) -> int:
        """Dimension of the input vectors."""
        return self.forward_rnn.input_size

    @property
    def states_of_step(self) -> str:
        """Input and output sizes of a step, for the representation."""
        size = self.forward_rnn.hidden_size
        if self.backward_rnn is None:
            return str(size)
        if self.merge_mode == "concat":
            return f"{size} + {size}"
        return f"{self.merge_mode} of {size} and {size}"

    def extra_repr(self) -> str:
        """Return the cell, and the sizes of input and states."""
        return f"{self.cell}, {self.input_size} -> {self.states_of_step}"

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Initialise the weights of both directions."""
        init_weights(self.forward_rnn, generator)
        if self.backward_rnn is not None:
            init_weights(self.backward_rnn, generator)

    def forward(
        self, x: Tensor, order: Order, generator: torch.Generator | None = None
    ) -> list[Tensor]:
        """Compute the states of both directions for vectors of shape (B, T, E).

        Parameters
        ----------
        x : tensor of shape (B, T, E)
        order : int64 tensor of shape (T * B,) or int
            Result of :func:`reversed_order` for the mask.
        generator : torch.Generator, default=None
            Random generator of the recurrent dropout.

        Returns
        -------
        directions : list of tensor of shape (B, T, hidden_size)
            States of each direction in processing order: those of the second direction
            go from the last real step to the first. Arbitrary but finite on padding.
        """
        directions = [self._run(self.forward_rnn, x, generator)]
        if self.backward_rnn is not None:
            directions.append(
                self._run(self.backward_rnn, reorder(x, order), generator)
            )
        return directions

    def final(self, directions: list[Tensor], mask: Tensor) -> Tensor:
        """Return the final states of each direction, of shape (B, H)."""
        return self._merge([last_step(states, mask) for states in directions])

    def merge(self, directions: list[Tensor], order: Order) -> Tensor:
        """Merge the states of the directions to one state per step, (B, T, H)."""
        forward, *backward = directions
        in_order = [forward, *(reorder(states, order) for states in backward)]
        by_step = [states.transpose(0, 1) for states in in_order]
        return self._merge(by_step).transpose(0, 1)  # (B, T, H)

    def _merge(self, directions: list[Tensor]) -> Tensor:
        if self.backward_rnn is None:
            return directions[0]
        return MERGES[self.merge_mode](*directions)

    def _run(
        self, layer: nn.RNNBase, x: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        weights: list[Tensor] = [weight.to(x.dtype) for weight in layer.all_weights[0]]
        if self.training and self.recurrent_dropout > 0:
            recurrent = weights[1]
            weights[1] = drop(
                recurrent, self.recurrent_dropout, recurrent.shape, generator
            )
        start = x.new_zeros(1, len(x), layer.hidden_size)
        states = CELLS[self.cell].read(x.transpose(0, 1), start, weights)
        return states.transpose(0, 1)  # (B, T, hidden_size)


class RecurrentEncoder(Layer):
    """A stack of recurrent layers with locked dropout between them.

    Parameters
    ----------
    input_size : int
        Dimension of the input vectors.
    hidden_layer_sizes : sequence of int
        Number of units per direction of each layer.
    cell : {"lstm", "gru", "rnn"}, default="lstm"
        Type of recurrent cell.
    bidirectional : bool, default=True
        Whether all layers process the sequence in both directions.
    merge_mode : {"concat", "sum", "mean", "mul"}, default="concat"
        How to combine the states of both directions.
    normalization : {"layer", "batch"} or None, default=None
        Normalisation of the states of every layer.
    dropout : float, default=0.0
        Probability of zeroing a component of the states between two layers.
    recurrent_dropout : float, default=0.0
        Probability of zeroing a recurrent weight.
    training_dtype : torch.dtype or None, default=None
        Dtype of the computation of the cells in training. None uses the dtype of the
        vectors. Weights, gradients and output keep their dtype (Micikevicius et al.,
        2018).
    """

    def __init__(
        self,
        input_size: int,
        hidden_layer_sizes: Sequence[int],
        *,
        cell: str = "lstm",
        bidirectional: bool = True,
        merge_mode: str = "concat",
        normalization: str | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        training_dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.normalization = normalization
        self.training_dtype = training_dtype
        layers, normalizations = [], []
        for hidden_size in hidden_layer_sizes:
            layer = RecurrentLayer(
                input_size,
                hidden_size,
                cell=cell,
                bidirectional=bidirectional,
                merge_mode=merge_mode,
                recurrent_dropout=recurrent_dropout,
            )
            layers.append(layer)
            input_size = layer.output_size
            if normalization is not None:
                normalizations.append(NORMALIZATIONS[normalization](input_size))
        # a ModuleList does not declare the type of its items
        self.layers = cast("Sequence[RecurrentLayer]", nn.ModuleList(layers))
        self.normalizations = cast("Sequence[Layer]", nn.ModuleList(normalizations))
        self.dropout = LockedDropout(dropout)
        self.needs_whole_batch = any(
            part.needs_whole_batch for part in self.normalizations
        )
        self.output_size = input_size

    def extra_repr(self) -> str:
        """Return the sizes of all layers and the normalisation."""
        sizes = [layer.states_of_step for layer in self.layers[1:]]
        normalized = {type(part).__name__ for part in self.normalizations}
        return ", ".join(
            [" -> ".join([self.layers[0].extra_repr(), *sizes]), *normalized]
        )

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Initialise the weights of every layer."""
        for part in [*self.layers, *self.normalizations]:
            part.reset_parameters(generator)

    @property
    def config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        configs = [layer.config for layer in self.layers]
        sizes = [config.pop("hidden_size") for config in configs]
        return {
            **configs[0],
            "hidden_layer_sizes": sizes,
            "normalization": self.normalization,
            "dropout": self.dropout.p,
            "training_dtype": self.training_dtype,
        }

    @property
    def architecture(self) -> tuple:
        """Architecture signature: types and sizes of layers, except for the input."""
        layers = [
            (layer.cell, layer.forward_rnn.hidden_size, layer.merge_mode)
            if layer.backward_rnn is not None
            else (layer.cell, layer.forward_rnn.hidden_size)
            for layer in self.layers
        ]
        return tuple(layers), tuple(type(part) for part in self.normalizations)

    @torch.no_grad()
    def copy_weights_from(self, other: "RecurrentEncoder", n_shared: int) -> None:
        """Copy the weights of another encoder.

        Parameters
        ----------
        other : RecurrentEncoder
            An encoder with the same architecture, except for the input after the first
            `n_shared` components.
        n_shared : int
            Number of input components whose weights are copied.
        """
        state = other.state_dict()
        for name, weight in self.state_dict().items():
            if name.startswith("layers.0.") and "weight_ih" in name:
                merged = weight.clone()
                merged[:, :n_shared] = state[name][:, :n_shared]
                state[name] = merged
        self.load_state_dict(state)

    def forward(
        self, x: Tensor, mask: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Compute the states for vectors of shape (B, T, E).

        Returns
        -------
        states : tensor of shape (B, T, H)
            Arbitrary but finite on padding.
        final : tensor of shape (B, H)
            Final state of each direction of the last layer.
        """
        order = reversed_order(mask)
        first = self.first(x, order, generator)  # (B, T, hidden_size) each
        return self.states(first, mask, order, generator)  # (B, T, H), (B, H)

    def first(
        self, x: Tensor, order: Order, generator: torch.Generator | None = None
    ) -> list[Tensor]:
        """Apply the first layer to vectors of shape (B, T, E).

        Returns
        -------
        first : list of tensor of shape (B, T, hidden_size)
            Output of the first layer, the input of `states`.
        """
        if self.training and self.training_dtype is not None:
            x = x.to(self.training_dtype)  # (B, T, E)
        return self.layers[0](time_major(x), order, generator)

    def states(
        self,
        first: list[Tensor],
        mask: Tensor,
        order: Order,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return the states and final states, given the output of `first`."""
        last = self._above(first, mask, order, generator)  # (B, T, hidden_size) each
        states, final = self._merged(-1, last, mask, order)
        return states.to(self._dtype), final.to(self._dtype)  # (B, T, H), (B, H)

    def states_in_any_order(
        self,
        first: list[Tensor],
        mask: Tensor,
        order: Order,
        generator: torch.Generator | None = None,
    ) -> list[Tensor]:
        """Return the states in arbitrary order, given the output of `first`.

        Reordering the states of the backward direction, and concatenating them with the
        others, takes a twentieth of the time of a prediction. It is skipped unless
        states are merged by a sum, a mean or a product, or normalised.

        Returns
        -------
        parts : list of tensor of shape (B, T, H_i)
            Parts of the states, whose sizes sum to H. The real steps of a part come
            before the padding, in an order of their own.
        """
        parts = self._above(first, mask, order, generator)  # (B, T, hidden_size) each
        if self.layers[-1].merge_mode != "concat" or self.normalizations:
            states, _ = self._merged(-1, parts, mask, order)
            parts = [states]
        return [part.to(self._dtype) for part in parts]

    @property
    def _dtype(self) -> torch.dtype:
        """Dtype of weights and vectors, regardless of the dtype of the computation."""
        return self.layers[0].forward_rnn.all_weights[0][0].dtype

    def _above(
        self,
        directions: list[Tensor],
        mask: Tensor,
        order: Order,
        generator: torch.Generator | None,
    ) -> list[Tensor]:
        """Return the states per direction of the last layer, given the first's."""
        for index, layer in enumerate(self.layers[1:]):
            merged, _ = self._merged(index, directions, mask, order)
            states = self.dropout(merged, generator)  # (B, T, H)
            directions = layer(states, order, generator)
        return directions  # (B, T, hidden_size) each

    def _merged(
        self, index: int, directions: list[Tensor], mask: Tensor, order: Order
    ) -> tuple[Tensor, Tensor]:
        """Return the output states and final states of a layer."""
        layer = self.layers[index]
        states = layer.merge(directions, order)  # (B, T, H)
        final = layer.final(directions, mask)  # (B, H)
        if self.normalizations:
            states, final = self.normalizations[index](states, mask, final)
        return states, final
