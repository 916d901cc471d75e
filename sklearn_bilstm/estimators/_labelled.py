"""What a target is to a classifier: a label, or an indicator of several."""

import numpy as np

from sklearn_bilstm.estimators._base import BaseSequenceEstimator
from sklearn_bilstm.estimators._labels import (
    check_labels,
    encode,
    warn_of_marks,
    weight_of_classes,
)
from sklearn_bilstm.estimators._ngrams import NgramMixin
from sklearn_bilstm.training import (
    Accuracy,
    WeightedBinaryCrossEntropy,
    WeightedCrossEntropy,
)
from sklearn_bilstm.utils._sklearn import check_partial_fit_first_call

__all__ = ["BaseSequenceClassifier"]


class BaseSequenceClassifier(NgramMixin, BaseSequenceEstimator):
    """Steps of learning labels, one a method."""

    def _check_target(self, y):
        return check_labels(y, estimator=self)

    def _learn_outputs(self, y):
        self.multilabel_ = y.ndim == 2
        self.classes_ = np.arange(y.shape[1]) if self.multilabel_ else np.unique(y)
        warn_of_marks(
            self.classes_,
            "leave those rows out of X and y, and give them as X_unlabelled or wrap "
            "the classifier in SelfTrainingClassifier",
        )

    def _meet_outputs(self, y, classes):
        """Take the labels of a stream from its first batch, or from `classes`."""
        if not hasattr(self, "net_"):
            self.multilabel_ = y.ndim == 2
        if not self.multilabel_:
            if check_partial_fit_first_call(self, classes):
                warn_of_marks(self.classes_, "leave those rows out of X and y")
        elif not hasattr(self, "net_"):
            self._learn_outputs(y)

    def _encode(self, y, name):
        n_columns = y.shape[1] if y.ndim == 2 else None
        expected = len(self.classes_) if self.multilabel_ else None
        if n_columns != expected:
            raise ValueError(
                f"{name} must hold {_kind_of(expected)}, as the y that was fitted: got "
                f"{_kind_of(n_columns)}."
            )
        if self.multilabel_:
            return y.astype(np.float32)
        return encode(y, self.classes_, name=name)

    def _n_outputs(self):
        return len(self.classes_)

    def _weight_of_rows(self, target, weight):
        """Return the weight of the class of each row."""
        if not self.multilabel_:
            weights = weight_of_classes(
                self.class_weight, self.classes_, target, weight
            )
            return weights[target]
        if self.class_weight is not None:
            raise ValueError(
                "The 'class_weight' parameter must be None where rows have several "
                f"labels: give a sample_weight instead. Got {self.class_weight!r}."
            )
        return np.ones(len(target))

    def _classes_to_stratify(self, target):
        return None if self.multilabel_ else target

    def _criterion(self):
        if self.multilabel_:
            return WeightedBinaryCrossEntropy, {}
        return WeightedCrossEntropy, {}

    def _metrics(self):
        return [Accuracy()]


def _kind_of(n_columns):
    if n_columns is None:
        return "a label for each row"
    return f"an indicator matrix of {n_columns} columns"
