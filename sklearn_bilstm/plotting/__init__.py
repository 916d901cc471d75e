"""Pictures, in scikit-learn's convention for a Display."""

from sklearn_bilstm.plotting._learning_rate import LearningRateDisplay
from sklearn_bilstm.plotting._training_curve import TrainingCurveDisplay

__all__ = ["LearningRateDisplay", "TrainingCurveDisplay"]
