"""Which learning rate a network takes, before it is trained."""

from copy import copy
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from skorch.callbacks import Callback

from sklearn_bilstm.estimators._base import BaseSequenceEstimator
from sklearn_bilstm.training import StopTraining
from sklearn_bilstm.utils._sklearn import HasMethods, Interval, validate_params

__all__ = ["RangeTest", "find_learning_rate"]

# The share of a smoothed loss that comes from the steps before.
_MEMORY = 0.95
# A smoothed loss this many times the least one is that of a training that diverges.
_DIVERGED = 4.0
# Steps of which the average says little yet.
_FIRST_STEPS = 10
# Where the loss is least, the rate is about to be too large (Gugger, 2018).
_SHARE_OF_RATE = 0.1


@dataclass(frozen=True)
class RangeTest:
    """What a network lost at rates that grew from step to step.

    :class:`~sklearn_bilstm.LearningRateDisplay` draws it.

    Parameters
    ----------
    rates : ndarray of shape (n_steps,)
        Learning rate of each step.
    losses : ndarray of shape (n_steps,)
        Loss of the batch of each step, before the step was made.
    smoothed_losses : ndarray of shape (n_steps,)
        Their exponential moving average.
    suggestion : float
        A rate to train with.
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
    """Train for a few steps at growing learning rates, and see where the loss falls.

    The range test of Smith (2017): the rate grows by the same factor from batch to
    batch, until the loss is four times the least. What is suggested is a tenth of the
    rate at which the smoothed loss was least (Gugger, 2018), a peak for
    `lr_schedule="one_cycle"`. Look at the picture too: a loss that is flat tells that
    there is nothing to choose, or nothing that is learnt in so few steps.

    All is as in `fit` with the parameters of the model, but for its schedule, early
    stopping, callbacks and linear path. The vectors of tokens keep their share of the
    rate. The same `random_state` gives the same result.

    Parameters
    ----------
    model : estimator
        A BiLSTM estimator, or a Pipeline that ends with one. It is left as it is.
    X : array-like or sparse matrix of shape (n_samples, ...)
        What the `fit` of the model takes: texts for a Pipeline that begins with a
        :class:`TextVectorizer`.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Target.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.
    lowest : float, default=1e-5
        Rate of the first step.
    highest : float, default=10.0
        Rate of the last step, if the loss does not diverge before.
    n_steps : int, default=150
        Number of steps from one to the other, 20 or more.

    Returns
    -------
    range_test : RangeTest
        With `rates`, `losses`, `smoothed_losses` and a `suggestion`.

    Raises
    ------
    ValueError
        If the model is of another kind, `lowest` is not below `highest`, or X or y are
        not what `fit` takes.

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
    """Return the estimator at the end of a model, and the X that it gets."""
    last = model
    while isinstance(last, Pipeline):
        if len(last) > 1:
            X = clone(last[:-1]).fit_transform(X, y)
        last = last[-1]
    if not isinstance(last, BaseSequenceEstimator):
        raise ValueError(
            "model must be a BiLSTM estimator, or a Pipeline that ends with one. Of a "
            f"search, take its estimator. Got {model!r} instead."
        )
    return last, X


def _tested_by(
    growing: "_GrowingRate", estimator: BaseSequenceEstimator, lowest: float
) -> BaseSequenceEstimator:
    # not a clone: that would forget what a `pretrained` estimator has learnt, and the
    # weights that a `warm_start` goes on from
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
        "wide_ngrams": None,  # it takes time and has no say
    }
    known = tested.get_params(deep=False)
    return tested.set_params(**{k: v for k, v in params.items() if k in known})


class _GrowingRate(Callback):
    """Let the rate grow from batch to batch until the loss diverges.

    Parameters
    ----------
    factor : float
        By what the rate grows.
    n_steps : int
        Number of steps, if it does not diverge.
    """

    def __init__(self, factor: float, n_steps: int) -> None:
        self.factor = factor
        self.n_steps = n_steps
        self.rates: list[float] = []  # copies share the lists
        self.losses: list[float] = []
        self.smoothed_losses: list[float] = []

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Remember the rate that each group of weights begins with."""
        self.first_ = [group["lr"] for group in net.optimizer_.param_groups]
        self.average_ = 0.0

    def on_batch_begin(self, net: Any, **kwargs: Any) -> None:
        """Set the rate of a step."""
        growth = self.factor ** len(self.rates)
        for group, first in zip(net.optimizer_.param_groups, self.first_, strict=True):
            group["lr"] = first * growth
        self.rates.append(net.lr * growth)

    def on_batch_end(self, net: Any, **kwargs: Any) -> None:
        """Note the loss of a step, and end with the last one or if it diverges."""
        self.losses.append(net.history[-1, "batches", -1, "train_loss"])
        n_done = len(self.losses)
        self.average_ = _MEMORY * self.average_ + (1 - _MEMORY) * self.losses[-1]
        # it began with zero, of which so much is left (Kingma and Ba, 2015)
        self.smoothed_losses.append(self.average_ / (1 - _MEMORY**n_done))
        least = min(self.smoothed_losses)
        goes_on = self.smoothed_losses[-1] <= _DIVERGED * least  # not so with NaN
        if n_done == self.n_steps or not goes_on:
            raise StopTraining

    def range_test(self) -> RangeTest:
        """Return what was found."""
        smoothed = np.array(self.smoothed_losses)
        # if it diverged at once, the last step must not be all there is to choose from
        first = _FIRST_STEPS if len(smoothed) > _FIRST_STEPS + 1 else 0
        best = first + int(np.nanargmin(smoothed[first:]))
        suggestion = _SHARE_OF_RATE * self.rates[best]
        rates, losses = np.array(self.rates), np.array(self.losses)
        return RangeTest(rates, losses, smoothed, suggestion)
