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
    """States of a cell with one unit, whose gates depend on biases only."""
    weight_ih = torch.zeros(len(biases), 1)
    weight_ih[2] = 1.0  # the candidate state, third block of an LSTM and of a GRU
    rest = torch.zeros(len(biases), 1), torch.tensor(biases), torch.zeros(len(biases))
    start = torch.zeros(1, 1, 1)
    return CELLS[cell].read(x[:, None, None], start, [weight_ih, *rest]).flatten()


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_implements_its_published_equations(cell, generator):
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
def test_every_cell_equals_the_torch_layer(cell, generator):
    layer = make_layer(cell)
    x = torch.randn(6, 2, 3, generator=generator)
    states = CELLS[cell].read(x, torch.zeros(1, 2, 4), layer.all_weights[0])
    torch.testing.assert_close(states, layer(x)[0])


def test_lstm_with_open_gates_accumulates_its_input():
    x = torch.tensor([0.5, -1.0, 2.0])
    states = read_by_gates("lstm", x, [50.0, 50.0, 0.0, 50.0])
    torch.testing.assert_close(states, x.tanh().cumsum(0).tanh())


def test_gru_with_closed_update_gate_depends_on_the_last_step_only():
    x = torch.tensor([0.5, -1.0, 2.0])
    states = read_by_gates("gru", x, [0.0, -50.0, 0.0])
    torch.testing.assert_close(states, x.tanh())


def test_gru_with_open_update_gate_keeps_the_initial_state():
    states = read_by_gates("gru", torch.tensor([0.5, -1.0, 2.0]), [0.0, 50.0, 0.0])
    torch.testing.assert_close(states, torch.zeros(3))


@pytest.mark.parametrize("cell", CELLS)
def test_recurrent_weights_of_every_gate_are_initialised_orthogonally(cell):
    gates = make_layer(cell).weight_hh_l0.split(4)
    assert len(gates) == N_GATES[cell]
    for gate in gates:
        torch.testing.assert_close(gate @ gate.T, torch.eye(4))


@pytest.mark.parametrize("cell", CELLS)
def test_input_weights_are_initialised_within_the_glorot_bound(cell):
    weight = make_layer(cell).weight_ih_l0
    bound = (6 / (3 + 4)) ** 0.5
    assert bound / 2 < weight.abs().max() <= bound


@pytest.mark.parametrize("cell", CELLS)
def test_only_the_lstm_forget_gate_is_initialised_with_a_bias(cell):
    layer = make_layer(cell)
    biases = torch.cat([layer.bias_ih_l0, layer.bias_hh_l0])
    expected = torch.zeros(8 * N_GATES[cell])
    if cell == "lstm":
        expected[4:8] = 1.0
    assert torch.equal(biases, expected)


@pytest.mark.parametrize("cell", CELLS)
def test_init_weights_depends_on_the_generator_only(cell):
    before = torch.get_rng_state()
    first, again, other = (skip_init(CELLS[cell].layer, 3, 4) for _ in range(3))
    for layer, seed in ((first, 1), (again, 1), (other, 2)):
        init_weights(layer, torch.Generator().manual_seed(seed))
    assert torch.equal(first.weight_hh_l0, again.weight_hh_l0)
    assert not torch.equal(first.weight_hh_l0, other.weight_hh_l0)
    assert torch.equal(torch.get_rng_state(), before)
