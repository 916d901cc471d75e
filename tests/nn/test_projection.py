from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from sklearn_bilstm.nn import NumericInput, Projection, RecurrentEncoder, TokenInput
from sklearn_bilstm.nn._mask import reversed_order
from tests.nn import recurrences

N_TOKENS, UNKNOWN = 9, 1
TWO_WAYS, ONE_WAY = {"bidirectional": True}, {"bidirectional": False}


def drawn(part, seed=0):
    """Draw all weights of a part in float64, biases and the padding's vector too."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in part.double().parameters():
        nn.init.normal_(parameter, std=0.7, generator=generator)
    return part.eval()


def drawn_rows(lengths, n_channels, n_steps=6):
    """Ids, some of them unknown, their mask, and log-odds of each."""
    generator = torch.Generator().manual_seed(1)
    mask = torch.arange(n_steps) < torch.tensor(lengths)[:, None]
    ids = torch.randint(2, N_TOKENS + 3, mask.shape, generator=generator) * mask
    ids[0, 0] = N_TOKENS  # the first that has no vector
    log_odds = torch.randn(*mask.shape, n_channels, generator=generator).double()
    return ids, mask, log_odds if n_channels else None


@pytest.mark.parametrize("way", [TWO_WAYS, ONE_WAY])
@pytest.mark.parametrize("n_channels", [0, 3])
@pytest.mark.parametrize("lengths", [[3, 0, 6, 1], [6, 6], [4, 4, 4]])
def test_states_are_those_of_the_equations(lengths, n_channels, way):
    layer = drawn(TokenInput(N_TOKENS, 5, n_channels, unknown_id=UNKNOWN))
    encoder = drawn(RecurrentEncoder(5 + n_channels, [4], **way))
    ids, mask, log_odds = drawn_rows(lengths, n_channels)
    order = reversed_order(mask)
    first = Projection(layer, encoder.layers[0])(ids, order, log_odds)
    found, _ = encoder.states(first, mask, order)
    vectors = layer(ids, mask, log_odds=log_odds).detach().numpy()
    weights = recurrences.weights_of(encoder)
    for row, n_steps in enumerate(lengths):
        expected, _ = recurrences.read(vectors[row, :n_steps], weights, "lstm")
        np.testing.assert_allclose(found[row, :n_steps], expected, atol=1e-12)


def test_tokens_and_weights_are_those_that_it_was_made_of(generator):
    layer = drawn(TokenInput(N_TOKENS, 5, 2, unknown_id=UNKNOWN))
    encoder = drawn(RecurrentEncoder(7, [4]))
    ids, mask, log_odds = drawn_rows([5, 2], 2)
    read = ids, reversed_order(mask), log_odds
    projection = Projection(layer, encoder.layers[0])
    before = projection(*read)
    layer.grow(N_TOKENS + 3, generator)
    drawn(encoder, seed=1)
    assert all(map(torch.equal, before, projection(*read)))
    after = Projection(layer, encoder.layers[0])(*read)
    assert not any(map(torch.equal, before, after))


@pytest.mark.parametrize("n_given", [0, 1])
def test_log_odds_that_is_missing_is_an_error(n_given):
    layer = drawn(TokenInput(N_TOKENS, 5, 2, unknown_id=UNKNOWN))
    projection = Projection(layer, drawn(RecurrentEncoder(7, [4])).layers[0])
    ids, mask, log_odds = drawn_rows([5, 2], n_given)
    with pytest.raises(ValueError, match=f"2 channels for each .* got {n_given}"):
        projection(ids, reversed_order(mask), log_odds)


def rows_of(n_tokens=5_000, n_channels=0, hidden_sizes=(64,), **params):
    """Which batches are looked up, of vectors and log_odds 64 wide together."""
    with torch.device("meta"):
        width = 64 - n_channels
        layer = TokenInput(n_tokens, width, n_channels, unknown_id=UNKNOWN)
        return Projection.batch_sizes(
            layer, RecurrentEncoder(64, hidden_sizes, **params)
        )


@pytest.mark.parametrize("way", [TWO_WAYS, ONE_WAY])
def test_the_narrower_the_states_the_more_rows_are_read_at_once(way):
    for narrow, wide in pairwise([1, 16, 32, 64]):
        fewer, more = (rows_of(hidden_sizes=[size], **way) for size in (wide, narrow))
        assert 0 < fewer.fewest < fewer.best
        assert fewer.fewest < more.fewest
        assert fewer.best < more.best


@pytest.mark.parametrize(
    "params",
    [
        {"cell": "gru"},
        {"cell": "rnn"},
        {"hidden_sizes": (64, 64)},
        {"n_channels": 1},  # then vectors are narrower than states
        {"n_tokens": 2**26 // (2 * 4 * 64) + 1},
        {"n_tokens": 2**26 // (4 * 64) + 1, "bidirectional": False},
    ],
)
def test_nothing_is_looked_up_where_it_takes_more_time_or_memory(params):
    assert rows_of(**params) is None


@pytest.mark.parametrize("way", [TWO_WAYS, ONE_WAY])
def test_tables_take_a_quarter_of_a_gib_at_most(way):
    n_tokens = 2**26 // (4 * 64 * (1 + way["bidirectional"]))
    assert rows_of(n_tokens, **way) is not None


def test_of_the_widest_states_at_least_a_row_is_read_at_once():
    with torch.device("meta"):
        layer = TokenInput(50, 20_000, unknown_id=UNKNOWN)
        encoder = RecurrentEncoder(20_000, [20_000])
    assert Projection.batch_sizes(layer, encoder) == (1, 1)


def test_numbers_are_not_looked_up():
    assert Projection.batch_sizes(NumericInput(64), RecurrentEncoder(64, [64])) is None
