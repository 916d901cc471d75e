import pytest
import torch

from sklearn_bilstm.nn import MERGES, RecurrentEncoder

FORWARD = torch.tensor([[1.0, -2.0]])
BACKWARD = torch.tensor([[3.0, 5.0]])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("concat", [[1.0, -2.0, 3.0, 5.0]]),
        ("mean", [[2.0, 1.5]]),
        ("mul", [[3.0, -10.0]]),
        ("sum", [[4.0, 3.0]]),
    ],
)
def test_merge_modes_equal_hand_computed_values(name, expected):
    assert MERGES[name](FORWARD, BACKWARD).tolist() == expected


@pytest.mark.parametrize("name", sorted(MERGES.keys() - {"concat"}))
def test_all_merge_modes_but_concat_are_symmetric(name):
    merge = MERGES[name]
    assert torch.equal(merge(FORWARD, BACKWARD), merge(BACKWARD, FORWARD))


@pytest.mark.parametrize("name", MERGES)
def test_output_size_is_the_width_of_merged_states(name, generator):
    encoder = RecurrentEncoder(3, (4, 2), merge_mode=name)
    encoder.reset_parameters(generator)
    mask = torch.ones(2, 5, dtype=torch.bool)
    states, final = encoder(torch.randn(2, 5, 3, generator=generator), mask)
    assert states.shape == (2, 5, encoder.output_size)
    assert final.shape == (2, encoder.output_size)
    assert encoder.output_size == MERGES[name](FORWARD, BACKWARD).shape[1]


@pytest.mark.parametrize("name", MERGES)
def test_merge_mode_is_ignored_without_a_backward_direction(name, generator):
    encoder = RecurrentEncoder(3, (2,), bidirectional=False, merge_mode=name)
    encoder.reset_parameters(generator)
    assert encoder.output_size == 2
    assert [part for part, _ in encoder.layers[0].named_children()] == ["forward_rnn"]
