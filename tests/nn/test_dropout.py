import pytest
import torch

from sklearn_bilstm.nn import Dropout, LockedDropout, WordDropout

X = torch.ones(50, 20, 30)
IDS = torch.full((50, 20), 7)
MASK = torch.ones(50, 20, dtype=torch.bool)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("module", [Dropout(0.4), LockedDropout(0.4)])
def test_dropout_rate_is_p_and_the_mean_is_kept(module, generator):
    dropped = module(X, generator)
    assert (dropped == 0).float().mean() == pytest.approx(0.4, abs=0.05)
    assert dropped.mean() == pytest.approx(1.0, abs=0.05)


def test_locked_dropout_drops_the_same_features_at_all_steps(generator):
    dropped = LockedDropout(0.5)(X, generator)
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert not torch.equal(dropped[0], dropped[1])


def test_word_dropout_replaces_real_tokens_only(generator):
    mask = MASK.clone()
    mask[:, 10:] = False
    dropped = WordDropout(0.4, unknown_id=1)(IDS, mask, generator)
    assert set(dropped[:, :10].unique().tolist()) == {1, 7}
    assert (dropped[:, :10] == 1).float().mean() == pytest.approx(0.4, abs=0.06)
    assert (dropped[:, 10:] == 7).all()


@pytest.mark.parametrize("module", [Dropout(0.4), LockedDropout(0.4)])
def test_dropout_depends_on_the_generator_only(module):
    before = torch.get_rng_state()
    first, again, other = (module(X, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_word_dropout_depends_on_the_generator():
    module = WordDropout(0.4, unknown_id=1)
    first, again, other = (module(IDS, MASK, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_dropout_is_the_identity_in_eval_mode():
    assert Dropout(0.5).eval()(X) is X
    assert LockedDropout(0.5).eval()(X) is X
    assert WordDropout(0.5, unknown_id=1).eval()(IDS, MASK) is IDS
