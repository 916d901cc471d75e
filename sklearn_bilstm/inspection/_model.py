"""Access to the text, tokens and outputs of a fitted model."""

from collections.abc import Hashable
from copy import copy
from dataclasses import dataclass
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.special import expit
from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from torch import Tensor

from sklearn_bilstm.estimators import (
    BaseSequenceEstimator,
    current_model,
    estimator_of_task,
)
from sklearn_bilstm.fitting import encode, find_fitted_estimator, inner_estimator
from sklearn_bilstm.sequences import SequenceDataset
from sklearn_bilstm.text import LocatedDocument, TableVectorizer, TextVectorizer
from sklearn_bilstm.utils._sklearn import safe_indexing
from sklearn_bilstm.utils._wrappers import WRAPPERS

__all__ = [
    "EXPLAINABLE",
    "Output",
    "TextModel",
    "WrapperPredictions",
    "fitted_estimator",
    "one_per_row",
    "predictions_of_wrapper",
    "transformers_of",
]

EXPLAINABLE = (
    "a fitted pipeline of a TextVectorizer or TableVectorizer and a BiLSTMClassifier "
    "or BiLSTMRegressor, a fitted BiLSTMTagger, or a search, FrozenEstimator, decision "
    "threshold or calibration that contains one"
)


def fitted_estimator(model: Any, kind: str) -> Any:
    """Return the fitted BiLSTM estimator that a model is or contains.

    Parameters
    ----------
    model : estimator
    kind : str
        Description of the supported models, for the error message.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    ValueError
        If the model is of an unsupported type.
    """
    try:
        estimator = find_fitted_estimator(model)
    except ValueError as error:
        message = f"model must be {kind}: got {model!r}"
        inner = model
        while inner is not None:
            _check_single(inner)
            last, inner = inner, _inner_model(inner)
        if isinstance(last, BaseSequenceEstimator):
            raise NotFittedError(f"{message}, which is not fitted yet.") from error
        raise ValueError(f"{message}.") from error
    current_model(estimator)  # predicts with the current number of threads
    return estimator


def _check_single(model: Any) -> None:
    """Raise an error if the probabilities of a model are the mean of several."""
    members = getattr(model, "calibrated_classifiers_", [])
    if len(members) > 1:
        raise ValueError(
            f"model contains a CalibratedClassifierCV of {len(members)} estimators, "
            "whose mean has no scores of tokens. Fit it with ensemble=False, or around "
            "a FrozenEstimator, so that there is one estimator; or explain the "
            "'estimator' of one of its calibrated_classifiers_."
        )


def _inner_model(model: Any) -> Any:
    """Return the inner estimator of a meta-estimator, which may not be fitted."""
    inner = inner_estimator(model)
    is_meta = hasattr(model, "refit") or isinstance(model, WRAPPERS)
    return model.estimator if inner is None and is_meta else inner


class WrapperPredictions(NamedTuple):
    """Predictions of a model with a decision threshold or a calibration.

    Parameters
    ----------
    labels : ndarray of shape (n_rows,)
        Predicted classes.
    probabilities : ndarray of shape (n_rows, n_classes)
        Probability of each class.
    """

    labels: np.ndarray
    probabilities: np.ndarray


def predictions_of_wrapper(model: Any, X: Any) -> WrapperPredictions | None:
    """Return the predictions of a model if those of its estimator differ.

    Parameters
    ----------
    model : estimator
    X : object
        Input of the model.

    Returns
    -------
    predictions : WrapperPredictions or None
        None if there is neither a decision threshold nor a calibration.
    """
    inner = model
    while inner is not None:
        if isinstance(inner, WRAPPERS):
            return WrapperPredictions(model.predict(X), model.predict_proba(X))
        inner = inner_estimator(inner)
    return None


def transformers_of(model: Any) -> list:
    """Return the transformers that precede the BiLSTM estimator in a model."""
    transformers: list = []
    inner = model
    while inner is not None:
        steps = [step for _, step in getattr(inner, "steps", [])]
        transformers += [step for step in steps[:-1] if hasattr(step, "transform")]
        inner = inner_estimator(inner)
    return transformers


def _with_labels_of(model: Any, estimator: Any) -> Any:
    """Return a classifier with the labels of the calibrations that contain it.

    scikit-learn fits the classifier to codes of the labels if they are strings and the
    method is temperature scaling.
    """
    held = model
    while held is not None:
        is_calibration = isinstance(held, CalibratedClassifierCV)
        if is_calibration and len(held.classes_) == len(estimator.classes_):
            labelled = copy(estimator)
            labelled.classes_ = held.classes_
            return labelled
        held = inner_estimator(held)
    return estimator


@dataclass(frozen=True)
class TextModel:
    """The transformers and the estimator of a model.

    Parameters
    ----------
    transformers : list of transformer
        Steps before the estimator. For text, the last is a TextVectorizer, a
        TableVectorizer, or a ColumnTransformer with a TextVectorizer.
    estimator : BiLSTMClassifier or BiLSTMRegressor
    """

    transformers: list
    estimator: Any

    @classmethod
    def of(cls, model: Any, *, reads_text: bool = True) -> "TextModel":
        """Split a fitted pipeline, which can be in a meta-estimator.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the model is of an unsupported type.
        """
        transformers = transformers_of(model)
        estimator = fitted_estimator(model, EXPLAINABLE)
        if reads_text and not transformers:
            raise ValueError(f"model must be {EXPLAINABLE}: got {model!r}.")
        return cls(transformers, _with_labels_of(model, estimator))

    def of_task(self, target: Any) -> tuple["TextModel", int | None, Any]:
        """Return the model of the task of a target, the task and the target within it.

        The task is None for estimators of a single one.

        Raises
        ------
        ValueError
            If there are several tasks, and the target does not name one.
        """
        classes = getattr(self.estimator, "classes_", None)
        if not isinstance(classes, list):
            return self, None, target
        is_pair = isinstance(target, tuple) and len(target) == 2
        task: Any = target[0] if is_pair else None
        is_index = isinstance(task, Integral) and not isinstance(task, bool)
        if not is_index or not 0 <= task < len(classes):
            raise ValueError(
                "target must be a tuple (task, class) for a classifier of several "
                f"tasks, with a task from 0 to {len(classes) - 1}, and one of its "
                f"classes or None for the predicted one: got {target!r}."
            )
        single = estimator_of_task(self.estimator, int(task))
        return TextModel(self.transformers, single), int(task), target[1]

    @property
    def static_names(self) -> list[str]:
        """Names of the static features, or "static_0", ... if they are unknown."""
        reader = self.estimator.model_.reader
        if not reader.n_static:
            return []
        names = reader.columns.get("feature_names_in_")
        if names is None:
            try:
                names = self.transformers[-1].get_feature_names_out()
            except (AttributeError, IndexError, ValueError):  # without output names
                names = [f"static_{index}" for index in range(reader.n_static)]
        return [str(name) for name in names[-reader.n_static :]]

    def transformed(self, X: Any) -> tuple[SequenceDataset, SequenceDataset]:
        """Return the rows of X, before and after their numbers are standardised."""
        for transformer in self.transformers:
            X = transformer.transform(X)
        reader = self.estimator.model_.reader
        rows = reader.read(X)
        return rows, reader.scale(rows)

    def read(
        self, texts: Any
    ) -> tuple[list[LocatedDocument], SequenceDataset, SequenceDataset]:
        """Return the documents with their tokens, and their rows as `transformed` does.

        Raises
        ------
        ValueError
            If the estimator does not read the output of the vectorizer.
        """
        *before, last = self.transformers
        for transformer in before:
            texts = transformer.transform(texts)
        documents = _located(last, texts)
        rows, scaled = TextModel([last], self.estimator).transformed(texts)
        n_read = [sum(t.is_read for t in document.tokens) for document in documents]
        if not np.array_equal(n_read, rows.sequences.lengths):
            raise ValueError(
                "The estimator of model must receive the token ids of a single "
                "TextVectorizer, and no other columns except static features: it "
                "receives more or fewer steps than the texts have tokens."
            )
        return documents, rows, scaled


def _located(transformer: Any, texts: Any) -> list[LocatedDocument]:
    if isinstance(transformer, TextVectorizer | TableVectorizer):
        return transformer.locate(texts)
    if isinstance(transformer, ColumnTransformer):
        for _, part, columns in transformer.transformers_:
            if isinstance(part, TextVectorizer):
                return part.locate(safe_indexing(texts, columns, axis=1))
    raise ValueError(
        "The step before the estimator of model must be a TextVectorizer, a "
        "TableVectorizer, or a ColumnTransformer with a TextVectorizer: got "
        f"{transformer!r}."
    )


@dataclass(frozen=True)
class Output:
    """The explained output of each row.

    For a class, this is its log odds, log(p / (1 - p)), for any number of classes, so
    that scores have the same meaning in the binary, multiclass and multilabel case. For
    a regressor, it is the prediction.

    Parameters
    ----------
    estimator : BiLSTMClassifier or BiLSTMRegressor
    columns : ndarray of int, shape (n_rows,)
        Index of the explained class or output.
    predictions : WrapperPredictions or None, default=None
        Predictions of the model if those of the estimator differ.
    """

    estimator: Any
    columns: np.ndarray
    predictions: WrapperPredictions | None = None

    @classmethod
    def of(
        cls,
        estimator: Any,
        target: Any,
        rows: SequenceDataset,
        predictions: WrapperPredictions | None = None,
    ) -> "Output":
        """Return the outputs for the given target, or for the prediction if None.

        Parameters
        ----------
        estimator : BiLSTMClassifier or BiLSTMRegressor
        target : object
            Class or index of the output, or one per row.
        rows : SequenceDataset
        predictions : WrapperPredictions or None, default=None
            As for the class.

        Raises
        ------
        ValueError
            If the class or output does not exist, or there are too few classes.
        """
        if not is_classifier(estimator):
            return cls(estimator, _output_columns(estimator, target, len(rows)))
        classes = estimator.classes_
        if len(classes) < 2 and not estimator.multilabel_:
            raise ValueError(
                f"model has a single class, {classes.tolist()}, whose log odds are not "
                "defined: fit it with at least two classes."
            )
        if target is None and predictions is not None:
            target = predictions.labels
        if target is None:
            columns = estimator.model_.logits(rows).argmax(1)
        else:
            targets = one_per_row(target, len(rows))
            columns = encode(targets, classes, name="target")
        return cls(estimator, columns, predictions)

    @property
    def targets(self) -> list[Hashable]:
        """The class or output index of each row, None for a single output."""
        if is_classifier(self.estimator):
            return self.estimator.classes_[self.columns].tolist()
        if self.estimator.n_outputs_ == 1:
            return [None] * len(self.columns)
        return self.columns.tolist()

    @property
    def others(self) -> list[Hashable]:
        """The class other than the target, None if there are not exactly two."""
        if not is_classifier(self.estimator) or self.estimator.multilabel_:
            return [None] * len(self.columns)
        classes = self.estimator.classes_
        if len(classes) != 2:
            return [None] * len(self.columns)
        return classes[1 - self.columns].tolist()

    def probability(self, row: int, value: float) -> float | None:
        """Return the probability of the class of a row, None for a regressor.

        Parameters
        ----------
        row : int
        value : float
            The explained output of the row.
        """
        if not is_classifier(self.estimator):
            return None
        if self.predictions is not None:
            return float(self.predictions.probabilities[row, self.columns[row]])
        return float(expit(value))

    def explained_values(self, logits: np.ndarray, columns: np.ndarray) -> list[float]:
        """Return the explained output of each row from its logits."""
        return self(torch.from_numpy(logits), torch.from_numpy(columns)).tolist()

    def __call__(self, logits: Tensor, columns: Tensor) -> Tensor:
        """Return the explained outputs, (n,), of logits of shape (n, K)."""
        logits = logits.double()  # float32 would round small differences
        chosen = columns[:, None]
        values = logits.gather(1, chosen)[:, 0]  # (n,)
        if not is_classifier(self.estimator):
            scaler = self.estimator.model_.target.scaler
            moments = np.stack([scaler.mean_, scaler.scale_])
            mean, scale = torch.from_numpy(moments).to(logits)
            return mean[columns] + scale[columns] * values
        if self.estimator.multilabel_:
            return values
        return values - logits.scatter(1, chosen, -torch.inf).logsumexp(1)


def one_per_row(target: Any, n_rows: int) -> np.ndarray:
    """Broadcast a single label to all rows."""
    targets = np.asarray(target)
    if targets.ndim == 0:
        return np.repeat(targets, n_rows)
    if len(targets) != n_rows:
        raise ValueError(
            "target must be a single label or one label per text: got "
            f"{len(targets)} labels for {n_rows} texts."
        )
    return targets


def _output_columns(estimator: Any, target: Any, n_rows: int) -> np.ndarray:
    n_outputs = estimator.n_outputs_
    if target is None and n_outputs > 1:
        raise ValueError(
            f"target must be the index of one of the {n_outputs} outputs of "
            f"{estimator!r}: got None."
        )
    allowed = (
        "None for a regressor with a single output"
        if n_outputs == 1
        else f"the index of an output, from 0 to {n_outputs - 1}, for a regressor"
    )
    columns = one_per_row(0 if target is None else target, n_rows)
    if columns.dtype.kind not in "iu" or not np.isin(columns, range(n_outputs)).all():
        raise ValueError(f"target must be {allowed}: got {target!r}.")
    return columns
