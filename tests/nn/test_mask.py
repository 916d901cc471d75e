import pytest
import torch

from sklearn_bilstm.nn._mask import (
    last_step,
    masked_max,
    masked_mean,
    masked_softmax,
    reorder,
    reversed_order,
    time_major,
)

MASK = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]], dtype=torch.bool)


def test_reorder_reverses_real_steps_only():
    steps = torch.arange(4.0).expand(3, 4)[..., None]
    reordered = reorder(steps, reversed_order(MASK))[..., 0]
    assert reordered.tolist() == [[2, 1, 0, 3], [3, 2, 1, 0], [0, 1, 2, 3]]


def test_reversed_order_is_its_own_inverse():
    order = reversed_order(MASK)
    assert torch.equal(order[order], torch.arange(3 * 4))


def test_time_major_changes_only_the_memory_layout():
    x = torch.randn(3, 4, 2)
    found = time_major(x)
    assert torch.equal(found, x)
    assert found.transpose(0, 1).is_contiguous()


def test_last_step_is_the_last_real_step_or_zero():
    states = torch.arange(12.0).reshape(3, 4, 1)
    assert last_step(states, MASK).tolist() == [[2.0], [7.0], [0.0]]


def test_masked_softmax_is_the_softmax_of_real_steps():
    scores = torch.tensor([[1.0, 2.0, 3.0, 99.0]]).repeat(3, 1)
    weights = masked_softmax(scores, MASK)
    expected = torch.tensor([1.0, 2.0, 3.0]).softmax(0)
    torch.testing.assert_close(weights[0, :3], expected)
    assert weights[0, 3] == 0


def test_masked_softmax_of_an_empty_row_is_zero_with_finite_gradient():
    scores = torch.randn(3, 4, requires_grad=True)
    weights = masked_softmax(scores, MASK)
    weights.sum().backward()
    assert weights[2].tolist() == [0, 0, 0, 0]
    assert scores.grad.isfinite().all()


@pytest.mark.parametrize("lengths", [[3, 0, 4], [3, 3, 3], [4, 4, 4], [0, 0, 0], [2]])
def test_reorder_reverses_each_row_within_its_length(lengths):
    x = torch.randn(len(lengths), 4, 2)
    order = reversed_order(torch.arange(4) < torch.tensor(lengths)[:, None])
    reordered = reorder(x, order)
    assert reordered.transpose(0, 1).is_contiguous()
    for row, steps, length in zip(reordered, x, lengths, strict=True):
        assert torch.equal(row[:length], steps[:length].flip(0))
        assert torch.equal(row[length:], steps[length:])


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_a_trace_on_rows_of_equal_length_generalises_to_unequal_length():
    def read(x, mask):
        return masked_max(reorder(x, reversed_order(mask)), mask)

    x = torch.randn(2, 4, 3)
    traced = torch.jit.trace(read, (x, torch.ones(2, 4, dtype=torch.bool)))
    mask = torch.arange(4) < torch.tensor([[2], [4]])
    assert torch.equal(traced(x, mask), read(x, mask))


@pytest.mark.parametrize("lengths", [[3, 0, 4], [3, 3, 3]])
def test_reorder_has_the_gradient_of_a_permutation(lengths):
    mask = torch.arange(4) < torch.tensor(lengths)[:, None]
    x = torch.randn(3, 4, 2, dtype=torch.float64, requires_grad=True)
    order = reversed_order(mask)
    assert torch.equal(reorder(reorder(x, order), order), x)
    assert torch.autograd.gradcheck(lambda x: reorder(x, order), x)


@pytest.mark.parametrize(
    "lengths", [[3, 0, 4], [3, 1, 4], [2, 2, 2], [4, 4, 4], [0, 0, 0]]
)
@pytest.mark.parametrize("function", [masked_max, masked_mean])
def test_masked_pooling_gradients_equal_central_differences(function, lengths):
    mask = torch.arange(4) < torch.tensor(lengths)[:, None]
    x = torch.randn(3, 4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(function, (x, mask))


@pytest.mark.parametrize("lengths", [[3, 0, 4], [2, 2, 2], [4, 4, 4], [0, 0, 0], []])
def test_masked_max_is_the_maximum_of_real_steps(lengths):
    x = torch.randn(len(lengths), 4, 2)
    mask = torch.arange(4) < torch.tensor(lengths, dtype=torch.int)[:, None]
    found = masked_max(x, mask)
    assert found.shape == (len(lengths), 2)
    for row, steps, length in zip(found, x, lengths, strict=True):
        expected = steps[:length].amax(0) if length else torch.zeros(2)
        assert torch.equal(row, expected)


def test_masked_max_divides_the_gradient_between_equal_steps():
    x = torch.tensor([[[2.0], [1.0], [2.0], [2.0]]], requires_grad=True)
    mask = torch.tensor([[True, True, True, False]])
    masked_max(x, mask).backward()
    assert x.grad.flatten().tolist() == [0.5, 0.0, 0.5, 0.0]
