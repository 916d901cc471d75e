import pytest
import torch

from sklearn_bilstm.nn import NumericInput, TokenInput
from sklearn_bilstm.nn._mask import time_major

IDS = torch.tensor([[2, 5, 3], [4, 0, 0]])
MASK = IDS > 0


def token_input(generator, **params):
    layer = TokenInput(5, 4, unknown_id=1, **params)
    layer.reset_parameters(generator)
    return layer


def test_tokens_are_looked_up_and_too_large_ids_are_unknown(generator):
    layer = token_input(generator).eval()
    vectors, table = layer(IDS, MASK), layer.embedding.weight
    assert torch.equal(vectors[0, 0], table[2])
    assert torch.equal(vectors[0, 1], table[1])
    assert torch.equal(vectors[0, 2], table[3])


def test_padding_has_the_zero_vector_and_no_gradient(generator):
    layer = token_input(generator)
    vectors = layer(IDS, MASK)
    vectors.sum().backward()
    assert (vectors[1, 1:] == 0).all()
    assert (layer.embedding.weight.grad[0] == 0).all()


def test_grow_keeps_existing_vectors(generator):
    layer = token_input(generator).eval()
    before = layer.embedding.weight.clone()
    layer.grow(8, generator)
    assert layer.input_size == 8
    assert torch.equal(layer.embedding.weight[:5], before)
    assert layer(torch.tensor([[5]]), torch.tensor([[True]])).abs().sum() > 0


@pytest.mark.parametrize("frozen", [False, True])
def test_shrink_makes_the_last_ids_unknown(generator, frozen):
    layer = token_input(generator, frozen=frozen).eval()
    expected = layer(torch.where(IDS < 4, IDS, 1), MASK)
    layer.shrink(4)
    assert layer.input_size == layer.config["n_tokens"] == len(layer.embedding.weight)
    assert layer.input_size == 4
    assert torch.equal(layer(IDS, MASK), expected)
    assert layer.embedding.weight.requires_grad == (not frozen)


def test_word_dropout_trains_the_unknown_token(generator):
    layer = token_input(generator, word_dropout=0.9)
    layer(
        torch.full((9, 9), 2), torch.ones(9, 9, dtype=torch.bool), generator
    ).sum().backward()
    assert (layer.embedding.weight.grad[1] != 0).all()


def test_log_odds_are_appended_without_dropout(generator):
    layer = token_input(generator, n_channels=2, word_dropout=0.9, dropout=0.9)
    log_odds = torch.randn(2, 3, 2)
    vectors = layer(IDS, MASK, generator, log_odds)
    assert vectors.shape == (2, 3, layer.output_size)
    ratio = vectors[..., 4:] / log_odds
    torch.testing.assert_close(ratio, ratio[0, 0].expand_as(ratio))


@pytest.mark.parametrize("n_channels", [0, 2])
def test_vectors_are_time_major_in_memory(generator, n_channels):
    layer = token_input(generator, n_channels=n_channels, dropout=0.5)
    log_odds = torch.randn(2, 3, 2) if n_channels else None
    vectors = layer(IDS, MASK, generator, log_odds)
    assert time_major(vectors).data_ptr() == vectors.data_ptr()


def test_input_layer_does_not_change_its_input(generator):
    ids = IDS.clone()
    token_input(generator, word_dropout=0.9)(ids, MASK, generator)
    assert torch.equal(ids, IDS)


def test_numeric_input_is_the_identity():
    values = torch.randn(2, 3, 4)
    layer = NumericInput(4)
    assert layer.output_size == 4
    assert torch.equal(layer(values, torch.ones(2, 3, dtype=torch.bool)), values)


def test_frozen_vectors_have_no_gradient_after_grow(generator):
    layer = token_input(generator, frozen=True)
    layer.grow(8, generator)
    assert not layer(IDS, MASK).requires_grad
    assert not layer.embedding.weight.requires_grad


def test_copy_weights_from_copies_the_vectors_of_another_layer(generator):
    small, large = token_input(generator), TokenInput(7, 4, unknown_id=1)
    large.reset_parameters(generator)
    before = large.embedding.weight.detach().clone()
    large.copy_weights_from(small)
    assert torch.equal(large.embedding.weight[:5], small.embedding.weight)
    assert torch.equal(large.embedding.weight[5:], before[5:])


def test_set_initial_vectors_keeps_directions_and_rescales_vectors(generator):
    layer = TokenInput(2000, 8, unknown_id=1)
    layer.reset_parameters(generator)
    vectors = 100 * torch.randn(1000, 8, generator=generator)
    layer.set_initial_vectors(vectors)
    given, drawn = layer.embedding.weight.detach().split(1000)
    torch.testing.assert_close(given.std(), drawn.std(), rtol=0.05, atol=0)
    ratio = given / vectors
    torch.testing.assert_close(ratio, ratio[0, 0].expand_as(ratio))


def test_set_initial_vectors_skips_zero_and_missing_vectors(generator):
    layer = token_input(generator)
    before = layer.embedding.weight.detach().clone()
    layer.set_initial_vectors(torch.zeros(5, 4))
    assert torch.equal(layer.embedding.weight, before)
    layer.set_initial_vectors(torch.tensor([[0.0] * 4, [0] * 4, [1, 2, 3, 4]]))
    changed = (layer.embedding.weight != before).any(1)
    assert changed.tolist() == [False, False, True, False, False]
