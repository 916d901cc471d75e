"""Base class of the estimators."""

from collections.abc import Callable
from copy import copy
from typing import Any

import torch
from sklearn.base import BaseEstimator

from sklearn_bilstm.fitting import (
    Config,
    FittedModel,
    ReaderAndTarget,
    Training,
    prepare_fit,
    prepare_partial_fit,
    train_together,
)
from sklearn_bilstm.utils._agreement import current_group, facts_about
from sklearn_bilstm.utils._callbacks import CallbackSupportMixin, FitTask
from sklearn_bilstm.utils._documentation import PAGE_OF_ESTIMATOR
from sklearn_bilstm.utils._plain import plain_value
from sklearn_bilstm.utils._threads import single_threaded
from sklearn_bilstm.utils._token_ids import TokenIds

__all__ = [
    "BaseSequenceEstimator",
    "current_model",
    "estimator_of_task",
    "restore_state",
]


class BaseSequenceEstimator(CallbackSupportMixin, BaseEstimator):
    """Base class of the estimators.

    A subclass defines its parameters, and the classes of its reader and target.
    """

    _types: ReaderAndTarget

    _doc_link_module = "sklearn_bilstm"
    _doc_link_template = PAGE_OF_ESTIMATOR

    @property
    def module_(self) -> torch.nn.Module:
        """The torch module that was trained."""
        return self.net_.module_

    def __sklearn_clone__(self) -> Any:
        if "callbacks" not in self.get_params(deep=False):  # of a subclass
            return super().__sklearn_clone__()
        # a copy of a callback would copy the log writer that it holds, if possible
        without = copy(self).set_params(callbacks=None)
        clone = super(BaseSequenceEstimator, without).__sklearn_clone__()
        return clone.set_params(callbacks=self.callbacks)

    @single_threaded(blas=True)
    @torch.inference_mode(False)
    @torch.enable_grad()
    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        X_val: Any,
        y_val: Any,
        X_unlabelled: Any,
        task: FitTask,
    ) -> None:
        """Train a model on X and y, and publish it."""
        config = Config.of(self)
        previous_model = getattr(self, "model_", None) if self.warm_start else None
        rows = {
            "X": X,
            "y": y,
            "sample_weight": sample_weight,
            "X_val": X_val,
            "y_val": y_val,
            "X_unlabelled": X_unlabelled,
        }

        def prepare(rows: dict[str, Any]) -> Training:
            return prepare_fit(config, self._types, previous_model, **rows)

        def run(training: Training) -> None:
            task.begin(training.n_epochs)
            training.run(self._publish, task, self._attributes)

        self._train("fit", config, previous_model, rows, prepare, run)

    @single_threaded(blas=True)
    @torch.inference_mode(False)
    @torch.enable_grad()
    def _partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, **classes: Any
    ) -> None:
        """Train a model on a batch of a stream, and publish it."""
        config, previous_model = Config.of(self), getattr(self, "model_", None)

        def prepare(rows: dict[str, Any]) -> Training:
            return prepare_partial_fit(
                config, self._types, previous_model, **rows, **classes
            )

        def run(training: Training) -> None:
            training.run(self._publish)

        rows = {"X": X, "y": y, "sample_weight": sample_weight}
        self._train(
            "partial_fit", config, previous_model, rows, prepare, run, **classes
        )

    def _train(
        self,
        method: str,
        config: Config,
        previous_model: FittedModel | None,
        rows: dict[str, Any],
        prepare: Callable[[dict[str, Any]], Training],
        run: Callable[[Training], None],
        **facts: Any,
    ) -> None:
        """Prepare and run a training, with other processes if there are any."""
        group = current_group() if config.distributed else None
        if group is None:
            run(prepare(rows))
            return
        X = rows["X"]
        # an error message names a fact that differs between processes
        all_facts = facts_about(
            self,
            method,
            **facts,
            the_number_of_training_steps_so_far=(
                previous_model and previous_model.net.n_steps_
            ),
            the_vocabulary_of_X=X.fingerprint if isinstance(X, TokenIds) else None,
        )
        train_together(group, config, all_facts, rows, prepare, run, self._publish)

    def _publish(self, model: FittedModel) -> None:
        """Replace all fitted attributes by those of a model, at once."""
        self.__dict__ = self._attributes(model)

    def _attributes(self, model: FittedModel) -> dict[str, Any]:
        """Return the attributes of this estimator with a model."""
        unfitted = {
            name: value
            for name, value in vars(self).items()
            if name.startswith("_") or not name.endswith("_")
        }
        return {**unfitted, **model.attributes()}


def current_model(estimator: Any) -> FittedModel:
    """Return the model of a fitted estimator, which predicts with its `n_threads`.

    A prediction calls it once, since another thread can fit the estimator meanwhile,
    which replaces the model.
    """
    model = estimator.model_
    # other threads may use the model, but results do not depend on this number
    model.net.n_threads = plain_value(estimator.n_threads)
    return model


def estimator_of_task(estimator: Any, task: int) -> Any:
    """Return a copy of a fitted classifier that only predicts one of several tasks."""
    single = copy(estimator)
    single._publish(estimator.model_.of_task(task))
    return single


def restore_state(
    estimator: BaseSequenceEstimator, state: dict[str, Any], device: str
) -> None:
    """Set the fitted attributes of an estimator from the state of its model."""
    name = type(estimator).__name__
    estimator._publish(
        FittedModel.from_state(state, estimator._types, estimator=name, device=device)
    )
