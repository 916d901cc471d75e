"""From parameters to a network."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import torch

from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.nn import (
    CRF,
    POOLINGS,
    CharacterEncoder,
    Convolutions,
    DenseHead,
    IndependentLabels,
    NumericInput,
    RecurrentEncoder,
    SequenceModel,
    StepModel,
    TaggingModel,
    TokenInput,
)
from sklearn_bilstm.utils._device import resolve_device, resolve_precision
from sklearn_bilstm.utils._ids import UNKNOWN_ID
from sklearn_bilstm.utils._random import seeded_generator

__all__ = ["NetworkSizes", "build_network", "training_dtype"]


@dataclass(frozen=True)
class NetworkSizes:
    """Sizes of a network that depend on the data.

    Parameters
    ----------
    input_type : {"tokens", "numeric"}
    n_inputs : int
        Number of token ids, or of channels of numeric sequences.
    n_outputs : int
        Number of logits per row or step.
    embedding_dim : int, default=0
        Dimension of the token vectors.
    n_log_odds_channels : int, default=0
        Number of class log-odds features per token.
    n_characters : int or None, default=None
        Number of character ids. None if tokens have no characters.
    of_steps : bool, default=False
        Whether there are outputs for each step instead of each row.
    n_static : int, default=0
        Number of static features.
    """

    input_type: str
    n_inputs: int
    n_outputs: int
    embedding_dim: int = 0
    n_log_odds_channels: int = 0
    n_characters: int | None = None
    of_steps: bool = False
    n_static: int = 0


def build_network(
    config: Config,
    sizes: NetworkSizes,
    seed: int,
    decoder: CRF | IndependentLabels | None = None,
) -> SequenceModel | StepModel | TaggingModel:
    """Build a network and initialise its weights.

    Parameters
    ----------
    config : Config
    sizes : NetworkSizes
    seed : int
        Seed of the random weights.
    decoder : CRF or IndependentLabels, default=None
        Decoder of the labels of steps. None builds a network without labels of steps.

    Returns
    -------
    network : SequenceModel, StepModel or TaggingModel

    Raises
    ------
    MemoryError
        If there is too little memory for its weights.
    """
    try:
        network: SequenceModel | StepModel | TaggingModel
        if decoder is not None:
            network = _tagging_model(config, sizes, decoder)
        elif sizes.of_steps:
            network = _step_model(config, sizes)
        else:
            network = _sequence_model(config, sizes)
    except RuntimeError as error:  # of torch, which knows no other one
        raise MemoryError(
            f"{config.estimator} has too little memory for the weights of its network: "
            "reduce 'hidden_layer_sizes', 'dense_layer_sizes', 'embedding_dim' or "
            "'convolution_layer_sizes'. "
            f"{error}"
        ) from error
    network.reset_parameters(seeded_generator(seed))
    return network


def _sequence_model(config: Config, sizes: NetworkSizes) -> SequenceModel:
    input_layer = _input_layer(config, sizes)
    convolutions = _convolutions(config, input_layer.output_size)
    last = input_layer if convolutions is None else convolutions
    encoder = _encoder(config, last.output_size, sizes.input_type)
    pooling = POOLINGS[config.pooling](encoder.output_size)
    head = _head(config, pooling.output_size + sizes.n_static, sizes)
    return SequenceModel(input_layer, encoder, pooling, head, convolutions)


def _step_model(config: Config, sizes: NetworkSizes) -> StepModel:
    input_layer = _input_layer(config, sizes)
    convolutions = _convolutions(
        config, input_layer.output_size, is_causal=not config.bidirectional
    )
    last = input_layer if convolutions is None else convolutions
    encoder = _encoder(config, last.output_size, sizes.input_type)
    head = _head(config, encoder.output_size + sizes.n_static, sizes)
    return StepModel(input_layer, encoder, head, convolutions)


def _tagging_model(
    config: Config, sizes: NetworkSizes, decoder: CRF | IndependentLabels
) -> TaggingModel:
    input_layer = _input_layer(config, sizes)
    characters = _character_encoder(config, sizes)
    n_character_features = characters.output_size if characters else 0
    input_size = input_layer.output_size + n_character_features
    encoder = _encoder(config, input_size, sizes.input_type)
    head = _head(config, encoder.output_size, sizes)
    return TaggingModel(input_layer, encoder, head, decoder, characters)


def _input_layer(config: Config, sizes: NetworkSizes) -> TokenInput | NumericInput:
    if sizes.input_type == "numeric":
        return NumericInput(sizes.n_inputs)
    return TokenInput(
        sizes.n_inputs,
        sizes.embedding_dim,
        sizes.n_log_odds_channels,
        unknown_id=UNKNOWN_ID,
        word_dropout=config.word_dropout,
        dropout=config.embedding_dropout,
        frozen=config.freeze_embedding,
    )


def _character_encoder(config: Config, sizes: NetworkSizes) -> CharacterEncoder | None:
    if sizes.n_characters is None or not config.n_character_filters:
        return None
    return CharacterEncoder(
        sizes.n_characters,
        config.character_embedding_dim,
        config.n_character_filters,
        unknown_id=UNKNOWN_ID,
        dropout=config.embedding_dropout,
    )


def _convolutions(
    config: Config, input_size: int, *, is_causal: bool = False
) -> Convolutions | None:
    n_filters = _checked_sizes(config, "convolution_layer_sizes", least=0)
    if not n_filters:
        return None
    return Convolutions(
        input_size, n_filters, stride=config.convolution_stride, is_causal=is_causal
    )


def _encoder(config: Config, input_size: int, input_type: str) -> RecurrentEncoder:
    return RecurrentEncoder(
        input_size,
        _checked_sizes(config, "hidden_layer_sizes", least=1),
        cell=config.cell,
        bidirectional=config.bidirectional,
        merge_mode=config.merge_mode,
        normalization=config.normalization,
        dropout=config.dropout,
        recurrent_dropout=config.recurrent_dropout,
        training_dtype=training_dtype(config, input_type),
    )


def _head(config: Config, input_size: int, sizes: NetworkSizes) -> DenseHead:
    return DenseHead(
        input_size,
        sizes.n_outputs,
        _checked_sizes(config, "dense_layer_sizes", least=0),
        dropout=config.dropout,
    )


def training_dtype(config: Config, input_type: str) -> torch.dtype:
    """Return the dtype of recurrent layers in training."""
    fused = config.cell == "lstm"  # kernels of other cells gain nothing
    if config.precision == "auto" and (input_type == "numeric" or not fused):
        return torch.float32
    return resolve_precision(config.precision, resolve_device(config.device))


def _checked_sizes(config: Config, name: str, *, least: int) -> list[int]:
    """Return the sizes of at least `least` layers as a list of int."""
    value: int | Sequence[int] = getattr(config, name)
    sizes: list[Any] = list(np.atleast_1d(np.asarray(value, dtype=object)))
    are_valid = all(
        isinstance(size, Integral) and not isinstance(size, bool) and int(size) >= 1
        for size in sizes
    )
    if len(sizes) < least or not are_valid:
        raise ValueError(
            f"The {name!r} parameter of {config.estimator} must be an int or a "
            f"sequence of ints in the range [1, inf). Got {value!r} instead."
        )
    return [int(size) for size in sizes]
