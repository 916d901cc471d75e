"""Parameter constraints shared by all estimators."""

from collections.abc import Mapping
from numbers import Integral, Real
from os import PathLike

import torch

from sklearn_bilstm.nn import CELLS, MERGES, NORMALIZATIONS, POOLINGS
from sklearn_bilstm.text import WordVectors
from sklearn_bilstm.training import OPTIMIZERS, SCHEDULES
from sklearn_bilstm.utils._sklearn import HasMethods, Interval, StrOptions

__all__ = ["LINEAR_KERNELS", "SHARED_CONSTRAINTS"]

_PROBABILITY = [Interval(Real, 0, 1, closed="left")]
_COUNT = Interval(Integral, 1, 2**31 - 1, closed="both")
_NON_NEGATIVE = Interval(Real, 0, None, closed="left")
_POSITIVE = Interval(Real, 0, None, closed="neither")

# of the estimators with one output per row
LINEAR_KERNELS = [
    Interval(Integral, 1, 100_000, closed="both"),
    StrOptions({"auto"}),
    None,
]

SHARED_CONSTRAINTS = {
    "input_type": [StrOptions({"auto", "tokens", "numeric"})],
    "embedding_dim": [_COUNT],
    "embedding": [StrOptions({"svd"}), WordVectors, "array-like", None],
    "freeze_embedding": ["boolean"],
    "pretrained": [HasMethods("predict"), None],
    "n_static_features": [
        Interval(Integral, 0, 2**31 - 1, closed="both"),
        StrOptions({"auto"}),
    ],
    "convolution_layer_sizes": [_COUNT, "array-like"],
    "convolution_stride": [_COUNT],
    "cell": [StrOptions(set(CELLS))],
    "hidden_layer_sizes": [_COUNT, "array-like"],
    "bidirectional": ["boolean"],
    "merge_mode": [StrOptions(set(MERGES))],
    "normalization": [StrOptions(set(NORMALIZATIONS)), None],
    "pooling": [StrOptions(set(POOLINGS))],
    "dense_layer_sizes": [_COUNT, "array-like"],
    "dropout": _PROBABILITY,
    "embedding_dropout": _PROBABILITY,
    "word_dropout": _PROBABILITY,
    "recurrent_dropout": _PROBABILITY,
    "weight_decay": [_NON_NEGATIVE],
    "max_norm": [_POSITIVE, None],
    "max_epochs": [_COUNT, StrOptions({"auto"})],
    "batch_size": [_COUNT],
    "lr": [_POSITIVE],
    "optimizer": [StrOptions(set(OPTIMIZERS))],
    "lr_schedule": [StrOptions(set(SCHEDULES))],
    "gradient_clip_norm": [_POSITIVE, None],
    "early_stopping": ["boolean", StrOptions({"auto"})],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [_COUNT],
    "tol": [_NON_NEGATIVE],
    "warm_start": ["boolean"],
    "checkpoint": [str, PathLike, None],
    "device": [str, torch.device],
    "precision": [StrOptions({"auto", "float32", "bfloat16"})],
    "n_threads": [_COUNT, None],
    "distributed": ["boolean"],
    "callbacks": [list, tuple, None],
    "net_params": [Mapping, None],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
}
