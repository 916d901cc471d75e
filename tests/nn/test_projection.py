import numpy as np
import pytest
import torch
from torch import nn

from sklearn_bilstm.nn import (
    MERGES,
    NORMALIZATIONS,
    POOLINGS,
    DenseHead,
    NumericInput,
    Projection,
    RecurrentEncoder,
    SequenceModel,
    TokenInput,
)
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
    """Ids, some of them unknown, their mask, and evidence of each."""
    generator = torch.Generator().manual_seed(1)
    mask = torch.arange(n_steps) < torch.tensor(lengths)[:, None]
    ids = torch.randint(2, N_TOKENS + 3, mask.shape, generator=generator) * mask
    evidence = torch.randn(*mask.shape, n_channels, generator=generator).double()
    return ids, mask, evidence if n_channels else None


@pytest.mark.parametrize("way", [TWO_WAYS, ONE_WAY])
@pytest.mark.parametrize("n_channels", [0, 3])
@pytest.mark.parametrize("lengths", [[3, 0, 6, 1], [6, 6], [4, 4, 4]])
def test_states_are_those_of_the_equations(lengths, n_channels, way):
    layer = drawn(TokenInput(N_TOKENS, 5, n_channels, unknown_id=UNKNOWN))
    encoder = drawn(RecurrentEncoder(5 + n_channels, [4], **way))
    ids, mask, evidence = drawn_rows(lengths, n_channels)
    order = reversed_order(mask)
    first = Projection(layer, encoder.layers[0])(ids, order, evidence)
    found, _ = encoder.states(first, mask, order)
    vectors = layer(ids, mask, evidence=evidence).detach().numpy()
    weights = recurrences.weights_of(encoder)
    for row, n_steps in enumerate(lengths):
        expected, _ = recurrences.read(vectors[row, :n_steps], weights, "lstm")
        np.testing.assert_allclose(found[row, :n_steps], expected, atol=1e-12)


def make_model(pooling="max", sizes=(4,), embedding_dim=5, **params):
    layer = TokenInput(N_TOKENS, embedding_dim, 2, unknown_id=UNKNOWN)
    encoder = RecurrentEncoder(layer.output_size, sizes, **params)
    pooled = POOLINGS[pooling](encoder.output_size)
    head = DenseHead(pooled.output_size, 2)
    return drawn(SequenceModel(layer, encoder, pooled, head))


def assert_pools_as_without(model):
    """Compare what is pooled of rows enough for a projection to be used."""
    lengths = np.random.RandomState(0).randint(0, 7, size=1_000)
    ids, mask, evidence = drawn_rows(lengths.tolist(), 2)
    assert model.can_look_up(len(ids))
    found, expected = (
        model.pool(ids, mask, evidence=evidence, projection=projection)
        for projection in (model.projection(), None)
    )
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("sizes", [(4,), (5, 3)])
def test_every_pooling_gets_the_same_states(pooling, sizes):
    assert_pools_as_without(make_model(pooling, sizes))


@pytest.mark.parametrize("merge_mode", MERGES)
@pytest.mark.parametrize("normalization", [*NORMALIZATIONS, None])
def test_what_stands_above_the_layer_is_the_same(merge_mode, normalization):
    model = make_model(merge_mode=merge_mode, normalization=normalization)
    assert_pools_as_without(model)


def test_few_rows_are_read_as_without_a_projection():
    model = make_model()
    ids, mask, evidence = drawn_rows([3, 5], 2)
    of_other_weights = drawn(make_model(), seed=1).projection()
    found = model.pool(ids, mask, evidence=evidence, projection=of_other_weights)
    assert torch.equal(found, model.pool(ids, mask, evidence=evidence))


def test_it_keeps_the_weights_that_it_was_made_of():
    model = make_model()
    ids, mask, evidence = drawn_rows([5, 2], 2)
    read = ids, reversed_order(mask), evidence
    projection = model.projection()
    before = projection(*read)
    drawn(model, seed=1)
    assert all(map(torch.equal, before, projection(*read)))
    assert not any(map(torch.equal, before, model.projection()(*read)))


@pytest.mark.parametrize("cell", ["gru", "rnn"])
def test_other_cells_are_not_looked_up(cell):
    assert not make_model(cell=cell).can_look_up(10**6)


def test_it_does_not_pay_for_numbers_narrow_vectors_few_rows_and_large_tables():
    layer = RecurrentEncoder(64, [64]).layers[0]
    tokens = TokenInput(5_000, 64, unknown_id=UNKNOWN)
    assert Projection.pays(tokens, layer, 100)
    assert not Projection.pays(tokens, layer, 50)
    assert not Projection.pays(NumericInput(64), layer, 100)
    narrow = TokenInput(5_000, 40, 24, unknown_id=UNKNOWN)
    assert not Projection.pays(narrow, layer, 100)
    with torch.device("meta"):
        many = TokenInput(10**6, 64, unknown_id=UNKNOWN)
    assert not Projection.pays(many, layer, 100)
