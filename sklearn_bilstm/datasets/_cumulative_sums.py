"""Synthetic sequences of numbers, labelled by their cumulative sum."""

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
    """Generate sequences of random numbers, labelled by their cumulative sum.

    This toy problem is a common introduction to bidirectional LSTMs. The numbers are
    uniform in [0, 1), and the class of a step is 1 if the cumulative sum has reached
    the threshold. A sequence has the class of its last step, or one class per step.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of sequences.
    n_timesteps : int, default=10
        Number of steps of each sequence.
    threshold : float or None, default=None
        Cumulative sum from which the class is 1. If None, `n_timesteps` / 2, or
        `n_timesteps` / 4 if `per_step`, so that both classes are about equally
        frequent.
    per_step : bool, default=False
        Whether to return one class per step instead of one per sequence.
    random_state : int, RandomState instance or None, default=None
        Determines the random numbers. None does not use NumPy's global random state.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps)
        The numbers.
    y : ndarray of int, shape (n_samples,) or (n_samples, n_timesteps)
        The classes, 0 and 1.

    Raises
    ------
    ValueError
        If a parameter is invalid.

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
    labels = X.cumsum(axis=1) >= threshold
    return X, (labels if per_step else labels[:, -1]).astype(np.int64)
