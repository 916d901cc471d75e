"""From the parameters and arguments of `fit` to a fitted model.

A fit reads X (:class:`SequenceReader`) and y (:class:`Target`), builds a network,
fits n-gram models, and trains the network (:class:`Training`). The result is a
:class:`FittedModel`, which an estimator holds as `model_`.
"""

from sklearn_bilstm.fitting._compression import CompressionReport, CompressionStep
from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._distributed import train_together
from sklearn_bilstm.fitting._fit import (
    prepare_fit,
    prepare_partial_fit,
)
from sklearn_bilstm.fitting._label_targets import label_target, label_target_of_stream
from sklearn_bilstm.fitting._labels import encode
from sklearn_bilstm.fitting._linear_tagging import TaggingModels
from sklearn_bilstm.fitting._model import FittedModel
from sklearn_bilstm.fitting._ngrams import NgramModels
from sklearn_bilstm.fitting._reader import SentenceReader, SequenceReader
from sklearn_bilstm.fitting._row_labels import IndicatorTarget, LabelTarget
from sklearn_bilstm.fitting._row_numbers import NumberTarget
from sklearn_bilstm.fitting._series import SeriesModels
from sklearn_bilstm.fitting._step_numbers import (
    StepNumberTarget,
    check_numbers,
    number_target,
)
from sklearn_bilstm.fitting._target import Target
from sklearn_bilstm.fitting._task_models import TaskNgramModels, TaskSeriesModels
from sklearn_bilstm.fitting._tasks import TasksTarget
from sklearn_bilstm.fitting._token_labels import TokenLabelTarget
from sklearn_bilstm.fitting._trainer import Training
from sklearn_bilstm.fitting._transfer import find_fitted_estimator, inner_estimator
from sklearn_bilstm.fitting._types import ReaderAndTarget

__all__ = [
    "CompressionReport",
    "CompressionStep",
    "Config",
    "FittedModel",
    "IndicatorTarget",
    "LabelTarget",
    "NgramModels",
    "NumberTarget",
    "ReaderAndTarget",
    "SentenceReader",
    "SequenceReader",
    "SeriesModels",
    "StepNumberTarget",
    "TaggingModels",
    "Target",
    "TaskNgramModels",
    "TaskSeriesModels",
    "TasksTarget",
    "TokenLabelTarget",
    "Training",
    "check_numbers",
    "encode",
    "find_fitted_estimator",
    "inner_estimator",
    "label_target",
    "label_target_of_stream",
    "number_target",
    "prepare_fit",
    "prepare_partial_fit",
    "train_together",
]
