"""Training of networks: the skorch net, callbacks, schedules and losses."""

from sklearn_bilstm.training._callbacks import EarlyStopping, EpochStart, MaxNorm
from sklearn_bilstm.training._cooccurrence import cooccurrence_vectors
from sklearn_bilstm.training._linear_model import LinearModel
from sklearn_bilstm.training._linear_tagger import LinearTagger
from sklearn_bilstm.training._log_odds import ClassLogOdds
from sklearn_bilstm.training._losses import (
    REGRESSION_LOSSES,
    WeightedBinaryCrossEntropy,
    WeightedCrossEntropy,
    WeightedRegressionLoss,
    WeightedStepRegressionLoss,
    WeightedTaggingLoss,
    WeightedTasksCrossEntropy,
)
from sklearn_bilstm.training._mean_vectors import MeanVectorModel, TokenVectors
from sklearn_bilstm.training._minirocket import MiniRocket
from sklearn_bilstm.training._net import SequenceNet
from sklearn_bilstm.training._optimizers import OPTIMIZERS
from sklearn_bilstm.training._progress import BatchBar, EpochPrinter
from sklearn_bilstm.training._pseudo_labels import PseudoLabels
from sklearn_bilstm.training._schedules import SCHEDULES
from sklearn_bilstm.training._scores import (
    R2,
    Accuracy,
    LabelAccuracy,
    SpanF1,
    TasksAccuracy,
)
from sklearn_bilstm.training._series_model import SeriesModel
from sklearn_bilstm.training._splits import (
    contiguous_folds,
    sampled_rows,
    split_off_validation,
)
from sklearn_bilstm.training._stop import StopTraining
from sklearn_bilstm.training._teachers import TrainingRows
from sklearn_bilstm.training._temperature import exceeds_error

__all__ = [
    "OPTIMIZERS",
    "R2",
    "REGRESSION_LOSSES",
    "SCHEDULES",
    "Accuracy",
    "BatchBar",
    "ClassLogOdds",
    "EarlyStopping",
    "EpochPrinter",
    "EpochStart",
    "LabelAccuracy",
    "LinearModel",
    "LinearTagger",
    "MaxNorm",
    "MeanVectorModel",
    "MiniRocket",
    "PseudoLabels",
    "SequenceNet",
    "SeriesModel",
    "SpanF1",
    "StopTraining",
    "TasksAccuracy",
    "TokenVectors",
    "TrainingRows",
    "WeightedBinaryCrossEntropy",
    "WeightedCrossEntropy",
    "WeightedRegressionLoss",
    "WeightedStepRegressionLoss",
    "WeightedTaggingLoss",
    "WeightedTasksCrossEntropy",
    "contiguous_folds",
    "cooccurrence_vectors",
    "exceeds_error",
    "sampled_rows",
    "split_off_validation",
]
