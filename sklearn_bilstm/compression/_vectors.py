"""Reduction of the dimension of token vectors."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_bilstm.compression._weights import with_copied_network
from sklearn_bilstm.fitting import FittedModel
from sklearn_bilstm.nn import RecurrentEncoder, TokenInput
from sklearn_bilstm.sequences import SequenceDataset, parts_of_rows

__all__ = ["ReducedVectors", "has_reducible_vectors"]

# Number of steps that are counted at a time.
_STEPS_AT_A_TIME = 2**21


def has_reducible_vectors(model: FittedModel) -> bool:
    """Return whether the first recurrent layer reads token vectors directly."""
    network = model.network
    has_convolutions = getattr(network, "convolutions", None) is not None
    return isinstance(network.input_layer, TokenInput) and not has_convolutions


class ReducedVectors:
    """Truncated singular value decomposition of what the network reads of tokens.

    The first recurrent layer multiplies the vectors of tokens by its input weights. The
    products of all tokens are a matrix of low rank, whose factors replace vectors and
    weights: the approximation with the least squared error for a number of components
    (Eckart and Young, 1936), where tokens are weighted by their frequency.

    Parameters
    ----------
    model : FittedModel
        Model whose first recurrent layer reads token vectors.
    rows : SequenceDataset
        Rows from which the frequencies of tokens are estimated.

    Attributes
    ----------
    n_components : int
        Number of components with which the products are exact.
    """

    def __init__(self, model: FittedModel, rows: SequenceDataset) -> None:
        self._model = model
        layer = model.network.input_layer
        vectors = _numbers(layer.embedding.weight)
        size = vectors.shape[1]
        weights = np.concatenate([w[:, :size] for w in _input_weights(model.network)])
        # the decomposition of the products requires no matrix with a row per token
        weighted = np.sqrt(_frequencies(rows, len(vectors)))[:, np.newaxis] * vectors
        triangle = np.linalg.qr(weighted, mode="r")
        components = np.linalg.svd(triangle @ weights.T, full_matrices=False)[2]
        self._weights = components.T  # (n_gates_of_directions, n_components)
        self._vectors = vectors @ (weights.T @ components.T)
        self.n_components = min(size, len(components))

    def with_components(self, n_components: int) -> FittedModel:
        """Return a model with the first components as token vectors."""
        smaller = with_copied_network(self._model)
        network = smaller.network
        vectors = self._vectors[:, :n_components]
        network.encoder = self._encoder(network, n_components)
        network.input_layer = _reduced_input_layer(network.input_layer, vectors)
        network.input_layer.train(network.training)
        smaller.net.restart_optimizer()
        return smaller

    @torch.no_grad()
    def _encoder(self, network: Any, n_components: int) -> RecurrentEncoder:
        encoder, size = network.encoder, network.input_layer.n_shared
        config = encoder.config
        input_size = config["input_size"] - size + n_components
        reduced = RecurrentEncoder(**{**config, "input_size": input_size})
        state: dict[str, Any] = encoder.state_dict()
        start = 0
        for name in reduced.state_dict():
            if name.startswith("layers.0.") and "weight_ih" in name:
                weight = state[name]
                projected = self._weights[start : start + len(weight), :n_components]
                start += len(weight)
                projected = torch.from_numpy(np.ascontiguousarray(projected)).to(weight)
                state[name] = torch.cat([projected, weight[:, size:]], 1)
        reduced.load_state_dict(state)
        weight = network.input_layer.embedding.weight
        return reduced.to(weight.device).train(encoder.training)


@torch.no_grad()
def _reduced_input_layer(layer: TokenInput, vectors: np.ndarray) -> TokenInput:
    reduced = TokenInput(**{**layer.config, "embedding_dim": vectors.shape[1]})
    weight = layer.embedding.weight
    reduced.embedding.weight.copy_(torch.from_numpy(vectors))
    return reduced.to(weight.device)


def _input_weights(network: Any) -> list[np.ndarray]:
    """Return the input weights of each direction of the first recurrent layer."""
    directions = network.encoder.layers[0].directions
    return [_numbers(direction.weight_ih_l0) for direction in directions]


def _frequencies(rows: SequenceDataset, n_tokens: int) -> np.ndarray:
    """Return the smoothed number of occurrences of each token."""
    counts = np.full(n_tokens, 0.5)
    for chunk in parts_of_rows(rows.sequences, _STEPS_AT_A_TIME):
        ids = chunk.values[chunk.values < n_tokens]
        counts += np.bincount(ids, minlength=n_tokens)
    return counts


def _numbers(weight: Tensor) -> np.ndarray:
    return weight.detach().cpu().double().numpy()
