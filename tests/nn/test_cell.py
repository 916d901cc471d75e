import numpy as np
import pytest
import torch

from sklearn_bilstm.nn import CELLS
from sklearn_bilstm.nn._cell import init_weights
from sklearn_bilstm.nn._skip_init import skip_init
from tests.nn import recurrences

N_GATES = {"gru": 3, "lstm": 4, "rnn": 1}


def make_layer(cell):
    layer = skip_init(CELLS[cell].layer, 3, 4)
    init_weights(layer, torch.Generator().manual_seed(0))
    return layer


def read_by_gates(cell, x, biases):
    """States of a cell of one unit whose gates are set by biases alone."""
    weight_ih = torch.zeros(len(biases), 1)
    weight_ih[2] = 1.0  # what is proposed, the third part of an LSTM and of a GRU
    rest = torch.zeros(len(biases), 1), torch.tensor(biases), torch.zeros(len(biases))
    start = torch.zeros(1, 1, 1)
    return CELLS[cell].read(x[:, None, None], start, [weight_ih, *rest]).flatten()


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_computes_its_published_equations(cell, generator):
    shapes = [(4 * N_GATES[cell], width) for width in (3, 4)]
    shapes += [shape[:1] for shape in shapes]
    weights = [torch.randn(s, generator=generator, dtype=torch.double) for s in shapes]
    x = torch.randn(6, 2, 3, generator=generator, dtype=torch.double)
    states = CELLS[cell].read(x, x.new_zeros(1, 2, 4), weights)
    arrays = [weight.numpy() for weight in weights]
    for row in range(2):
        expected = np.stack(list(recurrences.CELLS[cell](x[:, row].numpy(), *arrays)))
        np.testing.assert_allclose(states[:, row], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_reads_as_the_layer_of_torch_does(cell, generator):
    layer = make_layer(cell)
    x = torch.randn(6, 2, 3, generator=generator)
    states = CELLS[cell].read(x, torch.zeros(1, 2, 4), layer.all_weights[0])
    torch.testing.assert_close(states, layer(x)[0])


def test_an_lstm_with_open_gates_adds_up_what_it_reads():
    x = torch.tensor([0.5, -1.0, 2.0])
    states = read_by_gates("lstm", x, [50.0, 50.0, 0.0, 50.0])
    torch.testing.assert_close(states, x.tanh().cumsum(0).tanh())


def test_a_gru_that_keeps_nothing_knows_the_last_step_only():
    x = torch.tensor([0.5, -1.0, 2.0])
    states = read_by_gates("gru", x, [0.0, -50.0, 0.0])
    torch.testing.assert_close(states, x.tanh())


def test_a_gru_that_keeps_everything_stays_where_it_started():
    states = read_by_gates("gru", torch.tensor([0.5, -1.0, 2.0]), [0.0, 50.0, 0.0])
    torch.testing.assert_close(states, torch.zeros(3))


@pytest.mark.parametrize("cell", CELLS)
def test_recurrent_weights_of_every_gate_start_orthogonal(cell):
    gates = make_layer(cell).weight_hh_l0.split(4)
    assert len(gates) == N_GATES[cell]
    for gate in gates:
        torch.testing.assert_close(gate @ gate.T, torch.eye(4))


@pytest.mark.parametrize("cell", CELLS)
def test_input_weights_start_within_the_bound_of_glorot(cell):
    weight = make_layer(cell).weight_ih_l0
    bound = (6 / (3 + 4)) ** 0.5
    assert bound / 2 < weight.abs().max() <= bound


@pytest.mark.parametrize("cell", CELLS)
def test_only_the_forget_gate_of_an_lstm_starts_with_a_bias(cell):
    layer = make_layer(cell)
    biases = torch.cat([layer.bias_ih_l0, layer.bias_hh_l0])
    expected = torch.zeros(8 * N_GATES[cell])
    if cell == "lstm":
        expected[4:8] = 1.0
    assert torch.equal(biases, expected)


@pytest.mark.parametrize("cell", CELLS)
def test_the_generator_decides_on_the_weights(cell):
    before = torch.get_rng_state()
    first, again, other = (skip_init(CELLS[cell].layer, 3, 4) for _ in range(3))
    for layer, seed in ((first, 1), (again, 1), (other, 2)):
        init_weights(layer, torch.Generator().manual_seed(seed))
    assert torch.equal(first.weight_hh_l0, again.weight_hh_l0)
    assert not torch.equal(first.weight_hh_l0, other.weight_hh_l0)
    assert torch.equal(torch.get_rng_state(), before)
