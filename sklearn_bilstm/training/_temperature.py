"""Temperature scaling on out-of-fold logits."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

__all__ = ["LARGEST_TEMPERATURE", "fitted_temperature"]

# Bounds of the temperature, since the network can be more or less reliable than the
# linear model.
_SMALLEST_TEMPERATURE, LARGEST_TEMPERATURE = 1 / 3, 3.0
# Minimum number of rows for which logits can be rejected as uninformative.
_MIN_ROWS_TO_REJECT = 200


def fitted_temperature(
    logits: np.ndarray,
    truth: np.ndarray,
    weight: np.ndarray,
    largest: float = LARGEST_TEMPERATURE,
) -> float | None:
    """Fit a temperature that calibrates the logits.

    Logits divided by it maximise the likelihood of the observed classes (Guo et al.,
    2017).

    Parameters
    ----------
    logits : ndarray of shape (n, K) or (n, L, K)
        Logits of K classes, for each of L independent choices.
    truth : ndarray of the shape of `logits`
        One for the observed class, and zero for the others.
    weight : ndarray of shape (n,)
        Positive sample weights.
    largest : float, default=3.0
        Upper bound of the temperature.

    Returns
    -------
    temperature : float or None
        Between a third and `largest`. None if the logits of many rows are worse than
        the class frequencies, by more than a standard error.
    """
    weight = weight / weight.max()
    # effective sample size (Kish, 1965)
    n_rows = weight.sum() ** 2 / np.square(weight).sum()
    # smoothed as if there were one more row of each class (Platt, 1999), so that a few
    # correct rows do not lead to probabilities of one
    truth = (n_rows * truth + 1) / (n_rows + truth.shape[-1])

    def losses(log_probabilities: np.ndarray) -> np.ndarray:
        return -(truth * log_probabilities).reshape(len(truth), -1).sum(1)

    def losses_at(sharpness: float) -> np.ndarray:
        return losses(log_softmax(sharpness * logits, axis=-1))

    sharpness = minimize_scalar(
        lambda sharpness: weight @ losses_at(sharpness),
        bounds=(1 / largest, 1 / _SMALLEST_TEMPERATURE),
        method="bounded",
    ).x
    frequencies = np.average(truth, axis=0, weights=weight)
    excess = losses_at(sharpness) - losses(np.log(frequencies))
    mean = np.average(excess, weights=weight)
    error = np.sqrt(np.average((excess - mean) ** 2, weights=weight) / n_rows)
    if n_rows >= _MIN_ROWS_TO_REJECT and mean > error:
        return None
    return 1 / float(sharpness)
