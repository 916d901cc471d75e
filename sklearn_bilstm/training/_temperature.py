"""How sure a model may be, by what it says of rows that it did not learn from."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

__all__ = ["fitted_temperature"]

# What speaks beside the model may know far more than it does, or less.
_LEAST, _MOST = 1 / 3, 3.0
# Fewer rows cannot show that a model knows nothing.
_ROWS_TO_JUDGE = 200


def fitted_temperature(
    logits: np.ndarray, truth: np.ndarray, weight: np.ndarray
) -> float | None:
    """Find the temperature at which logits are as sure as they are right.

    Divided by it, they make what was seen likeliest (Guo et al., 2017).

    Parameters
    ----------
    logits : ndarray of shape (n, K) or (n, L, K)
        Logits of K classes, for each of L choices between them.
    truth : ndarray of the shape of `logits`
        One for the class that was seen, and zero for others.
    weight : ndarray of shape (n,)
        Weights of the rows, above zero.

    Returns
    -------
    temperature : float or None
        Between a third and three. None if the logits of many rows tell less than how
        frequent the classes are, by more than a standard error.
    """
    weight = weight / weight.max()
    # rows of equal weight that would tell as much (Kish, 1965)
    n_rows = weight.sum() ** 2 / np.square(weight).sum()
    # as if one row more had been seen of each class (Platt, 1999), so that a few rows
    # that are all right are no reason to be certain
    truth = (n_rows * truth + 1) / (n_rows + truth.shape[-1])

    def losses(log_probabilities: np.ndarray) -> np.ndarray:
        return -(truth * log_probabilities).reshape(len(truth), -1).sum(1)

    def losses_at(sharpness: float) -> np.ndarray:
        return losses(log_softmax(sharpness * logits, axis=-1))

    sharpness = minimize_scalar(
        lambda sharpness: weight @ losses_at(sharpness),
        bounds=(1 / _MOST, 1 / _LEAST),
        method="bounded",
    ).x
    frequencies = np.average(truth, axis=0, weights=weight)
    excess = losses_at(sharpness) - losses(np.log(frequencies))
    mean = np.average(excess, weights=weight)
    error = np.sqrt(np.average((excess - mean) ** 2, weights=weight) / n_rows)
    if n_rows >= _ROWS_TO_JUDGE and mean > error:
        return None
    return 1 / float(sharpness)
