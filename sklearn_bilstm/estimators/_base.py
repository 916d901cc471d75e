"""Steps of fitting and predicting that all sequence estimators share."""

from abc import abstractmethod
from copy import copy, deepcopy
from dataclasses import replace
from functools import partial, wraps

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length
from skorch.callbacks import GradientNormClipping

from sklearn_bilstm.estimators._callbacks import EpochTasks, copies_of_callbacks
from sklearn_bilstm.estimators._labels import scaled_to_mean_one
from sklearn_bilstm.estimators._network import NetworkMixin, n_tokens
from sklearn_bilstm.estimators._reading import ReadingMixin
from sklearn_bilstm.training import (
    SCHEDULES,
    BatchBar,
    EarlyStopping,
    EpochPrinter,
    EpochStart,
    MaxNorm,
    split_off_validation,
)
from sklearn_bilstm.utils._callbacks import CallbackSupportMixin
from sklearn_bilstm.utils._containers import as_target
from sklearn_bilstm.utils._device import resolve_device
from sklearn_bilstm.utils._documentation import DocumentedMixin
from sklearn_bilstm.utils._interrupts import call_within
from sklearn_bilstm.utils._random import draw_seed, private_random_state
from sklearn_bilstm.utils._sklearn import check_sample_weight
from sklearn_bilstm.utils._threads import single_threaded

__all__ = ["BaseSequenceEstimator"]

# max_epochs="auto": epochs for about this many batches, within these bounds.
_AUTO_BATCHES = 2000
_AUTO_EPOCHS = {"tokens": (4, 40), "numeric": (4, 150)}


class _UnchangedOnError:
    """Give an estimator back its attributes if fitting it fails, as a context manager.

    What is learnt is learnt by a copy of the network, so that the old one comes back
    as it was. After an interrupt, epochs that are complete are kept.
    """

    def __init__(self, estimator):
        self._estimator = estimator
        self._before = dict(vars(estimator))

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        attributes = vars(self._estimator)
        kept = attributes.get("history_") is not self._before.get("history_")
        if kind is not None and not kept:
            attributes.clear()
            attributes.update(self._before)


def unchanged_on_error(method):
    """Decorate a method that leaves the estimator as it was if it fails."""

    @wraps(method)
    def decorated(self, *args, **kwargs):
        return call_within(
            _UnchangedOnError(self), partial(method, self, *args, **kwargs)
        )

    return decorated


class BaseSequenceEstimator(
    ReadingMixin, NetworkMixin, DocumentedMixin, CallbackSupportMixin, BaseEstimator
):
    """Steps of fitting and predicting, one a method.

    A subclass writes out its parameters, and says what a target is.
    """

    @property
    def module_(self):
        """The torch module that was trained."""
        return self.net_.module_

    def __sklearn_clone__(self):
        # a copy of a callback would hold a copy of a writer or a run, if that can be
        # copied at all
        without = copy(self).set_params(callbacks=None)
        return (
            super(BaseSequenceEstimator, without)
            .__sklearn_clone__()
            .set_params(callbacks=self.callbacks)
        )

    # -- what a subclass decides

    @abstractmethod
    def _check_target(self, y):
        """Validate a y, without a look at what was fitted."""

    @abstractmethod
    def _learn_outputs(self, y):
        """Remember what a validated y says of the outputs."""

    def _meet_outputs(self, y, classes):
        """Learn the outputs from the first batch of a stream."""
        if not hasattr(self, "net_"):
            self._learn_outputs(y)

    @abstractmethod
    def _encode(self, y, name):
        """Return a validated y as what the loss reads, of shape (n,) or (n, K)."""

    @abstractmethod
    def _n_outputs(self):
        """Return the number of logits."""

    @abstractmethod
    def _criterion(self):
        """Return the class of the loss and its arguments."""

    def _metrics(self):
        """Return callbacks that record more than the loss."""
        return []

    def _weight_of_rows(self, target, weight):
        """Return what the weight of each row is multiplied by."""
        return np.ones(len(target))

    def _classes_to_stratify(self, target):
        """Return the class of each row, to be spread evenly over folds, or None."""
        return

    def _learn_scale_of_target(self, rows):
        """Learn what to standardise targets with."""

    def _with_scaled_target(self, rows):
        """Return rows with standardised targets."""
        return rows

    def _learn_beside(self, train, valid, seed):
        """Learn what stands beside the network, and tell the rows of it."""

    def _learn_nothing_beside(self, train):
        """Begin a stream of rows, from which the network alone learns."""

    def _tell_rows_learnt_from(self, rows):
        """Let rows that are learnt from know what stands beside the network."""

    def _measure(self, train):
        """Look at a trained network."""

    # -- fitting

    @unchanged_on_error
    @single_threaded(blas=True)
    @torch.inference_mode(False)
    @torch.enable_grad()
    def _fit(self, X, y, sample_weight, X_val, y_val, X_unlabelled, task):
        if self.checkpoint is not None and self.random_state is None:
            raise ValueError(
                "The 'checkpoint' parameter needs a 'random_state', such as 0: without "
                "one no other fit is equal, and none could go on from it."
            )
        goes_on = self.warm_start and hasattr(self, "net_")
        random_state = private_random_state(self.random_state)
        seeds = draw_seed(random_state), draw_seed(random_state)
        rows, y = self._read_with_target(X, y, reset=not goes_on)
        if not goes_on:
            self._learn_outputs(y)
        rows = self._weighted(rows, y, sample_weight)
        rows.weight = scaled_to_mean_one(rows.weight)
        train, valid = self._with_validation(rows, X_val, y_val, random_state)
        if not goes_on:
            self._learn_scale(train)
            self._learn_scale_of_target(train)
        train, valid = self._ready(train), self._ready(valid)
        n_epochs = self._n_epochs(len(train))
        task.begin(n_epochs)
        read = self._with_unlabelled(train.sequences, X_unlabelled)
        module = self._same_module() if goes_on else self._new_module(read, seeds[0])
        self._learn_beside(train, valid, seeds[0])
        self.net_ = self._make_net(module, seeds[1])
        self._record_decisions(max_epochs=n_epochs, early_stopping=valid is not None)
        schedule = self.lr_schedule
        self._train(train, valid, n_epochs=n_epochs, schedule=schedule, task=task)

    @unchanged_on_error
    @single_threaded(blas=True)
    @torch.inference_mode(False)
    @torch.enable_grad()
    def _learn_batch(self, X, y, sample_weight, classes=None):
        """Learn from a batch of a stream."""
        first = not hasattr(self, "net_")
        rows, y = self._read_with_target(X, y, reset=first)
        self._meet_outputs(y, classes)
        train = self._weighted(rows, y, sample_weight)
        if first:
            scaled_to_mean_one(train.weight)  # a first batch must weigh something
            self._learn_scale(train)
            self._learn_scale_of_target(train)
            random_state = private_random_state(self.random_state)
            seeds = draw_seed(random_state), draw_seed(random_state)
            self._learn_nothing_beside(train)
            module = self._new_module(train.sequences, seeds[0])
            self.net_ = self._make_net(module, seeds[1])
        else:
            net = self._make_net(self._same_module(), self.net_.seed)
            net.load_training_state(self.net_)
            self.net_ = net
        self._record_decisions()
        train = self._ready(train)
        self._tell_rows_learnt_from(train)
        n_epochs = 1 if len(train) else 0
        self._train(train, None, n_epochs=n_epochs, schedule="constant", streams=True)

    # -- rows to learn from

    def _read_with_target(self, X, y, *, reset):
        rows = self._read_to_fit(X, reset=reset)
        y = self._check_target(y)
        check_consistent_length(rows.sequences, y)
        return rows, y

    def _weighted(self, rows, y, sample_weight):
        """Put rows, targets and weights together, without the rows of no weight."""
        rows = self._paired(rows, y, "y")
        sample_weight = as_target(sample_weight, name="sample_weight")
        weight = check_sample_weight(
            sample_weight, y, dtype=np.float64, ensure_non_negative=True
        )
        weight = weight * self._weight_of_rows(rows.target, weight)
        weighted = replace(rows, weight=weight)
        return weighted.take(np.flatnonzero(weight))

    def _with_validation(self, rows, X_val, y_val, random_state):
        """Return training rows, and validation rows or None."""
        if (X_val is None) != (y_val is None):
            missing = "X_val" if X_val is None else "y_val"
            raise ValueError(
                f"X_val and y_val must be given together: {missing} is None."
            )
        if X_val is not None:
            return rows, self._read_validation(X_val, y_val)
        if self.early_stopping in (False, "auto"):
            return rows, None
        train, valid = split_off_validation(
            len(rows),
            self._classes_to_stratify(rows.target),
            self.validation_fraction,
            random_state,
        )
        return rows.take(train), rows.take(valid)

    def _read_validation(self, X_val, y_val):
        rows = self._read_beside(X_val, "X_val")
        y_val = self._check_target(y_val)
        if len(y_val) != len(rows):
            raise ValueError(
                "y_val must hold a target for each row of X_val: got "
                f"{len(y_val)} for {len(rows)}."
            )
        rows = self._paired(rows, y_val, "y_val")
        weight = self._weight_of_rows(rows.target, np.ones(len(rows)))
        return replace(rows, weight=scaled_to_mean_one(weight))

    def _paired(self, rows, y, name):
        """Return rows with the target of each."""
        return replace(rows, target=self._encode(y, name))

    def _ready(self, rows):
        """Return rows with standardised numbers."""
        return None if rows is None else self._with_scaled_target(self._scaled(rows))

    # -- training it

    def _record_decisions(self, **more):
        """Keep what "auto" comes to, and print it if asked to."""
        decided = {
            "device": resolve_device(self.device),
            "input_type": self.input_type_,
            "precision": str(self._training_dtype()).removeprefix("torch."),
            **more,
        }
        self.auto_params_ = {
            name: value
            for name, value in sorted(decided.items())
            if getattr(self, name) == "auto"
        }
        if self.verbose:
            shown = [f"{name}={value!r}" for name, value in self.auto_params_.items()]
            print("auto:", ", ".join(shown) or "nothing", flush=True)  # noqa: T201, verbose=1

    def _train(self, train, valid, *, n_epochs, schedule, task=None, streams=False):
        """Train the net, and record what happened even if it is interrupted.

        The callbacks of scikit-learn are told of the epochs of `task`. With `streams`
        there is more to come, and the optimiser is to remember.
        """
        if self.input_type_ == "tokens":
            self.net_.grow_vocabulary(n_tokens(train.sequences))
        stops_early = valid is not None and self.early_stopping is not False
        stopping = EarlyStopping(self.n_iter_no_change, self.tol)
        epoch_start = EpochStart()
        n_batches = -(-len(train) // self.batch_size)
        as_if_stopped = partial(self._as_if_stopped, stopping, train)
        callbacks = [
            *self._metrics(),
            SCHEDULES[schedule](n_epochs * n_batches),
            GradientNormClipping(self.gradient_clip_norm),
            *([] if self.max_norm is None else [MaxNorm(self.max_norm)]),
            # before those that look at the best weights
            stopping if stops_early else epoch_start,
            *[BatchBar(n_epochs)] * (self.verbose > 1),
            *copies_of_callbacks(self),
            *([] if task is None else [EpochTasks(task, as_if_stopped)]),
            *[EpochPrinter(n_epochs)] * (self.verbose > 0),
        ]
        n_before = len(self.net_.epochs())
        complete = partial(self._complete, stopping, train, n_before, streams)
        try:
            self.net_.fit_epochs(
                train,
                valid,
                n_epochs=n_epochs,
                callbacks=callbacks,
                checkpoint=None if streams else self.checkpoint,
            )
            complete()
        except KeyboardInterrupt:
            epoch_start.restore(self.net_)
            complete()  # once more, if it was interrupted itself
            raise
        finally:
            epoch_start.forget()

    def _complete(self, stopping, train, n_before, streams):
        """Turn the complete epochs of a training into a fitted estimator.

        The history comes last: by it an interrupted estimator is known to be complete.
        """
        stopping.on_train_end(self.net_)
        history = self._record_training(stopping)
        if not streams:
            self.net_.restart_optimizer()
            if self.n_iter_:
                self._measure(train)
        if len(history) > n_before:
            self.history_ = history

    def _record_training(self, stopping):
        history = self.net_.epochs()
        self.n_iter_ = len(history)
        self.best_epoch_ = stopping.best_epoch_ or self.n_iter_
        return history

    def _as_if_stopped(self, stopping, train):
        """Return the attributes that a training has which ends with this epoch."""
        stopped = copy(self)
        stopped.net_ = self._make_net(deepcopy(self.module_), self.net_.seed)
        stopped.net_.load_training_state(self.net_)
        stopping.restore(stopped.net_)
        stopped.history_ = stopped._record_training(stopping)
        stopped._measure(train)
        return vars(stopped)

    def _n_epochs(self, n_rows):
        if self.max_epochs != "auto":
            return self.max_epochs
        n_batches = -(-n_rows // self.batch_size)
        bounds = _AUTO_EPOCHS[self.input_type_]
        return int(np.clip(-(-_AUTO_BATCHES // n_batches), *bounds))

    # -- predicting

    def _as_dataset(self, rows):
        """Return validated rows with all that the network reads."""
        return rows

    def _logits(self, X):
        """Return the logits of each row of X, in float64."""
        return self._logits_of_rows(self._read(X))

    def _logits_of_rows(self, rows):
        return self.net_.logits(self._as_dataset(rows))
