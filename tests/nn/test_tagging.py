import pickle

import pytest
import torch

from sklearn_bilstm.nn import (
    CRF,
    CharacterEncoder,
    DenseHead,
    IndependentLabels,
    NumericInput,
    RecurrentEncoder,
    TaggingModel,
    TokenInput,
)

IDS = torch.tensor([[2, 5, 3, 4], [4, 2, 0, 0], [0, 0, 0, 0]])
MASK = IDS > 0
CHARACTERS = torch.stack([IDS, IDS.flip(1) * MASK], 2)  # (3, 4, 2)
K = 3

any_decoder = pytest.mark.parametrize("decoder", [CRF, IndependentLabels])


def make_model(
    decoder=CRF, *, has_characters=True, input_layer=None, normalization=None
):
    input_layer = input_layer or TokenInput(
        9, 4, unknown_id=1, word_dropout=0.2, dropout=0.2
    )
    characters = (
        CharacterEncoder(9, 3, 5, unknown_id=1, dropout=0.2) if has_characters else None
    )
    width = input_layer.output_size + (5 if has_characters else 0)
    encoder = RecurrentEncoder(width, (3, 2), dropout=0.2, normalization=normalization)
    head = DenseHead(encoder.output_size, K, dropout=0.2)
    model = TaggingModel(input_layer, encoder, head, decoder(K), characters)
    model.reset_parameters(torch.Generator().manual_seed(0))
    return model


@any_decoder
def test_predictions_do_not_depend_on_padding(decoder):
    model = make_model(decoder).eval()
    wider = torch.nn.functional.pad(IDS, (0, 3))
    characters = torch.nn.functional.pad(CHARACTERS, (0, 0, 0, 3))
    emissions = model(wider, wider > 0, characters=characters)[:, :4]
    torch.testing.assert_close(
        emissions[MASK], model(IDS, MASK, characters=CHARACTERS)[MASK]
    )
    torch.testing.assert_close(
        model.marginals(wider, wider > 0, characters)[:, :4],
        model.marginals(IDS, MASK, CHARACTERS),
    )
    labels = model.decode(wider, wider > 0, characters)[:, :4]
    assert torch.equal(labels[MASK], model.decode(IDS, MASK, CHARACTERS)[MASK])


@any_decoder
def test_loss_arguments_contain_the_decoder(decoder):
    model = make_model(decoder)
    assert model.loss_arguments == {"decoder": model.decoder}


def test_emissions_depend_on_characters():
    model = make_model().eval()
    other = CHARACTERS.clone()
    other[0, 0, 1] += 1
    assert not torch.equal(
        model(IDS, MASK, characters=CHARACTERS), model(IDS, MASK, characters=other)
    )


def test_tagging_model_accepts_numeric_input():
    model = make_model(has_characters=False, input_layer=NumericInput(2)).eval()
    assert model(torch.randn(3, 4, 2), MASK).shape == (3, 4, K)


def test_forward_depends_on_the_generator_only():
    model = make_model()
    before = torch.get_rng_state()
    first, again, other = (
        model(IDS, MASK, torch.Generator().manual_seed(seed), CHARACTERS)
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


@any_decoder
def test_marginals_and_labels_equal_decoding_of_emissions(decoder):
    model = make_model(decoder).eval()
    emissions = model(IDS, MASK, characters=CHARACTERS)
    torch.testing.assert_close(
        model.decoder.marginals(emissions, MASK),
        model.marginals(IDS, MASK, CHARACTERS).float(),
    )
    assert torch.equal(
        model.decoder.decode(emissions, MASK)[MASK],
        model.decode(IDS, MASK, CHARACTERS)[MASK],
    )


def test_decode_does_not_change_the_weights():
    model = make_model().eval()
    before = {name: w.clone() for name, w in model.state_dict().items()}
    model.decode(IDS, MASK, CHARACTERS)
    for name, weight in model.state_dict().items():
        assert weight.dtype == before[name].dtype
        assert torch.equal(weight, before[name])


def test_reset_parameters_depends_on_the_seed():
    first, again = make_model().state_dict(), make_model().state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_architecture_differs_between_networks():
    architectures = {
        make_model().architecture,
        make_model(IndependentLabels).architecture,
        make_model(has_characters=False).architecture,
        make_model(normalization="layer").architecture,
    }
    assert len(architectures) == 4
    assert make_model().architecture in architectures


def test_only_batch_normalisation_needs_the_whole_batch():
    assert make_model(normalization="batch").needs_whole_batch
    assert not make_model().needs_whole_batch


@pytest.mark.filterwarnings("ignore:You are using `torch.load`")  # torch 2.4, 2.5
def test_pickling_preserves_emissions():
    model = make_model().eval()
    twin = pickle.loads(pickle.dumps(model))
    assert torch.equal(
        twin(IDS, MASK, characters=CHARACTERS), model(IDS, MASK, characters=CHARACTERS)
    )


def test_repr_of_each_layer_shows_its_sizes():
    allowed = torch.ones(K + 1, K + 1, dtype=torch.bool)
    allowed[0, 1] = allowed[K, 1] = False
    assert repr(CRF(K, allowed)) == "CRF(3 labels, 2 transitions impossible)"
    assert repr(IndependentLabels(K)) == "IndependentLabels(3 labels)"
    characters = CharacterEncoder(9000, 3, 5, unknown_id=1)
    assert repr(characters) == "CharacterEncoder(9,000 characters -> 3 -> 5)"
    assert "characters: CharacterEncoder" in repr(make_model())


@any_decoder
def test_config_reconstructs_every_layer(decoder):
    for part in make_model(decoder).children():
        twin = type(part)(**part.config)
        assert twin.config == part.config
        twin.load_state_dict(part.state_dict())
