"""Training of a model: the skorch net, its callbacks, and its completion."""

from collections.abc import Callable
from copy import copy, deepcopy
from inspect import signature
from typing import Any

import numpy as np
from skorch.callbacks import GradientNormClipping

from sklearn_bilstm.fitting._callbacks import EpochTasks, copies_of_callbacks
from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._model import FittedModel
from sklearn_bilstm.fitting._series import HeldOutRows
from sklearn_bilstm.fitting._target import Target
from sklearn_bilstm.sequences import SequenceDataset
from sklearn_bilstm.training import (
    OPTIMIZERS,
    SCHEDULES,
    BatchBar,
    EarlyStopping,
    EpochPrinter,
    EpochStart,
    MaxNorm,
    SequenceNet,
)
from sklearn_bilstm.utils._callbacks import FitTask
from sklearn_bilstm.utils._device import resolve_device

__all__ = ["Training", "make_net", "number_of_epochs"]

# max_epochs="auto": epochs for about this many batches, within these bounds.
_AUTO_BATCHES = 2000
_AUTO_EPOCHS = {"tokens": (4, 40), "numeric": (4, 150)}

# Fraction of the epochs after which taggers count epochs without improvement. With
# "one_cycle", the learning rate is less than half of its maximum by then. Much of the
# final score is due to its decrease.
_FRACTION_WITHOUT_PATIENCE = 0.625

# Fraction of the learning rate for token vectors that are not initialised randomly.
_RATE_OF_INITIAL_VECTORS = 0.2

# skorch arguments not allowed in `net_params`, besides those that `make_net` sets.
_RESERVED_NET_PARAMS = {
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


def number_of_epochs(
    config: Config, n_rows: int, input_type: str, most: int | None = None
) -> int:
    """Return the number of epochs, resolving `max_epochs="auto"` to `most` or fewer."""
    if isinstance(config.max_epochs, int):
        return config.max_epochs
    n_batches = -(-n_rows // config.batch_size)
    n_epochs = int(np.clip(-(-_AUTO_BATCHES // n_batches), *_AUTO_EPOCHS[input_type]))
    return n_epochs if most is None else min(n_epochs, most)


def _early_stopping(config: Config, target: Target, n_epochs: int) -> EarlyStopping:
    metric = "valid_loss"
    if target.of_labels_of_steps and config.scoring is None:
        (score,) = target.scores()
        metric = f"valid_{score.name}"
    n_not_counted = 0
    if target.of_labels_of_steps and config.lr_schedule == "one_cycle":
        n_not_counted = int(n_epochs * _FRACTION_WITHOUT_PATIENCE)
    patience = config.n_iter_no_change
    return EarlyStopping(patience, config.tol, metric, first_epoch=n_not_counted + 1)


def make_net(config: Config, network: Any, target: Target, seed: int) -> SequenceNet:
    """Return an initialised skorch net for a network.

    Parameters
    ----------
    config : Config
    network : SequenceModel or TaggingModel
    target : Target
        Provides the loss.
    seed : int
        Seed of the row order and of dropout.

    Raises
    ------
    ValueError
        If `net_params` is invalid.
    """
    loss, arguments = target.loss(config)
    optimizer = OPTIMIZERS[config.optimizer]
    has_fused = "fused" in signature(optimizer).parameters
    params = {
        "criterion": loss,
        **{f"criterion__{name}": value for name, value in arguments.items()},
        "optimizer": optimizer,
        **({"optimizer__fused": True} if has_fused else {}),
        "optimizer__weight_decay": config.weight_decay,
        "optimizer__param_groups": _parameter_groups(config, network),
        "lr": config.lr,
        "batch_size": config.batch_size,
        "device": resolve_device(config.device),
        "train_split": None,
        "verbose": 0,
        "seed": seed,
        "n_threads": config.n_threads,
    }
    net_params = dict(config.net_params or {})
    for name in net_params:
        if not isinstance(name, str):
            raise ValueError(
                "The 'net_params' parameter must map names of arguments of "
                f"skorch.NeuralNet to values: got the name {name!r}."
            )
        if (
            name in params
            or name in _RESERVED_NET_PARAMS
            or name.startswith("module__")
        ):
            raise ValueError(
                f"The 'net_params' parameter must not contain {name!r}: it is set by "
                f"{config.estimator}."
            )
    try:
        return SequenceNet(network, **params, **net_params).initialize()
    except (TypeError, ValueError) as error:
        raise ValueError(
            "The 'net_params' parameter must hold arguments of skorch.NeuralNet: "
            f"got {net_params!r}. skorch: {error}"
        ) from error


def _parameter_groups(config: Config, network: Any) -> list[tuple[str, dict]]:
    """Return the groups of weights that the optimizer treats differently.

    Weight decay applies to the weights between units. It does not apply to biases,
    normalisation weights and token vectors, since most of the latter have no gradient
    in a batch that could counteract it.
    """
    are_random = config.embedding is None and config.pretrained is None
    factor = 1.0 if are_random else _RATE_OF_INITIAL_VECTORS
    groups: list[tuple[str, dict]] = [
        ("*bias*", {"weight_decay": 0.0}),
        ("encoder.normalizations.*", {"weight_decay": 0.0}),
        ("input_layer.*", {"weight_decay": 0.0, "lr": factor * config.lr}),
    ]
    if network.of_steps:
        groups += [
            ("decoder.*", {"weight_decay": 0.0}),
            ("characters.embedding.*", {"weight_decay": 0.0}),
        ]
    return groups


class Training:
    """The training of a model on rows.

    Parameters
    ----------
    model : FittedModel
        A model whose net is still to be trained.
    config : Config
    train : SequenceDataset
        Standardised training rows.
    valid : SequenceDataset or None
        Standardised validation rows.
    n_epochs : int
        Maximum number of epochs.
    held_out : SequenceDataset, HeldOutRows, list or None, default=None
        Rows for the factor of the network after training. A list has one item per task.
    refit_rows : SequenceDataset or None, default=None
        All training rows, if some are held out. If the network is used, it is then
        trained on these again.
    is_stream : bool, default=False
        Whether more batches follow: the rate is constant, the optimizer keeps its
        state, and there are no checkpoints.
    """

    def __init__(
        self,
        model: FittedModel,
        config: Config,
        train: SequenceDataset,
        valid: SequenceDataset | None,
        *,
        n_epochs: int,
        held_out: SequenceDataset | HeldOutRows | list | None = None,
        refit_rows: SequenceDataset | None = None,
        is_stream: bool = False,
    ) -> None:
        self.model = model
        self.config = config
        self.train = train
        self.valid = valid
        self.held_out: Any = held_out
        self.n_epochs = n_epochs
        self.refit_rows = refit_rows
        self.is_stream = is_stream
        self.is_refit = False
        # called when this training starts, and when the one on all rows does
        self.on_start: Callable[[Training], Any] | None = None
        self.published: FittedModel | None = None
        self._initial = None if refit_rows is None else deepcopy(model.network)
        self._stopping = _early_stopping(config, model.target, n_epochs)
        self._epoch_start = EpochStart()

    def run(
        self,
        publish: Callable[[FittedModel], Any],
        task: FitTask | None = None,
        attributes: Callable[[FittedModel], dict[str, Any]] | None = None,
    ) -> None:
        """Train, and publish the model.

        After an interrupt, the model is published if an epoch has been completed, with
        its best weights.

        Parameters
        ----------
        publish : callable
            Called with the trained model.
        task : FitTask, default=None
            The fit, for scikit-learn's callbacks.
        attributes : callable, default=None
            Returns the attributes of an estimator with a model, for these callbacks.
        """
        net = self.model.net
        n_before = len(net.epochs())
        if self.on_start is not None:
            self.on_start(self)
        try:
            net.fit_epochs(
                self.train,
                self.valid,
                n_epochs=self.n_epochs,
                callbacks=self._callbacks(task, attributes),
                checkpoint=(
                    None if self.is_stream or self.is_refit else self.config.checkpoint
                ),
            )
            self._complete()
            publish(self.model)
            self.published = self.model
        except KeyboardInterrupt:
            self._epoch_start.restore(net)
            if len(net.epochs()) > n_before and not self.is_refit:
                self._complete()
                publish(self.model)
            raise
        finally:
            self._epoch_start.forget()
        if self.refit_rows is not None and self.model.auxiliary_models.uses_network:
            if self.config.verbose:
                print("fitting to all rows", flush=True)  # noqa: T201, verbose=1
            refit = self._refit(self.refit_rows)
            refit.run(publish)
            self.published = refit.published

    def follow(self) -> None:
        """Train in step with another process, which decides when the training ends."""
        self.model.net.fit_epochs(
            self.train,
            self.valid,
            n_epochs=self.n_epochs,
            callbacks=self._callbacks_of_steps(),
        )

    def _refit(self, rows: SequenceDataset) -> "Training":
        """Return a training of the same network on all rows, with the same factors."""
        model = copy(self.model)
        seed = self.model.net.seed
        model.net = make_net(self.config, self._initial, model.target, seed)
        training = Training(model, self.config, rows, None, n_epochs=self.n_epochs)
        training.is_refit = True
        training.on_start = self.on_start
        return training

    def _callbacks_of_steps(self) -> list:
        """Return the callbacks that change the weights or the learning rate."""
        config = self.config
        schedule = "constant" if self.is_stream else config.lr_schedule
        n_batches = -(-len(self.train) // config.batch_size)
        return [
            SCHEDULES[schedule](self.n_epochs * n_batches),
            GradientNormClipping(config.gradient_clip_norm),
            *([] if config.max_norm is None else [MaxNorm(float(config.max_norm))]),
        ]

    def _callbacks(
        self, task: FitTask | None, attributes: Callable[[FittedModel], dict] | None
    ) -> list:
        config = self.config
        stops_early = self.valid is not None and config.early_stopping is not False
        bars = [BatchBar(self.n_epochs)] if config.verbose > 1 else []
        printers = [EpochPrinter(self.n_epochs)] if config.verbose > 0 else []
        tasks = []
        if task is not None and attributes is not None:
            tasks = [EpochTasks(task, lambda: attributes(self._model_if_stopped()))]
        return [
            *self.model.target.scores(),
            *self._callbacks_of_steps(),
            # before the callbacks that use the best weights
            self._stopping if stops_early else self._epoch_start,
            *bars,
            *copies_of_callbacks(config),
            *tasks,
            *printers,
        ]

    def _complete(self) -> None:
        """Restore the best weights, fit the outputs, and reset the optimizer."""
        self.model.net.drop_incomplete_epochs()
        self._stopping.on_train_end(self.model.net)
        self._fit_outputs(self.model)
        if not self.is_stream:
            self.model.net.restart_optimizer()

    def _fit_outputs(self, model: FittedModel) -> None:
        """Fit the scale of the logits, and set constant outputs and the best epoch."""
        model.best_epoch = self._stopping.best_epoch_ or model.n_iter
        if not self.is_stream and model.n_iter:
            if not self.is_refit:
                model.auxiliary_models.fit_scale(model.net, self.held_out)
            constant = model.target.constant_outputs(self.train.target)
            model.network.head.set_constant(constant)

    def _model_if_stopped(self) -> FittedModel:
        """Return a copy of the model, as if training had ended with this epoch."""
        net = self.model.net
        stopped = copy(self.model)
        stopped.auxiliary_models = copy(self.model.auxiliary_models)
        stopped.net = make_net(
            self.config, deepcopy(net.module_), self.model.target, net.seed
        )
        stopped.net.load_training_state(net)
        self._stopping.restore(stopped.net)
        self._fit_outputs(stopped)
        return stopped
