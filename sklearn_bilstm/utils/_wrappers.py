"""Classifiers of scikit-learn that adjust the predictions of an inner classifier."""

from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import (
    FixedThresholdClassifier,
    TunedThresholdClassifierCV,
)

__all__ = ["THRESHOLDS", "WRAPPERS"]

THRESHOLDS = FixedThresholdClassifier, TunedThresholdClassifierCV
WRAPPERS = CalibratedClassifierCV, *THRESHOLDS
