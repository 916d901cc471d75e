from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from sklearn_bilstm.nn import NumericInput, Projection, RecurrentEncoder, TokenInput
from sklearn_bilstm.nn._mask import reversed_order
from tests.nn import recurrences

N_TOKENS, UNKNOWN = 9, 1
BIDIRECTIONAL, UNIDIRECTIONAL = {"bidirectional": True}, {"bidirectional": False}


def randomised(layer, seed=0):
    """Draw all weights in float64, including biases and the padding vector."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in layer.double().parameters():
        nn.init.normal_(parameter, std=0.7, generator=generator)
    return layer.eval()


def random_rows(lengths, n_channels, n_steps=6):
    """Token ids (some unknown), their mask and log-odds."""
    generator = torch.Generator().manual_seed(1)
    mask = torch.arange(n_steps) < torch.tensor(lengths)[:, None]
    ids = torch.randint(2, N_TOKENS + 3, mask.shape, generator=generator) * mask
    ids[0, 0] = N_TOKENS  # the first id without a vector
    log_odds = torch.randn(*mask.shape, n_channels, generator=generator).double()
    return ids, mask, log_odds if n_channels else None


@pytest.mark.parametrize("direction", [BIDIRECTIONAL, UNIDIRECTIONAL])
@pytest.mark.parametrize("n_channels", [0, 3])
@pytest.mark.parametrize("lengths", [[3, 0, 6, 1], [6, 6], [4, 4, 4]])
def test_projected_states_equal_the_numpy_reference(lengths, n_channels, direction):
    layer = randomised(TokenInput(N_TOKENS, 5, n_channels, unknown_id=UNKNOWN))
    encoder = randomised(RecurrentEncoder(5 + n_channels, [4], **direction))
    ids, mask, log_odds = random_rows(lengths, n_channels)
    order = reversed_order(mask)
    first = Projection(layer, encoder.layers[0])(ids, order, log_odds)
    found, _ = encoder.states(first, mask, order)
    vectors = layer(ids, mask, log_odds=log_odds).detach().numpy()
    weights = recurrences.weights_of(encoder)
    for row, n_steps in enumerate(lengths):
        expected, _ = recurrences.read(vectors[row, :n_steps], weights, "lstm")
        np.testing.assert_allclose(found[row, :n_steps], expected, atol=1e-12)


def test_projection_is_a_snapshot_of_its_layers(generator):
    layer = randomised(TokenInput(N_TOKENS, 5, 2, unknown_id=UNKNOWN))
    encoder = randomised(RecurrentEncoder(7, [4]))
    ids, mask, log_odds = random_rows([5, 2], 2)
    read = ids, reversed_order(mask), log_odds
    projection = Projection(layer, encoder.layers[0])
    before = projection(*read)
    layer.grow(N_TOKENS + 3, generator)
    randomised(encoder, seed=1)
    assert all(map(torch.equal, before, projection(*read)))
    after = Projection(layer, encoder.layers[0])(*read)
    assert not any(map(torch.equal, before, after))


@pytest.mark.parametrize("n_given", [0, 1])
def test_projection_raises_on_missing_log_odds(n_given):
    layer = randomised(TokenInput(N_TOKENS, 5, 2, unknown_id=UNKNOWN))
    projection = Projection(layer, randomised(RecurrentEncoder(7, [4])).layers[0])
    ids, mask, log_odds = random_rows([5, 2], n_given)
    with pytest.raises(ValueError, match=f"2 channels for each .* got {n_given}"):
        projection(ids, reversed_order(mask), log_odds)


def rows_of(n_tokens=5_000, n_channels=0, hidden_sizes=(64,), **params):
    """Batch sizes of a projection whose vectors and log-odds have width 64 together."""
    with torch.device("meta"):
        width = 64 - n_channels
        layer = TokenInput(n_tokens, width, n_channels, unknown_id=UNKNOWN)
        return Projection.batch_sizes(
            layer, RecurrentEncoder(64, hidden_sizes, **params)
        )


@pytest.mark.parametrize("direction", [BIDIRECTIONAL, UNIDIRECTIONAL])
def test_narrower_states_are_read_in_larger_batches(direction):
    for narrow, wide in pairwise([1, 16, 32, 64]):
        fewer, more = (
            rows_of(hidden_sizes=[size], **direction) for size in (wide, narrow)
        )
        assert 0 < fewer.minimum < fewer.recommended
        assert fewer.minimum < more.minimum
        assert fewer.recommended < more.recommended


@pytest.mark.parametrize(
    "params",
    [
        {"cell": "gru"},
        {"cell": "rnn"},
        {"hidden_sizes": (64, 64)},
        {"n_channels": 1},  # vectors narrower than states
        {"n_tokens": 2**26 // (2 * 4 * 64) + 1},
        {"n_tokens": 2**26 // (4 * 64) + 1, "bidirectional": False},
    ],
)
def test_projection_is_disabled_where_it_is_slower_or_too_large(params):
    assert rows_of(**params) is None


@pytest.mark.parametrize("direction", [BIDIRECTIONAL, UNIDIRECTIONAL])
def test_projection_is_enabled_up_to_a_quarter_of_a_gib(direction):
    n_tokens = 2**26 // (4 * 64 * (1 + direction["bidirectional"]))
    assert rows_of(n_tokens, **direction) is not None


def test_projection_rows_are_at_least_one():
    with torch.device("meta"):
        layer = TokenInput(50, 20_000, unknown_id=UNKNOWN)
        encoder = RecurrentEncoder(20_000, [20_000])
    assert Projection.batch_sizes(layer, encoder) == (1, 1)


def test_projection_is_disabled_for_numeric_input():
    assert Projection.batch_sizes(NumericInput(64), RecurrentEncoder(64, [64])) is None
