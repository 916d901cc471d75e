"""What a target is to a classifier: labels."""

import numpy as np

from sklearn_bilstm.estimators._base import BaseSequenceEstimator
from sklearn_bilstm.estimators._labels import check_labels, encode, weight_of_classes
from sklearn_bilstm.estimators._ngrams import NgramMixin
from sklearn_bilstm.training import ValidationAccuracy, WeightedCrossEntropy

__all__ = ["BaseSequenceClassifier"]


class BaseSequenceClassifier(NgramMixin, BaseSequenceEstimator):
    """Steps of learning labels, one a method."""

    def _check_target(self, y):
        return check_labels(y, estimator=self)

    def _learn_outputs(self, y):
        self.classes_ = np.unique(y)

    def _encode(self, y, name):
        return encode(y, self.classes_, name=name)

    def _n_outputs(self):
        return len(self.classes_)

    def _weight_of_rows(self, target, weight):
        """Return the weight of the class of each row."""
        weights = weight_of_classes(self.class_weight, self.classes_, target, weight)
        return weights[target]

    def _classes_to_stratify(self, target):
        return target

    def _criterion(self):
        return WeightedCrossEntropy, {}

    def _metrics(self):
        return [ValidationAccuracy()]
