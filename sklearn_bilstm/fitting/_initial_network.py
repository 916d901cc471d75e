"""Network of a model before its training: a new one, or a copy of a fitted one."""

from typing import Any

import torch

from sklearn_bilstm.fitting._auxiliary_models import AuxiliaryModels
from sklearn_bilstm.fitting._builder import NetworkSizes, build_network
from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._embedding import InitialVectors, n_tokens
from sklearn_bilstm.fitting._model import FittedModel
from sklearn_bilstm.fitting._reader import SequenceReader
from sklearn_bilstm.fitting._target import Target
from sklearn_bilstm.fitting._transfer import (
    another_network_error,
    copy_pretrained_weights,
    copy_weights,
)
from sklearn_bilstm.sequences import Sequences
from sklearn_bilstm.training import ClassLogOdds, TokenVectors

__all__ = ["continued_network", "copied_network", "new_network"]


def new_network(
    config: Config,
    reader: SequenceReader,
    target: Target,
    auxiliary_models: AuxiliaryModels,
    sequences: Sequences,
    pretrained: FittedModel | None,
    seed: int,
) -> tuple[Any, TokenVectors | None]:
    """Return a network with initial or pretrained weights, and its token vectors."""
    is_token = reader.input_type == "tokens"
    vectors = _initial_vectors(config, reader)
    n_inputs = (
        vectors.n_ids(sequences, reader.fingerprint)
        if is_token
        else sequences.values.shape[-1]
    )
    sizes = _network_sizes(
        reader, target, auxiliary_models.n_channels, n_inputs, vectors.width
    )
    network: Any = build_network(config, sizes, seed, target.decoder(config))
    if pretrained is not None:
        copy_pretrained_weights(
            network,
            pretrained,
            keeps_log_odds=auxiliary_models.log_odds_are_pretrained,
            fingerprint=reader.fingerprint,
            estimator=config.estimator,
            seed=seed,
        )
        return network, _trained_vectors(network, reader, sequences)
    initial = _token_vectors(config, reader, sequences, seed)
    if initial is not None:
        network.input_layer.set_initial_vectors(torch.tensor(initial.values))
    return network, initial


def continued_network(
    config: Config,
    previous_model: FittedModel,
    auxiliary_models: AuxiliaryModels,
    sequences: Sequences,
    seed: int,
) -> tuple[Any, TokenVectors | None]:
    """Return a copy of a fitted network with its initial token vectors.

    Its current vectors are fitted to the labels, those of held-out rows included. Ids
    without a given vector have no weight in the mean vectors.
    """
    network = copied_network(config, previous_model, auxiliary_models.log_odds)
    reader = previous_model.reader
    if auxiliary_models.linear is None or reader.input_type != "tokens":
        return network, None
    vectors = _initial_vectors(config, reader)
    if not vectors.has_ids_of(reader.fingerprint):
        return network, None
    values = vectors.values(sequences, n_tokens(sequences), seed)
    return network, None if values is None else TokenVectors(values, sequences)


def copied_network(
    config: Config, previous_model: FittedModel, log_odds: ClassLogOdds | None
) -> Any:
    """Return a copy of a fitted network, with the current training parameters."""
    fitted = previous_model.network
    previous = previous_model.auxiliary_models.log_odds
    if (log_odds and log_odds.lengths) != (previous and previous.lengths):
        raise another_network_error(config.estimator)
    width = _initial_vectors(config, previous_model.reader).width
    n_channels = 0 if log_odds is None else log_odds.n_channels
    n_inputs = fitted.input_layer.input_size
    sizes = _network_sizes(
        previous_model.reader, previous_model.target, n_channels, n_inputs, width
    )
    network = build_network(config, sizes, 0, previous_model.target.decoder(config))
    copy_weights(network, fitted, config.estimator)
    return network


def _network_sizes(
    reader: SequenceReader, target: Target, n_channels: int, n_inputs: int, width: int
) -> NetworkSizes:
    return NetworkSizes(
        reader.input_type,
        n_inputs,
        target.n_outputs,
        embedding_dim=width,
        n_log_odds_channels=n_channels,
        n_characters=None if reader.words is None else reader.words.n_characters,
        of_steps=target.of_steps,
        n_static=reader.n_static,
    )


def _initial_vectors(config: Config, reader: SequenceReader) -> InitialVectors:
    if reader.input_type == "numeric" and not isinstance(config.embedding, str | None):
        raise ValueError(
            "The 'embedding' parameter must not hold vectors if X holds numbers "
            "instead of tokens."
        )
    return InitialVectors(config, reader.words)


def _token_vectors(
    config: Config, reader: SequenceReader, sequences: Sequences, seed: int
) -> TokenVectors | None:
    """Return the initial token vectors, or None if they are random."""
    vectors = _initial_vectors(config, reader)
    if reader.input_type != "tokens":
        return None
    n_ids = vectors.n_ids(sequences, reader.fingerprint)
    values = vectors.values(sequences, n_ids, seed)
    return None if values is None else TokenVectors(values, sequences)


def _trained_vectors(
    network: Any, reader: SequenceReader, sequences: Sequences
) -> TokenVectors | None:
    """Return a copy of the token vectors of a pretrained network."""
    if reader.input_type != "tokens":
        return None
    values = network.input_layer.embedding.weight.detach().float().numpy()
    return TokenVectors(values.copy(), sequences)
