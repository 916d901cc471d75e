"""Learning-rate range test."""

from copy import copy
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from skorch.callbacks import Callback

from sklearn_bilstm.estimators import BaseSequenceEstimator
from sklearn_bilstm.training import StopTraining
from sklearn_bilstm.utils._sklearn import HasMethods, Interval, validate_params

__all__ = ["RangeTest", "find_learning_rate"]

# Smoothing factor of the exponential moving average of the loss.
_MEMORY = 0.95
# Training has diverged if the smoothed loss exceeds its minimum by this factor.
_DIVERGED = 4.0
# Number of first steps whose average is not reliable.
_FIRST_STEPS = 10
# The rate at the minimum of the loss is already too large (Gugger, 2018).
_SHARE_OF_RATE = 0.1


@dataclass(frozen=True)
class RangeTest:
    """Result of a learning-rate range test.

    :class:`~sklearn_bilstm.LearningRateDisplay` plots it.

    Parameters
    ----------
    rates : ndarray of shape (n_steps,)
        Learning rate of each step.
    losses : ndarray of shape (n_steps,)
        Loss of the batch of each step, before the update.
    smoothed_losses : ndarray of shape (n_steps,)
        Exponential moving average of the losses.
    suggestion : float
        Suggested learning rate.
    """

    rates: np.ndarray = field(repr=False)
    losses: np.ndarray = field(repr=False)
    smoothed_losses: np.ndarray = field(repr=False)
    suggestion: float


@validate_params(
    {
        "model": [HasMethods(["fit", "predict"])],
        "lowest": [Interval(Real, 0, None, closed="neither")],
        "highest": [Interval(Real, 0, None, closed="neither")],
        "n_steps": [Interval(Integral, 2 * _FIRST_STEPS, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def find_learning_rate(
    model: Any,
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    lowest: float = 1e-5,
    highest: float = 10.0,
    n_steps: int = 150,
) -> RangeTest:
    """Run a learning-rate range test.

    The test (Smith, 2017) increases the learning rate exponentially from batch to
    batch, until the loss reaches four times its minimum. The suggested rate is a tenth
    of the rate with the lowest smoothed loss (Gugger, 2018). It is suitable as the
    maximum rate of `lr_schedule="one_cycle"`. Plot the result as well: a flat loss
    shows that the learning rate has little effect, or that the network learns nothing
    in so few steps.

    Training uses the parameters of the model, except for the learning-rate schedule,
    early stopping, callbacks and linear model. The token vectors keep their fraction of
    the learning rate. The result is reproducible for a fixed `random_state`.

    Parameters
    ----------
    model : estimator
        A BiLSTM estimator, or a pipeline that ends with one. It is not modified.
    X : array-like or sparse matrix of shape (n_samples, ...)
        Training data in the format that `model.fit` accepts, such as texts for a
        pipeline that starts with a :class:`TextVectorizer`.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Target.
    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights.
    lowest : float, default=1e-5
        Learning rate of the first step.
    highest : float, default=10.0
        Learning rate of the last step, unless the loss diverges earlier.
    n_steps : int, default=150
        Number of steps between both rates, at least 20.

    Returns
    -------
    range_test : RangeTest
        The `rates`, `losses` and `smoothed_losses` of the steps, and a `suggestion`.

    Raises
    ------
    ValueError
        If the model is of an unsupported type, `lowest` is not below `highest`, or `X`
        or `y` are invalid.

    References
    ----------
    .. [1] Smith (2017). Cyclical learning rates for training neural networks. WACV.
    .. [2] Gugger (2018). How do you find a good learning rate.
       https://sgugger.github.io/how-do-you-find-a-good-learning-rate.html

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_bilstm import BiLSTMClassifier, TextVectorizer
    >>> from sklearn_bilstm import find_learning_rate
    >>> from sklearn_bilstm.datasets import make_reviews
    >>> texts, labels = make_reviews(300, random_state=0)
    >>> model = make_pipeline(TextVectorizer(), BiLSTMClassifier(random_state=0))
    >>> range_test = find_learning_rate(model, texts, labels)
    >>> model.set_params(bilstmclassifier__lr=range_test.suggestion)
    Pipeline(...)
    """
    if lowest >= highest:
        raise ValueError(
            f"lowest must be below highest: got lowest={lowest!r} and "
            f"highest={highest!r}."
        )
    estimator, X = _last_step(model, X, y)
    growing = _GrowingRate((highest / lowest) ** (1 / (n_steps - 1)), n_steps)
    trained = _tested_by(growing, estimator, lowest)
    trained.fit(X, y, sample_weight=sample_weight)
    return growing.range_test()


def _last_step(model: Any, X: Any, y: Any) -> tuple[BaseSequenceEstimator, Any]:
    """Return the final estimator of a model and the X that it receives."""
    last = model
    while isinstance(last, Pipeline):
        if len(last) > 1:
            X = clone(last[:-1]).fit_transform(X, y)
        last = last[-1]
    if not isinstance(last, BaseSequenceEstimator):
        raise ValueError(
            "model must be a BiLSTM estimator, or a Pipeline that ends with one: got "
            f"{model!r}. For a search, pass its estimator."
        )
    return last, X


def _tested_by(
    growing: "_GrowingRate", estimator: BaseSequenceEstimator, lowest: float
) -> BaseSequenceEstimator:
    # not a clone, which would lose the weights of a fitted `pretrained` estimator and
    # those of a `warm_start`
    tested = copy(estimator)
    if hasattr(tested, "set_callbacks"):
        tested.set_callbacks()
    params = {
        "lr": lowest,
        "lr_schedule": "constant",
        "max_epochs": growing.n_steps,
        "early_stopping": False,
        "checkpoint": None,
        "callbacks": [growing],
        "verbose": 0,
        # they do not affect the loss of the network
        "linear_ngram_range": None,
        "linear_kernels": None,
    }
    # attributes, since a subclass need not have all parameters in its signature
    for name, value in params.items():
        if hasattr(tested, name):
            setattr(tested, name, value)
    return tested


class _GrowingRate(Callback):
    """Increase the learning rate from batch to batch until the loss diverges.

    Parameters
    ----------
    factor : float
        Growth factor per step.
    n_steps : int
        Number of steps, unless the loss diverges earlier.
    """

    def __init__(self, factor: float, n_steps: int) -> None:
        self.factor = factor
        self.n_steps = n_steps
        self.rates: list[float] = []  # copies share the lists
        self.losses: list[float] = []
        self.smoothed_losses: list[float] = []

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Store the initial learning rate of each parameter group."""
        self.first_ = [group["lr"] for group in net.optimizer_.param_groups]
        self.average_ = 0.0

    def on_batch_begin(self, net: Any, **kwargs: Any) -> None:
        """Set the learning rate of a step."""
        growth = self.factor ** len(self.rates)
        for group, first in zip(net.optimizer_.param_groups, self.first_, strict=True):
            group["lr"] = first * growth
        self.rates.append(net.lr * growth)

    def on_batch_end(self, net: Any, **kwargs: Any) -> None:
        """Record the loss of a step; stop after the last step or on divergence."""
        self.losses.append(net.history[-1, "batches", -1, "train_loss"])
        n_done = len(self.losses)
        self.average_ = _MEMORY * self.average_ + (1 - _MEMORY) * self.losses[-1]
        # bias correction of the average, which starts at zero (Kingma and Ba, 2015)
        self.smoothed_losses.append(self.average_ / (1 - _MEMORY**n_done))
        lowest = min(self.smoothed_losses)
        converges = self.smoothed_losses[-1] <= _DIVERGED * lowest  # False for NaN
        if n_done == self.n_steps or not converges:
            raise StopTraining

    def range_test(self) -> RangeTest:
        """Return the result."""
        smoothed = np.array(self.smoothed_losses)
        # after an early divergence, all steps are candidates
        first = _FIRST_STEPS if len(smoothed) > _FIRST_STEPS + 1 else 0
        best = first + int(np.nanargmin(smoothed[first:]))
        suggestion = _SHARE_OF_RATE * self.rates[best]
        rates, losses = np.array(self.rates), np.array(self.losses)
        return RangeTest(rates, losses, smoothed, suggestion)
