"""Temperature scaling and stacking on out-of-fold logits."""

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax, softmax

__all__ = [
    "LARGEST_TEMPERATURE",
    "MIN_ROWS_TO_REJECT",
    "as_binary_choices",
    "exceeds_error",
    "fitted_shares",
    "fitted_temperature",
    "n_effective",
]

# Bounds of the temperature, since the network can be more or less reliable than the
# linear model.
_SMALLEST_TEMPERATURE, LARGEST_TEMPERATURE = 1 / 5, 3.0
# Number of standard errors by which logits must improve the class frequencies.
_N_ERRORS = 2.0
# Number of rows that smooth the observed classes.
_N_MORE_ROWS = 2
# Upper bound of the weights of stacked logits.
_LARGEST_FACTOR = 10.0
# Minimum number of rows for which logits can be rejected as uninformative.
MIN_ROWS_TO_REJECT = 200


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
        Between a fifth and `largest`. None if the logits of many rows are worse than
        the class frequencies by more than a standard error, or if they do not improve
        these by more than two standard errors when combined with them.
    """
    weight = weight / weight.max()
    n_rows = n_effective(weight)
    # smoothed as if there were two more rows (Platt, 1999), with equal frequencies of
    # all classes, so that a few correct rows do not lead to probabilities of one
    n_classes = truth.shape[-1]
    truth = (n_rows * truth + _N_MORE_ROWS / n_classes) / (n_rows + _N_MORE_ROWS)

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
    if n_rows >= MIN_ROWS_TO_REJECT and (
        exceeds_error(excess, weight, 1.0)
        or not _adds_information(logits, frequencies, truth, weight)
    ):
        return None
    return 1 / float(sharpness)


def as_binary_choices(
    labels: np.ndarray, logits: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the truth and the logits of a choice between two classes per label.

    Parameters
    ----------
    labels : ndarray of float, shape (n, L)
        Label indicator matrix.
    logits : ndarray of shape (..., n, L)
        Log-odds of the labels, by one or several models.

    Returns
    -------
    truth : ndarray of shape (n, L, 2)
    logits : ndarray of shape (..., n, L, 2)
        As :func:`fitted_temperature` and :func:`fitted_shares` take them.
    """
    truth = np.stack([1 - labels, labels], axis=-1)
    return truth, np.stack([np.zeros_like(logits), logits], axis=-1)


def _adds_information(
    logits: np.ndarray, frequencies: np.ndarray, truth: np.ndarray, weight: np.ndarray
) -> bool:
    """Return whether logits improve the class frequencies by over two standard errors.

    The logits are combined with those of the frequencies, since dividing them by a
    temperature cannot reproduce unequal frequencies.
    """
    log_frequencies = np.broadcast_to(np.log(frequencies), logits.shape)
    stacked_logits = np.stack([logits, log_frequencies])
    factors, _ = _fitted_factors(stacked_logits, truth, weight)
    mean = np.tensordot(factors, stacked_logits, axes=1)
    gain = log_softmax(mean, axis=-1) - log_frequencies
    gain = (truth * gain).reshape(len(truth), -1).sum(1)
    return exceeds_error(gain, weight, _N_ERRORS)


def exceeds_error(gain: np.ndarray, weight: np.ndarray, n_errors: float) -> bool:
    """Return whether the mean gain of rows exceeds a number of standard errors."""
    mean = np.average(gain, weights=weight)
    variance = np.average((gain - mean) ** 2, weights=weight)
    return bool(mean > n_errors * np.sqrt(variance / n_effective(weight)))


def n_effective(weight: np.ndarray) -> float:
    """Return the effective sample size (Kish, 1965)."""
    weight = weight / weight.max()
    return float(weight.sum() ** 2 / np.square(weight).sum())


def fitted_shares(
    logits: np.ndarray, truth: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, float]:
    """Fit the shares of several models in a weighted mean of their logits.

    They are the non-negative weights of a stacked generalisation (Wolpert, 1992), which
    maximise the likelihood of the observed classes, divided by their sum.

    Parameters
    ----------
    logits : ndarray of shape (M, n, K) or (M, n, L, K)
        Logits of M models for K classes, for each of L independent choices.
    truth : ndarray of the shape of `logits[0]`
        One for the observed class, and zero for the others.
    weight : ndarray of shape (n,)
        Positive sample weights.

    Returns
    -------
    shares : ndarray of shape (M,)
        Their sum is one.
    loss : float
        Mean negative log-likelihood with the undivided weights.
    """
    factors, loss = _fitted_factors(logits, truth, weight)
    total, n_models = factors.sum(), len(factors)
    shares = factors / total if total > 0 else np.full(n_models, 1 / n_models)
    return shares, loss


def _fitted_factors(
    logits: np.ndarray, truth: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return non-negative weights of stacked logits, and the loss with them."""
    weight = (weight / weight.sum()).reshape(-1, *[1] * (truth.ndim - 1))
    axes = tuple(range(truth.ndim))

    def loss_and_gradient(factors: np.ndarray) -> tuple[float, np.ndarray]:
        mean = np.tensordot(factors, logits, axes=1)
        loss = -(weight * truth * log_softmax(mean, axis=-1)).sum()
        slope = weight * (softmax(mean, axis=-1) - truth)
        return loss, np.tensordot(logits, slope, (tuple(a + 1 for a in axes), axes))

    n_models = len(logits)
    result = minimize(
        loss_and_gradient,
        np.full(n_models, 1 / n_models),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, _LARGEST_FACTOR)] * n_models,
    )
    return result.x, float(result.fun)
