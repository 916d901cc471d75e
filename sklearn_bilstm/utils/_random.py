"""Randomness that belongs to one estimator and touches no global state."""

import numpy as np
import torch
from sklearn.utils import check_random_state

__all__ = ["draw_seed", "private_random_state", "seeded_generator"]

_SEED_END = 2**31 - 1


def private_random_state(
    random_state: int | np.random.RandomState | None,
) -> np.random.RandomState:
    """Turn a `random_state` parameter into a numpy random state.

    Unlike :func:`sklearn.utils.check_random_state`, None gives fresh entropy and not
    numpy's global random state, which stays untouched.
    """
    if random_state is None:
        return np.random.RandomState()
    return check_random_state(random_state)


def draw_seed(random_state: np.random.RandomState) -> int:
    """Draw an integer that seeds another source of randomness."""
    return int(random_state.randint(_SEED_END))


def seeded_generator(
    *entropy: int, device: str | torch.device = "cpu"
) -> torch.Generator:
    """Return a torch generator on `device`, seeded by one or more integers."""
    seed = np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(seed >> np.uint64(1)))
