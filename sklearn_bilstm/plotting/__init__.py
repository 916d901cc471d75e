"""Plots that follow scikit-learn's Display API."""

from sklearn_bilstm.plotting._attention import AttentionDisplay
from sklearn_bilstm.plotting._label_confusion import LabelConfusionDisplay
from sklearn_bilstm.plotting._learning_rate import LearningRateDisplay
from sklearn_bilstm.plotting._token_importance import TokenImportanceDisplay
from sklearn_bilstm.plotting._training_curve import TrainingCurveDisplay
from sklearn_bilstm.plotting._transitions import TransitionDisplay

__all__ = [
    "AttentionDisplay",
    "LabelConfusionDisplay",
    "LearningRateDisplay",
    "TokenImportanceDisplay",
    "TrainingCurveDisplay",
    "TransitionDisplay",
]
