"""Series with numbers to predict at each step: generated ones, and one set of aeon."""

import importlib
from functools import partial
from typing import NamedTuple

import numpy as np

_ROWS, _TEST_ROWS = 100, 200


class Split(NamedTuple):
    """Lists of arrays, of shape (n_steps, n_channels) and (n_steps, n_outputs)."""

    X: list
    y: list
    X_test: list
    y_test: list


def _generated(simulate):
    """Return series of 60 to 120 steps. The first ones are training rows."""
    random = np.random.RandomState(0)
    rows = [simulate(random, random.randint(60, 121)) for _ in range(300)]
    X, y = (
        [column[:, np.newaxis] for column in part] for part in zip(*rows, strict=True)
    )
    return Split(X[:_ROWS], y[:_ROWS], X[_ROWS:], y[_ROWS:])


def _autoregression(random, n_steps):
    """Return an autoregression of order two with noise, and without it."""
    burn_in = 50
    state = np.zeros(burn_in + n_steps)
    for t in range(2, len(state)):
        state[t] = 1.6 * state[t - 1] - 0.8 * state[t - 2] + random.normal()
    state = state[burn_in:]
    return state + 4 * random.normal(size=n_steps), state


def _regimes(random, n_steps):
    """Return a level that switches between -1 and 1 with noise, and the level."""
    switches = random.rand(n_steps) < 0.05
    level = random.choice([-1.0, 1.0]) * (-1.0) ** switches.cumsum()
    return level + random.normal(size=n_steps), level


def _volatility(random, n_steps):
    """Return noise with an autoregressive log variance, and this log variance."""
    log_variance = np.empty(n_steps)
    last = random.normal()
    for t in range(n_steps):
        last = 0.95 * last + np.sqrt(1 - 0.95**2) * random.normal()
        log_variance[t] = 2 * last
    return np.exp(log_variance / 2) * random.normal(size=n_steps), log_variance


def _lorenz(random, n_steps):
    """Return the first coordinate of Lorenz (1963) with noise, and without it."""
    burn_in, substeps, dt = 100, 5, 0.01
    state, found = random.normal(size=3), np.empty(n_steps)
    for step in range(burn_in + n_steps):
        for _ in range(substeps):
            x, y, z = state
            change = np.array([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])
            state = state + dt * change
        if step >= burn_in:
            found[step - burn_in] = state[0]
    return found + 4 * random.normal(size=n_steps), found


def _motions():
    """Return accelerations, and the angular velocities at the same steps."""
    read = importlib.import_module("aeon.datasets").load_basic_motions
    parts = [read(split=split)[0].swapaxes(1, 2) for split in ("train", "test")]
    (X, y), (X_test, y_test) = (
        ([row[:, :3] for row in part], [row[:, 3:] for row in part]) for part in parts
    )
    return Split(X, y, X_test, y_test)


SETS = {
    "autoregression": partial(_generated, _autoregression),
    "regimes": partial(_generated, _regimes),
    "volatility": partial(_generated, _volatility),
    "lorenz": partial(_generated, _lorenz),
    "motions": _motions,
}
