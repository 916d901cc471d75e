"""Conversion of objects of the supported classes to plain values."""

import importlib
import warnings
from copy import copy
from inspect import getattr_static, signature
from numbers import Integral
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from sklearn_bilstm.estimators import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTagger,
)
from sklearn_bilstm.estimators._ngrams import LONGEST_NGRAM
from sklearn_bilstm.metrics import find_spans
from sklearn_bilstm.metrics._schemes import SCHEMES
from sklearn_bilstm.sequences import HashedNgramVocabulary
from sklearn_bilstm.text import TextVectorizer, WordReader, WordVectors
from sklearn_bilstm.text._vocabulary import check_vocabulary
from sklearn_bilstm.training import SequenceNet
from sklearn_bilstm.utils._ids import FIRST_TOKEN_ID
from sklearn_bilstm.utils._plain import PlainParameters
from sklearn_bilstm.utils._token_ids import vocabulary_fingerprint

__all__ = ["is_storable", "plain_object", "restored_object"]

# Modules of the supported classes, by their name in a file. The attribute names of
# classes of this package are part of the format. Classes of scikit-learn are supported
# if their attributes are plain values or objects of these classes.
_MODULES = {
    "BiLSTMClassifier": "sklearn_bilstm.estimators",
    "BiLSTMRegressor": "sklearn_bilstm.estimators",
    "BiLSTMTagger": "sklearn_bilstm.estimators",
    "ClassLogOdds": "sklearn_bilstm.training",
    "HashedNgramVocabulary": "sklearn_bilstm.sequences",
    "TextVectorizer": "sklearn_bilstm.text",
    "TokenCounts": "sklearn_bilstm.text._vocabulary",
    "NgramLinearModel": "sklearn_bilstm.training",
    "WordReader": "sklearn_bilstm.text",
    "WordVectors": "sklearn_bilstm.text",
    "_Linear": "sklearn_bilstm.training._linear_model",
    "Binarizer": "sklearn.preprocessing",
    "ColumnTransformer": "sklearn.compose",
    "FeatureUnion": "sklearn.pipeline",
    "FrozenEstimator": "sklearn.frozen",
    "FunctionTransformer": "sklearn.preprocessing",
    "KBinsDiscretizer": "sklearn.preprocessing",
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
    "SimpleImputer": "sklearn.impute",
    "StandardScaler": "sklearn.preprocessing",
    "TfidfTransformer": "sklearn.feature_extraction.text",
    "TransformedTargetRegressor": "sklearn.compose",
    "make_column_selector": "sklearn.compose",
}
# Valid numbers of bits of n-gram hashes: ONNX files look n-grams up in blocks of 2 **
# 8, and preparing a lookup of 2 ** 28 buckets takes a gigabyte.
_BUCKET_BITS = range(8, 29)
_ESTIMATORS = BiLSTMClassifier, BiLSTMRegressor, BiLSTMTagger
_REQUESTS = "_metadata_request"
# Callbacks of scikit-learn monitor training and are not part of the fitted state.
_LEFT_OUT = {"_skl_callbacks"}


def is_storable(value: Any) -> bool:
    """Return whether a value is an instance of a supported class."""
    name = type(value).__name__
    return name in _MODULES and _class_of(name) is type(value)


def plain_object(value: Any) -> list:
    """Return the class name and the attributes of an object."""
    _check_without_cache(value)
    _check_parameters(value)
    name = type(value).__name__
    if isinstance(value, WordVectors):
        return [name, {"words": list(value), "vectors": value.vectors}]
    attributes = {k: v for k, v in vars(value).items() if k not in _LEFT_OUT}
    if _REQUESTS in attributes:
        requests = vars(attributes[_REQUESTS]).items()
        attributes[_REQUESTS] = {
            method: dict(request.requests)
            for method, request in requests
            if getattr(request, "requests", None)
        }
    return [name, attributes]


def restored_object(pair: list) -> Any:
    """Restore an object from the values that :func:`plain_object` returned.

    Raises
    ------
    ValueError
        If the values were not returned by that function.
    """
    name, attributes = pair
    kind = _class_of(name)
    if kind is WordVectors:
        return WordVectors(**attributes)
    if issubclass(kind, BaseEstimator):
        names = signature(kind).parameters.keys() & attributes.keys()
        restored = kind(**{name: attributes.pop(name) for name in names})
    else:
        restored = kind.__new__(kind)
    _check_names(kind, attributes)
    requests = attributes.pop(_REQUESTS, None)
    vars(restored).update(attributes)
    if requests is not None:
        _set_requests(restored, requests)
    _check_without_cache(restored)
    _check_parameters(restored)
    _try_out(restored)
    return restored


def _class_of(name: str) -> Any:
    return getattr(importlib.import_module(_MODULES[name]), name)


def _check_names(kind: Any, attributes: dict[str, Any]) -> None:
    """Reject attributes that would shadow a method."""
    for name in attributes:
        if hasattr(getattr_static(kind, name, None), "__get__"):
            raise ValueError(f"{kind.__name__} has no attribute {name!r:.80}.")


def _set_requests(estimator: Any, requests: dict[str, dict]) -> None:
    found = estimator.get_metadata_routing()
    for method, aliases in requests.items():
        for name, alias in aliases.items():
            vars(found)[method].add_request(param=name, alias=alias)
    vars(estimator)[_REQUESTS] = found


def _check_without_cache(value: Any) -> None:
    if getattr(value, "memory", None) is not None:
        raise ValueError(
            f"The 'memory' parameter of a {type(value).__name__} names a folder of "
            "pickles, which a file that is safe to load must not name: set it to None."
        )


def _check_parameters(value: Any) -> None:
    """Reject invalid parameters, with which the model could not be fitted again.

    The parameters of scikit-learn's own classes are not checked, as they can differ
    between its versions.
    """
    if isinstance(value, (*_ESTIMATORS, TextVectorizer)):
        checked = copy(value)  # the parameters of `value` are left alone
        with PlainParameters(checked):
            checked._validate_params()
    elif isinstance(value, Pipeline):
        value._validate_steps()


def _try_out(restored: Any) -> None:
    """Predict once, to detect inconsistent parts early."""
    if isinstance(restored, TextVectorizer) and hasattr(restored, "vocabulary_"):
        _check_vectorizer(restored)
    if isinstance(restored, WordReader):
        _check_reader(restored)
    is_ours = isinstance(restored, _ESTIMATORS)
    if is_ours and hasattr(restored, "net_"):
        _check_network(restored)
        _check_ngrams(restored)
        if isinstance(restored, BiLSTMTagger):
            _check_tagger(restored)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the input has no column names
            restored.predict(_smallest_input(restored))


def _check_vectorizer(vectorizer: TextVectorizer) -> None:
    if not isinstance(vectorizer.vocabulary_, dict):
        raise TypeError("There must be a vocabulary.")
    check_vocabulary(vectorizer.vocabulary_)
    if vectorizer._fingerprint is not None:  # whatever the file contains
        fingerprint = vocabulary_fingerprint(vectorizer.vocabulary_)
        vectorizer._fingerprint = fingerprint
    max_length = vectorizer.max_length_
    if not isinstance(max_length, Integral) or max_length < 1:
        raise ValueError("The largest length must be a whole number from 1 on.")


def _check_reader(reader: WordReader) -> None:
    for vocabulary in (reader.vocabulary_, reader.characters_):
        ids = range(FIRST_TOKEN_ID, FIRST_TOKEN_ID + len(vocabulary))
        if not isinstance(vocabulary, dict) or {*vocabulary.values()} != {*ids}:
            raise ValueError("Tokens and characters must be numbered one by one.")


def _check_network(estimator: Any) -> None:
    if not isinstance(estimator.net_, SequenceNet):
        raise TypeError("There must be a network.")
    fingerprint = estimator._fingerprint
    if fingerprint is not None and (fingerprint.dtype, fingerprint.ndim) != ("u2", 1):
        raise ValueError("A fingerprint must hold a checksum for each token.")
    if estimator.input_type_ not in {"tokens", "numeric"}:
        raise ValueError("The network must read tokens or numbers.")
    if np.ndim(getattr(estimator, "classes_", ())) != 1:
        raise ValueError("Classes must be a row of labels.")
    if estimator.module_.head.output_size != estimator._n_outputs():
        raise ValueError("The network must have an output for each class or number.")
    if not all(isinstance(epoch, dict) for epoch in getattr(estimator, "history_", [])):
        raise TypeError("The history must hold a dict for each epoch.")


def _check_ngrams(estimator: Any) -> None:
    """Reject sizes that would allocate memory before the inconsistency is found."""
    linear_model = getattr(estimator, "linear_model_", None)
    for learnt in (linear_model, getattr(estimator, "log_odds_", None)):
        if learnt is not None:
            _check_columns(learnt._columns)
    if linear_model is None:
        return
    if linear_model.n_classes != len(estimator.classes_):
        raise ValueError("The linear path must have the classes of the estimator.")
    _check_coefficients(linear_model._model)


def _check_coefficients(model: Any) -> None:
    coefficients = model.coefficients
    if coefficients.shape[1] != len(model.classes):
        raise ValueError("The linear path must have coefficients for each class.")
    values = coefficients.data if sparse.issparse(coefficients) else coefficients
    if not np.isfinite(values).all():
        raise ValueError("The linear path must have learnt something.")


def _check_columns(columns: HashedNgramVocabulary) -> None:
    shortest, longest = columns.lengths
    if not 1 <= shortest <= longest <= LONGEST_NGRAM:
        raise ValueError("There are no n-grams of such lengths.")
    if columns.n_bits not in _BUCKET_BITS:
        raise ValueError("There are not as many buckets of n-grams.")
    buckets = columns._buckets
    if buckets.min(initial=0) < 0 or buckets.max(initial=0) >> columns.n_bits:
        raise ValueError("N-grams must be in the buckets that there are.")


def _check_tagger(tagger: BiLSTMTagger) -> None:
    """Check attributes that are used only for scoring or further training."""
    if tagger.scheme_ not in {None, "IOB1", *SCHEMES}:
        raise ValueError("There is no such scheme of labels.")
    if tagger.scheme_ is not None:
        find_spans(tagger.classes_.tolist())
    n_steps = tagger._steps_of_row
    if not isinstance(n_steps, float) or not 0 < n_steps < np.inf:
        raise ValueError("There must be a number of steps of a row.")
    speller = tagger.module_.characters
    if speller is not None and speller.input_size != tagger._words.n_characters:
        raise ValueError("There must be a vector for each character.")


def _smallest_input(estimator: Any) -> Any:
    """Return an input of one row and one step, from checked attributes only."""
    if estimator.input_type_ == "numeric":
        return np.zeros((1, 1, len(estimator._scaler.mean_)))
    if isinstance(estimator, BiLSTMTagger):
        return [[1]] if estimator._words is None else [["a"]]
    scaler = estimator._static_scaler
    if estimator._n_static != (0 if scaler is None else len(scaler.mean_)):
        raise ValueError("Static features must have a scale each.")
    return sparse.csr_array(([1], [0], [0, 1]), (1, estimator.n_features_in_))
