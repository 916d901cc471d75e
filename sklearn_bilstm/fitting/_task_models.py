"""The auxiliary models of several tasks: those of a single task for each."""

from abc import abstractmethod
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Any, Self

import numpy as np

from sklearn_bilstm.fitting._auxiliary_models import AuxiliaryModels
from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._ngrams import (
    NgramModels,
    logits_of_sample,
    sample_of_many,
)
from sklearn_bilstm.fitting._series import (
    FEWEST_HELD_OUT_ROWS,
    HeldOutRows,
    OutOfFoldLogits,
    SeriesModels,
    latest_rows,
)
from sklearn_bilstm.fitting._tasks import TasksTarget
from sklearn_bilstm.sequences import HashedNgramVocabulary, SequenceDataset
from sklearn_bilstm.training import (
    ClassLogOdds,
    SequenceNet,
    TokenVectors,
    WeightedCrossEntropy,
)

__all__ = ["TaskModels", "TaskNgramModels", "TaskSeriesModels"]


class TaskModels(AuxiliaryModels):
    """Linear models of several tasks, each with its own combination with the network.

    Parameters
    ----------
    target : TasksTarget
    models : sequence of NgramModels, or of SeriesModels
        Models of each task, without log-odds.
    """

    def __init__(self, target: TasksTarget, models: Sequence[Any]) -> None:
        self.target = target
        self.models = list(models)

    def __copy__(self) -> Self:
        """Return a copy whose weights of the network can be fitted again."""
        copied = object.__new__(type(self))
        vars(copied).update(vars(self), models=[*map(copy, self.models)])
        return copied

    @property
    def linear(self) -> list[Any] | None:
        """Linear model of each task; None if there are none."""
        linear = [models.linear for models in self.models]
        return linear if any(model is not None for model in linear) else None

    @property
    def uses_network(self) -> bool:
        """Whether the predictions of a task depend on the network."""
        return any(models.uses_network for models in self.models)

    @abstractmethod
    def of_task(self, task: int) -> Any:
        """Return the models of one task."""

    def warn_of_unused_network(self) -> None:
        """Warn if training the network on a stream has no effect on any task."""
        if not self.uses_network:
            self.models[0].warn_of_unused_network()

    # -- logits

    def logits(self, net: SequenceNet, rows: SequenceDataset) -> np.ndarray:
        """Return the logits of rows, of the tasks next to each other."""
        of_network: Sequence[Any] = [None] * len(self.models)
        if self.uses_network:
            of_network = [*self.target.split(net.logits(rows))]
        combined = [
            models.combined_logits(logits, rows, net.n_threads)
            for models, logits in zip(self.models, of_network, strict=True)
        ]
        return np.concatenate(combined, axis=1)

    # -- attributes and state

    def check(self, n_channels: int, n_static: int) -> None:
        """Raise a ValueError if a linear model does not match the rows."""
        for models in self.models:
            models.check(n_channels, n_static)

    def auto_params(self) -> dict[str, Any]:
        """Return a list with the resolved parameters of each task."""
        params = [models.auto_params() for models in self.models]
        return {name: [values[name] for values in params] for name in params[0]}

    def attributes(self) -> dict[str, Any]:
        """Return lists of the public attributes that describe the models."""
        attributes = [models.attributes() for models in self.models]
        return {name: [values[name] for values in attributes] for name in attributes[0]}

    def state(self) -> dict[str, Any]:
        """Return the values from which `from_state` restores the models."""
        return {"models": [models.state() for models in self.models]}

    @classmethod
    def from_state(cls, state: dict[str, Any], target: Any) -> Self:
        """Restore the models.

        Raises
        ------
        LookupError, TypeError, ValueError
            If `state` did not return the values.
        """
        if not isinstance(target, TasksTarget):
            raise TypeError("Models of several tasks require labels of several tasks.")
        models = [
            cls._restored(model_state, task)
            for model_state, task in zip(state["models"], target.tasks, strict=True)
        ]
        return cls(target, models)

    @staticmethod
    @abstractmethod
    def _restored(state: dict[str, Any], task: Any) -> Any:
        """Restore the models of one task."""


class TaskNgramModels(TaskModels):
    """Class log-odds features of all tasks, and a linear model of each.

    Parameters
    ----------
    target : TasksTarget
    models : sequence of NgramModels
        Linear model of each task, without log-odds.
    log_odds : ClassLogOdds or None, default=None
        Class log-odds of n-grams for all tasks.
    log_odds_are_pretrained : bool, default=False
        Whether the log-odds are those of a pretrained classifier, which are kept.
    """

    def __init__(
        self,
        target: TasksTarget,
        models: Sequence[NgramModels],
        log_odds: ClassLogOdds | None = None,
        *,
        log_odds_are_pretrained: bool = False,
    ) -> None:
        super().__init__(target, models)
        self.log_odds = log_odds
        self.log_odds_are_pretrained = log_odds_are_pretrained

    @classmethod
    def unfitted(
        cls,
        config: Config,
        target: TasksTarget,
        train: SequenceDataset,
        pretrained: ClassLogOdds | None = None,
    ) -> Self:
        """Return the unfitted models that the parameters describe.

        Raises
        ------
        ValueError
            If no row has a label of some task.
        """
        target.check_training_rows(train)
        task_config = replace(config, log_odds_ngram_range=None)
        models = [
            NgramModels.unfitted(task_config, task, len(target.labelled_rows(train, j)))
            for j, task in enumerate(target.tasks)
        ]
        return cls(
            target,
            models,
            NgramModels.unfitted_log_odds(config, target, pretrained),
            log_odds_are_pretrained=pretrained is not None,
        )

    def of_task(self, task: int) -> NgramModels:
        """Return the models of one task, with the log-odds of all of them."""
        models = copy(self.models[task])
        models.log_odds = self.log_odds
        models.log_odds_are_pretrained = self.log_odds_are_pretrained
        return models

    # -- fitting

    def fit(
        self,
        train: SequenceDataset,
        *,
        seed: int,
        verbose: bool,
        vectors: TokenVectors | None = None,
    ) -> None:
        """Fit the linear model of each task to its labelled rows, then the log-odds."""
        for j, models in enumerate(self.models):
            rows = self.target.rows_of_task(train, j)
            models.fit(rows, seed=seed, verbose=verbose, vectors=vectors)
        self.fit_log_odds(sample_of_many(train, seed))

    def fit_log_odds(self, train: SequenceDataset) -> None:
        """Fit the log-odds unless they are pretrained."""
        if self.log_odds is not None and not self.log_odds_are_pretrained:
            target: Any = train.target
            weight = self.target.weights_of_tasks(train)
            vocabulary = self._vocabulary_of(train)
            self.log_odds.fit(train.sequences, target, weight, vocabulary)
        self._share_vocabularies()

    def _vocabulary_of(self, train: SequenceDataset) -> HashedNgramVocabulary | None:
        """Return the vocabulary of all training rows that a linear model may have."""
        log_odds: Any = self.log_odds
        for j, models in enumerate(self.models):
            linear = models.linear
            if linear is None or linear.ngrams != log_odds.lengths:
                continue
            if len(self.target.labelled_rows(train, j)) == len(train):
                return linear.ngram_model.vocabulary
        return None

    def _share_vocabularies(self) -> None:
        """Let models with the same n-grams refer to a single vocabulary."""
        distinct = [] if self.log_odds is None else [self.log_odds.vocabulary]
        for models in self.models:
            if models.linear is not None:
                model = models.linear.ngram_model
                model.vocabulary = _shared(model.vocabulary, distinct)

    def fit_scale(self, net: SequenceNet, train: SequenceDataset) -> None:
        """Scale the logits of the network to the RMS of the linear logits of a task."""
        if self.linear is None:
            return
        logits = self.target.split(logits_of_sample(net, train))
        for models, task_logits in zip(self.models, logits, strict=True):
            models.set_scale(task_logits)

    # -- features and logits

    def logits(self, net: SequenceNet, rows: SequenceDataset) -> np.ndarray:
        """Return the logits of rows, of the tasks next to each other."""
        # tasks with one vocabulary share the look-up of the n-grams
        cached_columns: dict[int, np.ndarray] = {}
        if self.log_odds is not None:
            features: Any = rows.log_odds
            cached_columns[id(self.log_odds.vocabulary)] = features.columns.values.T
        parts = []
        logits = self.target.split(net.logits(rows))
        for models, network_logits in zip(self.models, logits, strict=True):
            columns = None
            if models.linear is not None:
                vocabulary = models.linear.ngram_model.vocabulary
                if id(vocabulary) not in cached_columns:
                    cached_columns[id(vocabulary)] = vocabulary.at_steps(rows.sequences)
                columns = cached_columns[id(vocabulary)]
            parts.append(models.combined_logits(network_logits, rows, columns=columns))
        return np.concatenate(parts, axis=1)

    def with_training_features(self, rows: SequenceDataset) -> SequenceDataset:
        """Return training rows with their cross-fitted log-odds."""
        return self.of_task(0).with_training_features(rows)

    def with_features(self, rows: SequenceDataset) -> SequenceDataset:
        """Return new rows with their log-odds."""
        return self.of_task(0).with_features(rows)

    # -- state

    def state(self) -> dict[str, Any]:
        """Return the values from which `from_state` restores the models."""
        return {
            **super().state(),
            "log_odds": self.log_odds and self.log_odds.state(),
            "log_odds_are_pretrained": self.log_odds_are_pretrained,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], target: Any) -> Self:
        """Restore the models."""
        models = super().from_state(state, target)
        log_odds = state["log_odds"]
        models.log_odds = log_odds and ClassLogOdds.from_state(log_odds)
        models.log_odds_are_pretrained = bool(state["log_odds_are_pretrained"])
        models._share_vocabularies()
        return models

    @staticmethod
    def _restored(state: dict[str, Any], task: Any) -> NgramModels:
        return NgramModels.from_state(state, task.n_outputs)


def _shared(
    vocabulary: HashedNgramVocabulary, distinct: list[HashedNgramVocabulary]
) -> HashedNgramVocabulary:
    """Return an equal vocabulary of a list, to which it is added if there is none."""
    for candidate in distinct:
        keys = (
            (item.lengths, item.n_bits, item.largest_id)
            for item in (vocabulary, candidate)
        )
        if len({*keys}) == 1 and np.array_equal(vocabulary.buckets, candidate.buckets):
            return candidate
    distinct.append(vocabulary)
    return vocabulary


class TaskSeriesModels(TaskModels):
    """Linear models of numeric sequences for several tasks.

    The network is trained on the same rows for all tasks, so that the same rows are
    held out.
    """

    @classmethod
    def unfitted(
        cls,
        config: Config,
        target: TasksTarget,
        train: SequenceDataset,
        previous: Any = None,
    ) -> Self:
        """Return the unfitted models that the parameters describe.

        Raises
        ------
        ValueError
            If no row has a label of some task.
        """
        target.check_training_rows(train)
        previous_models: Sequence[Any] = [None] * len(target.tasks)
        if previous is not None:
            previous_models = previous.models
        return cls(
            target,
            [
                SeriesModels.unfitted(
                    config, task, len(target.labelled_rows(train, j)), models
                )
                for j, (task, models) in enumerate(
                    zip(target.tasks, previous_models, strict=True)
                )
            ],
        )

    def of_task(self, task: int) -> SeriesModels:
        """Return the models of one task."""
        return self.models[task]

    def fit(self, train: SequenceDataset, *, seed: int, n_threads: int | None) -> None:
        """Fit the linear model of each task to its labelled rows."""
        for j, models in enumerate(self.models):
            rows = self.target.rows_of_task(train, j)
            models.fit(rows, seed=seed, n_threads=n_threads)

    def hold_out_rows(
        self,
        train: SequenceDataset,
        valid: SequenceDataset | None,
        n_threads: int | None = None,
    ) -> tuple[SequenceDataset, list[HeldOutRows | None]]:
        """Split rows into training rows of the network and those of `fit_scale`.

        The latter are a list with an item per task, None if its factors need no rows.
        """
        out_of_fold = [models.take_out_of_fold_logits() for models in self.models]
        no_rows: list[HeldOutRows | None] = [None] * len(out_of_fold)
        if all(logits is None for logits in out_of_fold):
            return train, no_rows
        if valid is not None:
            return train, [
                None if logits is None else self._validation_rows(valid, j, n_threads)
                for j, logits in enumerate(out_of_fold)
            ]
        rows = self._latest_rows(train)
        held_out = [
            None if logits is None else self._held_out_rows(train, rows, j, logits)
            for j, logits in enumerate(out_of_fold)
        ]
        if all(task_rows is None for task_rows in held_out):
            return train, no_rows
        return train.take(np.setdiff1d(np.arange(len(train)), rows)), held_out

    def _validation_rows(
        self, valid: SequenceDataset, task: int, n_threads: int | None
    ) -> HeldOutRows | None:
        """Return the validation rows with a label of a task; None if there are none."""
        if not len(self.target.labelled_rows(valid, task)):
            return None
        rows = self.target.rows_of_task(valid, task)
        return self.models[task].of_validation_rows(rows, n_threads)

    def _latest_rows(self, train: SequenceDataset) -> np.ndarray:
        """Return the rows to hold out, stratified by the task with the most labels."""
        task = np.count_nonzero(train.weight, axis=0).argmax()
        target: Any = train.target
        return latest_rows(target[:, task])

    def _held_out_rows(
        self,
        train: SequenceDataset,
        held_out: np.ndarray,
        task: int,
        out_of_fold: OutOfFoldLogits,
    ) -> HeldOutRows | None:
        """Return the held-out rows with a label of a task; None for too few.

        As in :func:`latest_rows`, their classes also occur in rows not held out.
        """
        labelled = self.target.labelled_rows(train, task)
        # index of the logits of each training row, -1 for rows without logits
        index_of_logits = np.full(len(train), -1)
        index_of_logits[labelled[out_of_fold.rows]] = np.arange(len(out_of_fold.rows))
        rows = held_out[index_of_logits[held_out] >= 0]
        target: Any = train.target
        not_held_out = np.setdiff1d(labelled, held_out)
        rows = rows[np.isin(target[rows, task], target[not_held_out, task])]
        if len(rows) < FEWEST_HELD_OUT_ROWS:
            return None
        rows_of_task = self.target.rows_of_task(train.take(rows), task)
        return HeldOutRows(rows_of_task, out_of_fold.logits[index_of_logits[rows]])

    def fit_scale(
        self, net: SequenceNet, held_out: Sequence[HeldOutRows | None]
    ) -> None:
        """Fit the factors of both models of each task, see :class:`SeriesModels`."""
        criterion = WeightedCrossEntropy()
        for j, (models, rows) in enumerate(zip(self.models, held_out, strict=True)):
            logits = None
            if rows is not None:
                logits = [*self.target.split(net.logits(rows.rows))][j]
            models.set_scale(logits, rows, criterion)

    @staticmethod
    def _restored(state: dict[str, Any], task: Any) -> SeriesModels:
        return SeriesModels.from_state(state, task)
