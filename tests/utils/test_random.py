import numpy as np
import torch

from sklearn_bilstm.utils._random import (
    draw_seed,
    private_random_state,
    seeded_generator,
)


def test_private_random_state_of_none_does_not_use_the_global_state():
    before = np.random.get_state()[1].copy()
    seeds = {draw_seed(private_random_state(None)) for _ in range(5)}
    assert len(seeds) == 5
    assert np.array_equal(np.random.get_state()[1], before)


def test_private_random_state_of_an_int_is_reproducible_and_keeps_an_instance():
    assert draw_seed(private_random_state(3)) == draw_seed(private_random_state(3))
    instance = np.random.RandomState(0)
    assert private_random_state(instance) is instance


def test_seeded_generators_differ_by_entropy():
    draws = {
        torch.rand((), generator=seeded_generator(*entropy)).item()
        for entropy in [(0,), (1,), (0, 1), (1, 1), (0, 2), (0, 1, 1)]
    }
    assert len(draws) == 6
    first, again = (torch.rand(3, generator=seeded_generator(5, 6)) for _ in "ab")
    assert torch.equal(first, again)
