"""All-reduce of the results of shards of a batch between processes."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_bilstm.nn import TokenInput
from sklearn_bilstm.training._stop import StoppedElsewhere
from sklearn_bilstm.utils._process_group import ProcessGroup

__all__ = ["ShardExchange", "raise_if_stopped"]


def raise_if_stopped(group: ProcessGroup) -> None:
    """Raise StoppedElsewhere if a callback in another process ended the training."""
    if group.check():
        raise StoppedElsewhere


class ShardExchange:
    """Data-parallel forward and backward passes of batches.

    All processes hold the whole batch, and each computes some of its shards. A single
    all-reduce per batch sums the loss, the outputs and the gradients. Of the gradient
    of token vectors, it contains the rows of the tokens of the batch only.

    Parameters
    ----------
    group : ProcessGroup
    network : SequenceModel or TaggingModel
        Its weights with gradients are the same in all processes.
    device : str or torch.device
        Device of the network.
    """

    def __init__(self, group: ProcessGroup, network: Any, device: Any) -> None:
        self._group = group
        self._network = network
        self._device = device
        self._weights = [p for p in network.parameters() if p.requires_grad]

    def forward_backward(
        self, batch: tuple, shards: Sequence[tuple], function: Callable[..., list]
    ) -> tuple[Tensor, Tensor]:
        """Set the gradients of a batch, and return its loss and its outputs.

        Parameters
        ----------
        batch : tuple
            Input and target of the batch.
        shards : sequence of tuple
            Its shards.
        function : callable
            Returns loss, output and gradients of the shards with the given indices.
        """
        ids = self._token_ids(batch)
        sizes = [
            (len(ids) * w.shape[1]) if self._is_sparse(w) else w.numel()
            for w in self._weights
        ]
        outputs = self._empty_outputs(batch, shards)
        values = torch.zeros(1 + outputs.numel() + sum(sizes), device=self._device)
        loss, flat_outputs, *parts = values.split([1, outputs.numel(), *sizes])

        def store(index: int, result: tuple[Tensor, Tensor, list[Tensor]]) -> None:
            shard_loss, y_pred, gradients = result
            loss.add_(shard_loss)
            self._store_outputs(flat_outputs.view(outputs.shape), shards, index, y_pred)
            for part, weight, gradient in zip(
                parts, self._weights, gradients, strict=True
            ):
                self._add_gradient(part, weight, gradient, ids)

        total = self._all_reduced(values, shards, function, store)
        loss, flat_outputs, *parts = total.split([1, outputs.numel(), *sizes])
        for part, weight in zip(parts, self._weights, strict=True):
            weight.grad = self._gradient(part, weight, ids)
        return loss[0], flat_outputs.view(outputs.shape)

    def infer(
        self, batch: tuple, shards: Sequence[tuple], function: Callable[..., list]
    ) -> Tensor:
        """Return the outputs of a batch; `function` returns those of some shards."""
        outputs = self._empty_outputs(batch, shards)

        def store(index: int, y_pred: Tensor) -> None:
            self._store_outputs(outputs, shards, index, y_pred)

        return self._all_reduced(outputs, shards, function, store).view(outputs.shape)

    def _all_reduced(
        self,
        values: Tensor,
        shards: Sequence[tuple],
        function: Callable[..., list],
        store: Callable[[int, Any], None],
    ) -> Tensor:
        """Store the results of the shards of this process, and return the sum of all.

        After an error, this process takes part in the exchange nevertheless.
        """
        error: BaseException | None = None
        with self._group.uninterrupted():
            raise_if_stopped(self._group)
            try:
                indices = self._group.share_of(len(shards))
                # in the order of shards, so that sums do not depend on threads
                for index, result in zip(indices, function(indices), strict=True):
                    store(index, result)
            except BaseException as exception:
                error = exception
            total = self._group.all_reduce(values.view(-1), failed=error is not None)
        if error is not None:
            raise error
        return total

    def _is_sparse(self, weight: nn.Parameter) -> bool:
        layer = self._network.input_layer
        return isinstance(layer, TokenInput) and weight is layer.embedding.weight

    def _token_ids(self, batch: tuple) -> Tensor:
        layer = self._network.input_layer
        if not isinstance(layer, TokenInput):
            return torch.zeros(0, dtype=torch.int64)
        return layer.vectors_read(batch[0]["steps"].long()).to(self._device)

    def _add_gradient(
        self, part: Tensor, weight: nn.Parameter, gradient: Tensor, ids: Tensor
    ) -> None:
        if not self._is_sparse(weight):
            part.add_(gradient.reshape(-1))
            return
        if gradient.is_cuda:  # the order of a GPU's threads is not deterministic
            gradient = gradient.coalesce()
        indices = torch.searchsorted(ids, gradient._indices()[0])
        part.view(len(ids), -1).index_add_(0, indices, gradient._values())

    def _gradient(self, part: Tensor, weight: nn.Parameter, ids: Tensor) -> Tensor:
        if not self._is_sparse(weight):
            return part.view(weight.shape)
        return torch.zeros_like(weight).index_copy_(0, ids, part.view(len(ids), -1))

    def _empty_outputs(self, batch: tuple, shards: Sequence[tuple]) -> Tensor:
        n_rows, n_outputs = len(batch[0]["mask"]), self._network.head.output_size
        shape: tuple[int, ...] = (n_rows, n_outputs)
        if self._network.of_steps:
            width = max(inputs["mask"].shape[1] for inputs, _ in shards)
            shape = n_rows, width, n_outputs
        return torch.zeros(shape, device=self._device)

    @staticmethod
    def _store_outputs(
        outputs: Tensor, shards: Sequence[tuple], index: int, y_pred: Tensor
    ) -> None:
        start = sum(len(inputs["mask"]) for inputs, _ in shards[:index])
        rows = outputs[start : start + len(y_pred)]
        rows[:, : y_pred.shape[1]] = y_pred
