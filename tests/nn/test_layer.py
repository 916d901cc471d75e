import inspect

import pytest
import torch

from sklearn_bilstm.nn import (
    NORMALIZATIONS,
    POOLINGS,
    DenseHead,
    NumericInput,
    RecurrentEncoder,
    RecurrentLayer,
    TokenInput,
)

RECURRENT = {
    "cell": "gru",
    "bidirectional": False,
    "merge_mode": "sum",
    "recurrent_dropout": 0.3,
}
PARTS = [
    DenseHead(5, 3, (4, 2), dropout=0.1),
    NumericInput(3),
    RecurrentEncoder(
        5,
        (4, 3),
        **RECURRENT,
        normalization="layer",
        dropout=0.2,
        training_dtype=torch.bfloat16,
    ),
    RecurrentLayer(5, 4, **RECURRENT),
    TokenInput(9, 4, 2, unknown_id=1, word_dropout=0.1, dropout=0.2, frozen=True),
    *[pooling(4) for pooling in POOLINGS.values()],
    *[normalization(4) for normalization in NORMALIZATIONS.values()],
]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
def test_config_reconstructs_the_layer(part):
    again = type(part)(**part.config)
    assert part.config.keys() == inspect.signature(type(part)).parameters.keys()
    assert again.config == part.config
    assert repr(again) == repr(part)
    assert again.load_state_dict(part.state_dict()).missing_keys == []
    trained = [weight.requires_grad for weight in part.parameters()]
    assert [weight.requires_grad for weight in again.parameters()] == trained


def test_config_contains_the_grown_number_of_tokens(generator):
    layer = TokenInput(9, 4, unknown_id=1)
    layer.grow(12, generator)
    assert layer.config["n_tokens"] == 12
