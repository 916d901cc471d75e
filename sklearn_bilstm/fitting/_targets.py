"""Targets: one class per kind of y, from its validation to the loss."""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.preprocessing import StandardScaler
from sklearn.utils.multiclass import unique_labels
from skorch.callbacks import Callback

from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._input import check_finite
from sklearn_bilstm.fitting._labels import (
    check_labels,
    encode,
    warn_of_missing_label_codes,
    weight_of_classes,
)
from sklearn_bilstm.nn import CRF, IndependentLabels
from sklearn_bilstm.sequences import SequenceDataset
from sklearn_bilstm.training import (
    R2,
    Accuracy,
    WeightedBinaryCrossEntropy,
    WeightedCrossEntropy,
    WeightedRegressionLoss,
)
from sklearn_bilstm.utils._containers import as_target
from sklearn_bilstm.utils._sklearn import check_y
from sklearn_bilstm.utils._state import check_scaler, state_int
from sklearn_bilstm.utils._unlabelled import check_all_labelled, check_complete

__all__ = [
    "IndicatorTarget",
    "LabelTarget",
    "NumberTarget",
    "Target",
    "checked_classes",
    "label_target",
    "label_target_of_stream",
]

# Advice on rows with a label such as -1, if it marks missing labels.
_UNLABELLED_ROWS = (
    "set the label of those rows to None or remove the rows, or wrap the classifier "
    "in SelfTrainingClassifier"
)
_UNLABELLED_ROWS_OF_STREAM = "remove those rows from X and y"


class Target(ABC):
    """The target of an estimator: the outputs of its network, and its loss.

    Attributes
    ----------
    n_outputs : int
        Number of logits per row, or per step.
    linear_kind : str or None
        Type of the target for :class:`SeriesModel`, None if it does not support it.
    """

    n_outputs: int
    linear_kind: str | None = None

    @staticmethod
    @abstractmethod
    def check(y: Any, estimator: str) -> Any:
        """Validate a y for the named estimator."""

    def check_config(self, config: Config) -> None:  # noqa: B027 - few check it
        """Raise an error if the parameters now require another target."""

    @abstractmethod
    def encode(self, y: Any, name: str) -> Any:
        """Return a validated y in the format of the loss."""

    def with_targets(self, rows: SequenceDataset, y: Any, name: str) -> SequenceDataset:
        """Return rows with their encoded targets; `name` is that of y in errors."""
        return replace(rows, target=self.encode(y, name))

    def row_weights(self, target: Any, weight: np.ndarray, config: Config) -> Any:
        """Return the factor of the weight of each row."""
        return np.ones(len(target))

    def strata(self, target: Any) -> np.ndarray | None:
        """Return the class of each row if folds are stratified, else None."""
        return None

    def fit_scale(self, rows: SequenceDataset) -> None:  # noqa: B027 - few have one
        """Learn the scale of targets from training rows."""

    def scale(self, rows: SequenceDataset) -> SequenceDataset:
        """Return rows with standardised targets."""
        return rows

    def constant_outputs(self, target: Any) -> dict[int, float]:
        """Return the value of each output that is constant in training."""
        return {}

    def decoder(self, config: Config) -> CRF | IndependentLabels | None:
        """Return the layer that decodes labels of steps; None for whole sequences."""
        return None

    @abstractmethod
    def loss(self, config: Config) -> tuple[type, dict[str, Any]]:
        """Return the class of the loss and its arguments."""

    @abstractmethod
    def scores(self) -> list[Callback]:
        """Return callbacks that record scores per epoch."""

    @abstractmethod
    def attributes(self) -> dict[str, Any]:
        """Return the public attributes of an estimator that describe its y."""

    def auto_params(self) -> dict[str, Any]:
        """Return resolved parameters of the target."""
        return {}

    def state(self) -> dict[str, Any]:
        """Return the values from which `from_state` restores the target."""
        return dict(vars(self))

    @classmethod
    @abstractmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Restore a target.

        Raises
        ------
        LookupError, TypeError, ValueError
            If `state` did not return the values.
        """


class LabelTarget(Target):
    """One class label per row.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted labels.
    """

    multilabel = False
    linear_kind = "classes"

    def __init__(self, classes: np.ndarray) -> None:
        self.classes = classes
        self.n_outputs = len(classes)

    @staticmethod
    def check(y: Any, estimator: str) -> np.ndarray:
        """Validate labels, or an indicator matrix."""
        return check_labels(y, estimator=estimator)

    def encode(self, y: np.ndarray, name: str) -> np.ndarray:
        """Return the index of each label, int64 of shape (n,)."""
        _check_format(y, None, name)
        return encode(y, self.classes, name=name)

    def row_weights(
        self, target: np.ndarray, weight: np.ndarray, config: Config
    ) -> np.ndarray:
        """Return the weight of the class of each row."""
        weights = weight_of_classes(config.class_weight, self.classes, target, weight)
        return weights[target]

    def strata(self, target: np.ndarray) -> np.ndarray:
        """Return the class of each row."""
        return target

    def loss(self, config: Config) -> tuple[type, dict[str, Any]]:
        """Return the cross-entropy."""
        return WeightedCrossEntropy, {}

    def scores(self) -> list[Callback]:
        """Return the accuracy."""
        return [Accuracy()]

    def attributes(self) -> dict[str, Any]:
        """Return the classes."""
        return {"classes_": self.classes, "multilabel_": False}

    def state(self) -> dict[str, Any]:
        """Return the classes."""
        return {"classes": self.classes}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Restore the target from its classes."""
        return cls(checked_classes(state["classes"]))


class IndicatorTarget(Target):
    """Any number of labels per row, as an indicator matrix of zeros and ones.

    Parameters
    ----------
    n_outputs : int
        Number of labels.
    """

    multilabel = True
    linear_kind = "labels"
    check = staticmethod(LabelTarget.check)

    def __init__(self, n_outputs: int) -> None:
        self.n_outputs = n_outputs

    @property
    def classes(self) -> np.ndarray:
        """Indices of the labels."""
        return np.arange(self.n_outputs)

    def encode(self, y: np.ndarray, name: str) -> np.ndarray:
        """Return the indicators, float32 of shape (n, n_outputs)."""
        _check_format(y, self.n_outputs, name)
        return y.astype(np.float32)

    def row_weights(
        self, target: np.ndarray, weight: np.ndarray, config: Config
    ) -> np.ndarray:
        """Return ones; class weights are not supported."""
        if config.class_weight is not None:
            raise ValueError(
                "The 'class_weight' parameter must be None if y is an indicator "
                f"matrix: pass a sample_weight instead. Got {config.class_weight!r}."
            )
        return np.ones(len(target))

    def loss(self, config: Config) -> tuple[type, dict[str, Any]]:
        """Return the binary cross-entropy of each label."""
        return WeightedBinaryCrossEntropy, {}

    def scores(self) -> list[Callback]:
        """Return the subset accuracy."""
        return [Accuracy()]

    def attributes(self) -> dict[str, Any]:
        """Return the column indices as classes."""
        return {"classes_": self.classes, "multilabel_": True}

    def state(self) -> dict[str, Any]:
        """Return the number of labels."""
        return {"n_outputs": self.n_outputs}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Restore the target from the number of labels."""
        return cls(state_int(state["n_outputs"], "n_outputs", least=1))


def label_target(y: np.ndarray, config: Config) -> LabelTarget | IndicatorTarget:
    """Return the target of a classifier for a validated y.

    A 2-D y is an indicator matrix.
    """
    if y.ndim == 2:
        return IndicatorTarget(y.shape[1])
    classes, counts = np.unique(y, return_counts=True)
    warn_of_missing_label_codes(classes, _UNLABELLED_ROWS, counts)
    return LabelTarget(classes)


def label_target_of_stream(
    y: np.ndarray, classes: Any, previous: Target | None
) -> Target:
    """Return the target of a classifier for a validated batch of a stream.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_labels)
    classes : array-like of shape (n_classes,) or None
        Argument of `partial_fit`.
    previous : LabelTarget, IndicatorTarget or None
        Target of the previous batch. None for the first batch.

    Raises
    ------
    ValueError
        If `classes` is missing in the first batch, or differs from those before.
    """
    if isinstance(previous, LabelTarget):
        _check_same_classes(classes, previous.classes)
    if previous is not None:
        return previous
    if y.ndim == 2:
        return IndicatorTarget(y.shape[1])
    if classes is None:
        raise ValueError("classes must be passed on the first call to partial_fit.")
    classes = unique_labels(classes)
    warn_of_missing_label_codes(classes, _UNLABELLED_ROWS_OF_STREAM)
    return LabelTarget(classes)


def _check_same_classes(classes: Any, previous: np.ndarray) -> None:
    if classes is not None and not np.array_equal(unique_labels(classes), previous):
        raise ValueError(
            "classes must be the same in every call to partial_fit: got "
            f"{classes!r} after {previous.tolist()}."
        )


class NumberTarget(Target):
    """One or several numbers per row.

    Parameters
    ----------
    n_outputs : int
        Number of outputs.
    is_flat : bool
        Whether y is 1-D.
    scaler : StandardScaler or None, default=None
        Standardisation of the targets, fitted by `fit_scale`.
    """

    linear_kind = "numbers"

    def __init__(
        self, n_outputs: int, is_flat: bool, scaler: StandardScaler | None = None
    ) -> None:
        self.n_outputs = n_outputs
        self.is_flat = is_flat
        self.scaler: Any = scaler

    @staticmethod
    def check(y: Any, estimator: str) -> np.ndarray:
        """Validate numbers, and return them as float64."""
        if y is None:
            raise ValueError(
                f"{estimator} requires y to be passed, but the target y is None."
            )
        y = y.toarray() if sparse.issparse(y) else as_target(y)
        check_all_labelled(y)
        check_complete(y)
        try:
            y = check_y(y, multi_output=True, y_numeric=True, estimator=estimator)
        except (TypeError, ValueError) as error:
            raise ValueError(
                "y must hold numbers, of shape (n_samples,) or (n_samples, n_outputs): "
                f"{error}"
            ) from error
        if y.dtype.kind not in "biuf":
            raise ValueError(f"y must hold real numbers: got values of type {y.dtype}.")
        y = np.asarray(y, np.float64)
        check_finite(y.reshape(len(y), -1), name="y")
        return y

    @classmethod
    def fit(cls, y: np.ndarray, config: Config) -> Self:
        """Learn the number of outputs."""
        return cls(1 if y.ndim == 1 else y.shape[1], y.ndim == 1)

    def encode(self, y: np.ndarray, name: str) -> np.ndarray:
        """Return the numbers, of shape (n, n_outputs)."""
        target = y.reshape(len(y), -1)
        if target.shape[1] != self.n_outputs:
            raise ValueError(
                f"{name} must have {self.n_outputs} outputs per row, as y had in fit: "
                f"got {target.shape[1]}."
            )
        return target

    def fit_scale(self, rows: SequenceDataset) -> None:
        """Fit the scaler to weighted training rows."""
        self.scaler = StandardScaler().fit(rows.target, sample_weight=rows.weight)

    def scale(self, rows: SequenceDataset) -> SequenceDataset:
        """Return rows with standardised targets, as float32."""
        target = self.scaler.transform(rows.target)
        return replace(rows, target=target.astype(np.float32))

    def constant_outputs(self, target: np.ndarray) -> dict[int, float]:
        """Return the standardised value of each output that is constant in training.

        A network only comes close to it, and its predictions vary.
        """
        constant = np.flatnonzero((target == target[0]).all(0))
        return {int(index): float(target[0, index]) for index in constant}

    def unscale(self, outputs: np.ndarray) -> np.ndarray:
        """Return predictions on the original scale and in the shape of y."""
        y = self.scaler.inverse_transform(outputs)
        return y[:, 0] if self.is_flat else y

    def loss(self, config: Config) -> tuple[type, dict[str, Any]]:
        """Return the loss of the parameters `loss` and `quantile`."""
        arguments = {"loss": config.loss, "quantile": config.quantile}
        return WeightedRegressionLoss, arguments

    def scores(self) -> list[Callback]:
        """Return the coefficient of determination."""
        return [R2()]

    def attributes(self) -> dict[str, Any]:
        """Return the number of outputs."""
        return {"n_outputs_": self.n_outputs}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Restore the target."""
        n_outputs = state_int(state["n_outputs"], "n_outputs", least=1)
        check_scaler(state["scaler"], n_outputs)
        if not np.isfinite(state["scaler"].mean_).all():
            raise ValueError("The mean of each output must be finite.")
        is_flat = bool(state["is_flat"])
        if is_flat and n_outputs > 1:
            raise ValueError("Several outputs must have a column each.")
        return cls(n_outputs, is_flat, state["scaler"])


def _check_format(y: np.ndarray, n_labels: int | None, name: str) -> None:
    """Raise an error if y has another format than the y in fit."""
    n_columns = y.shape[1] if y.ndim == 2 else None
    if n_columns != n_labels:
        raise ValueError(
            f"{name} must hold {_format_of(n_labels)}, as y did in fit: got "
            f"{_format_of(n_columns)}."
        )


def _format_of(n_columns: int | None) -> str:
    if n_columns is None:
        return "a label for each row"
    return f"an indicator matrix of {n_columns} columns"


def checked_classes(classes: Any) -> np.ndarray:
    """Return the classes of a state; raise a ValueError for other values."""
    if not isinstance(classes, np.ndarray) or classes.ndim != 1 or not len(classes):
        raise ValueError("classes must be an array of labels.")
    if len(np.unique(classes)) != len(classes):
        raise ValueError("classes must be distinct.")
    return classes
