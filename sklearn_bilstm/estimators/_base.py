"""Steps of fitting and predicting that all sequence estimators share."""

from abc import abstractmethod
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from numbers import Integral

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import validate_data
from skorch.callbacks import (
    BatchScoring,
    Callback,
    EpochScoring,
    GradientNormClipping,
    PassthroughScoring,
    ProgressBar,
)

from sklearn_bilstm.estimators._input import check_matrix, infer_input_type
from sklearn_bilstm.estimators._ngrams import NgramMixin
from sklearn_bilstm.nn import (
    POOLINGS,
    DenseHead,
    NumericInput,
    RecurrentEncoder,
    SequenceModel,
    TokenInput,
)
from sklearn_bilstm.sequences import (
    MAX_ID,
    SequenceDataset,
    ragged_from_ids,
    ragged_from_numbers,
)
from sklearn_bilstm.training import (
    OPTIMIZERS,
    SCHEDULES,
    EarlyStopping,
    EpochPrinter,
    SequenceNet,
    cooccurrence_vectors,
)
from sklearn_bilstm.utils._device import resolve_device, resolve_precision
from sklearn_bilstm.utils._ids import UNKNOWN_ID
from sklearn_bilstm.utils._random import seeded_generator

__all__ = ["BaseSequenceEstimator", "unchanged_on_error"]

# max_epochs="auto": epochs for about this many batches, within these bounds.
_AUTO_BATCHES = 2000
_AUTO_EPOCHS = (4, 40)

# Vectors of tokens that begin with knowledge change at this share of the rate.
_RATE_OF_KNOWN_VECTORS = 0.2

# Arguments of skorch that are not for users, beside those that are parameters here.
_DECIDED_HERE = {
    "callbacks",
    "dataset",
    "iterator_train",
    "iterator_valid",
    "max_epochs",
    "module",
    "optimizer__lr",
    "predict_nonlinearity",
    "warm_start",
}


@contextmanager
def unchanged_on_error(estimator):
    """Give an estimator back its attributes if fitting it fails.

    What is learnt is learnt by a copy of the network, so that the old one comes back
    as it was. An interrupt is a failure before the first epoch is complete. After it,
    what was learnt is kept.
    """
    before = dict(vars(estimator))
    try:
        yield
    except BaseException as error:
        history = vars(estimator).get("history_")
        learnt = history and history is not before.get("history_")
        if not (isinstance(error, KeyboardInterrupt) and learnt):
            vars(estimator).clear()
            vars(estimator).update(before)
        raise


class BaseSequenceEstimator(NgramMixin, BaseEstimator):
    """Steps of fitting and predicting, one a method.

    A subclass writes out its parameters, and brings the rows with their targets and
    weights as a :class:`SequenceDataset`.
    """

    @property
    def module_(self):
        """The torch module that was trained."""
        return self.net_.module_

    @abstractmethod
    def _criterion(self):
        """Return the class of the loss."""

    @abstractmethod
    def _metrics(self):
        """Return callbacks that record more than the loss."""

    # -- reading X

    def _read(self, X):
        """Validate an X to predict on; any id that is not known is unknown."""
        return self._scaled(self._read_unscaled(X))

    def _read_unscaled(self, X, *, max_id=None):
        checked = check_matrix(X, input_type=self.input_type_, estimator=self)
        validate_data(self, X, reset=False, skip_check_array=True)
        if self.input_type_ == "tokens":
            return ragged_from_ids(checked, max_id=max_id)
        return ragged_from_numbers(checked)

    def _read_beside(self, X, name, *, max_id=None):
        """Validate rows that `fit` gets beside its X."""
        try:
            return self._read_unscaled(X, max_id=max_id)
        except ValueError as error:
            raise ValueError(
                f"{name} must be like the X that {type(self).__name__} gets, which a "
                f"Pipeline makes of it with transform_input=[{name!r}] where metadata "
                f"routing is enabled. Of {name} it is true that: {error}"
            ) from error

    def _read_to_fit(self, X, *, reset):
        """Validate an X to learn from, and with `reset` remember what it looks like."""
        if not reset and self.input_type not in ("auto", self.input_type_):
            raise ValueError(
                f"The 'input_type' parameter must stay {self.input_type_!r}, as it was "
                f"fitted, or 'auto'. Got {self.input_type!r} instead."
            )
        input_type = self.input_type if reset else self.input_type_
        checked = check_matrix(X, input_type=input_type, estimator=self)
        validate_data(self, X, reset=reset, skip_check_array=True)
        if reset:
            self.input_type_ = infer_input_type(checked, input_type)
        if self.input_type_ == "tokens":
            return ragged_from_ids(checked)
        return ragged_from_numbers(checked)

    def _learn_scale(self, sequences):
        """Learn what to standardise numbers with, from the rows learnt from alone."""
        self._scaler = None
        if self.input_type_ == "numeric":
            self._scaler = StandardScaler().fit(sequences.values)

    def _scaled(self, sequences):
        """Return standardised numbers, or tokens as they are."""
        if self._scaler is None:
            return sequences
        # in double precision, or small changes of a large number are lost
        values = self._scaler.transform(sequences.values.astype(np.float64))
        return replace(sequences, values=values.astype(np.float32))

    def _scaled_rows(self, rows):
        if rows is None:
            return None
        return SequenceDataset(self._scaled(rows.sequences), rows.target, rows.weight)

    # -- making a network

    def _input_size(self, sequences):
        """Return how many ids, or channels, there are."""
        if self.input_type_ == "tokens":
            return _n_tokens(sequences)
        return sequences.values.shape[1]

    def _make_module(self, input_size, n_outputs, seed):
        input_layer = self._make_input_layer(input_size)
        encoder = RecurrentEncoder(
            input_layer.output_size,
            self._checked_layer_sizes(),
            bidirectional=self.bidirectional,
            dropout=self.dropout,
            recurrent_dropout=self.recurrent_dropout,
            training_dtype=self._training_dtype(),
        )
        pooling = POOLINGS[self.pooling](encoder.output_size)
        head = DenseHead(pooling.output_size, n_outputs, dropout=self.dropout)
        module = SequenceModel(input_layer, encoder, pooling, head)
        module.reset_parameters(seeded_generator(seed))
        return module

    def _training_dtype(self):
        """Return what the recurrent layers compute in; numbers are not rounded."""
        if self.precision == "auto" and self.input_type_ == "numeric":
            return torch.float32
        return resolve_precision(self.precision, resolve_device(self.device))

    def _learns_vectors(self):
        """Return whether vectors of tokens are learnt before the network is."""
        return self.embedding == "svd" and self.input_type_ == "tokens"

    def _with_unlabelled(self, sequences, X_unlabelled):
        """Return all sequences that vectors of tokens are learnt from."""
        if X_unlabelled is None or self.embedding is None:
            return sequences
        if not self._learns_vectors():
            raise ValueError(
                "X_unlabelled is to learn vectors of tokens from, but X holds numbers: "
                "leave it out."
            )
        unlabelled = self._read_beside(X_unlabelled, "X_unlabelled", max_id=MAX_ID)
        return sequences.joined(unlabelled)

    def _learn_vectors(self, input_layer, sequences, seed):
        vectors = cooccurrence_vectors(
            sequences,
            input_layer.input_size,
            self.embedding_dim,
            np.random.RandomState(seed),
        )
        input_layer.start_from(torch.from_numpy(vectors))

    def _same_module(self):
        """Return a copy of the fitted network, with the dropout that is asked for."""
        if self._asks_for_other_evidence():
            raise self._cannot_go_on()
        fitted = self.module_
        module = self._make_module(
            fitted.input_layer.input_size, fitted.head.output_size, seed=0
        )
        try:
            module.load_state_dict(fitted.state_dict())
        except RuntimeError as error:
            raise self._cannot_go_on() from error
        return module

    def _cannot_go_on(self):
        return ValueError(
            f"{type(self).__name__} goes on from the network that was fitted, but its "
            "parameters now ask for another one: leave embedding_dim, evidence_ngrams, "
            "hidden_layer_sizes, bidirectional and pooling as they were, or fit anew, "
            "without warm_start and partial_fit."
        )

    def _make_input_layer(self, input_size):
        if self.input_type_ == "tokens":
            evidence = self._new_evidence()
            return TokenInput(
                input_size,
                self.embedding_dim,
                0 if evidence is None else evidence.n_channels,
                unknown_id=UNKNOWN_ID,
                word_dropout=self.word_dropout,
                dropout=self.embedding_dropout,
            )
        return NumericInput(input_size)

    def _make_net(self, module, seed):
        params = {
            "criterion": self._criterion(),
            "optimizer": OPTIMIZERS[self.optimizer],
            "optimizer__fused": True,
            "optimizer__weight_decay": self.weight_decay,
            "optimizer__param_groups": self._parameter_groups(),
            "lr": self.lr,
            "batch_size": self.batch_size,
            "device": resolve_device(self.device),
            "train_split": None,
            "verbose": 0,
            "seed": seed,
            "n_threads": self.n_threads,
        }
        more = dict(self.net_params or {})
        for name in more:
            if name in params or name in _DECIDED_HERE or name.startswith("module__"):
                raise ValueError(
                    f"The 'net_params' parameter must not hold {name!r}, on which "
                    f"{type(self).__name__} decides itself, by parameters of its own "
                    "if by any."
                )
        try:
            return SequenceNet(module, **params, **more).initialize()
        except (TypeError, ValueError) as error:
            raise ValueError(
                "The 'net_params' parameter must hold arguments of skorch.NeuralNet: "
                f"got {more!r}, and skorch says: {error}"
            ) from error

    def _parameter_groups(self):
        """Return what the optimiser treats apart.

        Decay pulls weights between units to zero, but neither biases nor the vectors
        of tokens, most of which have no gradient in a batch to hold against it.
        """
        share = _RATE_OF_KNOWN_VECTORS if self._learns_vectors() else 1.0
        return [
            ("*bias*", {"weight_decay": 0.0}),
            ("input_layer.*", {"weight_decay": 0.0, "lr": share * self.lr}),
        ]

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

    def _train(self, train, valid, *, n_epochs, schedule, streams=False):
        """Train the net, and record what happened even if it is interrupted.

        With `streams` there is more to come, and the optimiser is to remember.
        """
        if self.input_type_ == "tokens":
            self.net_.grow_vocabulary(_n_tokens(train.sequences))
        stops_early = valid is not None and self.early_stopping is not False
        stopping = EarlyStopping(self.n_iter_no_change, self.tol)
        n_batches = -(-len(train) // self.batch_size)
        callbacks = [
            *self._metrics(),
            SCHEDULES[schedule](n_epochs * n_batches),
            *self._make_printers(n_epochs),
            GradientNormClipping(self.gradient_clip_norm),
            *self._checked_callbacks(),
            *[stopping] * stops_early,  # the last, as the others see no epoch it ends
        ]
        n_before = len(self.net_.epochs())
        try:
            self.net_.fit_epochs(train, valid, n_epochs=n_epochs, callbacks=callbacks)
        finally:
            history = self.net_.epochs()
            if len(history) > n_before:
                self.history_ = history
            self.n_iter_ = len(history)
            self.best_epoch_ = getattr(stopping, "best_epoch_", None) or self.n_iter_
            if not streams:
                self.net_.restart_optimizer()
            if not streams and self.n_iter_:
                self._scale_network(train)

    def _n_epochs(self, n_rows):
        if self.max_epochs != "auto":
            return self.max_epochs
        n_batches = -(-n_rows // self.batch_size)
        return int(np.clip(-(-_AUTO_BATCHES // n_batches), *_AUTO_EPOCHS))

    def _make_printers(self, n_epochs):
        printers = [EpochPrinter(n_epochs), ProgressBar()]
        return printers[: int(self.verbose)]

    # -- predicting

    def _pooled(self, X):
        """Return the pooled states of each row of X, in float32."""
        return self.net_.pooled(self._as_dataset(self._read(X)))

    def _logits(self, X):
        """Return the logits of each row of X, in float64."""
        sequences = self._read(X)
        logits = self.net_.logits(self._as_dataset(sequences))
        if self.wide_path_ is None:
            return logits
        return (self.network_scale_ * logits + self.wide_path_.logits(sequences)) / 2

    # -- parameters that their constraints cannot check

    def _checked_layer_sizes(self):
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=object))
        whole = all(isinstance(size, Integral) and size >= 1 for size in sizes)
        if not len(sizes) or not whole:
            raise ValueError(
                f"The 'hidden_layer_sizes' parameter of {type(self).__name__} must be "
                "an int or a sequence of ints in the range [1, inf). Got "
                f"{self.hidden_layer_sizes!r} instead."
            )
        return [int(size) for size in sizes]

    def _checked_callbacks(self):
        """Return copies of the user's callbacks, so that no two fits share one."""
        for entry in self.callbacks or []:
            named = isinstance(entry, tuple) and len(entry) == 2
            callback = entry[1] if named else entry
            if not isinstance(callback, Callback):
                raise TypeError(
                    f"The 'callbacks' parameter of {type(self).__name__} must hold "
                    "instances of skorch.callbacks.Callback, or tuples of a name and "
                    f"an instance. Got {callback!r} instead."
                )
            if isinstance(callback, EpochScoring | BatchScoring | PassthroughScoring):
                raise TypeError(
                    f"The 'callbacks' parameter of {type(self).__name__} must not hold "
                    f"a {type(callback).__name__}, which reads another kind of batch: "
                    "losses and accuracy are in history_ without it."
                )
        return deepcopy(list(self.callbacks or []))


def _n_tokens(sequences):
    """Return how many ids an embedding needs, padding and unknown among them."""
    return max(int(sequences.values.max(initial=0)), UNKNOWN_ID) + 1
