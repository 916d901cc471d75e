"""Removal of units of the last recurrent layer."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_bilstm.compression._weights import with_copied_network
from sklearn_bilstm.fitting import FittedModel
from sklearn_bilstm.nn import AttentionPooling, DenseHead, RecurrentEncoder
from sklearn_bilstm.sequences import SequenceDataset

__all__ = ["has_removable_units", "ranked_units", "with_units"]


def has_removable_units(model: FittedModel) -> bool:
    """Return whether only the output layers read the states of the last layer.

    Normalisation and attention have weights for each unit, too, and networks of steps
    are not supported.
    """
    network = model.network
    return (
        not network.of_steps
        and network.encoder.normalization is None
        and not isinstance(network.pooling, AttentionPooling)
    )


def ranked_units(model: FittedModel, rows: SequenceDataset) -> list[np.ndarray]:
    """Return the units of each direction, by decreasing contribution to the logits.

    The contribution of a unit is the variance of its pooled states over rows, times the
    squared norm of the weights by which the first output layer multiplies them.
    """
    network = model.network
    pooled = model.net.pooled(model.with_features(rows))[
        :, : network.pooling.output_size
    ]
    weights = _first_layer(network.head).weight.detach().cpu().double().numpy()
    norms = np.square(weights).sum(0)[: pooled.shape[1]]
    column_importances = pooled.var(0, dtype=float) * norms
    last = network.encoder.layers[-1]
    by_view = column_importances.reshape(
        network.pooling.n_views, -1, last.forward_rnn.hidden_size
    )
    unit_importances = by_view.sum(0)
    if len(unit_importances) < len(last.directions):  # both are merged to one state
        unit_importances = unit_importances.repeat(len(last.directions), axis=0)
    return [np.argsort(-importances) for importances in unit_importances]


def with_units(model: FittedModel, units: list[np.ndarray]) -> FittedModel:
    """Return a model with some units of the last recurrent layer.

    Parameters
    ----------
    model : FittedModel
    units : list of ndarray of int, shape (n_units,)
        Units to keep, of each direction.
    """
    smaller = with_copied_network(model)
    network = smaller.network
    last = network.encoder.layers[-1]
    size = last.forward_rnn.hidden_size
    kept_units = [torch.from_numpy(np.sort(indices)) for indices in units]
    columns = torch.cat([i * size + indices for i, indices in enumerate(kept_units)])
    if last.output_size == size:
        columns = kept_units[0]
    views = range(network.pooling.n_views)
    columns = torch.cat([columns + i * last.output_size for i in views])
    static_columns = range(network.pooling.output_size, network.head.input_size)
    columns = torch.cat([columns, torch.tensor([*static_columns], dtype=torch.int64)])
    network.head = _reduced_head(network.head, columns)
    network.encoder = _reduced_encoder(network.encoder, kept_units)
    network.pooling = type(network.pooling)(network.encoder.output_size)
    smaller.net.restart_optimizer()
    return smaller


@torch.no_grad()
def _reduced_encoder(
    encoder: RecurrentEncoder, units: list[Tensor]
) -> RecurrentEncoder:
    config = encoder.config
    sizes = [*config["hidden_layer_sizes"][:-1], len(units[0])]
    reduced = RecurrentEncoder(**{**config, "hidden_layer_sizes": sizes})
    last, layer = encoder.layers[-1], reduced.layers[-1]
    size = last.forward_rnn.hidden_size
    state: dict[str, Any] = encoder.state_dict()
    prefix = f"layers.{len(sizes) - 1}."
    for name in layer.state_dict():
        weight = state[prefix + name]
        indices = units[0] if name.startswith("forward") else units[-1]
        gates = torch.arange(0, len(weight), size)[:, None]
        weight = weight[(gates + indices).flatten()]
        state[prefix + name] = weight[:, indices] if "weight_hh" in name else weight
    reduced.load_state_dict(state)
    return _like(reduced, encoder)


@torch.no_grad()
def _reduced_head(head: DenseHead, columns: Tensor) -> DenseHead:
    reduced = DenseHead(**{**head.config, "input_size": len(columns)})
    state = head.state_dict()
    name = "hidden.0.weight" if len(head.hidden) else "linear.weight"
    state[name] = state[name][:, columns]
    reduced.load_state_dict(state)
    return _like(reduced, head)


def _first_layer(head: DenseHead) -> torch.nn.Linear:
    return head.hidden[0] if len(head.hidden) else head.linear


def _like(reduced: Any, layer: Any) -> Any:
    """Return a layer on the device of another one, and in its mode."""
    return reduced.to(next(layer.parameters()).device).train(layer.training)
