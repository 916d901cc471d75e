import pickle

import pytest
import torch

from sklearn_bilstm.nn import (
    CELLS,
    NORMALIZATIONS,
    Convolutions,
    DenseHead,
    NumericInput,
    RecurrentEncoder,
    StepModel,
    TokenInput,
)

MASK = torch.tensor([[True] * 4, [True, True, False, False], [False] * 4])
NORMS = [*sorted(NORMALIZATIONS), None]
K = 2


def make_model(
    cell="lstm", normalization=None, *, is_causal=False, filters=(), n_static=0
):
    input_layer = NumericInput(3)
    convolutions = Convolutions(3, filters, is_causal=is_causal) if filters else None
    encoder = RecurrentEncoder(
        filters[-1] if filters else 3,
        (5, 4),
        cell=cell,
        bidirectional=not is_causal,
        normalization=normalization,
        dropout=0.2,
    )
    head = DenseHead(encoder.output_size + n_static, K, (6,), dropout=0.2)
    model = StepModel(input_layer, encoder, head, convolutions)
    model.reset_parameters(torch.Generator().manual_seed(0))
    return model.eval()


@pytest.fixture
def values(generator):
    return torch.randn(3, 4, 3, generator=generator)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("normalization", NORMS)
@pytest.mark.parametrize("filters", [(), (5, 3)])
def test_outputs_do_not_depend_on_padding(cell, normalization, filters, values):
    model = make_model(cell, normalization, filters=filters)
    wider = torch.nn.functional.pad(values, (0, 0, 0, 3), value=7.0)
    mask = torch.nn.functional.pad(MASK, (0, 3))
    found = model.outputs(wider, mask)[:, :4]
    torch.testing.assert_close(found[MASK], model.outputs(values, MASK)[MASK])


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("normalization", NORMS)
@pytest.mark.parametrize("filters", [(), (5, 3)])
def test_causal_outputs_do_not_depend_on_later_steps(
    cell, normalization, filters, values
):
    model = make_model(cell, normalization, is_causal=True, filters=filters)
    other = values.clone()
    other[0, 2:] += 3.0
    before, after = (model.outputs(x, MASK)[0] for x in (values, other))
    assert torch.equal(before[:2], after[:2])
    assert not torch.isclose(before[2:], after[2:]).any()


def test_bidirectional_outputs_depend_on_all_steps(values):
    model, other = make_model(), values.clone()
    other[0, 3] += 3.0
    before, after = (model.outputs(x, MASK)[0] for x in (values, other))
    assert not torch.isclose(before, after).any()


def test_outputs_equal_forward_in_double_precision(values):
    model = make_model()
    found = model.outputs(values, MASK)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found[MASK].float(), model(values, MASK)[MASK])


def test_static_features_reach_every_step_of_their_row(values):
    model, static = make_model(n_static=1), torch.tensor([[0.0], [1.0], [2.0]])
    before = model.outputs(values, MASK, static)
    static[0] += 1
    after = model.outputs(values, MASK, static)
    assert not torch.isclose(before[0], after[0]).any()
    assert torch.equal(before[1:], after[1:])


def test_step_model_accepts_tokens():
    layer = TokenInput(9, 3, unknown_id=1)
    encoder = RecurrentEncoder(3, (4,))
    model = StepModel(layer, encoder, DenseHead(8, K))
    model.reset_parameters(torch.Generator().manual_seed(0))
    assert model(MASK.long(), MASK).shape == (3, 4, K)


def test_forward_depends_on_the_generator_only(values):
    model = make_model().train()
    before = torch.get_rng_state()
    first, again, other = (
        model(values, MASK, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_architecture_differs_between_networks():
    architectures = {
        make_model().architecture,
        make_model("gru").architecture,
        make_model(normalization="layer").architecture,
        make_model(is_causal=True).architecture,
        make_model(filters=(5,)).architecture,
    }
    assert len(architectures) == 5
    assert make_model().architecture in architectures


@pytest.mark.filterwarnings("ignore:You are using `torch.load`")  # torch 2.4, 2.5
def test_pickling_preserves_outputs(values):
    model = make_model(filters=(3,))
    twin = pickle.loads(pickle.dumps(model))
    assert torch.equal(twin.outputs(values, MASK), model.outputs(values, MASK))


def test_convolutions_with_a_stride_raise():
    encoder = RecurrentEncoder(3, (4,))
    convolutions = Convolutions(3, (3,), stride=2)
    with pytest.raises(ValueError, match="must have a stride of 1.*got 2"):
        StepModel(NumericInput(3), encoder, DenseHead(8, K), convolutions)


def test_config_reconstructs_every_layer():
    for part in make_model(is_causal=True, filters=(3,), n_static=1).children():
        twin = type(part)(**part.config)
        assert twin.config == part.config
        twin.load_state_dict(part.state_dict())
