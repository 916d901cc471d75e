"""Random number generators that do not affect the global state."""

import numpy as np
import torch
from sklearn.utils import check_random_state

__all__ = ["draw_seed", "private_random_state", "seeded_generator"]

_SEED_END = 2**31 - 1


def private_random_state(
    random_state: int | np.random.RandomState | None,
) -> np.random.RandomState:
    """Convert a `random_state` parameter to a NumPy RandomState.

    Unlike :func:`sklearn.utils.check_random_state`, None uses fresh entropy instead of
    NumPy's global random state.
    """
    if random_state is None:
        return np.random.RandomState()
    return check_random_state(random_state)


def draw_seed(random_state: np.random.RandomState) -> int:
    """Draw an integer to seed another generator."""
    return int(random_state.randint(_SEED_END))


def seeded_generator(
    *entropy: int, device: str | torch.device = "cpu"
) -> torch.Generator:
    """Return a torch generator on `device`, seeded with one or more integers."""
    seed = np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(seed >> np.uint64(1)))
