"""The fitted model: reader, target, net and other models."""

from collections.abc import Callable
from copy import copy, deepcopy
from itertools import chain
from typing import Any, Self

import numpy as np

from sklearn_bilstm.fitting._compression import CompressionReport
from sklearn_bilstm.fitting._linear_tagging import TaggingModels
from sklearn_bilstm.fitting._net_state import net_from_state, net_state
from sklearn_bilstm.fitting._ngrams import NgramModels
from sklearn_bilstm.fitting._reader import SequenceReader
from sklearn_bilstm.fitting._series import SeriesModels
from sklearn_bilstm.fitting._target import Target
from sklearn_bilstm.fitting._task_models import TaskNgramModels, TaskSeriesModels
from sklearn_bilstm.fitting._types import ReaderAndTarget
from sklearn_bilstm.nn import TaggingModel
from sklearn_bilstm.sequences import RaggedArray, SequenceDataset, split_rows
from sklearn_bilstm.training import SequenceNet

__all__ = ["FittedModel"]


# Maximum size of a chunk of rows in prediction. Smaller chunks have more padding, and
# are too small to precompute the first layer for the tokens of a large vocabulary.
_CHUNK_ROWS, _CHUNK_STEPS = 2**16, 2**22
# Maximum number of tokens of a chunk if each has a label.
_CHUNK_TOKENS = 2**18


# Names of the other models in a file.
_NAMES: dict[type, str] = {
    NgramModels: "ngrams",
    SeriesModels: "series",
    TaggingModels: "tagging",
    TaskNgramModels: "task_ngrams",
    TaskSeriesModels: "task_series",
}


class FittedModel:
    """The parts of a fitted estimator, from X to logits.

    Parameters
    ----------
    reader : SequenceReader
        Converts X to rows.
    target : Target
        Knows the outputs and the loss.
    auxiliary_models : NgramModels, SeriesModels, TaggingModels or TaskModels
        Auxiliary models of tokens or numbers.
    net : SequenceNet
        The skorch net with the network.
    auto_params : dict
        Resolved values of parameters set to "auto".
    best_epoch : int, default=0
        Epoch of the weights.
    compression : CompressionReport or None, default=None
        Steps of its compression, if the model was compressed.
    """

    def __init__(
        self,
        reader: SequenceReader,
        target: Target,
        auxiliary_models: Any,
        net: SequenceNet,
        auto_params: dict[str, Any],
        best_epoch: int = 0,
        compression: CompressionReport | None = None,
    ) -> None:
        self.reader = reader
        self.target: Any = target
        self.auxiliary_models = auxiliary_models
        self.net = net
        self.auto_params = auto_params
        self.best_epoch = best_epoch
        self.compression = compression

    @property
    def network(self) -> Any:
        """The torch module."""
        return self.net.module_

    @property
    def n_iter(self) -> int:
        """Number of training epochs."""
        return len(self.net.epochs())

    def of_task(self, task: int) -> Self:
        """Return the model of one of several tasks, with a copy of the network."""
        start, end = np.cumsum([0, *self.target.n_classes])[[task, task + 1]]
        network = deepcopy(self.network)
        network.head = network.head.of_outputs(slice(start, end))
        model = copy(self)
        model.net = copy(self.net)
        model.net.module_ = network
        model.target = self.target.tasks[task]
        model.auxiliary_models = self.auxiliary_models.of_task(task)
        return model

    # -- prediction

    def read(self, X: Any) -> SequenceDataset:
        """Return the standardised rows of X."""
        return self.reader.scale(self.reader.read(X))

    def with_features(self, rows: SequenceDataset) -> SequenceDataset:
        """Return rows with the log-odds features that the network reads."""
        return self.auxiliary_models.with_features(rows)

    def logits(self, rows: SequenceDataset) -> np.ndarray:
        """Return the logits of rows, float64 of shape (n, n_outputs).

        They include those of the linear model. Many rows are processed in chunks, so
        that features and pooled vectors only exist for one chunk at a time.
        """
        chunks = split_rows(rows.sequences.offsets, _CHUNK_ROWS, _CHUNK_STEPS)
        if len(chunks) == 1 and isinstance(rows.sequences, RaggedArray):
            return self._logits_of_chunk(rows)
        logits = [self._logits_of_chunk(rows.take(chunk)) for chunk in chunks]
        return np.concatenate(logits)

    def outputs(self, rows: SequenceDataset) -> np.ndarray | list[np.ndarray]:
        """Return the logits of rows, or a list with the outputs of their steps.

        The latter are float64 of shape (n_steps, n_outputs).
        """
        if self.network.of_steps:
            return self.net.outputs_of_steps(self.with_features(rows))
        return self.logits(rows)

    def labels(self, rows: SequenceDataset) -> list[np.ndarray]:
        """Return the most probable labels of the steps of rows, as for the net."""
        return self._predict_steps(self.net.labels, rows)

    def marginals(self, rows: SequenceDataset) -> list[np.ndarray]:
        """Return the probabilities of the labels of the steps of rows."""
        return self._predict_steps(self.net.marginals, rows)

    def _predict_steps(
        self, predict: Callable[[SequenceDataset], list], rows: SequenceDataset
    ) -> list[np.ndarray]:
        chunks = split_rows(rows.sequences.offsets, _CHUNK_ROWS, _CHUNK_TOKENS)
        if len(chunks) == 1:
            return predict(self.with_features(rows))
        predictions = (
            predict(self.with_features(rows.take(chunk))) for chunk in chunks
        )
        return [*chain.from_iterable(predictions)]

    def _logits_of_chunk(self, rows: SequenceDataset) -> np.ndarray:
        rows = self.with_features(rows)
        return self.auxiliary_models.logits(self.net, rows)

    # -- attributes and state

    def attributes(self) -> dict[str, Any]:
        """Return the public attributes of a fitted estimator."""
        report = self.compression
        return {
            **({} if report is None else {"compression_": report}),
            "model_": self,
            **self.target.attributes(),
            **self.reader.attributes(),
            "auto_params_": self.auto_params,
            "n_iter_": self.n_iter,
            "history_": self.net.epochs(),
            "best_epoch_": self.best_epoch,
            "net_": self.net,
        }

    def state(self) -> dict[str, Any]:
        """Return the values from which `from_state` restores the model.

        They are the file format: numbers, strings, arrays, lists and dicts of those,
        StandardScaler and WordReader.
        """
        return {
            "reader": [type(self.reader).__name__, self.reader.state()],
            "target": [type(self.target).__name__, self.target.state()],
            _NAMES[type(self.auxiliary_models)]: self.auxiliary_models.state(),
            "net": net_state(self.net),
            "auto_params": self.auto_params,
            "best_epoch": self.best_epoch,
            "compression": self.compression and self.compression.state(),
        }

    @classmethod
    def from_state(
        cls,
        state: dict[str, Any],
        types: ReaderAndTarget,
        *,
        estimator: str,
        device: str = "cpu",
    ) -> Self:
        """Restore a model, and predict once to detect inconsistent parts.

        Parameters
        ----------
        state : dict
        types : ReaderAndTarget
            Classes of the reader and target of the estimator.
        estimator : str
            Name of the estimator, for error messages.
        device : str, default="cpu"
            Device of the network.

        Raises
        ------
        LookupError, RuntimeError, TypeError, ValueError
            If they are not values that the method `state` returns.
        """
        reader_name, reader_state = state["reader"]
        target_name, target_state = state["target"]
        reader = types.reader_named(reader_name).from_state(reader_state, estimator)
        target = types.target_named(target_name).from_state(target_state)
        model = cls(
            reader,
            target,
            _auxiliary_models(state, target),
            net_from_state(state["net"], device),
            state["auto_params"],
            state["best_epoch"],
            _restored_report(state),
        )
        model.check()
        return model

    def check(self) -> None:
        """Raise an error if the parts do not match, or cannot predict a row."""
        self._check_parts()
        if not all(weight.isfinite().all() for weight in self.network.parameters()):
            raise ValueError("The weights of the network must be finite.")
        if self.network.of_steps != self.target.of_steps:
            raise ValueError("The network and the target must both be of steps or not.")
        rows = self.reader.example()
        if isinstance(self.network, TaggingModel):
            self.labels(rows)
        elif not all(np.isfinite(values).all() for values in self.outputs(rows)):
            raise ValueError("The logits of a row must be finite.")

    def _check_parts(self) -> None:
        network = self.network
        if network.head.output_size != self.target.n_outputs:
            raise ValueError("The network must have an output per class or number.")
        self.auxiliary_models.check(
            network.input_layer.input_size, self.reader.n_static
        )
        if not isinstance(self.auto_params, dict) or not isinstance(
            self.best_epoch, int
        ):
            raise TypeError("There must be resolved parameters and a best epoch.")
        characters = getattr(network, "characters", None)
        if characters is not None:
            words = self.reader.words
            if words is None or characters.input_size != words.n_characters:
                raise ValueError("There must be a vector for each character.")


def _restored_report(state: dict[str, Any]) -> CompressionReport | None:
    report = state.get("compression")  # older files do not contain it
    return None if report is None else CompressionReport.from_state(report)


def _auxiliary_models(state: dict[str, Any], target: Any) -> Any:
    """Restore the auxiliary models."""
    for kind in (SeriesModels, TaskNgramModels, TaskSeriesModels):
        if _NAMES[kind] in state:
            return kind.from_state(state[_NAMES[kind]], target)
    if _NAMES[TaggingModels] in state:
        return TaggingModels.from_state(state[_NAMES[TaggingModels]], target.n_outputs)
    return NgramModels.from_state(state[_NAMES[NgramModels]], target.n_outputs)
