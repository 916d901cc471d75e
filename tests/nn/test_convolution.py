import numpy as np
import pytest
import torch

from sklearn_bilstm.nn import Convolutions

LENGTHS = [0, 1, 2, 3, 7, 11]


@pytest.fixture
def make(generator):
    """Return a function that makes initialised convolutions in double precision."""

    def make(input_size=3, hidden_layer_sizes=(4,), **params):
        layers = Convolutions(input_size, hidden_layer_sizes, **params)
        layers.reset_parameters(generator)
        for layer in layers.layers:  # initial biases are zero
            torch.nn.init.normal_(layer.bias, generator=generator)
        return layers.double()

    return make


def batch_of(rows, width, filler=0.0):
    """Return rows of vectors as a padded batch, and its mask."""
    x = torch.full((len(rows), width, rows[0].shape[1]), filler, dtype=torch.float64)
    mask = torch.zeros(x.shape[:2], dtype=torch.bool)
    for i, row in enumerate(rows):
        x[i, : len(row)] = row
        mask[i, : len(row)] = True
    return x, mask


@pytest.fixture
def rows(generator):
    options = {"dtype": torch.float64, "generator": generator}
    return [torch.randn(n, 3, **options) for n in LENGTHS]


def by_hand(layers, row):
    """Correlate each channel of a row with each filter, and keep every s-th step."""
    found = row.numpy()  # (T, E)
    for layer in layers.layers:
        weight, bias = (w.detach().numpy() for w in (layer.weight, layer.bias))
        margin = np.zeros((weight.shape[2] // 2, found.shape[1]))
        padded = np.concatenate([margin, found, margin])
        sums = [
            sum(
                np.correlate(padded[:, channel], of_channel, mode="valid")
                for channel, of_channel in enumerate(of_filter)
            )
            for of_filter in weight
        ]
        kept = np.array(sums)[:, :: layers.stride] + bias[:, np.newaxis]
        found = np.maximum(kept, 0).T  # (ceil(T / s), n_filters)
    return torch.from_numpy(found)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("sizes", [(4,), (4, 2)])
def test_every_row_is_convolved_within_its_own_length(make, rows, stride, sizes):
    layers = make(3, sizes, stride=stride)
    found, mask = layers(*batch_of(rows, 13, filler=9.0))
    for of_row, real, row in zip(found, mask, rows, strict=True):
        if len(row):
            torch.testing.assert_close(of_row[real], by_hand(layers, row))


@pytest.mark.parametrize("stride", [1, 2, 4, 20])
def test_a_stride_divides_lengths_and_rounds_up(make, rows, stride):
    _, mask = make(stride=stride)(*batch_of(rows, 11))
    assert mask.sum(1).tolist() == [int(np.ceil(n / stride)) for n in LENGTHS]
    assert mask.shape[1] == int(np.ceil(11 / stride))
    assert (mask[:, 1:] <= mask[:, :-1]).all()  # real steps come first


def test_each_convolution_has_the_stride(make, rows):
    _, mask = make(3, (4, 4), stride=2)(*batch_of(rows, 11))
    assert mask.sum(1).tolist() == [0, 1, 1, 1, 2, 3]


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("n_more", [1, 2, 8])
def test_padding_does_not_change_real_steps(make, rows, stride, n_more):
    layers = make(3, (4, 2), stride=stride)
    found, mask = layers(*batch_of(rows, 11))
    wider, wider_mask = layers(*batch_of(rows, 11 + n_more, filler=1e6))
    torch.testing.assert_close(wider[wider_mask], found[mask])


def test_rows_do_not_depend_on_their_batch(make, rows):
    layers = make(3, (4, 2), stride=2)
    found, mask = layers(*batch_of(rows, 11))
    for i, row in enumerate(rows[1:], start=1):
        alone, _ = layers(*batch_of([row], len(row)))
        torch.testing.assert_close(found[i, mask[i]], alone[0])


def test_padding_has_no_gradient(make, rows):
    x, mask = batch_of(rows, 13)
    x.requires_grad_()
    found, kept = make(3, (4, 2))(x, mask)
    found[kept].square().sum().backward()
    assert not x.grad[~mask].any()
    assert x.grad[mask].any()


def test_gradients_reach_every_layer(make, rows):
    layers = make(3, (4, 2), stride=2)
    found, mask = layers(*batch_of(rows, 13))
    found[mask].sum().backward()
    assert all(weight.grad.any() for weight in layers.parameters())


def test_weights_depend_on_the_seed_only():
    first, again, other = (Convolutions(3, (4, 2)) for _ in "abc")
    for layers, seed in ((first, 1), (again, 1), (other, 2)):
        layers.reset_parameters(torch.Generator().manual_seed(seed))
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name])
        assert torch.equal(weight, other.state_dict()[name]) == ("bias" in name)


def test_weights_of_further_input_components_are_not_copied(make):
    layers, other = make(5), make(4)
    before = layers.layers[0].weight.clone()
    layers.copy_weights_from(make(5), n_shared=5)  # all of them
    assert not torch.equal(layers.layers[0].weight, before)
    before = layers.layers[0].weight.clone()
    layers.copy_weights_from(other, n_shared=3)
    weight = layers.layers[0].weight
    assert torch.equal(weight[:, :3], other.layers[0].weight[:, :3])
    assert torch.equal(weight[:, 3:], before[:, 3:])
    assert torch.equal(layers.layers[0].bias, other.layers[0].bias)


@pytest.mark.parametrize("changes", [{"stride": 2}, {"hidden_layer_sizes": (4, 4)}])
def test_architecture_differs_for_another_stride_or_number_of_layers(make, changes):
    assert make(**changes).architecture != make().architecture


def test_architecture_does_not_depend_on_the_input(make):
    assert make(3).architecture == make(5).architecture


def test_config_restores_equal_layers(make):
    layers = make(3, (4, 2), stride=2)
    assert Convolutions(**layers.config).config == layers.config


@pytest.mark.parametrize("stride", [0, -1, 1.5, "2", None, True, 2**40])
def test_an_invalid_stride_raises(stride):
    with pytest.raises(ValueError, match="stride must be an int in"):
        Convolutions(3, (4,), stride=stride)


def test_repr_shows_sizes_and_stride(make):
    assert repr(make(3, (4, 2), stride=2)) == "Convolutions(3 -> 4 -> 2, stride 2)"


def test_causal_convolutions_do_not_depend_on_later_steps(make, rows):
    layers = make(hidden_layer_sizes=(4, 5), is_causal=True)
    row = rows[-1]
    x, mask = batch_of([row, row], 13)
    x[1, 6:] += 1.0
    (first, other), _ = layers(x, mask)
    assert first.shape == (13, 5)
    assert torch.equal(first[:6], other[:6])
    assert not torch.equal(first[6], other[6])


def test_a_causal_convolution_is_a_delayed_one(make, rows):
    causal, centred = make(is_causal=True), make()
    centred.load_state_dict(causal.state_dict())
    x, mask = batch_of([rows[-1]], 11)
    delayed, _ = causal(x, mask)
    expected, _ = centred(x, mask)
    torch.testing.assert_close(delayed[0, 3:], expected[0, :-3])


def test_config_reconstructs_causal_convolutions(make):
    layers = make(is_causal=True)
    assert Convolutions(**layers.config).is_causal
    assert not Convolutions(**make().config).is_causal
