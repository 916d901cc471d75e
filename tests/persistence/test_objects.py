from copy import deepcopy
from dataclasses import replace
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import (
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
)
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from sklearn_bilstm import (
    BiLSTMTagger,
    TableVectorizer,
    TextVectorizer,
    WordVectors,
    load,
    save,
)
from sklearn_bilstm.persistence import _objects
from sklearn_bilstm.sequences import HashedNgramVocabulary, ragged_from_ids
from sklearn_bilstm.text import StaticEncoder
from tests.helpers import small_classifier, small_pipeline, small_regressor

NUMBERS = np.random.RandomState(0).rand(30, 3)
GAPS = np.where(NUMBERS > 0.8, np.nan, NUMBERS)
KINDS = np.random.RandomState(0).choice(["a", "b", "c"], (30, 2)).astype(object)
FRAME = pd.DataFrame(
    {"text": ["good", "not good"] * 15, "age": GAPS[:, 0], "kind": KINDS[:, 0]}
)


def round_trip(model, tmp_path):
    save(model, tmp_path / "model.zip")
    return load(tmp_path / "model.zip")


TRANSFORMERS = [
    (Binarizer(), NUMBERS),
    (FrozenEstimator(StandardScaler().fit(NUMBERS)), NUMBERS),
    (FunctionTransformer(), NUMBERS),
    (KBinsDiscretizer(quantile_method="averaged_inverted_cdf"), NUMBERS)
    if "quantile_method" in KBinsDiscretizer().get_params()
    else (KBinsDiscretizer(), NUMBERS),
    (MaxAbsScaler(), NUMBERS),
    (MinMaxScaler(), NUMBERS),
    (MissingIndicator(), GAPS),
    (Normalizer(), NUMBERS),
    (OneHotEncoder(handle_unknown="ignore"), KINDS),
    (OneHotEncoder(min_frequency=9, drop="first", sparse_output=False), KINDS),
    (OrdinalEncoder(encoded_missing_value=-1), KINDS),
    (PowerTransformer(), NUMBERS),
    (QuantileTransformer(n_quantiles=9), NUMBERS),
    (RobustScaler(), NUMBERS),
    (SimpleImputer(add_indicator=True), GAPS),
    (SimpleImputer(strategy="most_frequent"), KINDS),
    (StandardScaler(), NUMBERS),
    (TfidfTransformer(), NUMBERS),
    (make_union(StandardScaler(), MinMaxScaler()), NUMBERS),
    (make_column_transformer((StandardScaler(), slice(0, 2))), NUMBERS),
    (
        make_column_transformer(
            (TextVectorizer(max_length=3), ["text"]),
            (make_pipeline(SimpleImputer(), StandardScaler()), ["age"]),
            (OneHotEncoder(), ["kind"]),
        ),
        FRAME,
    ),
    (
        make_column_transformer(
            (SimpleImputer(), make_column_selector(dtype_include="number"))
        ),
        FRAME,
    ),
]


@pytest.mark.parametrize(
    ("transformer", "X"), TRANSFORMERS, ids=lambda thing: type(thing).__name__
)
def test_fitted_transformers_round_trip(transformer, X, tmp_path):
    transformer.fit(X, None)
    found = round_trip(transformer, tmp_path)
    assert found.get_params().keys() == transformer.get_params().keys()
    expected, got = transformer.transform(X), found.transform(X)
    if hasattr(expected, "toarray"):
        expected, got = expected.toarray(), got.toarray()
    np.testing.assert_array_equal(got, expected)


SPLITTERS = [
    GroupKFold(3),
    GroupShuffleSplit(4, test_size=3, random_state=1),
    KFold(3, shuffle=True, random_state=1),
    ShuffleSplit(2, train_size=0.5, random_state=np.random.RandomState(0)),
    StratifiedGroupKFold(2),
    StratifiedKFold(4),
    StratifiedShuffleSplit(2, random_state=0),
    TimeSeriesSplit(3, gap=1),
]


@pytest.mark.parametrize("splitter", SPLITTERS, ids=lambda s: type(s).__name__)
def test_splitters_round_trip(splitter, tmp_path):
    model = CalibratedClassifierCV(small_classifier(), cv=splitter)
    found = round_trip(model, tmp_path).cv
    assert type(found) is type(splitter)
    y, groups = np.arange(30) % 2, np.arange(30) % 4
    given = (y, groups) if "Group" in type(splitter).__name__ else (y,)
    for got, expected in zip(
        found.split(NUMBERS, *given), splitter.split(NUMBERS, *given), strict=True
    ):
        for mine, known in zip(got, expected, strict=True):
            assert np.array_equal(mine, known)


def test_every_supported_scikit_learn_class_is_tested():
    tried = {type(transformer).__name__ for transformer, _ in TRANSFORMERS}
    tried |= {type(splitter).__name__ for splitter in SPLITTERS}
    tried |= {"Pipeline", "TransformedTargetRegressor", "make_column_selector"}
    # in test_wrappers.py
    tried |= {"CalibratedClassifierCV", "FixedThresholdClassifier"}
    tried |= {"IsotonicRegression", "TunedThresholdClassifierCV"}
    modules = _objects._MODULES.items()
    known = {name for name, module in modules if module.startswith("sklearn.")}
    assert known == tried


def test_a_transformed_target_regressor_round_trips(ids, tmp_path):
    model = TransformedTargetRegressor(small_regressor(), transformer=MinMaxScaler())
    model.fit(ids, ids.sum(1))
    found = round_trip(model, tmp_path)
    assert np.array_equal(found.predict(ids), model.predict(ids))


def test_a_pipeline_with_static_features_round_trips(tmp_path):
    columns = make_column_transformer(
        (TextVectorizer(), ["text"]),
        (make_pipeline(SimpleImputer(), StandardScaler()), ["age"]),
        (OneHotEncoder(), ["kind"]),
    )
    whole = {
        "log_odds_ngram_range": (1, 2),
        "linear_ngram_range": (1, 2),
        "n_static_features": 4,
    }
    model = make_pipeline(columns, small_classifier(**whole)).fit(FRAME, KINDS[:, 1])
    found = round_trip(model, tmp_path)
    assert np.array_equal(found.predict_proba(FRAME), model.predict_proba(FRAME))


def test_a_refitted_linear_model_round_trips(ids, tmp_path):
    model = small_classifier(linear_ngram_range=(1, 2)).fit(ids, ids[:, 0] > 15)
    path = model.linear_model_
    path._columns = HashedNgramVocabulary((1, 2), n_bits=10)
    path.fit(ragged_from_ids(ids), (ids[:, 0] > 15).astype(int), np.ones(len(ids)), 0)
    assert path.size_ > 0
    found = round_trip(model, tmp_path)
    assert np.array_equal(found.predict_proba(ids), model.predict_proba(ids))


@pytest.fixture(scope="module")
def many_classes():
    """A model of a hundred classes, with ids to predict."""
    random = np.random.RandomState(0)
    y = np.arange(600) % 100
    own = 50 + 3 * y[:, np.newaxis] + random.randint(3, size=(600, 6))
    X = np.hstack([own, random.randint(2, 50, size=(600, 6))])
    return small_classifier(linear_ngram_range=(1, 2), max_epochs=1).fit(X, y), X


@pytest.mark.parametrize("is_sparse", [True, False])
def test_sparse_and_dense_coefficients_round_trip(many_classes, tmp_path, is_sparse):
    model, X = many_classes
    model = deepcopy(model)
    regressions = model.linear_model_.ngram_model.regressions
    assert sparse.issparse(regressions.coefficients)
    if not is_sparse:
        dense = regressions.coefficients.toarray()
        model.linear_model_.ngram_model.regressions = replace(
            regressions, coefficients=dense
        )
    found = round_trip(model, tmp_path)
    assert np.array_equal(found.predict_proba(X), model.predict_proba(X))
    coefficients = found.linear_model_.ngram_model.regressions.coefficients
    assert sparse.issparse(coefficients) == is_sparse


def test_file_size_depends_on_nonzero_coefficients(many_classes, tmp_path):
    model, _ = many_classes
    save(model, tmp_path / "with.zip")
    without = deepcopy(model)
    without.model_.auxiliary_models.linear = None
    save(without, tmp_path / "without.zip")
    n_values = model.linear_model_.ngram_model.regressions.coefficients.nnz
    n_ngrams = model.linear_model_.ngram_model.vocabulary.n_columns
    size, rest = (path.stat().st_size for path in sorted(tmp_path.iterdir()))
    # a number and a column for each value, and four numbers for each n-gram
    assert size - rest < 12 * n_values + 4 * 8 * n_ngrams + 10_000
    assert size - rest < 8 * n_ngrams * 100 / 4


def test_metadata_requests_and_output_containers_round_trip(tmp_path):
    vectorizer = TextVectorizer(sparse_output=False).set_output(transform="pandas")
    with config_context(enable_metadata_routing=True):
        classifier = small_classifier().set_fit_request(X_val=True, sample_weight="w")
        model = make_pipeline(vectorizer, classifier)
        found = round_trip(model, tmp_path)
        requests = found[-1].get_metadata_routing().fit.requests
        assert requests == classifier.get_metadata_routing().fit.requests
        assert requests["X_val"] is True
        assert requests["sample_weight"] == "w"
        around = CalibratedClassifierCV(model).set_fit_request(sample_weight="v")
        found_around = round_trip(around, tmp_path)._get_metadata_request()
        assert found_around.fit.requests == {"sample_weight": "v"}
    assert isinstance(found[0].fit_transform(["a text"]), pd.DataFrame)


def test_shared_word_vectors_are_stored_once(tmp_path):
    vectors = WordVectors([f"w{i}" for i in range(500)], np.random.rand(500, 100))
    model = make_pipeline(
        TextVectorizer(vocabulary=vectors), small_classifier(embedding=vectors)
    )
    found = round_trip(model, tmp_path)
    assert found[0].vocabulary is found[1].embedding
    assert list(found[0].vocabulary) == list(vectors)
    assert np.array_equal(found[0].vocabulary.vectors, vectors.vectors)
    assert (tmp_path / "model.zip").stat().st_size < 1.2 * vectors.vectors.nbytes


def test_a_pipeline_memory_raises(tmp_path):
    model = make_pipeline(TextVectorizer(), memory=str(tmp_path))
    with pytest.raises(ValueError, match="'memory' parameter of a Pipeline"):
        save(model, tmp_path / "model.zip")


def test_scikit_learn_callbacks_are_not_stored(tmp_path):
    classifier = small_classifier()
    classifier._skl_callbacks = [object()]  # as its set_callbacks does
    assert not hasattr(round_trip(classifier, tmp_path), "_skl_callbacks")


def test_a_missing_fingerprint_round_trips(reviews, tmp_path):
    model = small_pipeline().fit(*reviews)
    expected = model.predict_proba(reviews[0])
    model[0]._fingerprint = model[1].model_.reader.fingerprint = None
    restored = round_trip(model, tmp_path)
    assert np.array_equal(restored.predict_proba(reviews[0]), expected)
    assert restored[0].transform(["good"]).fingerprint is None


@pytest.mark.parametrize(
    "forged", [[1, 2], "text", np.zeros(3), np.zeros((2, 2), "u2")]
)
def test_a_forged_fingerprint_raises(fitted_pipeline, tmp_path, forged):
    model = deepcopy(fitted_pipeline[1])
    model.model_.reader.fingerprint = forged
    with pytest.raises(ValueError, match="does not hold a model as save writes it"):
        round_trip(model, tmp_path)


def test_fingerprint_is_recomputed_from_the_vocabulary(tmp_path):
    vectorizer = TextVectorizer().fit(["good film"])
    expected = TextVectorizer().fit(["bad plot"])
    vectorizer.vocabulary_ = expected.vocabulary_
    found = round_trip(vectorizer, tmp_path).transform(["bad"]).fingerprint
    assert np.array_equal(found, expected.transform(["bad"]).fingerprint)


SEQUENCES = {
    "ids": np.random.RandomState(0).randint(0, 9, (12, 5)).astype(np.int32),
    "a matrix of numbers": NUMBERS[:12],
    "series of channels": np.random.RandomState(0).rand(12, 4, 2),
    "unequal series": [np.ones((1 + i % 3, 2)) * i for i in range(12)],
}
TARGETS = {
    "labels": np.array(["a", "b", "c"] * 4),
    "indicators": np.eye(3, dtype=int)[np.arange(12) % 3],
    "a number": np.arange(12.0),
    "numbers": np.arange(24.0).reshape(12, 2),
}
OPTIONS = {
    "cell": ["lstm", "gru", "rnn"],
    "pooling": ["attention", "max", "mean", "max_mean", "last"],
    "merge_mode": ["concat", "sum", "mul", "ave"],
    "normalization": [None, "layer", "batch"],
    "dense_layer_sizes": [(), (3,)],
    "hidden_layer_sizes": [2, (3, 2)],
    "bidirectional": [True, False],
    "optimizer": ["adam", "sgd"],
    "random_state": [0, np.random.RandomState(0), None],
    "n_static_features": [0, 2],
}


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    sequences=st.sampled_from(list(SEQUENCES)),
    target=st.sampled_from(list(TARGETS)),
    options=st.fixed_dictionaries({k: st.sampled_from(v) for k, v in OPTIONS.items()}),
    whole=st.booleans(),
)
def test_whatever_fit_accepts_can_be_saved_and_loaded(
    sequences, target, options, whole
):
    X, y = SEQUENCES[sequences], TARGETS[target]
    if "number" in target:
        model = small_regressor()
    else:
        ngrams = (1, 2) if whole else None
        model = small_classifier(log_odds_ngram_range=ngrams, linear_ngram_range=ngrams)
    model.set_params(
        **options, input_type="tokens" if sequences == "ids" else "numeric"
    )
    try:
        model.fit(X, y)
    except ValueError:  # static features of a list of series, for one
        assume(False)
    file = BytesIO()
    save(model, file)
    found = load(BytesIO(file.getvalue()))
    assert np.array_equal(found.predict(X), model.predict(X))


def test_a_transformed_target_without_inverse_raises(ids, tmp_path):
    model = TransformedTargetRegressor(small_regressor(), transformer=MinMaxScaler())
    model.fit(ids, ids.sum(1))
    model.transformer_ = Normalizer().fit([[1.0]])
    save(model, tmp_path / "model.zip")
    with pytest.raises(ValueError, match="regressor and an invertible transform"):
        load(tmp_path / "model.zip")


def test_statistics_that_are_no_array_raise(tmp_path):
    path = tmp_path / "model.zip"
    imputer = SimpleImputer().fit(NUMBERS)
    imputer.statistics_ = {"mean": 1.0}
    save(imputer, path)
    with pytest.raises(ValueError, match="statistics_ must be an array"):
        load(path)


@pytest.mark.parametrize(
    ("fitted", "message"),
    [
        ({"tagger_": 3, "labels_": np.array(["P"], object)}, "must have a tagger"),
        ({"tagger_": BiLSTMTagger(), "labels_": np.array([3], object)}, "hold strings"),
        ({"tagger_": BiLSTMTagger(), "labels_": 3}, "labels_"),
    ],
)
def test_forged_recognizers_raise(fitted, message):
    attributes = {"tagger": None, "tokenizer": None, **fitted}
    with pytest.raises(ValueError, match=message):
        _objects.restored_object(["EntityRecognizer", attributes])


TABLE = pd.DataFrame({"text": ["good", "bad", "so"], "age": [1, 2, 3]})


def forged(model, **changed):
    """Return the class name and attributes of a model, with some of them changed."""
    name, attributes = _objects.plain_object(model)
    return [name, {**attributes, **changed}]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"text_vectorizer_": SimpleImputer()}, "must have a TextVectorizer"),
        ({"static_transformer_": 3}, "must transform"),
        ({"text_columns_": "text"}, "lists of names"),
        ({"static_columns_": [3]}, "lists of names"),
        ({"static_columns_": []}, "transformers for its columns"),
        ({"text_columns_": []}, "transformers for its columns"),
    ],
)
def test_forged_table_vectorizers_raise(changed, message):
    model = TableVectorizer().fit(TABLE)
    assert _objects.restored_object(forged(model)).static_columns_ == ["age"]
    with pytest.raises((TypeError, ValueError), match=message):
        _objects.restored_object(forged(model, **changed))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"column_kinds_": ["age"]}, "a kind for each column"),
        ({"column_kinds_": {}}, "a kind for each column"),
        ({"column_kinds_": {"age": "text"}}, "known kinds"),
        ({"_indicator": None}, "must be a MissingIndicator"),
        ({"_imputer": {}}, "must be a SimpleImputer"),
        ({"_imputer": 1}, "must be a SimpleImputer"),
        ({"_imputer": SimpleImputer()}, "not fitted"),
        ({"_imputer": SimpleImputer().fit([[1, 2]])}, "features"),
        ({"_encoder": None}, "must be a OneHotEncoder"),
        ({"_indicator": MissingIndicator(features="a")}, "'features' parameter"),
        ({"_indicator": MissingIndicator(sparse=True).fit([[1, 2]])}, "features"),
    ],
)
def test_forged_static_encoders_raise(changed, message):
    model = StaticEncoder().fit(TABLE)
    assert _objects.restored_object(forged(model)).n_features_in_ == 2
    with pytest.raises((AttributeError, TypeError, ValueError), match=message):
        _objects.restored_object(forged(model, **changed))


@pytest.mark.parametrize("name", ["features", "sparse", "missing_values", "features_"])
def test_files_with_forged_indicators_raise(name):
    model = StaticEncoder().fit(pd.DataFrame({"age": [1.0, None]}))
    setattr(model._indicator, name, "other")
    file = BytesIO()
    save(model, file)
    with pytest.raises(ValueError, match="does not hold a model as save writes it"):
        load(BytesIO(file.getvalue()))
