"""Imports from scikit-learn's private modules.

All private names of scikit-learn that the package uses are imported here, so that only
one file depends on its internals.
"""

import importlib
from typing import Any

from sklearn.base import _fit_context
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    validate_params,
)
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import (
    _check_feature_names,
    _check_sample_weight,
    _check_y,
    _num_samples,
)

__all__ = [
    "HasMethods",
    "Interval",
    "RealNotInt",
    "StrOptions",
    "check_feature_names",
    "check_sample_weight",
    "check_y",
    "fit_context",
    "get_output_config",
    "num_samples",
    "safe_indexing",
    "validate_params",
]

check_feature_names = _check_feature_names
check_sample_weight = _check_sample_weight
check_y = _check_y
fit_context = _fit_context
get_output_config = _get_output_config
num_samples = _num_samples
safe_indexing = _safe_indexing


def __getattr__(name: str) -> Any:
    # imported lazily, since the modules are slow, or older versions lack the name
    private = {
        "CalibratedClassifier": ("calibration", "_CalibratedClassifier"),
        "RemoteFileMetadata": ("datasets._base", "RemoteFileMetadata"),
        "SigmoidCalibration": ("calibration", "_SigmoidCalibration"),
        "TemperatureScaling": ("calibration", "_TemperatureScaling"),
        "fetch_remote": ("datasets._base", "_fetch_remote"),
    }
    if name not in private:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, private_name = private[name]
    return getattr(importlib.import_module(f"sklearn.{module}"), private_name)
