"""Conversion of objects of the supported classes to plain values."""

import importlib
from collections.abc import Iterable
from inspect import signature
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.metadata_routing import MetadataRequest

from sklearn_bilstm.estimators import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTagger,
    EntityRecognizer,
    restore_state,
)
from sklearn_bilstm.persistence._trial import try_transformer
from sklearn_bilstm.persistence._wrappers import complete_wrapper, plain_wrapper
from sklearn_bilstm.text import (
    StaticEncoder,
    TableVectorizer,
    TextVectorizer,
    WordReader,
    WordVectors,
    check_counts,
    set_vectorizer_state,
    vectorizer_state,
)
from sklearn_bilstm.text._column_values import TypedColumn
from sklearn_bilstm.text._vocabulary import TokenCounts
from sklearn_bilstm.utils._ids import FIRST_TOKEN_ID
from sklearn_bilstm.utils._state import state_array

__all__ = [
    "check_nesting",
    "is_shared",
    "is_storable",
    "plain_object",
    "restored_object",
]

# Modules of the supported classes, by their name in a file. Estimators of this package
# are stored by their parameters and their fitted state, which does not depend on the
# names of attributes. Classes of scikit-learn are supported if their attributes are
# plain values or objects of these classes.
_MODULES = {
    "BiLSTMClassifier": "sklearn_bilstm.estimators",
    "BiLSTMRegressor": "sklearn_bilstm.estimators",
    "BiLSTMTagger": "sklearn_bilstm.estimators",
    "EntityRecognizer": "sklearn_bilstm.estimators",
    "StaticEncoder": "sklearn_bilstm.text",
    "TableVectorizer": "sklearn_bilstm.text",
    "TextVectorizer": "sklearn_bilstm.text",
    "TokenCounts": "sklearn_bilstm.text._vocabulary",
    "WordReader": "sklearn_bilstm.text",
    "WordVectors": "sklearn_bilstm.text",
    "Binarizer": "sklearn.preprocessing",
    "CalibratedClassifierCV": "sklearn.calibration",
    "ColumnTransformer": "sklearn.compose",
    "FeatureUnion": "sklearn.pipeline",
    "FixedThresholdClassifier": "sklearn.model_selection",
    "FrozenEstimator": "sklearn.frozen",
    "FunctionTransformer": "sklearn.preprocessing",
    "GroupKFold": "sklearn.model_selection",
    "GroupShuffleSplit": "sklearn.model_selection",
    "IsotonicRegression": "sklearn.isotonic",
    "KBinsDiscretizer": "sklearn.preprocessing",
    "KFold": "sklearn.model_selection",
    "MaxAbsScaler": "sklearn.preprocessing",
    "MinMaxScaler": "sklearn.preprocessing",
    "MissingIndicator": "sklearn.impute",
    "Normalizer": "sklearn.preprocessing",
    "OneHotEncoder": "sklearn.preprocessing",
    "OrdinalEncoder": "sklearn.preprocessing",
    "Pipeline": "sklearn.pipeline",
    "PowerTransformer": "sklearn.preprocessing",
    "QuantileTransformer": "sklearn.preprocessing",
    "RobustScaler": "sklearn.preprocessing",
    "ShuffleSplit": "sklearn.model_selection",
    "SimpleImputer": "sklearn.impute",
    "StandardScaler": "sklearn.preprocessing",
    "StratifiedGroupKFold": "sklearn.model_selection",
    "StratifiedKFold": "sklearn.model_selection",
    "StratifiedShuffleSplit": "sklearn.model_selection",
    "TfidfTransformer": "sklearn.feature_extraction.text",
    "TimeSeriesSplit": "sklearn.model_selection",
    "TransformedTargetRegressor": "sklearn.compose",
    "TunedThresholdClassifierCV": "sklearn.model_selection",
    "make_column_selector": "sklearn.compose",
}
_ESTIMATORS = BiLSTMClassifier, BiLSTMRegressor, BiLSTMTagger
_REQUESTS = "_metadata_request"
# Key of the fitted state of an estimator of this package.
_STATE = "state"
# Parameters of earlier versions, which files can contain.
_REMOVED = {"token_deletion", "token_swap"}
# Callbacks of scikit-learn monitor training and are not part of the fitted state. The
# other attributes are derived from those that are stored.
_LEFT_OUT = {"_curve_scorer", "_default_test_size", "_skl_callbacks", "f_"}
# Attributes of objects that are no estimators, besides the arguments of their class.
_ATTRIBUTES_OF_OTHERS = {
    "TimeSeriesSplit": {"random_state", "shuffle"},
    "WordReader": {"vocabulary_", "characters_"},
}
# Attributes of scikit-learn's transformers that are arrays, or None.
_STATISTICS = {
    *("center_", "data_max_", "data_min_", "data_range_", "idf_", "lambdas_"),
    *("max_abs_", "mean_", "min_", "quantiles_", "scale_", "statistics_", "var_"),
}
_PARTS_OF_STATIC_ENCODER = {
    "_encoder": OneHotEncoder,
    "_imputer": SimpleImputer,
    "_indicator": MissingIndicator,
}
# scikit-learn takes exponential time for nested pipelines.
_MAX_DEPTH = 12
# Attributes of scikit-learn in an estimator that are not parameters.
_SETTINGS = {_REQUESTS, "_sklearn_output_config"}


def is_storable(value: Any) -> bool:
    """Return whether a value is an instance of a supported class."""
    name = type(value).__name__
    return name in _MODULES and _class_of(name) is type(value)


def is_shared(value: Any) -> bool:
    """Return whether several references to an object are stored as such.

    Estimators are not: scikit-learn visits an estimator once per path to it, and a few
    nested pipelines can have millions of paths.
    """
    return not isinstance(value, BaseEstimator)


def plain_object(value: Any) -> list:
    """Return the class name and the attributes of an object."""
    _check_without_cache(value)
    _check_parameters(value)
    name = type(value).__name__
    if isinstance(value, WordVectors):
        return [name, {"words": list(value), "vectors": value.vectors}]
    attributes = {k: v for k, v in vars(value).items() if k not in _LEFT_OUT}
    if isinstance(value, (*_ESTIMATORS, TextVectorizer)):
        attributes = _with_state(value, attributes)
    attributes = plain_wrapper(value, attributes)
    if _REQUESTS in attributes:
        requests = vars(attributes[_REQUESTS]).items()
        attributes[_REQUESTS] = {
            method: dict(request.requests)
            for method, request in requests
            if getattr(request, "requests", None)
        }
    return [name, attributes]


def _with_state(value: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters, requests and output settings, and the fitted state."""
    names = {*value.get_params(deep=False), *_SETTINGS}
    content = {name: attributes[name] for name in names & attributes.keys()}
    if hasattr(value, "model_"):
        value.model_.check()
        content[_STATE] = value.model_.state()
    elif hasattr(value, "vocabulary_"):
        content[_STATE] = vectorizer_state(value)
    return content


def restored_object(pair: list, device: str = "cpu") -> Any:
    """Restore an object from the values that :func:`plain_object` returned.

    Parameters
    ----------
    pair : list
    device : str, default="cpu"
        Device of the networks.

    Raises
    ------
    ValueError
        If the values were not returned by that function.
    """
    name, attributes = pair
    kind = _class_of(name)
    if issubclass(kind, _ESTIMATORS):
        attributes = {k: v for k, v in attributes.items() if k not in _REMOVED}
    names = signature(kind).parameters.keys() & attributes.keys()
    restored = kind(**{name: attributes.pop(name) for name in names})
    requests, state = attributes.pop(_REQUESTS, None), None
    if issubclass(kind, (*_ESTIMATORS, TextVectorizer)):
        state = attributes.pop(_STATE, None)
        if not attributes.keys() <= _SETTINGS:
            raise ValueError(f"{name} has no attributes {sorted(attributes)!r:.80}.")
    _check_names(kind, attributes)
    vars(restored).update(attributes)
    if requests is not None:
        _set_requests(restored, requests)
    _check_restored(restored)
    if state is not None:
        _restore_state(restored, state, device)
    if not isinstance(restored, Pipeline | FeatureUnion):  # their parts were tried
        try_transformer(restored)
    return restored


def _check_restored(restored: Any) -> None:
    _check_without_cache(restored)
    _check_parameters(restored)
    if isinstance(restored, WordReader):
        _check_reader(restored)
    elif isinstance(restored, TokenCounts):
        check_counts(restored)
    elif isinstance(restored, TransformedTargetRegressor):
        _check_transformed_target(restored)
    elif isinstance(restored, EntityRecognizer):
        _check_recognizer(restored)
    elif isinstance(restored, TableVectorizer):
        _check_table_vectorizer(restored)
    elif isinstance(restored, StaticEncoder):
        _check_static_encoder(restored)
    complete_wrapper(restored)


def _check_recognizer(recognizer: EntityRecognizer) -> None:
    if not hasattr(recognizer, "tagger_"):
        return
    if not hasattr(recognizer.tagger_, "predict"):
        raise ValueError("An EntityRecognizer must have a tagger.")
    labels = state_array(recognizer.labels_, "labels_", kinds="O", shape=(None,))
    if not _are_strings(labels):
        raise ValueError("labels_ must hold strings.")


def _check_table_vectorizer(vectorizer: TableVectorizer) -> None:
    if not hasattr(vectorizer, "text_vectorizer_"):
        return
    static = vectorizer.static_transformer_
    if not isinstance(vectorizer.text_vectorizer_, TextVectorizer):
        raise TypeError("A TableVectorizer must have a TextVectorizer.")
    if not (static is None or hasattr(static, "transform")):
        raise TypeError("The static_transformer_ of a TableVectorizer must transform.")
    columns = vectorizer.text_columns_, vectorizer.static_columns_
    if not all(isinstance(names, list) and _are_strings(names) for names in columns):
        raise TypeError("The columns of a TableVectorizer must be lists of names.")
    if not columns[0] or bool(columns[1]) != (static is not None):
        raise ValueError("A TableVectorizer must have transformers for its columns.")


def _check_static_encoder(encoder: StaticEncoder) -> None:
    if not hasattr(encoder, "column_kinds_"):
        return
    kinds = encoder.column_kinds_
    if not isinstance(kinds, dict) or not kinds or not _are_strings(kinds):
        raise TypeError("A StaticEncoder must have a kind for each column.")
    if not {*kinds.values()} <= {"category", "date", "missing", "number"}:
        raise ValueError("The columns of a StaticEncoder must be of known kinds.")
    for name, expected in _PARTS_OF_STATIC_ENCODER.items():
        value = getattr(encoder, name)
        if type(value) is not expected:
            raise TypeError(f"{name} of a StaticEncoder must be a {expected.__name__}.")
        value._validate_params()
    row = {name: TypedColumn("missing", np.array([None])) for name in kinds}
    if encoder._features(row).shape != (1, len(encoder.get_feature_names_out())):
        raise ValueError("The parts of a StaticEncoder must fit each other.")


def _are_strings(values: Iterable) -> bool:
    return all(isinstance(value, str) for value in values)


def _check_transformed_target(model: TransformedTargetRegressor) -> None:
    if hasattr(model, "regressor_") and not (
        hasattr(model.regressor_, "predict")
        and hasattr(model.transformer_, "inverse_transform")
    ):
        raise ValueError("A target must have a regressor and an invertible transform.")


def _restore_state(estimator: Any, state: dict[str, Any], device: str) -> None:
    if isinstance(estimator, TextVectorizer):
        set_vectorizer_state(estimator, state)
    else:
        restore_state(estimator, state, device)


def _class_of(name: str) -> Any:
    return getattr(importlib.import_module(_MODULES[name]), name)


def _check_names(kind: Any, attributes: dict[str, Any]) -> None:
    """Reject attributes that would replace those of the class, or that are special.

    scikit-learn's notebook view inserts some of them into HTML without escaping.
    """
    allowed = _ATTRIBUTES_OF_OTHERS.get(kind.__name__, set())
    for name in attributes:
        is_special = hasattr(kind, name) or name.startswith("__")
        is_other = not issubclass(kind, BaseEstimator) and name not in allowed
        if is_special or is_other or not name.isidentifier():
            raise ValueError(f"{kind.__name__} has no attribute {name!r:.80}.")
    for name in _STATISTICS & attributes.keys():
        if not isinstance(attributes[name], np.ndarray | None):
            raise TypeError(f"{name} must be an array: got {attributes[name]!r:.80}.")
    columns = attributes.get("feature_names_in_")
    if columns is not None:
        state_array(columns, "feature_names_in_", kinds="O", shape=(None,))
        if not _are_strings(columns):
            raise ValueError("feature_names_in_ must hold strings.")


def _set_requests(estimator: Any, requests: dict[str, dict]) -> None:
    request = estimator.get_metadata_routing()
    # of a meta-estimator, which routes the requests of its parts too
    request = getattr(request, "_self_request", request)
    if not isinstance(request, MetadataRequest):
        raise ValueError(f"{type(estimator).__name__} requests no metadata.")
    for method, aliases in requests.items():
        for name, alias in aliases.items():
            vars(request)[method].add_request(param=name, alias=alias)
    vars(estimator)[_REQUESTS] = request


def _check_without_cache(value: Any) -> None:
    if getattr(value, "memory", None) is not None:
        raise ValueError(
            f"The 'memory' parameter of a {type(value).__name__} must be None: the "
            "cache directory contains pickles, which are not safe to load."
        )


def _check_parameters(value: Any) -> None:
    """Reject invalid parameters, with which the model could not be fitted again.

    The parameters of scikit-learn's own classes are not checked, as they can differ
    between its versions.
    """
    vectorizers = StaticEncoder, TableVectorizer, TextVectorizer
    if isinstance(value, (*_ESTIMATORS, *vectorizers)):
        value._validate_params()
    elif isinstance(value, Pipeline):
        value._validate_steps()


def check_nesting(encoded: Any) -> None:
    """Raise a ValueError if the JSON of a model contains deeply nested objects."""
    if _depth(encoded) > _MAX_DEPTH:
        raise ValueError(
            f"Objects must not be nested more than {_MAX_DEPTH} times, as in pipelines "
            "of pipelines."
        )


def _depth(encoded: Any) -> int:
    if type(encoded) is list:
        return max(map(_depth, encoded), default=0)
    if type(encoded) is dict:
        return max(map(_depth, encoded.values()), default=0) + ("@object" in encoded)
    return 0


def _check_reader(reader: WordReader) -> None:
    if not all(isinstance(word, str) for word in reader.vocabulary_):
        raise TypeError("Words must be strings.")
    is_number = isinstance(reader.min_df, Real)
    if not is_number or not isinstance(reader.max_features, Integral | None):
        raise TypeError("A vocabulary must have limits that are numbers.")
    for vocabulary in (reader.vocabulary_, reader.characters_):
        ids = range(FIRST_TOKEN_ID, FIRST_TOKEN_ID + len(vocabulary))
        if not isinstance(vocabulary, dict) or {*vocabulary.values()} != {*ids}:
            raise ValueError("Tokens and characters must be numbered one by one.")
