"""The skorch net that an estimator owns."""

import os
import time
from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from typing import Any

import numpy as np
import torch
from skorch.callbacks import EarlyStopping
from skorch.history import History
from skorch.utils import to_tensor
from torch import Tensor, nn
from torch.utils.data import DataLoader

from sklearn_bilstm.nn import TokenInput
from sklearn_bilstm.sequences import (
    BucketBatchSampler,
    SequenceDataset,
    cut,
)
from sklearn_bilstm.training._checkpoint import Checkpoint, load_state, state_of
from sklearn_bilstm.training._exchange import ShardExchange, raise_if_stopped
from sklearn_bilstm.training._predicting import PredictingNet
from sklearn_bilstm.training._stop import StoppedElsewhere, StopTraining
from sklearn_bilstm.utils._interrupts import call_within
from sklearn_bilstm.utils._process_group import ProcessGroup
from sklearn_bilstm.utils._random import seeded_generator

__all__ = ["SequenceNet"]

# Uses of random numbers, so that each has an independent stream of the same seed.
_ORDER, _DROPOUT, _LOADER, _NEW_TOKENS = range(1, 5)

# A batch is cut into one shard per core of the machine, or into several that fit its
# cache, but not into shards too small for a thread. The number of shards does not
# depend on the number of threads, and neither do the fitted weights.
_MIN_SHARD_ROWS = 8
_MIN_SHARD_STEPS = 1200  # including padding
_TARGET_SHARD_STEPS = 5000
_TARGET_SHARD_STEPS_BFLOAT16 = 10_000  # same size in bytes

# Maximum number of steps of a shard of several rows, so that a few very long rows of a
# batch do not multiply the memory of the others. Eight rows of 8,000 steps fit.
_MAX_SHARD_STEPS = 2**16


class SequenceNet(PredictingNet):
    """A skorch net that is trained on batches of a :class:`SequenceDataset`.

    Unlike other skorch nets, it has no default callbacks, draws all random numbers from
    `seed`, is given its validation rows, and does not catch Ctrl-C. On a CPU, shards of
    a batch are processed in parallel threads.

    Parameters
    ----------
    module : SequenceModel or TaggingModel
        A network with initialised weights.
    *args
        As for :class:`PredictingNet`.
    seed : int, default=0
        Controls the order of rows and dropout.
    **kwargs
        As for :class:`PredictingNet`.
    """

    history: History
    # of the processes that share the shards of a batch, if there are several
    _group: ProcessGroup | None = None
    _n_cores: int | None = None

    def __init__(
        self,
        module: nn.Module,
        *args: Any,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(module, *args, **kwargs)
        self.seed = seed
        self.n_steps_ = 0

    def get_default_callbacks(self) -> list:
        """Return an empty list, to keep scoring and printing out of the inner loop."""
        return []

    def join_group(self, group: ProcessGroup, n_cores: int) -> None:
        """Share the shards of each batch with other processes.

        Parameters
        ----------
        group : ProcessGroup
            All of its processes train nets with the same weights, on the same rows.
        n_cores : int
            Number of cores that the number of shards depends on.
        """
        self._group, self._n_cores = group, n_cores
        self._exchange = ShardExchange(group, self.module_, self.device)

    def fit_epochs(
        self,
        train: SequenceDataset,
        valid: SequenceDataset | None,
        *,
        n_epochs: int,
        callbacks: list,
        checkpoint: str | os.PathLike | None = None,
    ) -> None:
        """Train for a number of epochs, or until a callback stops the training.

        Parameters
        ----------
        train : SequenceDataset
            Training rows.
        valid : SequenceDataset or None
            Validation rows.
        n_epochs : int
            Maximum number of epochs.
        callbacks : list of skorch callbacks
            Callbacks of this training, in the order of their calls.
        checkpoint : str, path-like or None, default=None
            Path of a :class:`Checkpoint` of this training.

        Raises
        ------
        ValueError
            If training diverges, or the checkpoint belongs to another training.
        """
        self.callbacks = callbacks
        if self.initialized_:
            self.initialize_callbacks()
        else:
            self.initialize()
        stored = None
        if checkpoint is not None:
            stored = Checkpoint(checkpoint, self, train, valid, n_epochs)
        self.notify("on_train_begin", X=train, y=None)
        try:
            self._fit_until(self._last_epoch(stored, n_epochs), train, valid, stored)
        except StoppedElsewhere:
            pass
        except StopTraining:  # within an epoch, which stays incomplete
            if self._group is not None:
                self._group.check(ends=True)
        finally:
            self.notify("on_train_end", X=train, y=None)
            for epoch in self.history:
                epoch["batches"] = []

    def _last_epoch(self, stored: Checkpoint | None, n_epochs: int) -> int:
        """Restore the state of a checkpoint, and return the number of the last epoch.

        It is zero if early stopping has ended the training.
        """
        last_epoch = len(self.history) + n_epochs
        if stored is not None and not stored.resume(self):
            last_epoch = 0
        if self._group is not None:
            last_epoch, state = self._group.broadcast((last_epoch, state_of(self)))
            load_state(self, state)
        return last_epoch

    def _fit_until(
        self,
        last_epoch: int,
        train: SequenceDataset,
        valid: SequenceDataset | None,
        stored: Checkpoint | None,
    ) -> None:
        self._workers = self._make_workers()
        fit_epochs = partial(self._fit_epochs, last_epoch, train, valid, stored)
        call_within(self._workers, fit_epochs)

    def _fit_epochs(
        self,
        last_epoch: int,
        train: SequenceDataset,
        valid: SequenceDataset | None,
        stored: Checkpoint | None,
    ) -> None:
        continues = True
        while continues and len(self.history) < last_epoch:
            continues = self._fit_epoch(train, valid)
            if stored is not None:
                stored.write(self)
            if self._group is not None:
                with self._group.uninterrupted():
                    raise_if_stopped(self._group)
                    continues = self._group.broadcast(continues)

    def _fit_epoch(self, train: SequenceDataset, valid: SequenceDataset | None) -> bool:
        """Train for an epoch, and return whether to continue."""
        start = time.perf_counter()
        datasets = {"dataset_train": train, "dataset_valid": valid}
        self.notify("on_epoch_begin", **datasets)
        self._run_pass(
            "train", self.get_iterator(train, training=True), self.train_step
        )
        if valid is not None:
            self._run_pass("valid", self.get_iterator(valid), self.validation_step)
        self._check_weights()
        self.history.record("seconds", time.perf_counter() - start)
        try:
            self.notify("on_epoch_end", **datasets)
        except StopTraining:
            return False
        return True

    def _check_weights(self) -> None:
        if all(weight.isfinite().all() for weight in self.module_.parameters()):
            return
        raise ValueError(
            f"Training diverged in epoch {len(self.history)}: weights are infinite or "
            "NaN. Lower the 'lr' parameter, and set 'gradient_clip_norm' if it is None."
        )

    def _run_pass(self, name: str, iterator: DataLoader, step: Callable) -> None:
        """Process all batches once, and record the mean loss of their rows."""
        self.run_single_epoch(
            iterator, training=name == "train", prefix=name, step_fn=step
        )
        batches = [b for b in self.history[-1, "batches"] if f"{name}_loss" in b]
        losses = [batch[f"{name}_loss"] for batch in batches]
        sizes = [batch[f"{name}_batch_size"] for batch in batches]
        loss = float(np.average(losses, weights=sizes))
        key = f"{name}_loss"
        earlier = [epoch[key] for epoch in self.history[:-1] if key in epoch]
        self.history.record(key, loss)
        # required by callbacks of skorch
        self.history.record(f"{name}_loss_best", loss < min(earlier, default=np.inf))

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        """Call a method of all callbacks.

        If one stops the training, the others are called nevertheless. skorch's
        EarlyStopping stops by raising KeyboardInterrupt; any other KeyboardInterrupt is
        Ctrl-C.
        """
        stop = None
        for _, callback in [("net", self), *self.callbacks_]:
            try:
                getattr(callback, method_name)(self, **cb_kwargs)
            except StopTraining as request:
                stop = request
            except KeyboardInterrupt:
                if not isinstance(callback, EarlyStopping):
                    raise
                stop = StopTraining()
        if stop is not None:
            raise stop

    def get_iterator(
        self, dataset: SequenceDataset, training: bool = False
    ) -> DataLoader:
        """Return a loader of batches of similar length, shuffled for training."""
        name = "iterator_train" if training else "iterator_valid"
        batches: BucketBatchSampler | list[np.ndarray]
        if training:
            order = [self.seed, _ORDER, len(self.history)]
            batches = BucketBatchSampler(
                dataset.sequences.lengths, self.batch_size, order
            )
        else:
            batches = self._batches(dataset)
        try:
            return DataLoader(
                dataset,
                sampler=batches,
                batch_size=None,  # the sampler yields the rows of a batch
                generator=seeded_generator(self.seed, _LOADER),
                **self.get_params_for(name),
            )
        except (TypeError, ValueError) as error:
            raise ValueError(
                "The 'net_params' parameter must contain arguments of "
                f"torch.utils.data.DataLoader for {name}, except for those that "
                f"determine the rows of a batch: {error}"
            ) from error

    def train_step(self, batch: tuple, **fit_params: Any) -> dict[str, Any]:
        """Update the weights by the gradient of a batch."""
        self.n_steps_ += 1
        return super().train_step(batch, **fit_params)

    def train_step_single(self, batch: tuple, **fit_params: Any) -> dict[str, Any]:
        """Compute the loss of a batch, and store its gradient in the parameters."""
        if not self._on_cpu and self._group is None:
            generator = self._dropout_generator()
            step = super().train_step_single(batch, generator=generator, **fit_params)
            for weight in self.module_.parameters():
                if weight.grad is not None and weight.grad.is_sparse:
                    # coalesced, since the order of a GPU's threads is not deterministic
                    weight.grad = weight.grad.coalesce().to_dense()
            return step
        self._set_training(True)
        weights = [p for p in self.module_.parameters() if p.requires_grad]
        n_rows = len(batch[0]["mask"])

        def forward_backward(
            index: int, shard: tuple
        ) -> tuple[Tensor, Tensor, list[Tensor]]:
            inputs, target = shard
            generator = self._dropout_generator(index)
            y_pred = self.infer(inputs, generator=generator, **fit_params)
            loss = self.get_loss(y_pred, target, X=inputs, training=True)
            loss = loss * (len(y_pred) / n_rows)
            gradients = torch.autograd.grad(loss, weights, materialize_grads=True)
            return loss.detach(), y_pred.detach(), list(gradients)

        shards = self._shards(batch)
        if self._group is not None:
            loss, y_pred = self._exchange.forward_backward(
                batch, shards, partial(self._map_shards, forward_backward, shards)
            )
            return {"loss": loss, "y_pred": y_pred}
        results = self._map_shards(forward_backward, shards, range(len(shards)))
        losses, y_preds, gradients = zip(*results, strict=True)
        # summed in a fixed order, regardless of the order in which threads finish
        for weight, *parts in zip(weights, *gradients, strict=True):
            weight.grad = _summed_gradients(parts)
        return {"loss": sum(losses), "y_pred": _concatenated(y_preds)}

    def validation_step(self, batch: tuple, **fit_params: Any) -> dict[str, Any]:
        """Compute the loss of a batch of validation rows."""
        if not self._on_cpu and self._group is None:
            return super().validation_step(batch, **fit_params)
        self._set_training(False)

        def infer(index: int, shard: tuple) -> Tensor:
            with torch.no_grad():
                return self.infer(shard[0], **fit_params)

        shards = self._shards(batch)
        infer_shards = partial(self._map_shards, infer, shards)
        if self._group is not None:
            y_pred = self._exchange.infer(batch, shards, infer_shards)
        else:
            y_pred = _concatenated(infer_shards(range(len(shards))))
        inputs, target = batch
        loss = self.get_loss(y_pred, target, X=inputs, training=False)
        return {"loss": loss, "y_pred": y_pred}

    def _map_shards(
        self, function: Callable, shards: list[tuple], indices: range
    ) -> list:
        """Call a function with each of some indices and its shard, in threads."""
        return self._workers.map(function, indices, [shards[i] for i in indices])

    def _shards(self, batch: tuple) -> list[tuple]:
        """Cut a batch into shards."""
        n_rows, n_steps = batch[0]["mask"].shape
        n_cores = self._n_cores or os.cpu_count() or 1
        size = n_rows * n_steps
        in_bfloat16 = self.module_.encoder.training_dtype == torch.bfloat16
        target_steps = (
            _TARGET_SHARD_STEPS_BFLOAT16 if in_bfloat16 else _TARGET_SHARD_STEPS
        )
        n_shards = min(
            n_cores * -(-size // (n_cores * target_steps)),
            n_rows // _MIN_SHARD_ROWS,
            size // _MIN_SHARD_STEPS,
        )
        if self.module_.needs_whole_batch:  # regardless of memory
            return [batch]
        return cut(batch, max(1, n_shards), _MAX_SHARD_STEPS)

    def _dropout_generator(self, shard: int = 0) -> torch.Generator:
        return seeded_generator(
            self.seed, _DROPOUT, self.n_steps_, shard, device=self.device
        )

    def get_loss(
        self, y_pred: Tensor, y_true: dict[str, Tensor], *args: Any, **kwargs: Any
    ) -> Tensor:
        """Return the weighted loss of a batch."""
        compared = to_tensor(y_true, device=self.device)
        return self.criterion_(y_pred, **compared, **self.module_.loss_arguments)

    def epochs(self) -> list[dict[str, Any]]:
        """Return the records of all complete epochs."""
        return [
            {
                name: value
                for name, value in epoch.items()
                if "batch" not in name and not name.endswith("_best")
            }
            for epoch in self.history
            if "seconds" in epoch
        ]

    def drop_incomplete_epochs(self) -> None:
        """Remove the records of interrupted epochs, which have no mean loss."""
        self.history[:] = [epoch for epoch in self.history if "seconds" in epoch]

    def restart_optimizer(self) -> None:
        """Reset the optimizer, whose state is twice the size of the model."""
        self._initialize_optimizer()

    def load_training_state(self, other: "SequenceNet") -> None:
        """Load the numbers of steps and epochs and the optimizer state of another net.

        The state of a weight that lacks what this optimizer requires is not loaded.

        Parameters
        ----------
        other : SequenceNet
            A net with the same number of parameters, in the same order. It is not
            changed.
        """
        self.n_steps_ = other.n_steps_
        self.history = copy(other.history)
        self.drop_incomplete_epochs()  # older files can contain some
        if type(self.optimizer_) is type(other.optimizer_):
            old_state = other.optimizer_.state
            names = self.example_of_optimizer_state().keys()
            for new, old in zip(
                self.module_.parameters(), other.module_.parameters(), strict=True
            ):
                state = old_state.get(old, {})
                if not names or not names <= state.keys():
                    continue
                self.optimizer_.state[new] = {
                    name: x.to(new.device, copy=True) if isinstance(x, Tensor) else x
                    for name, x in state.items()
                    if name in names
                }

    def example_of_optimizer_state(self) -> dict[str, Any]:
        """Return what the optimizer stores for a weight of a single number."""
        weight = nn.Parameter(torch.zeros(1, device=self.device))
        weight.grad = torch.zeros_like(weight)
        args, kwargs = self.get_params_for_optimizer("optimizer", [("", weight)])
        optimizer = self.optimizer(*args, **kwargs)
        optimizer.step()
        return dict(optimizer.state[weight])

    def grow_vocabulary(self, n_tokens: int) -> None:
        """Add embeddings up to `n_tokens`; existing embeddings are kept."""
        layer = self.module_.input_layer
        if not isinstance(layer, TokenInput) or n_tokens <= layer.input_size:
            return
        n_known = layer.input_size
        old = layer.embedding.weight
        layer.grow(n_tokens, seeded_generator(self.seed, _NEW_TOKENS, n_known))
        new = layer.embedding.weight
        for group in self.optimizer_.param_groups:
            group["params"] = [new if p is old else p for p in group["params"]]
        state = self.optimizer_.state.pop(old, {})
        for name, value in state.items():
            if value.shape == old.shape:
                zeros = value.new_zeros(n_tokens - n_known, value.shape[1])
                state[name] = torch.cat([value, zeros])
        self.optimizer_.state[new] = state

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        # neither threads nor processes can be pickled
        for name in ("_workers", "_exchange", "_group", "_n_cores"):
            state.pop(name, None)
        # some callbacks cannot be pickled either, and none are used after training
        state["callbacks"], state["callbacks_"] = [], []
        return state


def _summed_gradients(gradients: Sequence[Tensor]) -> Tensor:
    """Sum the gradients of a weight, dense or sparse, into a dense one."""
    first = gradients[0]
    if not first.is_sparse:
        return sum(gradients[1:], start=first)
    total = torch.zeros(first.shape, dtype=first.dtype, device=first.device)
    for gradient in gradients:
        total.index_add_(0, gradient._indices()[0], gradient._values())
    return total


def _concatenated(y_preds: Sequence[Tensor]) -> Tensor:
    """Concatenate predictions of shards, padding those of steps to the same width."""
    if y_preds[0].ndim < 3:
        return torch.cat(tuple(y_preds))
    width = max(y_pred.shape[1] for y_pred in y_preds)
    filled = [nn.functional.pad(y, (0, 0, 0, width - y.shape[1])) for y in y_preds]
    return torch.cat(filled)
