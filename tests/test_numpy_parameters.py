"""Numpy scalars are accepted as parameters like Python scalars."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback

from sklearn_bilstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTagger,
    TableVectorizer,
    TextVectorizer,
    compress,
    load,
    save,
)
from sklearn_bilstm.text import StaticEncoder
from sklearn_bilstm.utils._sklearn import Interval, StrOptions
from tests.helpers import small_classifier

# Fractions are powers of two, which are exact in all float types.
SHARED = {
    "input_type": "tokens",
    "embedding_dim": 4,
    "embedding": "svd",
    "distributed": True,
    "freeze_embedding": True,
    "cell": "lstm",
    "hidden_layer_sizes": 3,
    "bidirectional": False,
    "merge_mode": "sum",
    "normalization": "layer",
    "dense_layer_sizes": 2,
    "dropout": 0.25,
    "embedding_dropout": 0.25,
    "word_dropout": 0.25,
    "recurrent_dropout": 0.25,
    "weight_decay": 0.25,
    "max_norm": 1.0,
    "max_epochs": 1,
    "batch_size": 8,
    "lr": 2**-8,
    "optimizer": "sgd",
    "lr_schedule": "constant",
    "gradient_clip_norm": 1.0,
    "early_stopping": True,
    "validation_fraction": 0.5,
    "n_iter_no_change": 1,
    "tol": 0.0,
    "warm_start": True,
    "device": "cpu",
    "precision": "float32",
    "n_threads": 1,
    "verbose": 2,
    "random_state": 3,
}
SEQUENCE = {
    "convolution_layer_sizes": 3,
    "convolution_stride": 2,
    "n_static_features": 0,
    "linear_kernels": 84,
    "pooling": "max",
}
PARAMETERS = {
    BiLSTMClassifier: {
        **SHARED,
        **SEQUENCE,
        "linear_ngram_range": "auto",
        "class_weight": "balanced",
    },
    BiLSTMRegressor: {
        **SHARED,
        **SEQUENCE,
        "loss": "quantile",
        "quantile": 0.25,
        "output_type": "rows",
    },
    BiLSTMTagger: {
        **SHARED,
        "lowercase": False,
        "min_df": 1,
        "max_features": 20,
        "character_embedding_dim": 2,
        "n_character_filters": 3,
        "linear_features": "auto",
        "scoring": "loss",
        "crf": True,
        "scheme": "auto",
        "constrained": True,
        "class_weight": "balanced",
    },
    StaticEncoder: {"max_categories": 3},
    TableVectorizer: {"text_columns": "text", "max_categories": 3},
    TextVectorizer: {
        "lowercase": False,
        "strip_accents": "ascii",
        "token_pattern": r"\w+",
        "analyzer": "word",
        "stop_words": "english",
        "min_df": 1,
        "max_df": 0.5,
        "max_features": 20,
        "max_length": 5,
        "truncation": "pre",
        "missing": "empty",
        "sparse_output": False,
        "n_jobs": 1,
        "distributed": True,
    },
}
NUMPY_TYPES = [
    {int: np.int64, float: np.float64, bool: np.bool_, str: np.str_},
    {int: np.uint8, float: np.float32, bool: np.bool_, str: np.str_},
    {int: np.int16, float: np.float16, bool: np.bool_, str: np.str_},
]
TEXTS = ["Good film", "a bad plot", "so good", "bad bad film"] * 5
SENTENCES = [text.split() for text in TEXTS]


def outputs(model):
    """Fit a model and return its predictions or transformed texts."""
    if isinstance(model, TextVectorizer):
        X = model.fit_transform(TEXTS)
        return np.vstack([X, model.transform(TEXTS)])
    if isinstance(model, BiLSTMTagger):
        y = [["O" if word == "bad" else "B-X" for word in row] for row in SENTENCES]
        return np.concatenate(model.fit(SENTENCES, y).predict_proba(SENTENCES))
    if isinstance(model, TableVectorizer | StaticEncoder):
        frame = pd.DataFrame({"text": TEXTS, "kind": list("aabcd") * 4})
        found = model.fit_transform(frame)
        return found.toarray() if isinstance(model, TableVectorizer) else found
    X = TextVectorizer().fit_transform(TEXTS)
    model.fit(X, np.arange(20) % 2)
    return getattr(model, "predict_proba", model.predict)(X)


def accepts_scalars(constraint):
    if isinstance(constraint, Interval | StrOptions):
        return True
    scalars = "boolean", "verbose", "random_state", Integral, Real
    return any(constraint is kind or constraint == kind for kind in scalars)


@pytest.mark.parametrize("kind", PARAMETERS)
def test_every_scalar_parameter_is_tested(kind):
    accepting = {
        name
        for name, constraints in kind._parameter_constraints.items()
        if any(map(accepts_scalars, constraints))
    }
    assert accepting <= PARAMETERS[kind].keys()


@pytest.mark.parametrize("kind", PARAMETERS)
@pytest.mark.parametrize("numpy_types", NUMPY_TYPES, ids=["64", "32", "16"])
def test_numpy_scalars_equal_python_scalars_and_are_kept(kind, numpy_types, tmp_path):
    plain = PARAMETERS[kind]
    given = {name: numpy_types[type(value)](value) for name, value in plain.items()}
    model = kind(**given)
    np.testing.assert_array_equal(outputs(model), outputs(kind(**plain)))
    kept = clone(model).get_params()
    assert all(kept[name] is value for name, value in given.items())
    save(model, tmp_path / "model.zip")
    restored = load(tmp_path / "model.zip").get_params()
    assert all(type(restored[name]) is type(given[name]) for name in given)


@pytest.mark.parametrize(
    ("name", "given", "plain"),
    [
        ("hidden_layer_sizes", np.array([4, 3]), (4, 3)),
        ("hidden_layer_sizes", (np.int64(4), np.uint8(3)), (4, 3)),
        ("convolution_layer_sizes", np.array([3, 2]), (3, 2)),
        ("dense_layer_sizes", [np.int32(3)], (3,)),
        ("log_odds_ngram_range", (np.int64(1), np.int64(2)), (1, 2)),
        ("linear_ngram_range", [np.uint8(1), np.uint8(2)], (1, 2)),
        ("early_stopping", np.str_("auto"), "auto"),
        ("max_epochs", np.str_("auto"), "auto"),
        ("class_weight", {0: np.float32(2), 1: np.int64(1)}, {0: 2, 1: 1}),
    ],
)
def test_numpy_scalars_are_accepted_in_sequences_and_class_weight(
    ids, name, given, plain
):
    y = ids[:, 0] % 2
    found, expected = (
        small_classifier(**{name: value}).fit(ids, y).predict_proba(ids)
        for value in (given, plain)
    )
    np.testing.assert_array_equal(found, expected)


def test_grid_search_accepts_numpy_arrays_of_values(ids):
    grid = {"embedding_dim": np.arange(2, 5, 2), "dropout": np.linspace(0, 0.5, 2)}
    search = GridSearchCV(small_classifier(max_epochs=1), grid, cv=2, n_jobs=1)
    search.fit(ids, np.arange(len(ids)) % 2)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


class SetBatchSize(Callback):
    def __init__(self, estimator):
        self.estimator = estimator

    def on_train_begin(self, net, **kwargs):
        self.estimator[0].set_params(batch_size=7)


def test_a_parameter_set_during_fit_is_kept(ids):
    holder = []
    model = small_classifier(callbacks=[SetBatchSize(holder)], max_epochs=np.int64(1))
    holder.append(model)
    model.fit(ids, np.arange(len(ids)) % 2)
    assert model.batch_size == 7
    assert isinstance(model.max_epochs, np.int64)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16])
def test_a_numpy_tolerance_equals_a_python_float(fitted, ids, kind):
    found, expected = (compress(fitted, ids, tolerance=t) for t in (kind(0.25), 0.25))
    assert found.compression_ == expected.compression_
