import copy
import pickle
import re

import pytest
import torch

from sklearn_bilstm.nn import (
    NORMALIZATIONS,
    POOLINGS,
    AttentionPooling,
    Convolutions,
    DenseHead,
    MaxMeanPooling,
    NumericInput,
    RecurrentEncoder,
    SequenceModel,
    TokenInput,
)

IDS = torch.tensor([[2, 5, 3, 4], [4, 2, 0, 0], [0, 0, 0, 0]])
MASK = IDS > 0


def make_model(
    input_layer=None,
    pooling=MaxMeanPooling,
    seed=0,
    normalization=None,
    stride=None,
):
    input_layer = input_layer or TokenInput(
        9, 4, unknown_id=1, word_dropout=0.2, dropout=0.2
    )
    convolutions = stride and Convolutions(
        input_layer.output_size, (8, 5), stride=stride
    )
    last = convolutions or input_layer
    encoder = RecurrentEncoder(
        last.output_size, (3, 2), dropout=0.2, normalization=normalization
    )
    pooled = pooling(encoder.output_size)
    head = DenseHead(pooled.output_size, 3, dropout=0.2)
    model = SequenceModel(input_layer, encoder, pooled, head, convolutions)
    model.reset_parameters(torch.Generator().manual_seed(seed))
    return model


@pytest.mark.parametrize("pooling", POOLINGS.values())
def test_logits_do_not_depend_on_padding(pooling):
    model = make_model(pooling=pooling).eval()
    wider = torch.nn.functional.pad(IDS, (0, 3))
    torch.testing.assert_close(model(IDS, MASK), model(wider, wider > 0))


@pytest.mark.parametrize("pooling", POOLINGS.values())
@pytest.mark.parametrize("stride", [1, 2])
def test_logits_of_convolutions_do_not_depend_on_padding(pooling, stride):
    model = make_model(pooling=pooling, stride=stride).eval()
    wider = torch.nn.functional.pad(IDS, (0, 3))
    torch.testing.assert_close(model(IDS, MASK), model(wider, wider > 0))


def test_a_gradient_reaches_the_input_through_convolutions(generator):
    model = make_model(stride=2)
    model(IDS, MASK, generator).square().sum().backward()
    assert model.input_layer.embedding.weight.grad.to_dense().any()
    assert all(p.grad.any() for p in model.convolutions.parameters())


def test_no_projection_replaces_the_first_layer_behind_convolutions():
    layer = TokenInput(9, 40, unknown_id=1)
    encoder = RecurrentEncoder(40, (4,))
    pooling, head = MaxMeanPooling(8), DenseHead(16, 3)
    parts = layer, encoder, pooling, head
    assert SequenceModel(*parts).projection_batch_sizes is not None
    convolutional = SequenceModel(*parts, Convolutions(40, (40,)))
    assert convolutional.projection_batch_sizes is None


def test_sequence_model_accepts_numeric_input():
    model = make_model(NumericInput(2)).eval()
    assert model(torch.randn(3, 4, 2), MASK).shape == (3, 3)


def test_forward_depends_on_the_generator_only():
    model = make_model()
    before = torch.get_rng_state()
    first, again = (model(IDS, MASK, torch.Generator().manual_seed(1)) for _ in "ab")
    other = model(IDS, MASK, torch.Generator().manual_seed(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_reset_parameters_depends_on_the_seed():
    first, again, other = (make_model(seed=seed).state_dict() for seed in (1, 1, 2))
    for name, weight in first.items():
        assert torch.equal(weight, again[name])
        drawn = "bias" not in name
        assert torch.equal(weight, other[name]) != drawn


@pytest.mark.filterwarnings("ignore:You are using `torch.load`")  # torch 2.4, 2.5
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_copies_give_equal_logits(copied):
    model = make_model().eval()
    assert torch.equal(copied(model)(IDS, MASK), model(IDS, MASK))


def test_every_parameter_has_a_gradient(generator):
    model = make_model()
    model(IDS, MASK, generator).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


def test_static_features_are_appended_to_pooled_states():
    model = make_model().eval()
    static = torch.randn(3, 2)
    pooled = model.pool(IDS, MASK, static=static)
    expected = torch.cat([model.pool(IDS, MASK), static], dim=1)
    assert torch.equal(pooled, expected)


def test_logits_depend_on_static_features():
    model = make_model().eval()
    model.head = DenseHead(model.pooling.output_size + 2, 3)
    model.head.reset_parameters(torch.Generator().manual_seed(0))
    static = torch.randn(3, 2, requires_grad=True)
    model(IDS, MASK, static=static).square().sum().backward()
    assert static.grad.all()


def test_attention_weights_are_the_weights_of_pooling():
    model = make_model(pooling=AttentionPooling).eval()
    weights = model.attention(IDS, MASK, static=torch.randn(3, 2))
    assert (weights[~MASK] == 0).all()
    torch.testing.assert_close(weights.sum(1), torch.tensor([1.0, 1.0, 0.0]))
    states, _ = model.encoder(model.input_layer(IDS, MASK), MASK)
    weighted = (weights[..., None] * states).sum(1)
    torch.testing.assert_close(weighted, model.pool(IDS, MASK))


@pytest.mark.parametrize("normalization", [*NORMALIZATIONS, None])
def test_only_batch_normalisation_needs_the_whole_batch(normalization):
    model = make_model(normalization=normalization)
    assert model.needs_whole_batch == (normalization == "batch")


def test_repr_lists_layers_with_their_numbers_of_weights():
    input_layer = TokenInput(9000, 4, 2, unknown_id=1, frozen=True)
    model = make_model(input_layer, normalization="layer")
    n_recurrent = 2 * 4 * 3 * (6 + 3 + 2) + 2 * 4 * 2 * (6 + 2 + 2)
    lines = repr(model).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert [re.split(r"\s{2,}", line.strip()) for line in lines] == [
        ["SequenceModel(", "weights"],
        [
            "input_layer: TokenInput(9,000 tokens -> 4 + 2 log-odds, frozen)",
            "36,000",
        ],
        [
            "encoder: RecurrentEncoder(lstm, 6 -> 3 + 3 -> 2 + 2, LayerNormalization)",
            str(n_recurrent + 2 * 6 + 2 * 4),
        ],
        ["pooling: MaxMeanPooling(4 -> 8)", "0"],
        ["head: DenseHead(8 -> 3)", "27"],
        [")", f"{36_000 + n_recurrent + 20 + 27:,}"],
    ]


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (NumericInput(3), "NumericInput(numbers -> 3)"),
        (
            RecurrentEncoder(5, [4], bidirectional=False),
            "RecurrentEncoder(lstm, 5 -> 4)",
        ),
        (
            RecurrentEncoder(5, [4], cell="gru", merge_mode="sum"),
            "RecurrentEncoder(gru, 5 -> sum of 4 and 4)",
        ),
        (DenseHead(8, 2, (5, 4)), "DenseHead(8 -> 5 -> 4 -> 2)"),
        (AttentionPooling(6), "AttentionPooling(6 -> 6)"),
        (NORMALIZATIONS["batch"](6), "BatchNormalization(6)"),
    ],
)
def test_repr_of_a_layer_shows_its_sizes(part, text):
    assert repr(part) == text


@pytest.mark.parametrize("pooling", POOLINGS.values())
def test_logits_of_vectors_equal_logits_of_their_tokens(pooling):
    model = make_model(pooling=pooling).eval()
    vectors = model.input_layer(IDS, MASK)
    torch.testing.assert_close(model.logits_of_vectors(vectors, MASK), model(IDS, MASK))


@pytest.mark.parametrize("pooling", POOLINGS.values())
@pytest.mark.parametrize("normalization", [*NORMALIZATIONS, None])
def test_projection_does_not_change_pooled_states(pooling, normalization):
    layer = TokenInput(9, 4, 2, unknown_id=1)
    model = make_model(layer, pooling, normalization=normalization).eval()
    generator = torch.Generator().manual_seed(1)
    inputs = {
        "log_odds": torch.randn(*IDS.shape, 2, generator=generator),
        "static": torch.randn(len(IDS), 5, generator=generator),
    }
    other = make_model(layer, pooling, seed=1)
    expected, found, with_other_weights = (
        model.pool(IDS, MASK, **inputs, projection=projection)
        for projection in (None, model.projection(), other.projection())
    )
    torch.testing.assert_close(found, expected)
    assert not torch.allclose(with_other_weights, expected, atol=1e-3)


@pytest.mark.parametrize(("n_channels", "n_given"), [(2, 0), (2, 1), (0, 2)])
def test_a_wrong_number_of_log_odds_channels_raises(n_channels, n_given):
    model = make_model(TokenInput(9, 4, n_channels, unknown_id=1)).eval()
    log_odds = torch.ones(*IDS.shape, n_given) if n_given else None
    with pytest.raises(ValueError, match=f"{n_channels} channels .* got {n_given}"):
        model(IDS, MASK, log_odds=log_odds)
