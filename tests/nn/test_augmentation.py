import pytest
import torch

from sklearn_bilstm.nn import Augmentation

MASK = torch.arange(30) < torch.tensor([7, 1, 0, 30, 4])[:, None]
# all tokens differ, adjacent ones by one
IDS = torch.arange(2, 152).view(5, 30) * MASK
CHANGES = [{"deletion": 0.4}, {"swap": 0.4}, {"deletion": 0.4, "swap": 0.4}]


def rows_of(steps, mask):
    return [row[real].tolist() for row, real in zip(steps, mask, strict=True)]


@pytest.mark.parametrize("params", CHANGES)
def test_augmentation_is_the_identity_in_eval_mode(params, generator):
    steps, mask, _ = Augmentation(**params).eval()(IDS, MASK, generator=generator)
    assert torch.equal(steps, IDS)
    assert torch.equal(mask, MASK)


@pytest.mark.parametrize("params", CHANGES)
def test_augmentation_keeps_right_padding_and_its_input(params, generator):
    before = IDS.clone()
    steps, mask, _ = Augmentation(**params)(IDS, MASK, generator=generator)
    assert not torch.equal(steps, IDS)
    assert torch.equal(steps > 0, mask)
    assert (mask.int().diff(dim=1) <= 0).all()
    assert torch.equal(IDS, before)


def test_deletion_keeps_the_order_of_tokens(generator):
    steps, mask, _ = Augmentation(deletion=0.4)(IDS, MASK, generator=generator)
    for kept, row in zip(rows_of(steps, mask), rows_of(IDS, MASK), strict=True):
        assert kept == [token for token in row if token in kept]


def test_deletion_keeps_at_least_one_token_of_a_non_empty_row(generator):
    mask = torch.arange(3) < torch.arange(4).repeat(100)[:, None]
    _, kept, _ = Augmentation(deletion=0.5)(mask.long(), mask, generator=generator)
    assert torch.equal(kept.any(1), mask.any(1))
    assert kept.sum() < mask.sum()


def test_deletion_rate_equals_the_parameter(generator):
    mask = torch.ones(100, 100, dtype=torch.bool)
    _, kept, _ = Augmentation(deletion=0.3)(mask.long(), mask, generator=generator)
    assert kept.float().mean().item() == pytest.approx(0.7, abs=0.02)


def test_swap_moves_tokens_by_one_step_within_their_row(generator):
    steps, mask, _ = Augmentation(swap=0.9)(IDS, MASK, generator=generator)
    assert torch.equal(mask, MASK)
    assert (steps - IDS).abs().max() == 1
    rows = [sorted(row) for row in rows_of(steps, mask)]
    assert rows == rows_of(IDS, MASK)


def test_swap_rate_equals_the_parameter_at_every_position(generator):
    ids = torch.arange(2, 22).repeat(2000, 1)
    steps, _, _ = Augmentation(swap=0.3)(ids, ids > 0, generator=generator)
    moved = (steps != ids).float().mean(0)
    assert (steps[:, :-1] == ids[:, 1:]).any(0).all()
    torch.testing.assert_close(moved[1:-1], torch.full((18,), 0.3), rtol=0, atol=0.05)


def test_deletion_and_swap_are_combined(generator):
    both = Augmentation(deletion=0.2, swap=0.5)
    steps, mask, _ = both(IDS, MASK, generator=generator)
    rows = list(zip(rows_of(steps, mask), rows_of(IDS, MASK), strict=True))
    assert all(set(found) <= set(row) for found, row in rows)
    assert any(len(found) < len(row) for found, row in rows)
    assert any(found != sorted(found) for found, _ in rows)


@pytest.mark.parametrize("params", CHANGES)
def test_log_odds_follow_their_steps(params, generator):
    log_odds = torch.stack([IDS, -IDS], dim=2)
    steps, mask, moved = Augmentation(**params)(IDS, MASK, log_odds, generator)
    assert torch.equal(moved[mask], torch.stack([steps, -steps], dim=2)[mask])


@pytest.mark.parametrize("params", CHANGES)
def test_augmentation_depends_on_the_generator_only(params):
    before = torch.get_rng_state()
    first, again, other = (
        Augmentation(**params)(IDS, MASK, None, torch.Generator().manual_seed(seed))[0]
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("params", CHANGES)
def test_a_batch_of_empty_rows_is_unchanged(params, generator):
    steps, mask = torch.zeros(3, 1, dtype=torch.long), torch.zeros(3, 1).bool()
    changed, found, _ = Augmentation(**params)(steps, mask, generator=generator)
    assert torch.equal(changed, steps)
    assert torch.equal(found, mask)
