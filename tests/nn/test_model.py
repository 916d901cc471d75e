import copy
import pickle

import pytest
import torch

from sklearn_bilstm.nn import (
    POOLINGS,
    DenseHead,
    MaxMeanPooling,
    NumericInput,
    RecurrentEncoder,
    SequenceModel,
    TokenInput,
)

IDS = torch.tensor([[2, 5, 3, 4], [4, 2, 0, 0], [0, 0, 0, 0]])
MASK = IDS > 0


def make_model(input_layer=None, pooling=MaxMeanPooling, seed=0):
    input_layer = input_layer or TokenInput(
        9, 4, unknown_id=1, word_dropout=0.2, dropout=0.2
    )
    encoder = RecurrentEncoder(input_layer.output_size, (3, 2), dropout=0.2)
    pooled = pooling(encoder.output_size)
    head = DenseHead(pooled.output_size, 3, dropout=0.2)
    model = SequenceModel(input_layer, encoder, pooled, head)
    model.reset_parameters(torch.Generator().manual_seed(seed))
    return model


@pytest.mark.parametrize("pooling", POOLINGS.values())
def test_wider_padding_changes_nothing(pooling):
    model = make_model(pooling=pooling).eval()
    wider = torch.nn.functional.pad(IDS, (0, 3))
    torch.testing.assert_close(model(IDS, MASK), model(wider, wider > 0))


def test_numbers_go_through_the_same_parts():
    model = make_model(NumericInput(2)).eval()
    assert model(torch.randn(3, 4, 2), MASK).shape == (3, 3)


def test_one_generator_decides_all_dropout_and_no_global_state_is_touched():
    model = make_model()
    before = torch.get_rng_state()
    first, again = (model(IDS, MASK, torch.Generator().manual_seed(1)) for _ in "ab")
    other = model(IDS, MASK, torch.Generator().manual_seed(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_seed_decides_every_weight():
    first, again, other = (make_model(seed=seed).state_dict() for seed in (1, 1, 2))
    for name, weight in first.items():
        assert torch.equal(weight, again[name])
        drawn = "bias" not in name
        assert torch.equal(weight, other[name]) != drawn


@pytest.mark.filterwarnings("ignore:You are using `torch.load`")  # torch 2.4, 2.5
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_a_copy_gives_the_same_logits(copied):
    model = make_model().eval()
    assert torch.equal(copied(model)(IDS, MASK), model(IDS, MASK))


def test_every_parameter_has_a_gradient(generator):
    model = make_model()
    model(IDS, MASK, generator).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())
