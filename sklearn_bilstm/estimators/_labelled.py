"""Rows with a label each, as a classifier learns from them."""

import numpy as np
from sklearn.utils import check_consistent_length

from sklearn_bilstm.estimators._base import BaseSequenceEstimator
from sklearn_bilstm.estimators._labels import (
    check_labels,
    encode,
    scaled_to_mean_one,
    weight_of_classes,
)
from sklearn_bilstm.sequences import SequenceDataset
from sklearn_bilstm.training import split_off_validation
from sklearn_bilstm.utils._sklearn import check_sample_weight

__all__ = ["BaseSequenceClassifier"]


class BaseSequenceClassifier(BaseSequenceEstimator):
    """Steps of reading labelled rows, one a method."""

    def _read_labelled(self, X, y, *, reset):
        sequences = self._read_to_fit(X, reset=reset)
        labels = check_labels(y, estimator=self)
        check_consistent_length(sequences, labels)
        return sequences, labels

    def _weighted_rows(self, sequences, labels, sample_weight):
        """Put rows, targets and weights together, without the rows of no weight."""
        target = encode(labels, self.classes_, name="y")
        weight = check_sample_weight(
            sample_weight, labels, dtype=np.float64, ensure_non_negative=True
        )
        weight = weight * self._weight_of_rows(target, weight)
        rows = np.flatnonzero(weight)
        return SequenceDataset(sequences.take(rows), target[rows], weight[rows])

    def _weight_of_rows(self, target, weight):
        """Return the weight of the class of each row."""
        weights = weight_of_classes(self.class_weight, self.classes_, target, weight)
        return weights[target]

    def _with_validation(self, rows, X_val, y_val, random_state):
        """Return training rows, and validation rows or None."""
        if (X_val is None) != (y_val is None):
            missing = "X_val" if X_val is None else "y_val"
            raise ValueError(
                f"X_val and y_val must be given together: {missing} is None."
            )
        if X_val is not None:
            return rows, self._read_validation(X_val, y_val)
        if self.early_stopping in (False, "auto"):
            return rows, None
        train, valid = split_off_validation(
            rows.target, self.validation_fraction, random_state
        )
        return rows.take(train), rows.take(valid)

    def _read_validation(self, X_val, y_val):
        sequences = self._read_beside(X_val, "X_val")
        labels = check_labels(y_val, estimator=self)
        if len(labels) != len(sequences):
            raise ValueError(
                "y_val must hold a label for each row of X_val: got "
                f"{len(labels)} for {len(sequences)}."
            )
        target = encode(labels, self.classes_, name="y_val")
        weight = self._weight_of_rows(target, np.ones(len(target)))
        return SequenceDataset(sequences, target, scaled_to_mean_one(weight))
