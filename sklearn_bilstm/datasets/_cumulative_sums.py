"""Random numbers whose label is told by what they add up to."""

from numbers import Integral, Real

import numpy as np

from sklearn_bilstm.utils._random import private_random_state
from sklearn_bilstm.utils._sklearn import Interval, validate_params

__all__ = ["make_cumulative_sums"]


@validate_params(
    {
        "n_samples": [Interval(Integral, 0, None, closed="left")],
        "n_timesteps": [Interval(Integral, 1, None, closed="left")],
        "threshold": [Interval(Real, 0, None, closed="left"), None],
        "per_step": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_cumulative_sums(
    n_samples: int = 1000,
    n_timesteps: int = 10,
    threshold: float | None = None,
    *,
    per_step: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Generate sequences of random numbers and whether they add up to a threshold.

    The toy problem with which bidirectional LSTMs are often introduced: numbers are
    uniform in [0, 1), and the class is 1 from where their running sum has reached the
    threshold. A row has the class of its last step, or one class a step.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of sequences.
    n_timesteps : int, default=10
        Number of steps of every sequence.
    threshold : float or None, default=None
        Running sum from which the class is 1. None makes both classes about equally
        frequent: half of `n_timesteps`, or a quarter of it if `per_step`.
    per_step : bool, default=False
        Whether each step has a class instead of each sequence.
    random_state : int, RandomState instance or None, default=None
        Decides on the numbers. None does not touch numpy's global random state.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps)
        The numbers.
    y : ndarray of int, shape (n_samples,) or (n_samples, n_timesteps)
        The classes, 0 and 1.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    Examples
    --------
    >>> from sklearn_bilstm.datasets import make_cumulative_sums
    >>> X, y = make_cumulative_sums(2, 6, per_step=True, random_state=0)
    >>> X.cumsum(axis=1).round(1)
    array([[0.5, 1.3, 1.9, 2.4, 2.8, 3.5],
           [0.4, 1.3, 2.3, 2.7, 3.5, 4. ]])
    >>> y
    array([[0, 0, 1, 1, 1, 1],
           [0, 0, 1, 1, 1, 1]])
    """
    random = private_random_state(random_state)
    X = random.uniform(size=(n_samples, n_timesteps))
    if threshold is None:
        threshold = n_timesteps / (4 if per_step else 2)
    reached = X.cumsum(axis=1) >= threshold
    return X, (reached if per_step else reached[:, -1]).astype(np.int64)
