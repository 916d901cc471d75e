import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_bilstm.nn import (
    POOLINGS,
    AttentionPooling,
    LastPooling,
    MaxMeanPooling,
    MaxPooling,
    MeanPooling,
)

MASK = torch.tensor([[1, 1, 0], [1, 1, 1], [0, 0, 0]], dtype=torch.bool)
STATES = torch.tensor(
    [
        [[1.0, -4.0], [3.0, -2.0], [99.0, 99.0]],
        [[0.0, 0.0], [-1.0, 5.0], [4.0, 1.0]],
        [[99.0, 99.0], [99.0, 99.0], [99.0, 99.0]],
    ]
)
FINAL = torch.tensor([[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]])


def make_pooling(name, size=2):
    pooling = POOLINGS[name](size)
    pooling.reset_parameters(torch.Generator().manual_seed(0))
    return pooling


def pool(pooling, states, mask, final):
    if pooling.needs_ordered_states:
        return pooling(states, mask, final)
    return pooling([states], mask)


def test_max_pooling_is_over_real_steps():
    pooled = MaxPooling(2)([STATES], MASK)
    assert pooled.tolist() == [[3.0, -2.0], [4.0, 5.0], [0.0, 0.0]]


def test_mean_pooling_is_over_real_steps():
    pooled = MeanPooling(2)([STATES], MASK)
    assert pooled.tolist() == [[2.0, -3.0], [1.0, 2.0], [0.0, 0.0]]


@pytest.mark.parametrize("name", ["max", "mean", "max_mean"])
def test_pooling_state_blocks_equals_pooling_the_whole(name):
    whole = make_pooling(name)([STATES], MASK)
    assert make_pooling(name)(STATES.split(1, 2), MASK).equal(whole)


def test_last_pooling_is_the_final_state():
    assert LastPooling(2)(STATES, MASK, FINAL) is FINAL


def test_max_mean_pooling_concatenates_both():
    pooled = MaxMeanPooling(2)([STATES], MASK)
    assert pooled[0].tolist() == [3.0, -2.0, 2.0, -3.0]


def test_attention_pooling_is_a_softmax_weighted_sum():
    pooling = make_pooling("attention")
    scores = [
        pooling.query.weight[0] @ torch.tanh(pooling.hidden.weight @ step)
        for step in STATES[0, :2]
    ]
    weights = torch.stack(scores).softmax(0)
    expected = weights[0] * STATES[0, 0] + weights[1] * STATES[0, 1]
    torch.testing.assert_close(pooling(STATES, MASK, FINAL)[0], expected)


def test_attention_weights_are_zero_on_padding_and_sum_to_one():
    weights = make_pooling("attention").weights(STATES, MASK)
    assert (weights[~MASK] == 0).all()
    torch.testing.assert_close(weights.sum(1), torch.tensor([1.0, 1.0, 0.0]))


@pytest.mark.parametrize("name", sorted(POOLINGS))
def test_pooling_an_empty_row_gives_zeros_and_finite_gradients(name):
    states = STATES.clone().requires_grad_()
    pooled = pool(make_pooling(name), states, MASK, FINAL.clone().requires_grad_())
    assert (pooled[2] == 0).all()
    pooled.sum().backward()
    assert states.grad is None or states.grad.isfinite().all()


@pytest.mark.parametrize("name", sorted(POOLINGS))
def test_output_size_is_the_width_of_the_pooled_vector(name):
    pooling = make_pooling(name)
    assert pool(pooling, STATES, MASK, FINAL).shape == (3, pooling.output_size)


@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from(sorted(POOLINGS)),
    lengths=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    padding=st.integers(1, 4),
)
def test_pooling_does_not_depend_on_padding(name, lengths, padding):
    pooling = make_pooling(name)
    mask = torch.arange(5 + padding) < torch.tensor(lengths)[:, None]
    states = torch.randn(len(lengths), 5 + padding, 2)
    final = torch.randn(len(lengths), 2)
    torch.testing.assert_close(
        pool(pooling, states, mask, final),
        pool(pooling, states[:, :5], mask[:, :5], final),
    )


def test_attention_pooling_does_not_change_the_global_random_state():
    before = torch.get_rng_state()
    AttentionPooling(3).reset_parameters(torch.Generator().manual_seed(0))
    assert torch.equal(torch.get_rng_state(), before)
