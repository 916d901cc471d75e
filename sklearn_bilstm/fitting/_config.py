"""The parameters of an estimator, as fitting reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from os import PathLike
from typing import Any, Self

import numpy as np
import torch

from sklearn_bilstm.text import WordVectors
from sklearn_bilstm.utils._plain import plain_value

__all__ = ["Config"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """Parameters of an estimator, with NumPy scalars as plain values of Python.

    The docstrings of the estimators describe the parameters. Parameters that an
    estimator does not have keep the defaults below, which do not affect its fit.
    """

    estimator: str  # name of its class, for error messages

    input_type: str
    embedding_dim: int
    embedding: str | WordVectors | np.ndarray | Sequence | None
    freeze_embedding: bool
    cell: str
    hidden_layer_sizes: int | Sequence[int]
    bidirectional: bool
    merge_mode: str
    normalization: str | None
    dense_layer_sizes: int | Sequence[int]
    dropout: float
    embedding_dropout: float
    word_dropout: float
    recurrent_dropout: float
    weight_decay: float
    max_norm: float | None
    max_epochs: int | str
    batch_size: int
    lr: float
    optimizer: str
    lr_schedule: str
    gradient_clip_norm: float | None
    early_stopping: bool | str
    validation_fraction: float
    n_iter_no_change: int
    tol: float
    warm_start: bool
    checkpoint: str | PathLike | None
    device: str | torch.device
    precision: str
    n_threads: int | None
    distributed: bool
    callbacks: Sequence | None
    net_params: Mapping[str, Any] | None
    verbose: int
    random_state: Any

    # of the classifier and the regressor
    pretrained: Any = None
    n_static_features: int | str = 0
    convolution_layer_sizes: int | Sequence[int] = ()
    convolution_stride: int = 1
    pooling: str = "max_mean"
    linear_kernels: int | str | None = None

    # of the classifier
    log_odds_ngram_range: Sequence[int] | None = None
    linear_ngram_range: Sequence[int] | str | None = None
    class_weight: Mapping | Sequence | str | None = None
    task_weight: Sequence | np.ndarray | None = None

    # of the regressor
    output_type: str = "auto"
    loss: str = "squared_error"
    quantile: float = 0.5

    # of the tagger
    lowercase: bool = True
    min_df: int = 1
    max_features: int | None = None
    character_embedding_dim: int = 25
    n_character_filters: int = 0
    linear_features: str | None = None
    scoring: str | None = None
    crf: bool = True
    scheme: str | None = "auto"
    constrained: bool = True

    @classmethod
    def of(cls, estimator: Any) -> Self:
        """Return the parameters of an estimator."""
        # attributes, since a subclass need not have all parameters in its signature
        names = [field.name for field in fields(cls) if hasattr(estimator, field.name)]
        plain = {name: plain_value(getattr(estimator, name)) for name in names}
        return cls(estimator=type(estimator).__name__, **plain)
