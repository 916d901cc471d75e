"""The recurrent encoder: a stack of one-way or two-way layers.

Rows are read padded, never packed: torch runs a packed sequence step by step on a CPU
and a padded one through one fused kernel. To stay exact, the backward direction is a
cell of its own that reads each row reversed within its own length. In both directions
padding then comes after the last real step, where it cannot reach a real state.
"""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from sklearn_bilstm.nn._cell import CELLS, draw_weights
from sklearn_bilstm.nn._dropout import LockedDropout, drop
from sklearn_bilstm.nn._mask import (
    Order,
    last_step,
    reorder,
    reversed_order,
    time_major,
)
from sklearn_bilstm.nn._merge import MERGES
from sklearn_bilstm.nn._normalization import NORMALIZATIONS
from sklearn_bilstm.nn._part import Part
from sklearn_bilstm.nn._undrawn import undrawn

__all__ = ["RecurrentEncoder", "RecurrentLayer"]


class RecurrentLayer(Part):
    """One recurrent layer in one or both directions.

    Parameters
    ----------
    input_size : int
        Width of the vectors read.
    hidden_size : int
        Width of the state of one direction.
    cell : {"lstm", "gru", "rnn"}, default="lstm"
        What carries the state on.
    bidirectional : bool, default=True
        Whether a second cell reads the sequence from its end (Schuster and Paliwal,
        1997).
    merge_mode : {"concat", "sum", "mean", "mul"}, default="concat"
        How the states of both directions become one.
    recurrent_dropout : float, default=0.0
        Probability that a weight from one step to the next is zeroed, the same for
        all steps that are read together: DropConnect on the recurrent weights as in
        AWD-LSTM (Merity et al., 2018), which leaves the fused kernel in use.
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
        both = bidirectional and merge_mode == "concat"
        self.output_size = hidden_size * (2 if both else 1)
        self.forwards = undrawn(CELLS[cell].layer, input_size, hidden_size)
        self.backwards = None
        if bidirectional:
            self.backwards = undrawn(CELLS[cell].layer, input_size, hidden_size)

    @property
    def config(self) -> dict[str, Any]:
        """The arguments that make a part like this one."""
        return {
            "input_size": self.input_size,
            "hidden_size": self.forwards.hidden_size,
            "cell": self.cell,
            "bidirectional": self.backwards is not None,
            "merge_mode": self.merge_mode,
            "recurrent_dropout": self.recurrent_dropout,
        }

    @property
    def directions(self) -> list[nn.RNNBase]:
        """The cells that read, one or two."""
        return [self.forwards, *([] if self.backwards is None else [self.backwards])]

    @property
    def input_size(self) -> int:
        """Width of the vectors read."""
        return self.forwards.input_size

    @property
    def states_of_step(self) -> str:
        """What a step is turned into, in the widths of both directions."""
        size = self.forwards.hidden_size
        if self.backwards is None:
            return str(size)
        if self.merge_mode == "concat":
            return f"{size} + {size}"
        return f"{self.merge_mode} of {size} and {size}"

    def extra_repr(self) -> str:
        """Return the cell, and the widths of what is read and of the states."""
        return f"{self.cell}, {self.input_size} -> {self.states_of_step}"

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw the weights of both directions."""
        draw_weights(self.forwards, generator)
        if self.backwards is not None:
            draw_weights(self.backwards, generator)

    def forward(
        self, x: Tensor, order: Order, generator: torch.Generator | None = None
    ) -> list[Tensor]:
        """Read vectors of shape (B, T, E).

        Parameters
        ----------
        x : tensor of shape (B, T, E)
        order : int64 tensor of shape (T * B,) or int
            What :func:`reversed_order` gives for the mask.
        generator : torch.Generator, default=None
            Source of the recurrent dropout.

        Returns
        -------
        directions : list of tensor of shape (B, T, hidden_size)
            States of each direction as they were read: those of the second come from
            the last real step to the first. Arbitrary on padding, and finite.
        """
        directions = [self._run(self.forwards, x, generator)]
        if self.backwards is not None:
            directions.append(self._run(self.backwards, reorder(x, order), generator))
        return directions

    def final(self, directions: list[Tensor], mask: Tensor) -> Tensor:
        """Return the states, (B, H), when each direction has read the whole row."""
        return self._merge([last_step(states, mask) for states in directions])

    def merge(self, directions: list[Tensor], order: Order) -> Tensor:
        """Return one state a step, of shape (B, T, H), from those of each direction."""
        first, *others = directions
        in_order = [first, *(reorder(states, order) for states in others)]
        by_step = [states.transpose(0, 1) for states in in_order]
        return self._merge(by_step).transpose(0, 1)  # (B, T, H)

    def _merge(self, directions: list[Tensor]) -> Tensor:
        if self.backwards is None:
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


class RecurrentEncoder(Part):
    """A stack of recurrent layers with locked dropout between them.

    Parameters
    ----------
    input_size : int
        Width of the vectors read.
    hidden_layer_sizes : sequence of int
        Width of one direction, for each layer.
    cell : {"lstm", "gru", "rnn"}, default="lstm"
        What carries the state of every layer on.
    bidirectional : bool, default=True
        Whether every layer reads in both directions.
    merge_mode : {"concat", "sum", "mean", "mul"}, default="concat"
        How the states of both directions become one in every layer.
    normalization : {"layer", "batch"} or None, default=None
        What the states of every layer are normalised by.
    dropout : float, default=0.0
        Probability that a state component is zeroed between two layers.
    recurrent_dropout : float, default=0.0
        Probability that a weight from one step to the next is zeroed.
    training_dtype : torch.dtype or None, default=None
        What the cells compute in while they are trained, if not in the dtype of the
        vectors. Weights, their gradients and what comes out keep theirs (Micikevicius
        et al., 2018).
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
        # a ModuleList does not tell what it holds
        self.layers = cast("Sequence[RecurrentLayer]", nn.ModuleList(layers))
        self.normalizations = cast("Sequence[Part]", nn.ModuleList(normalizations))
        self.dropout = LockedDropout(dropout)
        self.needs_whole_batch = any(
            part.needs_whole_batch for part in self.normalizations
        )
        self.output_size = input_size

    def extra_repr(self) -> str:
        """Return the widths of all layers, and what states are normalised by."""
        sizes = [layer.states_of_step for layer in self.layers[1:]]
        normalized = {type(part).__name__ for part in self.normalizations}
        return ", ".join(
            [" -> ".join([self.layers[0].extra_repr(), *sizes]), *normalized]
        )

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw the weights of every layer."""
        for part in [*self.layers, *self.normalizations]:
            part.reset_parameters(generator)

    @property
    def config(self) -> dict[str, Any]:
        """The arguments that make a part like this one."""
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
    def design(self) -> tuple:
        """Kinds and sizes of the layers, whatever they read."""
        layers = [
            (layer.cell, layer.forwards.hidden_size, layer.merge_mode)
            if layer.backwards is not None
            else (layer.cell, layer.forwards.hidden_size)
            for layer in self.layers
        ]
        return tuple(layers), tuple(type(part) for part in self.normalizations)

    @torch.no_grad()
    def take_over(self, other: "RecurrentEncoder", n_shared: int) -> None:
        """Begin with the weights of another encoder.

        Parameters
        ----------
        other : RecurrentEncoder
            Of the same shape, but for what it reads behind the first `n_shared`
            numbers of a step.
        n_shared : int
            Numbers of a step whose weights are taken over.
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
        """Read vectors of shape (B, T, E).

        Returns
        -------
        states : tensor of shape (B, T, H)
            Arbitrary on padding, and finite.
        final : tensor of shape (B, H)
            State of each direction of the last layer when it has read the whole row.
        """
        order = reversed_order(mask)
        first = self.first(x, order, generator)  # (B, T, hidden_size) each
        return self.states(first, mask, order, generator)  # (B, T, H), (B, H)

    def first(
        self, x: Tensor, order: Order, generator: torch.Generator | None = None
    ) -> list[Tensor]:
        """Read vectors of shape (B, T, E) with the first layer.

        Returns
        -------
        first : list of tensor of shape (B, T, hidden_size)
            What the first layer returns, for the others to go on with.
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
        """Return the states and final states of the encoder from those of `first`."""
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
        """Return the states from those of `first`, where all steps are alike.

        To put the states of the backward direction in order, and beside those of the
        other, takes a twentieth of the time of a prediction. It is left out unless
        states are merged by a sum, a mean or a product, or normalised.

        Returns
        -------
        parts : list of tensor of shape (B, T, H_i)
            Parts of the states, which are H wide together. Their real steps come in an
            order of their own before the padding.
        """
        parts = self._above(first, mask, order, generator)  # (B, T, hidden_size) each
        if self.layers[-1].merge_mode != "concat" or self.normalizations:
            states, _ = self._merged(-1, parts, mask, order)
            parts = [states]
        return [part.to(self._dtype) for part in parts]

    @property
    def _dtype(self) -> torch.dtype:
        """What weights and vectors are kept in, whatever is computed in."""
        return self.layers[0].forwards.all_weights[0][0].dtype

    def _above(
        self,
        directions: list[Tensor],
        mask: Tensor,
        order: Order,
        generator: torch.Generator | None,
    ) -> list[Tensor]:
        """Return the states of each direction of the last layer from the first's."""
        for index, layer in enumerate(self.layers[1:]):
            merged, _ = self._merged(index, directions, mask, order)
            states = self.dropout(merged, generator)  # (B, T, H)
            directions = layer(states, order, generator)
        return directions  # (B, T, hidden_size) each

    def _merged(
        self, index: int, directions: list[Tensor], mask: Tensor, order: Order
    ) -> tuple[Tensor, Tensor]:
        """Return the states and the final states that a layer hands on."""
        layer = self.layers[index]
        states = layer.merge(directions, order)  # (B, T, H)
        final = layer.final(directions, mask)  # (B, H)
        if self.normalizations:
            states, final = self.normalizations[index](states, mask, final)
        return states, final
