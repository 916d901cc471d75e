import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sklearn_bilstm.nn import RecurrentEncoder

LENGTHS = torch.tensor([5, 1, 7, 3])
MASK = torch.arange(7) < LENGTHS[:, None]


def make_encoder(sizes=(4,), **params):
    encoder = RecurrentEncoder(3, sizes, **params)
    encoder.reset_parameters(torch.Generator().manual_seed(0))
    return encoder


def torch_layers(encoder):
    """The same layers as torch's own, with the same weights."""
    layers = []
    for layer in encoder.layers:
        ours = [lstm for lstm in (layer.forwards, layer.backwards) if lstm]
        theirs = nn.LSTM(
            ours[0].input_size,
            ours[0].hidden_size,
            batch_first=True,
            bidirectional=len(ours) == 2,
        )
        for lstm, suffix in zip(ours, ("_l0", "_l0_reverse"), strict=False):
            for name, weight in lstm.named_parameters():
                getattr(theirs, name.replace("_l0", suffix)).data.copy_(weight.data)
        layers.append(theirs)
    return layers


def packed_reference(encoder, x, lengths):
    """States and final states by torch's LSTM on packed sequences."""
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    for lstm in torch_layers(encoder):
        packed, (final, _) = lstm(packed)
    states, _ = pad_packed_sequence(packed, batch_first=True, total_length=x.shape[1])
    return states, torch.cat(list(final), 1)


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("sizes", [(4,), (5, 2), (2, 3, 4)])
def test_states_equal_those_of_packed_sequences(sizes, bidirectional):
    encoder = make_encoder(sizes, bidirectional=bidirectional)
    x = torch.randn(4, 7, 3, generator=torch.Generator().manual_seed(1))
    states, final = encoder(x, MASK)
    expected, expected_final = packed_reference(encoder, x, LENGTHS)
    torch.testing.assert_close(states * MASK[..., None], expected)
    torch.testing.assert_close(final, expected_final)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_gradients_equal_those_of_packed_sequences(bidirectional):
    encoder = make_encoder((4, 3), bidirectional=bidirectional)
    ours = torch.randn(4, 7, 3, requires_grad=True)
    theirs = ours.detach().clone().requires_grad_()
    (encoder(ours, MASK)[0] * MASK[..., None]).square().sum().backward()
    packed_reference(encoder, theirs, LENGTHS)[0].square().sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 6), min_size=1, max_size=5),
    padding=st.integers(1, 5),
)
def test_padding_and_batch_mates_do_not_reach_a_real_state(lengths, padding):
    encoder = make_encoder((4, 2)).eval()
    mask = torch.arange(6 + padding) < torch.tensor(lengths)[:, None]
    x = torch.randn(len(lengths), 6 + padding, 3)  # anything stands on padding
    with torch.no_grad():
        states, final = encoder(x, mask)
        for row, length in enumerate(lengths):
            alone = max(length, 1)
            expected, expected_final = encoder(
                x[row : row + 1, :alone], mask[row : row + 1, :alone]
            )
            torch.testing.assert_close(states[row, :length], expected[0, :length])
            torch.testing.assert_close(final[row], expected_final[0])


def test_an_empty_row_ends_in_zeros():
    _, final = make_encoder()(torch.randn(1, 3, 3), torch.zeros(1, 3, dtype=torch.bool))
    assert (final == 0).all()


def test_the_backward_direction_starts_at_the_last_real_step():
    encoder = make_encoder()
    x = torch.randn(1, 4, 3)
    states, _ = encoder(x, torch.tensor([[1, 1, 1, 0]], dtype=torch.bool))
    first_read, _ = encoder.layers[0].backwards(x[:, 2:3])
    torch.testing.assert_close(states[0, 2, 4:], first_read[0, 0])


def test_recurrent_dropout_zeroes_weights_for_all_steps_and_rows(generator):
    encoder = make_encoder(recurrent_dropout=0.5)
    x = torch.randn(1, 7, 3).expand(4, 7, 3)
    mask = torch.ones(4, 7, dtype=torch.bool)
    states, _ = encoder(x, mask, generator)
    assert torch.equal(states, states[:1].expand_as(states))  # one mask for all rows
    other, _ = encoder(x, mask, generator)
    assert not torch.equal(states, other)


def test_recurrent_dropout_equals_an_lstm_of_fewer_weights():
    encoder = make_encoder(bidirectional=False, recurrent_dropout=0.5)
    x, mask = torch.randn(2, 5, 3), torch.ones(2, 5, dtype=torch.bool)
    states, _ = encoder(x, mask, torch.Generator().manual_seed(3))
    lstm = encoder.layers[0].forwards
    keep = torch.empty(16, 4).bernoulli_(
        0.5, generator=torch.Generator().manual_seed(3)
    )
    lstm.weight_hh_l0.data.mul_(keep * 2)
    torch.testing.assert_close(states, encoder.eval()(x, mask)[0])


def test_recurrent_weights_start_orthogonal_and_forget_biases_at_one():
    lstm = make_encoder().layers[0].forwards
    for gate in lstm.weight_hh_l0.split(4):
        torch.testing.assert_close(gate @ gate.T, torch.eye(4))
    assert lstm.bias_ih_l0.tolist() == [0] * 4 + [1] * 4 + [0] * 8
    assert lstm.bias_hh_l0.tolist() == [0] * 16


def test_dropout_between_layers_is_locked_and_only_in_training(generator):
    encoder = make_encoder((4, 4), dropout=0.5)
    x, mask = torch.randn(2, 5, 3), torch.ones(2, 5, dtype=torch.bool)
    assert not torch.equal(
        encoder(x, mask, generator)[0], encoder(x, mask, generator)[0]
    )
    encoder.eval()
    assert torch.equal(encoder(x, mask, generator)[0], encoder(x, mask, generator)[0])


def test_only_training_is_in_bfloat16():
    x = torch.randn(4, 7, 3, generator=torch.Generator().manual_seed(1))
    exact = make_encoder((4, 3))
    rounded = make_encoder((4, 3), training_dtype=torch.bfloat16)
    for expected, got in zip(exact(x, MASK), rounded(x, MASK), strict=True):
        assert got.dtype == torch.float32
        assert not torch.equal(got, expected)
        torch.testing.assert_close(got, expected, rtol=0, atol=0.02)
    rounded.eval()
    assert all(map(torch.equal, exact(x, MASK), rounded(x, MASK)))


def test_gradients_of_bfloat16_are_those_of_float32_but_for_rounding():
    x = torch.randn(4, 7, 3, generator=torch.Generator().manual_seed(1))
    encoders = make_encoder(), make_encoder(training_dtype=torch.bfloat16)
    for encoder in encoders:
        encoder(x, MASK)[1].square().sum().backward()
    for exact, rounded in zip(*(e.parameters() for e in encoders), strict=True):
        assert rounded.grad.dtype == torch.float32
        assert (rounded.grad - exact.grad).norm() < 0.05 * exact.grad.norm()
