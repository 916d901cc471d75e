"""Trial of restored transformers of scikit-learn, to detect inconsistent state."""

import warnings
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from joblib import parallel_config
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_bilstm.text import TextVectorizer
from sklearn_bilstm.utils._state import state_int

__all__ = ["try_transformer"]

# A wider row would take memory that the file does not bound.
_LARGEST_WIDTH = 2**20
# Parameters that can hold functions of the user, which loading must not call.
_FUNCTIONS = "func", "inverse_func", "tokenizer", "preprocessor", "analyzer"


def try_transformer(transformer: Any) -> None:
    """Transform a row with a fitted transformer of scikit-learn.

    Transformers with functions of the user or regular expressions, very wide ones, and
    those that need a frame without pandas, are not tried.

    Parameters
    ----------
    transformer : estimator

    Raises
    ------
    AttributeError, LookupError, MemoryError, TypeError, ValueError
        If its attributes do not fit each other. A ValueError of the transformer is
        ignored, since the row can be invalid for some parameters.
    """
    if not hasattr(transformer, "transform") or not _is_fitted(transformer):
        return
    row = _example_of(transformer)
    X = None if row is None else _in_container(transformer, row)
    if X is None or _calls_functions(transformer):
        return
    with warnings.catch_warnings(), parallel_config("sequential"):
        warnings.simplefilter("ignore")  # such as that the row has no names
        with suppress(ValueError):
            transformer.transform(X)


def _is_fitted(transformer: Any) -> bool:
    try:
        check_is_fitted(transformer)
    except ValueError:
        return False
    return True


def _example_of(transformer: Any) -> list | None:
    """Return a row that a transformer accepts, or None if it is unknown."""
    transformer = _first_part(transformer)
    width = getattr(transformer, "n_features_in_", 1)
    if state_int(width, "n_features_in_", most=2**63) > _LARGEST_WIDTH:
        return None
    if isinstance(transformer, ColumnTransformer):
        return _example_of_columns(transformer, width)
    if isinstance(transformer, TextVectorizer):
        return ["a"] * width
    row = list(getattr(transformer, "statistics_", [1.0] * width))
    if hasattr(transformer, "categories_"):
        row = [
            categories[0] if len(categories) else 1.0
            for categories in transformer.categories_
        ]
        _check_encoder(transformer)
    if len(row) != width:
        raise ValueError(f"There must be a statistic for each of {width} features.")
    return row


def _check_encoder(encoder: Any) -> None:
    """Check the number of columns of each feature before memory is allocated."""
    for width, categories in zip(
        getattr(encoder, "_n_features_outs", []), encoder.categories_, strict=False
    ):
        state_int(width, "number of columns", most=len(categories) + 1)


def _first_part(transformer: Any) -> Any:
    """Return the transformer that reads the input of another one."""
    while True:
        if isinstance(transformer, Pipeline):
            transformer = transformer.steps[0][1]
        elif isinstance(transformer, FeatureUnion):
            transformer = transformer.transformer_list[0][1]
        elif isinstance(transformer, FrozenEstimator):
            transformer = transformer.estimator
        else:
            return transformer


def _example_of_columns(transformer: ColumnTransformer, width: int) -> list:
    row: list = [1.0] * width
    indices = transformer._transformer_to_input_indices
    for name, part, _ in transformer.transformers_:
        if isinstance(part, str):
            continue
        example = _example_of(part)
        if example is not None and len(example) == len(indices[name]):
            for index, value in zip(indices[name], example, strict=True):
                row[index] = value
    return row


def _in_container(transformer: Any, row: list) -> Any:
    """Return a table with a single row, or None if pandas is needed but missing."""
    transformer = _first_part(transformer)
    if isinstance(transformer, TextVectorizer) and len(row) == 1:
        return row
    X = np.empty((1, len(row)), object)
    X[0] = row
    if not isinstance(transformer, ColumnTransformer | TextVectorizer):
        is_numeric = all(isinstance(value, float | np.floating) for value in row)
        return X.astype(float) if is_numeric else X
    names = getattr(transformer, "feature_names_in_", None)
    if names is None:
        return X
    if find_spec("pandas") is None:
        return None
    pandas = import_module("pandas")
    return pandas.DataFrame(X, columns=names).infer_objects()


def _calls_functions(transformer: Any) -> bool:
    params = transformer.get_params(deep=True)
    return any(
        name.endswith("token_pattern")  # which can take exponential time
        if isinstance(value, str)
        else callable(value)
        and not isinstance(value, type)
        and name.rpartition("__")[2] in _FUNCTIONS
        for name, value in params.items()
    )
