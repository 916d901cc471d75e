import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sklearn_bilstm.nn import CELLS, MERGES, NORMALIZATIONS, RecurrentEncoder
from sklearn_bilstm.nn._mask import reversed_order
from tests.nn import recurrences

LENGTHS = torch.tensor([5, 1, 7, 3])
MASK = torch.arange(7) < LENGTHS[:, None]


def make_encoder(sizes=(4,), input_size=3, seed=0, **params):
    encoder = RecurrentEncoder(input_size, sizes, **params)
    encoder.reset_parameters(torch.Generator().manual_seed(seed))
    return encoder


def torch_layers(encoder):
    """Return torch's own layers with the same weights."""
    layers = []
    for layer in encoder.layers:
        ours = [rnn for rnn in (layer.forward_rnn, layer.backward_rnn) if rnn]
        theirs = type(ours[0])(
            ours[0].input_size,
            ours[0].hidden_size,
            batch_first=True,
            bidirectional=len(ours) == 2,
        )
        for rnn, suffix in zip(ours, ("_l0", "_l0_reverse"), strict=False):
            for name, weight in rnn.named_parameters():
                getattr(theirs, name.replace("_l0", suffix)).data.copy_(weight.data)
        layers.append(theirs)
    return layers


def packed_reference(encoder, x, lengths):
    """States and final states of torch's layers on packed sequences."""
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    for rnn in torch_layers(encoder):
        packed, final = rnn(packed)
    states, _ = pad_packed_sequence(packed, batch_first=True, total_length=x.shape[1])
    hidden = final[0] if isinstance(final, tuple) else final
    return states, torch.cat(list(hidden), 1)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("sizes", [(4,), (5, 2), (2, 3, 4)])
def test_states_equal_packed_sequences(sizes, bidirectional, cell):
    encoder = make_encoder(sizes, cell=cell, bidirectional=bidirectional)
    x = torch.randn(4, 7, 3, generator=torch.Generator().manual_seed(1))
    states, final = encoder(x, MASK)
    expected, expected_final = packed_reference(encoder, x, LENGTHS)
    torch.testing.assert_close(states * MASK[..., None], expected)
    torch.testing.assert_close(final, expected_final)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [True, False])
def test_gradients_equal_packed_sequences(bidirectional, cell):
    encoder = make_encoder((4, 3), cell=cell, bidirectional=bidirectional)
    ours = torch.randn(4, 7, 3, generator=torch.Generator().manual_seed(1))
    theirs = ours.clone().requires_grad_()
    states, _ = encoder(ours.requires_grad_(), MASK)
    states[MASK].square().sum().backward()
    packed_reference(encoder, theirs, LENGTHS)[0].square().sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize("normalization", [*NORMALIZATIONS, None])
@pytest.mark.parametrize("merge_mode", [*MERGES, None])  # None: unidirectional
@pytest.mark.parametrize("sizes", [(4,), (5, 2)])
def test_states_in_any_order_contain_the_same_steps(sizes, merge_mode, normalization):
    direction = {"merge_mode": merge_mode} if merge_mode else {"bidirectional": False}
    encoder = make_encoder(sizes, **direction, normalization=normalization).eval()
    x = torch.randn(4, 7, 3, generator=torch.Generator().manual_seed(1))
    states, _ = encoder(x, MASK)
    parts = in_any_order(encoder, x)
    found = torch.cat([sorted_steps(part) for part in parts], 2)
    torch.testing.assert_close(found, sorted_steps(states))


def in_any_order(encoder, x):
    order = reversed_order(MASK)
    return encoder.states_in_any_order(encoder.first(x, order), MASK, order)


def sorted_steps(states):
    """Sort each feature over the real steps of each row."""
    return states.masked_fill(~MASK[..., None], torch.inf).sort(1).values


def every_network(test):
    """Run a test for all cells, merge modes, and one and two layers."""
    for name, values in {
        "cell": CELLS,
        "merge_mode": [*MERGES, None],  # None: unidirectional
        "sizes": [(2,), (2, 3)],
    }.items():
        test = pytest.mark.parametrize(name, values)(test)
    return test


def random_network(sizes, merge_mode, cell):
    """A float64 encoder with random parameters, and rows of lengths 3, 0 and 1."""
    direction = {"merge_mode": merge_mode} if merge_mode else {"bidirectional": False}
    encoder = RecurrentEncoder(2, sizes, cell=cell, **direction).double()
    generator = torch.Generator().manual_seed(0)
    for parameter in encoder.parameters():
        nn.init.normal_(parameter, std=0.7, generator=generator)
    mask = torch.arange(4) < torch.tensor([[3], [0], [1]])
    x = torch.randn(3, 4, 2, generator=generator, dtype=torch.float64)
    return encoder, x, mask


def numpy_reference(weights, x, mask, cell, merge_mode):
    """States of the real steps and final states of all rows in numpy."""
    rows = [row[real] for row, real in zip(x, mask.numpy(), strict=True)]
    found = [recurrences.read(row, weights, cell, merge_mode) for row in rows]
    states, final = zip(*found, strict=True)
    return np.concatenate(states), np.stack(final)


@every_network
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)]
)
def test_states_equal_the_numpy_reference(dtype, tolerance, sizes, merge_mode, cell):
    encoder, x, mask = random_network(sizes, merge_mode, cell)
    weights = recurrences.weights_of(encoder)
    expected = numpy_reference(weights, x.numpy(), mask, cell, merge_mode)
    states, final = encoder.to(dtype)(x.to(dtype), mask)
    for found, exact in zip((states[mask], final), expected, strict=True):
        np.testing.assert_allclose(found.detach(), exact, 10 * tolerance, tolerance)


@every_network
def test_gradients_equal_central_differences_of_the_numpy_reference(
    sizes, merge_mode, cell, generator
):
    encoder, x, mask = random_network(sizes, merge_mode, cell)
    weights, vectors = recurrences.weights_of(encoder), x.numpy().copy()
    states, final = encoder(x.requires_grad_(), mask)
    found = states[mask], final
    shares = [torch.randn(f.shape, generator=generator, dtype=f.dtype) for f in found]
    torch.autograd.backward(found, shares)
    gradients = {name: weight.grad for name, weight in encoder.named_parameters()}

    def weighted_sum():
        expected = numpy_reference(weights, vectors, mask, cell, merge_mode)
        return sum((e * s.numpy()).sum() for e, s in zip(expected, shares, strict=True))

    numbers = {**weights, "x": vectors}
    for name, gradient in {**gradients, "x": x.grad}.items():
        expected = recurrences.central_differences(weighted_sum, numbers[name])
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-8, err_msg=name)


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 6), min_size=1, max_size=5),
    padding=st.integers(1, 5),
)
def test_states_do_not_depend_on_padding_and_batch(lengths, padding):
    encoder = make_encoder((4, 2)).eval()
    mask = torch.arange(6 + padding) < torch.tensor(lengths)[:, None]
    x = torch.randn(len(lengths), 6 + padding, 3)  # padding steps are random
    with torch.no_grad():
        states, final = encoder(x, mask)
        for row, length in enumerate(lengths):
            n_steps = max(length, 1)
            expected, expected_final = encoder(
                x[row : row + 1, :n_steps], mask[row : row + 1, :n_steps]
            )
            torch.testing.assert_close(states[row, :length], expected[0, :length])
            torch.testing.assert_close(final[row], expected_final[0])


def test_an_empty_row_has_a_zero_final_state():
    _, final = make_encoder()(torch.randn(1, 3, 3), torch.zeros(1, 3, dtype=torch.bool))
    assert (final == 0).all()


def test_the_backward_direction_starts_at_the_last_real_step():
    encoder = make_encoder()
    x = torch.randn(1, 4, 3)
    states, _ = encoder(x, torch.tensor([[1, 1, 1, 0]], dtype=torch.bool))
    first_read, _ = encoder.layers[0].backward_rnn(x[:, 2:3])
    torch.testing.assert_close(states[0, 2, 4:], first_read[0, 0])


@pytest.mark.parametrize("normalization", [*NORMALIZATIONS, None])
def test_a_stack_equals_its_layers_in_sequence(normalization, generator):
    encoder = make_encoder((5, 4, 3), normalization=normalization).eval()
    for weight in encoder.parameters():
        nn.init.normal_(weight, generator=generator)
    states = x = torch.randn(4, 7, 3, generator=generator)
    for index, layer in enumerate(encoder.layers):
        single = make_encoder(
            [layer.forward_rnn.hidden_size],
            layer.input_size,
            normalization=normalization,
        )
        weights = {
            name.replace(f"s.{index}.", "s.0."): weight
            for name, weight in encoder.state_dict().items()
            if f"s.{index}." in name
        }
        single.load_state_dict(weights)
        states, final = single.eval()(states, MASK)
    found, found_final = encoder(x, MASK)
    torch.testing.assert_close(found[MASK], states[MASK])
    torch.testing.assert_close(found_final, final)


def test_recurrent_dropout_mask_is_shared_by_steps_and_rows(generator):
    encoder = make_encoder(recurrent_dropout=0.5)
    x = torch.randn(1, 7, 3).expand(4, 7, 3)
    mask = torch.ones(4, 7, dtype=torch.bool)
    states, _ = encoder(x, mask, generator)
    assert torch.equal(states, states[:1].expand_as(states))  # one mask for all rows
    other, _ = encoder(x, mask, generator)
    assert not torch.equal(states, other)


def test_recurrent_dropout_equals_masked_recurrent_weights():
    encoder = make_encoder(bidirectional=False, recurrent_dropout=0.5)
    x, mask = torch.randn(2, 5, 3), torch.ones(2, 5, dtype=torch.bool)
    states, _ = encoder(x, mask, torch.Generator().manual_seed(3))
    lstm = encoder.layers[0].forward_rnn
    keep = torch.empty(16, 4).bernoulli_(
        0.5, generator=torch.Generator().manual_seed(3)
    )
    lstm.weight_hh_l0.data.mul_(keep * 2)
    torch.testing.assert_close(states, encoder.eval()(x, mask)[0])


def test_dropout_between_layers_applies_in_training_only(generator):
    encoder = make_encoder((4, 4), dropout=0.5)
    x, mask = torch.randn(2, 5, 3), torch.ones(2, 5, dtype=torch.bool)
    assert not torch.equal(
        encoder(x, mask, generator)[0], encoder(x, mask, generator)[0]
    )
    encoder.eval()
    assert torch.equal(encoder(x, mask, generator)[0], encoder(x, mask, generator)[0])


def test_training_dtype_applies_in_training_only():
    x = torch.randn(4, 7, 3, generator=torch.Generator().manual_seed(1))
    exact = make_encoder((4, 3))
    rounded = make_encoder((4, 3), training_dtype=torch.bfloat16)
    for expected, got in zip(exact(x, MASK), rounded(x, MASK), strict=True):
        assert got.dtype == torch.float32
        assert not torch.equal(got, expected)
        torch.testing.assert_close(got, expected, rtol=0, atol=0.02)
    assert {part.dtype for part in in_any_order(rounded, x)} == {torch.float32}
    rounded.eval()
    assert all(map(torch.equal, exact(x, MASK), rounded(x, MASK)))


def test_bfloat16_gradients_approximate_float32_gradients():
    x = torch.randn(4, 7, 3, generator=torch.Generator().manual_seed(1))
    encoders = make_encoder(), make_encoder(training_dtype=torch.bfloat16)
    for encoder in encoders:
        encoder(x, MASK)[1].square().sum().backward()
    for exact, rounded in zip(*(e.parameters() for e in encoders), strict=True):
        assert rounded.grad.dtype == torch.float32
        assert (rounded.grad - exact.grad).norm() < 0.05 * exact.grad.norm()


@pytest.mark.parametrize("normalization", [*NORMALIZATIONS, None])
@pytest.mark.parametrize("cell", CELLS)
def test_copy_weights_from_copies_weights_and_running_statistics(cell, normalization):
    params = {"cell": cell, "normalization": normalization}
    trained, new = (make_encoder((4, 2), seed=seed, **params) for seed in (1, 2))
    x = torch.randn(4, 7, 3)
    trained(x, MASK)  # updates the running statistics of batch normalisation
    new.copy_weights_from(trained, 3)
    trained, new = trained.eval(), new.eval()
    assert all(map(torch.equal, new(x, MASK), trained(x, MASK)))


def test_copy_weights_from_keeps_weights_of_additional_inputs():
    trained, new = make_encoder(seed=1), make_encoder(input_size=5, seed=2)
    untouched = make_encoder(input_size=5, seed=2)
    new.copy_weights_from(trained, 3)
    x = torch.randn(4, 7, 3)
    wider = torch.nn.functional.pad(x, (0, 2))
    for found, expected in zip(new(wider, MASK), trained(x, MASK), strict=True):
        torch.testing.assert_close(found, expected)
    for name in ("forward_rnn", "backward_rnn"):
        ours, before = (getattr(e.layers[0], name) for e in (new, untouched))
        assert torch.equal(ours.weight_ih_l0[:, 3:], before.weight_ih_l0[:, 3:])
