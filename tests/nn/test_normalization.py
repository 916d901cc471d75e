import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import pad

from sklearn_bilstm.nn import NORMALIZATIONS, RecurrentEncoder
from sklearn_bilstm.nn._mask import time_major

SIZE = 5
MASK = torch.arange(4) < torch.tensor([[3], [0], [4], [1]])
EMPTY_MASK = torch.zeros(4, 4, dtype=torch.bool)
EVERY = pytest.mark.parametrize("name", NORMALIZATIONS)


def draw(generator, shift=2.0):
    """States with non-zero mean and non-unit variance, and the last states."""
    states = 3 * torch.randn(4, 4, SIZE, generator=generator) + shift
    final = states[torch.arange(4), (MASK.sum(1) - 1).clamp(min=0)]
    return states, final * MASK.any(1, keepdim=True)


def make_normalization(name, generator):
    """A normalisation layer with random scale and shift."""
    normalization = NORMALIZATIONS[name](SIZE)
    for parameter in normalization.parameters():
        nn.init.uniform_(parameter, 0.5, 2.0, generator=generator)
    return normalization


def torch_like(ours):
    """Return torch's layer with the same scale and shift."""
    theirs = nn.LayerNorm(SIZE)
    if hasattr(ours, "running_mean"):
        theirs = nn.BatchNorm1d(SIZE)
    theirs.load_state_dict(ours.state_dict(), strict=False)
    return theirs


@EVERY
def test_real_steps_are_normalised_as_in_torch(name, generator):
    ours = make_normalization(name, generator)
    theirs = torch_like(ours)
    for batch in range(3):
        states, final = draw(generator, shift=batch)
        found, _ = ours(states, MASK, final)
        torch.testing.assert_close(found[MASK], theirs(states[MASK]))
    ours.eval()
    theirs.eval()
    torch.testing.assert_close(ours(states, MASK, final)[0][MASK], theirs(states[MASK]))


def test_running_statistics_ignore_padding_and_equal_torch(generator):
    ours = make_normalization("batch", generator)
    theirs = torch_like(ours)
    for batch in range(3):
        states, final = draw(generator, shift=batch)
        ours(states, MASK, final)
        theirs(states[MASK])
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)


@EVERY
def test_gradients_ignore_padding_and_equal_torch(name, generator):
    ours = make_normalization(name, generator)
    theirs = torch_like(ours)
    states, final = draw(generator)
    slope = torch.randn(states.shape, generator=generator)[MASK]
    x, real = states.requires_grad_(), states[MASK].detach().requires_grad_()
    (ours(x, MASK, final.detach())[0][MASK] * slope).sum().backward()
    (theirs(real) * slope).sum().backward()
    torch.testing.assert_close(x.grad[MASK], real.grad)
    assert (x.grad[~MASK] == 0).all()
    for expected, got in zip(theirs.parameters(), ours.parameters(), strict=True):
        torch.testing.assert_close(got.grad, expected.grad)


@EVERY
@pytest.mark.parametrize("training", [True, False])
def test_final_states_are_normalised_as_the_last_steps(name, training, generator):
    normalization = make_normalization(name, generator).train(training)
    states, final = draw(generator)
    found, found_final = normalization(states, MASK, final)
    for row, length in enumerate(MASK.sum(1).tolist()):
        expected = found[row, length - 1] if length else torch.zeros(SIZE)
        torch.testing.assert_close(found_final[row], expected)


@EVERY
@pytest.mark.parametrize("training", [True, False])
def test_normalisation_does_not_depend_on_padding(name, training, generator):
    states, final = draw(generator)
    narrow, wide = (
        make_normalization(name, torch.Generator().manual_seed(1)).train(training)
        for _ in range(2)
    )
    found = narrow(states, MASK, final)
    wider = pad(states, (0, 0, 0, 3), value=99.0)
    padded, padded_final = wide(wider, pad(MASK, (0, 3)), final)
    torch.testing.assert_close(padded[:, :4][MASK], found[0][MASK])
    torch.testing.assert_close(padded_final, found[1])
    torch.testing.assert_close(dict(wide.state_dict()), dict(narrow.state_dict()))


@EVERY
@pytest.mark.parametrize("training", [True, False])
def test_a_batch_of_only_padding_keeps_running_statistics(name, training, generator):
    normalization = make_normalization(name, generator).train(training)
    before = {key: t.clone() for key, t in normalization.state_dict().items()}
    states, final = normalization(draw(generator)[0], EMPTY_MASK, torch.zeros(4, SIZE))
    assert states.isfinite().all()
    assert (final == 0).all()
    torch.testing.assert_close(dict(normalization.state_dict()), before)


@EVERY
def test_a_single_step_has_finite_gradients_and_statistics(name, generator):
    normalization = make_normalization(name, generator)
    states = draw(generator)[0].requires_grad_()
    mask = EMPTY_MASK.clone()
    mask[0, 0] = True
    found, final = normalization(states, mask, states[:, 0])
    (found[mask].sum() + final.sum()).backward()
    assert states.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in normalization.parameters())
    assert all(t.isfinite().all() for t in normalization.state_dict().values())


@EVERY
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("mask", [MASK, EMPTY_MASK])
def test_bfloat16_input_gives_rounded_float32_results(name, training, mask, generator):
    exact = make_normalization(name, generator).train(training)
    rounded = copy.deepcopy(exact)
    inputs = [x.bfloat16() for x in draw(generator)]
    expected = exact(inputs[0].float(), mask, inputs[1].float())
    found = rounded(inputs[0], mask, inputs[1])
    torch.testing.assert_close(found, tuple(x.bfloat16() for x in expected))


@EVERY
def test_normalisation_keeps_the_memory_layout(name, generator):
    states, final = draw(generator)
    found, _ = make_normalization(name, generator)(time_major(states), MASK, final)
    assert found.stride() == time_major(states).stride()


@EVERY
def test_normalisation_does_not_change_its_input(name, generator):
    states, final = draw(generator)
    kept = states.clone(), final.clone()
    make_normalization(name, generator)(states, MASK, final)
    assert torch.equal(states, kept[0])
    assert torch.equal(final, kept[1])


@EVERY
def test_reset_parameters_restores_the_initial_state(name, generator):
    normalization = make_normalization(name, generator)
    states, final = draw(generator)
    normalization(states, MASK, final)
    normalization.reset_parameters(generator)
    fresh = NORMALIZATIONS[name](SIZE).state_dict()
    torch.testing.assert_close(dict(normalization.state_dict()), dict(fresh))


@EVERY
@pytest.mark.parametrize("training", [True, False])
def test_normalising_encoder_does_not_depend_on_padding(name, training, generator):
    encoder = RecurrentEncoder(3, (4, 2), normalization=name).train(training)
    encoder.reset_parameters(generator)
    x = torch.randn(4, 7, 3, generator=generator)
    states, final = encoder(x[:, :4], MASK)
    padded, padded_final = encoder(x, pad(MASK, (0, 3)))
    torch.testing.assert_close(padded[:, :4][MASK], states[MASK])
    torch.testing.assert_close(padded_final, final)


@EVERY
def test_encoder_normalises_the_states_of_its_layers(name, generator):
    encoder = RecurrentEncoder(3, (4,), normalization=name)
    encoder.reset_parameters(generator)
    plain = RecurrentEncoder(3, (4,))
    plain.load_state_dict(encoder.state_dict(), strict=False)
    x = torch.randn(4, 4, 3, generator=generator)
    expected = NORMALIZATIONS[name](8)(plain(x, MASK)[0], MASK, torch.zeros(4, 8))[0]
    torch.testing.assert_close(encoder(x, MASK)[0], expected)
