"""Inference part of the skorch net."""

from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np
import torch
from skorch import NeuralNet
from skorch.utils import to_tensor
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from sklearn_bilstm.sequences import SequenceDataset, inference_batches
from sklearn_bilstm.utils._interrupts import call_within
from sklearn_bilstm.utils._threads import Workers, single_threaded

__all__ = ["PredictingNet"]

# Inference batch size; doubled while it fits the step budget: 3 % more film reviews per
# second than with 48 or 24 rows.
_INFERENCE_ROWS = 42
_INFERENCE_STEPS, _INFERENCE_STEPS_ON_GPU = 2**14, 2**16

# Number of rows for which the output layers are computed at once.
_ROWS_OF_HEAD = 2**14

# Minimum number of tokens in the input per token of the vocabulary for which the first
# layer is precomputed: 1.5 to 2.0 times as many film reviews per second on CPUs with
# AVX2 (5,000 and 20,000 words), and 0.9 to 1.1 times with AVX-512.
_TOKENS_TO_PROJECT = 12


class PredictingNet(NeuralNet):
    """A skorch net that predicts the rows of a :class:`SequenceDataset` in batches.

    On a CPU, batches are processed in parallel threads.

    Parameters
    ----------
    module : SequenceModel, StepModel or TaggingModel
        A network with initialised weights.
    *args
        As for :class:`skorch.NeuralNet`.
    n_threads : int or None, default=None
        Number of threads on a CPU, as for :class:`Workers`.
    **kwargs
        As for :class:`skorch.NeuralNet`.
    """

    module: nn.Module | type[nn.Module]
    module_: Any  # a SequenceModel, a StepModel or a TaggingModel

    def __init__(
        self,
        module: nn.Module,
        *args: Any,
        n_threads: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(module, *args, **kwargs)
        self.n_threads = n_threads

    def initialize_module(self) -> Self:
        """Use the given module without a copy."""
        if isinstance(self.module, nn.Module):
            # a single reference, otherwise a pickle would contain every weight twice
            self.module_, self.module = self.module, type(self.module)
        return self

    def torch_compile(self, module: nn.Module, name: str) -> nn.Module:
        """Compile a module in place, if requested.

        The module that :func:`torch.compile` returns has different weight names.
        """
        if self.compile:
            module.compile(**self.get_params_for("compile"))
        return module

    @single_threaded()
    def logits(self, dataset: SequenceDataset) -> np.ndarray:
        """Return the logits in the order of the rows.

        The head is computed in double precision on the CPU, since the rounding of its
        products depends on the batch size.

        Parameters
        ----------
        dataset : SequenceDataset

        Returns
        -------
        logits : ndarray of float64, shape (n_rows, K)
        """
        with torch.inference_mode():
            pooled = torch.from_numpy(self.pooled(dataset)).split(_ROWS_OF_HEAD)
            # in parts, since double precision takes twice the memory
            return torch.cat([self.module_.head(x.double()) for x in pooled]).numpy()

    def pooled(self, dataset: SequenceDataset) -> np.ndarray:
        """Return the pooled vectors in the order of the rows.

        Parameters
        ----------
        dataset : SequenceDataset

        Returns
        -------
        pooled : ndarray of float32, shape (n_rows, P)
        """
        batches, pool = self._batches_and_pool(dataset)
        pooled = np.empty((len(dataset), self.module_.head.input_size), np.float32)

        def store(rows: np.ndarray, output: Tensor) -> None:
            pooled[rows] = output.numpy()

        self._map_batches(pool, dataset, batches, store)
        return pooled

    def attention(self, dataset: SequenceDataset) -> list[np.ndarray]:
        """Return the attention weights of the real steps of each row.

        Parameters
        ----------
        dataset : SequenceDataset

        Returns
        -------
        weights : list of ndarray of float32, shape (n_steps_of_row,)
        """
        return self._predict_steps(self.module_.attention, dataset)

    def labels(self, dataset: SequenceDataset) -> list[np.ndarray]:
        """Return the most probable labels of the real steps of each row.

        Parameters
        ----------
        dataset : SequenceDataset

        Returns
        -------
        labels : list of ndarray of int64, shape (n_steps_of_row,)
        """
        return self._predict_steps(self.module_.decode, dataset)

    def outputs_of_steps(self, dataset: SequenceDataset) -> list[np.ndarray]:
        """Return the outputs of the real steps of each row.

        Parameters
        ----------
        dataset : SequenceDataset

        Returns
        -------
        outputs : list of ndarray of float64, shape (n_steps_of_row, K)
        """
        return self._predict_steps(self.module_.outputs, dataset)

    def marginals(self, dataset: SequenceDataset) -> list[np.ndarray]:
        """Return the probabilities of the labels of the real steps of each row.

        Parameters
        ----------
        dataset : SequenceDataset

        Returns
        -------
        probabilities : list of ndarray of float64, shape (n_steps_of_row, K)
        """
        return self._predict_steps(self.module_.marginals, dataset)

    def forward_iter(
        self, X: SequenceDataset, *args: Any, **kwargs: Any
    ) -> Iterator[Tensor]:
        """Yield the logits of all rows as a single batch, in their order.

        Logits of steps are padded with zeros.
        """
        if self.module_.of_steps:
            rows = self._predict_steps(self.module_.forward, X)
            yield pad_sequence([*map(torch.from_numpy, rows)], batch_first=True)
        else:
            yield torch.from_numpy(self.logits(X))

    def _predict_steps(
        self, function: Callable[..., Tensor], dataset: SequenceDataset
    ) -> list[np.ndarray]:
        """Apply a function of the network, and return the values of the real steps."""
        lengths, batches = dataset.sequences.lengths, self._batches(dataset)
        outputs = self._map_batches(function, dataset, batches)
        values_by_row = {
            row: values[: lengths[row]]
            for rows, output in zip(batches, outputs, strict=True)
            for row, values in zip(rows, output.numpy(), strict=True)
        }
        return [values_by_row[row] for row in range(len(dataset))]

    def _batches_and_pool(
        self, dataset: SequenceDataset
    ) -> tuple[list[np.ndarray], Callable[..., Tensor]]:
        """Return batches and a pooling function, with a projection for many tokens.

        The number of tokens is checked first, since a call with few tokens is fast.
        """
        network, lengths = self.module_, dataset.sequences.lengths
        sizes = network.projection_batch_sizes
        min_tokens = _TOKENS_TO_PROJECT * network.input_layer.input_size
        if sizes is not None and self._on_cpu and lengths.sum() >= min_tokens:
            batches = self._batches(dataset, sizes.recommended)
            large = [batch for batch in batches if len(batch) >= sizes.minimum]
            if sum(lengths[batch].sum() for batch in large) >= min_tokens:
                return batches, self._pool_with_projection(sizes.minimum)
        return self._batches(dataset), network.pool

    @single_threaded()  # rounding can depend on the number of threads
    def _pool_with_projection(self, fewest_rows: int) -> Callable[..., Tensor]:
        """Return a pooling function that uses a projection for large batches."""
        pool, projection = self.module_.pool, self.module_.projection()

        def pooled(steps: Tensor, **inputs: Any) -> Tensor:
            if len(steps) >= fewest_rows:
                inputs["projection"] = projection
            return pool(steps, **inputs)

        return pooled

    def _batches(
        self, dataset: SequenceDataset, n_rows: int = _INFERENCE_ROWS
    ) -> list[np.ndarray]:
        n_steps = _INFERENCE_STEPS if self._on_cpu else _INFERENCE_STEPS_ON_GPU
        if self.module_.of_steps:
            # the memory of a CRF per row grows with the labels, not with the steps
            n_steps = 0
        return inference_batches(dataset.sequences.lengths, n_rows, n_steps)

    def _map_batches(
        self,
        function: Callable[..., Tensor],
        dataset: SequenceDataset,
        batches: list[np.ndarray],
        store: Callable[[np.ndarray, Tensor], Any] = lambda rows, output: output,
    ) -> list[Any]:
        """Apply a function of the network to each batch, without dropout.

        Returns what `store` returns for the rows and the result of each batch.
        """
        if any(part.training for part in self.module_.modules()):
            self._set_training(False)

        def apply(rows: np.ndarray) -> Any:
            inputs, _ = dataset[rows]
            with torch.inference_mode():
                output = function(**to_tensor(inputs, device=self.device))
                return store(rows, output.cpu())

        workers = self._make_workers()
        return call_within(workers, lambda: workers.map(apply, batches))

    def _make_workers(self) -> Workers:
        # a single thread feeds a GPU
        return Workers(self.n_threads if self._on_cpu else 1)

    @property
    def _on_cpu(self) -> bool:
        return torch.device(self.device).type == "cpu"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(device={self.device!r})"

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for module in self.module_.modules():
            if isinstance(module, nn.RNNBase):
                module.flatten_parameters()  # cuDNN requires contiguous weights
