"""Description of a fitted transformer of tables for a server without scikit-learn.

It is a TableVectorizer or a ColumnTransformer. The transformers of numbers and
categories become a list of steps of four kinds, which
:mod:`sklearn_bilstm.onnx._table` applies:

- "scale" subtracts a number from each column, divides it, and may limit it to bounds,
- "impute" replaces missing values, and may add indicators of them,
- "encode" replaces categories by codes, or by a column for each code,
- "static" converts numbers, dates and categories as StaticEncoder does.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.validation import check_is_fitted

from sklearn_bilstm.text import StaticEncoder, TableVectorizer, TextVectorizer
from sklearn_bilstm.text._static_encoder import static_encoder_parts
from sklearn_bilstm.utils._missing import is_missing
from sklearn_bilstm.utils._plain import plain_value

__all__ = ["TABLE_TRANSFORMERS", "describe_table"]

_OTHERWISE = (
    "Otherwise export only the estimator, with export_onnx(pipeline[-1], path), and "
    "pass the output of pipeline[:-1].transform(X) to the exported model."
)


_REPLACE_NONE = (
    "Replace None by NaN before you fit, for instance with "
    "X.fillna(float('nan')) for a frame of pandas."
)


def describe_table(transformer: Any) -> tuple[TextVectorizer, dict[str, Any]]:
    """Return the vectorizer of a table, and a description of all its columns.

    Parameters
    ----------
    transformer : estimator
        Fitted transformer of one of the classes `TABLE_TRANSFORMERS`.

    Returns
    -------
    vectorizer : TextVectorizer
    table : dict
        The names of the columns, None if the transformer was fitted to an array, their
        number, the columns with text, and the columns and steps of each other part.
        Columns are given by name, or else by index.

    Raises
    ------
    ValueError
        If a transformer is not supported, or there is not a TextVectorizer before all
        others.
    """
    return TABLE_TRANSFORMERS[type(transformer)](transformer)


def _describe_column_transformer(
    transformer: ColumnTransformer,
) -> tuple[TextVectorizer, dict[str, Any]]:
    check_is_fitted(transformer)
    names = getattr(transformer, "feature_names_in_", None)
    input_names = range(transformer.n_features_in_) if names is None else names.tolist()
    parts = _parts(transformer, input_names)
    are_text = [isinstance(part, TextVectorizer) for part, _ in parts]
    if sum(are_text) != 1 or not are_text[0]:
        raise ValueError(
            "For an export to ONNX, the first transformer of a ColumnTransformer must "
            "be a TextVectorizer, and the only one: got "
            f"{[_name_of(part) for part, _ in parts]}. Several columns of text can "
            f"share a TextVectorizer. {_OTHERWISE}"
        )
    (vectorizer, text), *rest = parts
    return vectorizer, {
        "names": None if names is None else names.tolist(),
        "n_columns": transformer.n_features_in_,
        "text": text,
        "parts": [_described(*part) for part in rest],
    }


def _parts(
    transformer: ColumnTransformer, input_names: Sequence
) -> list[tuple[Any, list]]:
    """Return the transformers of a ColumnTransformer with their columns."""
    if transformer.transformer_weights:
        raise ValueError(
            "The 'transformer_weights' parameter of a ColumnTransformer cannot be "
            f"exported to ONNX. {_OTHERWISE}"
        )
    parts = []
    for name, part, _ in transformer.transformers_:
        indices = transformer._transformer_to_input_indices[name]
        columns = [input_names[index] for index in np.arange(len(input_names))[indices]]
        if columns and not (isinstance(part, str) and part == "drop"):
            parts.append((_unfrozen(part), columns))
    return parts


def _describe_table_vectorizer(
    vectorizer: TableVectorizer,
) -> tuple[TextVectorizer, dict[str, Any]]:
    check_is_fitted(vectorizer)
    text, columns = vectorizer.text_columns_, vectorizer.static_columns_
    static = _unfrozen(vectorizer.static_transformer_)
    parts = [] if static is None else [(static, columns)]
    if isinstance(static, ColumnTransformer):
        parts = _parts(static, getattr(static, "feature_names_in_", columns))
    return vectorizer.text_vectorizer_, {
        "names": [*text, *columns],
        "n_columns": len(text) + len(columns),
        "text": text,
        "parts": [_described(*part) for part in parts],
    }


# Classes of transformers of tables, with the functions that describe them.
TABLE_TRANSFORMERS: dict[type, Callable[[Any], tuple[TextVectorizer, dict]]] = {
    ColumnTransformer: _describe_column_transformer,
    TableVectorizer: _describe_table_vectorizer,
}


def _unfrozen(transformer: Any) -> Any:
    if isinstance(transformer, FrozenEstimator):
        return _unfrozen(transformer.estimator)
    return transformer


def _name_of(transformer: Any) -> str:
    return transformer if isinstance(transformer, str) else type(transformer).__name__


def _described(transformer: Any, columns: list) -> dict[str, Any]:
    """Describe a transformer of columns."""
    if isinstance(transformer, StaticEncoder):  # if frozen, it can read a part of them
        columns = [*transformer.column_kinds_]
    return {"columns": columns, "steps": _steps(transformer)}


def _steps(transformer: Any) -> list[dict[str, Any]]:
    """Return the steps of a transformer of numbers or categories."""
    transformer = _unfrozen(transformer)
    if transformer is None or (
        isinstance(transformer, str) and transformer == "passthrough"
    ):
        return []
    if isinstance(transformer, FunctionTransformer) and transformer.func is None:
        return []
    if isinstance(transformer, Pipeline):
        steps = [step for _, inner in transformer.steps for step in _steps(inner)]
        _check_imputed(steps)
        return steps
    if type(transformer) not in _STEPS:
        names = ", ".join(sorted(kind.__name__ for kind in _STEPS))
        raise ValueError(
            f"A {_name_of(transformer)} of columns of a table cannot be exported to "
            f"ONNX. Supported are {names}, 'passthrough', 'drop' and pipelines of "
            f"these, besides a TextVectorizer of the text. {_OTHERWISE}"
        )
    return [_STEPS[type(transformer)](transformer)]


def _check_imputed(steps: list[dict[str, Any]]) -> None:
    """Raise an error if an encoder has a missing category after an imputer.

    For columns of objects, scikit-learn's SimpleImputer replaces either None or NaN,
    but a server, which reads both as null in JSON, replaces both.
    """
    is_imputed = False
    for step in steps:
        is_imputed |= step["kind"] == "impute" and step["missing"] is None
        encodings = [] if step["kind"] != "encode" else step["columns"]
        if is_imputed and any(None in column["categories"] for column in encodings):
            raise ValueError(
                "For an export to ONNX, an encoder after a SimpleImputer must not have "
                "None or NaN as a category. The imputer replaces either None or NaN, "
                "but a served model, which cannot distinguish them, replaces both. "
                f"{_REPLACE_NONE}"
            )


def _check_scale(scaler: Any, step: dict[str, Any]) -> dict[str, Any]:
    """Return a step of a scaler, whose numbers must be finite."""
    numbers = np.array([step["subtract"], step["divide"]])
    is_empty = ~np.isfinite(numbers).all(0)
    if is_empty.any():
        names = getattr(scaler, "feature_names_in_", np.arange(scaler.n_features_in_))
        raise ValueError(
            f"For an export to ONNX, the mean and scale of a {_name_of(scaler)} must "
            f"be finite: they are not for its columns {names[is_empty].tolist()!r:.80},"
            " which may have only missing values in fit. Remove these columns, or put "
            "a SimpleImputer before the scaler, and fit again."
        )
    return step


def _scaler(scaler: Any) -> dict[str, Any]:
    """Describe a StandardScaler, RobustScaler or MaxAbsScaler."""
    n_columns, bounds = scaler.n_features_in_, None
    center = getattr(scaler, "mean_", getattr(scaler, "center_", None))
    if getattr(scaler, "with_mean", True) is False:  # mean_ is set even then
        center = None
    if getattr(scaler, "clip", False):
        bounds = [-1.0, 1.0]
    scale = scaler.scale_
    step = {
        "kind": "scale",
        "subtract": [0.0] * n_columns if center is None else center.tolist(),
        "divide": [1.0] * n_columns if scale is None else scale.tolist(),
        "bounds": bounds,
    }
    return _check_scale(scaler, step)


def _min_max_scaler(scaler: MinMaxScaler) -> dict[str, Any]:
    bounds = [float(bound) for bound in scaler.feature_range]
    step = {
        "kind": "scale",
        "subtract": (-scaler.min_ / scaler.scale_).tolist(),
        "divide": (1 / scaler.scale_).tolist(),
        "bounds": bounds if scaler.clip else None,
    }
    return _check_scale(scaler, step)


def _imputer(imputer: SimpleImputer) -> dict[str, Any]:
    fill = [plain_value(value) for value in imputer.statistics_.tolist()]
    if None in fill:
        raise ValueError(
            "For an export to ONNX, the statistics_ of a SimpleImputer must not be "
            f"None: got {fill!r:.80}. {_REPLACE_NONE}"
        )
    if imputer.keep_empty_features:
        are_kept = [True] * len(fill)
        fill = [0.0 if is_missing(value) else value for value in fill]
    else:
        are_kept = [not is_missing(value) for value in fill]
    indicator = imputer.indicator_
    return {
        "kind": "impute",
        "missing": _category(imputer.missing_values),
        "fill": [
            _category(value) if is_kept else None
            for value, is_kept in zip(fill, are_kept, strict=True)
        ],
        "indicators": [] if indicator is None else indicator.features_.tolist(),
    }


def _static_encoder(encoder: StaticEncoder) -> dict[str, Any]:
    imputer, marked, one_hot = static_encoder_parts(encoder)
    impute: dict[str, Any] = {"kind": "impute", "missing": None, "fill": []}
    return {
        "kind": "static",
        "kinds": [*encoder.column_kinds_.values()],
        "impute": {
            **(impute if imputer is None else _imputer(imputer)),
            "indicators": marked,
        },
        "encode": {
            "kind": "encode",
            "columns": [] if one_hot is None else _one_hot_encoder(one_hot)["columns"],
        },
    }


def _one_hot_encoder(encoder: OneHotEncoder) -> dict[str, Any]:
    columns = []
    for index, categories in enumerate(encoder.categories_):
        codes, rare = _ranks(encoder, index)
        n_codes = max(codes, default=-1) + 1
        dropped = None if encoder.drop_idx_ is None else encoder.drop_idx_[index]
        unknown = [-1]
        if encoder.handle_unknown == "error":
            unknown = []
        elif encoder.handle_unknown != "ignore" and rare is not None:
            unknown = [rare]
        if dropped is not None:
            dropped_code, n_codes = codes[dropped], n_codes - 1
            codes = _without(codes, dropped_code)
            unknown = _without(unknown, dropped_code)
        columns.append(_encoded(categories, codes, unknown, n_codes))
    return {"kind": "encode", "columns": columns}


def _without(codes: list[int], dropped: int) -> list[int]:
    """Return codes after a column is removed; -1 stands for no column."""
    return [-1 if code == dropped else code - (code > dropped) for code in codes]


def _ordinal_encoder(encoder: OrdinalEncoder) -> dict[str, Any]:
    columns = []
    unknown: list = []
    if encoder.handle_unknown == "use_encoded_value":
        unknown = [_code(encoder.unknown_value)]
    for index, categories in enumerate(encoder.categories_):
        ranks, _ = _ranks(encoder, index)
        codes = [
            _code(encoder.encoded_missing_value) if _is_nan(category) else rank
            for category, rank in zip(categories.tolist(), ranks, strict=True)
        ]
        columns.append(_encoded(categories, codes, unknown, None))
    return {"kind": "encode", "columns": columns}


def _ranks(encoder: Any, index: int) -> tuple[list[int], int | None]:
    """Return the code of each category, and that of infrequent ones if any."""
    categories = encoder.categories_[index]
    codes = list(range(len(categories)))
    if not getattr(encoder, "_infrequent_enabled", False):
        return codes, None
    mapping = encoder._default_to_infrequent_mappings[index]
    if mapping is None:
        return codes, None
    codes = mapping.tolist()
    if len(codes) < len(categories):  # an OrdinalEncoder has a missing one at the end
        codes.append(len(codes))
    return codes, codes[encoder._infrequent_indices[index][0]]


def _encoded(
    raw_categories: np.ndarray, codes: list, unknown: list, width: int | None
) -> dict[str, Any]:
    categories = [_category(category) for category in raw_categories.tolist()]
    if categories.count(None) > 1:
        raise ValueError(
            "For an export to ONNX, a column must not have both None and NaN as "
            "categories. Replace one by the other before you fit the encoder."
        )
    return {
        "categories": categories,
        "codes": codes,
        "unknown": unknown,
        "width": width,
    }


def _is_nan(value: Any) -> bool:
    """Return whether a category is missing for an OrdinalEncoder, unlike None."""
    return value is not None and is_missing(value)


def _category(value: Any) -> Any:
    """Return a category as JSON has it, with None for a missing one."""
    value = plain_value(value)
    if is_missing(value):
        return None
    if not isinstance(value, str | bool | int | float):
        raise ValueError(
            "For an export to ONNX, categories and imputed values must be strings, "
            f"numbers or bools: got {value!r:.80} of type {type(value).__name__}."
        )
    return value


def _code(value: Any) -> float | None:
    """Return a code, with None for NaN."""
    return None if is_missing(value) else float(value)


# Supported transformers of numbers and categories, with the functions that describe
# them.
_STEPS: dict[type, Callable[[Any], dict[str, Any]]] = {
    MaxAbsScaler: _scaler,
    MinMaxScaler: _min_max_scaler,
    OneHotEncoder: _one_hot_encoder,
    OrdinalEncoder: _ordinal_encoder,
    RobustScaler: _scaler,
    SimpleImputer: _imputer,
    StandardScaler: _scaler,
    StaticEncoder: _static_encoder,
}
