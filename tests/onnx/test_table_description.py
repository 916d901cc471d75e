"""Static features of served tables equal those of scikit-learn's transformers."""

import io
import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

from sklearn_bilstm import TableVectorizer, TextVectorizer
from sklearn_bilstm.onnx import export_onnx
from sklearn_bilstm.onnx._table import TableReader
from sklearn_bilstm.onnx._table_checks import check_table, static_width
from sklearn_bilstm.onnx._table_description import describe_table
from sklearn_bilstm.onnx._texts import TextReader
from sklearn_bilstm.onnx._vectorizer import describe_vectorizer
from sklearn_bilstm.text import StaticEncoder
from tests.helpers import small_classifier

NAN = float("nan")


def random_frame(n_rows=60, seed=0, unknown=False):
    """Return a frame with texts, numbers, categories and missing values."""
    random = np.random.RandomState(seed)

    def some(values, share_missing=0.0):
        found = np.empty(n_rows, object)
        found[:] = [values[index] for index in random.randint(len(values), size=n_rows)]
        found[random.rand(n_rows) < share_missing] = None
        return found

    words = ["good", "bad", "film", "plot", "not"]
    kinds = ["a", "b", "c", "d"] + ["new", ""] * unknown
    frame = pd.DataFrame(
        {
            "title": pd.Series(some(words, 0.2), dtype="str"),
            "price": 100 * random.randn(n_rows) + 1e4,
            "kind": pd.Series(some(kinds, 0.2), dtype="str"),
            "size": some([1, 2, 3] + [7] * unknown).astype(int),
            "age": np.where(random.rand(n_rows) < 0.3, NAN, random.rand(n_rows)),
            "text": [" ".join(random.choice(words, 4)) for _ in range(n_rows)],
            "is_new": random.rand(n_rows) < 0.5,
        }
    )
    frame["rare"] = pd.Series(some(["x"] * 9 + ["y", "z"], 0.1), dtype="str")
    return frame


def reader_of(transformer):
    """Return a reader of the description of a transformer, by way of JSON."""
    vectorizer, table = describe_table(transformer)
    table = json.loads(json.dumps(table, allow_nan=False))
    check_table(table, static_width(table["parts"]))
    return TableReader(TextReader(**describe_vectorizer(vectorizer)), **table)


def dense(X):
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X, float)


def check(transformer, X):
    """Compare ids and static features with the output of a transformer."""
    expected = dense(transformer.transform(X))
    ids, static = reader_of(transformer).read(X)
    n_ids = expected.shape[1] - static.shape[1]
    if isinstance(transformer, TableVectorizer):
        expected = np.delete(expected, n_ids - 1, axis=1)  # the boundary
        n_ids -= 1
    np.testing.assert_allclose(static, expected[:, n_ids:], rtol=1e-9, atol=1e-12)
    for row, found in enumerate(np.split(ids.values, ids.offsets[1:-1])):
        assert found.tolist() == expected[row, :n_ids][: len(found)].tolist()
        assert not expected[row, len(found) : n_ids].any()


NUMBERS = ["price", "age"]
KINDS = ["kind", "size"]
TRANSFORMERS = {
    "numbers": (["price", "size", "is_new"], "passthrough"),
    "standard": (["price", "size"], StandardScaler()),
    "not centred": (["price"], StandardScaler(with_mean=False)),
    "not scaled": (["price"], StandardScaler(with_std=False)),
    "min-max": (["price", "size"], MinMaxScaler((-1, 3))),
    "clipped": (["price"], MinMaxScaler(clip=True)),
    "max-abs": (["price", "size"], MaxAbsScaler()),
    "robust": (["price", "size"], RobustScaler()),
    "robust, not centred": (["price"], RobustScaler(with_centering=False)),
    "mean": (NUMBERS, SimpleImputer()),
    "indicator": (NUMBERS, SimpleImputer(strategy="median", add_indicator=True)),
    "constant": (NUMBERS, SimpleImputer(strategy="constant", fill_value=-1.0)),
    "a value": (["size"], SimpleImputer(missing_values=2, add_indicator=True)),
    "one-hot": (KINDS, OneHotEncoder(handle_unknown="ignore")),
    "dropped": (KINDS, OneHotEncoder(drop="first", handle_unknown="ignore")),
    "dropped if binary": (["is_new", "size"], OneHotEncoder(drop="if_binary")),
    "infrequent": (
        ["rare", "kind"],
        OneHotEncoder(min_frequency=12, handle_unknown="infrequent_if_exist"),
    ),
    "infrequent dropped": (
        ["rare"],
        OneHotEncoder(
            max_categories=2, drop="first", handle_unknown="infrequent_if_exist"
        ),
    ),
    "dense one-hot": (KINDS, OneHotEncoder(sparse_output=False)),
    "known categories": (["kind"], OneHotEncoder(categories=[["a", "d", "e", NAN]])),
    "ordinal": (KINDS, OrdinalEncoder(encoded_missing_value=-5)),
    "unknown ordinal": (
        KINDS,
        OrdinalEncoder(
            handle_unknown="use_encoded_value",
            unknown_value=-1,
            encoded_missing_value=-2,
        ),
    ),
    "infrequent ordinal": (
        ["rare", "kind"],
        OrdinalEncoder(
            min_frequency=12,
            handle_unknown="use_encoded_value",
            unknown_value=50,
            encoded_missing_value=9,
        ),
    ),
    "imputed and scaled": (
        NUMBERS,
        make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()),
    ),
    "imputed and encoded": (
        ["kind", "rare"],
        make_pipeline(
            SimpleImputer(strategy="constant", fill_value="none", add_indicator=False),
            OneHotEncoder(handle_unknown="ignore"),
        ),
    ),
    "most frequent": (
        ["kind"],
        make_pipeline(SimpleImputer(strategy="most_frequent"), OrdinalEncoder()),
    ),
    "static": (["is_new", "kind", "age", "rare"], StaticEncoder(max_categories=3)),
    "static numbers": (NUMBERS, StaticEncoder()),
    "static categories": (["kind", "rare"], StaticEncoder()),
    "static and scaled": (
        ["size", "kind", "age"],
        make_pipeline(StaticEncoder(), StandardScaler()),
    ),
    "encoded and imputed": (
        ["kind"],
        make_pipeline(
            OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan),
            FrozenEstimator(SimpleImputer().fit([[0.0], [2.5]])),
            "passthrough",
        ),
    ),
}
STATIC = [name for name in TRANSFORMERS if name.startswith("static")]


@pytest.mark.parametrize("name", TRANSFORMERS)
@pytest.mark.filterwarnings("ignore:Found unknown categories")
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_static_features_equal_those_of_scikit_learn(name):
    columns, part = TRANSFORMERS[name]
    transformer = make_column_transformer((TextVectorizer(), ["text"]), (part, columns))
    if name == "known categories":
        frame = random_frame()
        frame["kind"] = frame["kind"].replace({"b": "a", "c": "e"})
        check(transformer.fit(frame), frame)
        return
    transformer.fit(random_frame())
    check(transformer, random_frame(seed=1))
    accepts = getattr(part, "handle_unknown", "error") != "error"
    if accepts or name in ("imputed and encoded", "encoded and imputed", *STATIC):
        check(transformer, random_frame(seed=2, unknown=True))


def test_later_values_of_a_column_without_values_in_fit_are_ignored():
    transformer = make_column_transformer(
        (TextVectorizer(), ["text"]), (StaticEncoder(), ["kind", "age"])
    ).fit(random_frame().assign(kind=None))
    check(transformer, random_frame(seed=1))


def test_columns_in_any_order_dropped_and_remaining_ones_are_read():
    transformer = make_column_transformer(
        (TextVectorizer(), ["text", "title"]),
        ("drop", ["kind", "rare"]),
        (StandardScaler(), make_column_selector("size")),
        (MinMaxScaler(), []),
        (SimpleImputer(), slice("age", "age")),
        remainder="passthrough",
    ).fit(random_frame())
    frame = random_frame(seed=1)
    check(transformer, frame)
    check(transformer, frame[[*frame.columns[::-1]]].assign(more=1))
    (reader,) = [reader_of(transformer)]
    with pytest.raises(ValueError, match="must have the column 'is_new'"):
        reader.read(frame.drop(columns="is_new"))


def test_a_transformed_remainder_and_one_column_by_name_are_read():
    transformer = make_column_transformer(
        (TextVectorizer(), "text"),
        ("drop", ["title", "kind", "rare"]),
        remainder=SimpleImputer(),
    )
    check(transformer.fit(random_frame()), random_frame(seed=1))


def test_arrays_are_read_by_the_index_of_columns():
    frame = random_frame()[["price", "text", "title", "kind"]]
    transformer = make_column_transformer(
        (TextVectorizer(), [1, 2]),
        (OneHotEncoder(), [-1]),
        remainder=StandardScaler(),
    ).fit(frame.to_numpy(object))
    X = random_frame(seed=1)[[*frame]].to_numpy(object)
    check(transformer, X)
    reader = reader_of(transformer)
    for same in (X.tolist(), frame.iloc[:0], X):
        if len(same):
            assert reader.read(same)[1].tolist() == reader.read(X)[1].tolist()
    with pytest.raises(ValueError, match="must have 4 columns, as in fit: got 3"):
        reader.read(X[:, :3])


@pytest.mark.parametrize(
    "static",
    [
        None,
        FrozenEstimator(StaticEncoder().fit(random_frame()[["size", "kind"]])),
        make_column_transformer(
            (make_pipeline(StaticEncoder(), MinMaxScaler()), ["size", "age"]),
            ("drop", ["price"]),
            (OneHotEncoder(handle_unknown="ignore"), ["kind"]),
            remainder=StaticEncoder(max_categories=2),
        ),
    ],
    ids=["default", "frozen", "column transformer"],
)
def test_table_vectorizers_are_read(static):
    texts = ["title", "text"]
    transformer = TableVectorizer(text_columns=texts, static_transformer=static)
    transformer.fit(random_frame())
    check(transformer, random_frame(seed=1))
    check(transformer, random_frame(seed=2, unknown=True).iloc[:, ::-1].assign(more=1))
    with pytest.raises(ValueError, match="must have the column 'size'"):
        reader_of(transformer).read(random_frame().drop(columns="size"))


def test_a_static_transformer_that_is_not_supported_is_named():
    binned = make_column_transformer((KBinsDiscretizer(n_bins=2), ["price"]))
    for part, name in ((binned, "KBins"), (make_pipeline(binned), "ColumnTransf")):
        table = TableVectorizer(text_columns="text", static_transformer=part)
        table.fit(random_frame()[["text", "age", "price"]])
        message = f"A {name}.* of columns of a table .* Supported are .*StaticEncoder"
        with pytest.raises(ValueError, match=message):
            describe_table(table)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            [(TextVectorizer(), ["text"]), (KBinsDiscretizer(n_bins=2), ["price"])],
            "A KBinsDiscretizer of columns of a table .* Supported are .*SimpleImputer"
            ".*pass the output of",
        ),
        (
            [(StandardScaler(), ["price"]), (TextVectorizer(), ["text"])],
            "must be a TextVectorizer.*'StandardScaler', 'TextVectorizer'",
        ),
        (
            [(TextVectorizer(), ["text"]), (TextVectorizer(), ["title"])],
            "the only one.* can share a TextVectorizer",
        ),
        ([(StandardScaler(), ["price"])], "must be a TextVectorizer"),
    ],
)
@pytest.mark.filterwarnings("ignore:The current default behavior")
def test_other_transformers_are_refused(parts, message):
    transformer = make_column_transformer(*parts).fit(random_frame())
    with pytest.raises(ValueError, match=message):
        describe_table(transformer)


def test_weights_of_transformers_are_refused():
    parts = [(TextVectorizer(), ["text"]), ("passthrough", ["price"])]
    transformer = make_column_transformer(*parts).fit(random_frame())
    transformer.transformer_weights = {"passthrough": 2.0}
    with pytest.raises(ValueError, match="'transformer_weights'"):
        describe_table(transformer)


def test_two_kinds_of_missing_categories_are_refused():
    frame = random_frame()
    frame["kind"] = pd.Series(["a", None, NAN] * 20, dtype=object)
    transformer = make_column_transformer(
        (TextVectorizer(), ["text"]), (OneHotEncoder(), ["kind"])
    ).fit(frame)
    with pytest.raises(ValueError, match="both None and NaN"):
        describe_table(transformer)


VALUES = [["a", "b"], [1, 2.5], [True, False]]
MOST_FREQUENT = SimpleImputer(strategy="most_frequent")
ENCODERS = [
    OneHotEncoder(handle_unknown="ignore"),
    OrdinalEncoder(encoded_missing_value=-50.0),
    OrdinalEncoder(max_categories=2, encoded_missing_value=-50.0),
    make_pipeline(OrdinalEncoder(), SimpleImputer()),
]


def fitted_to_objects(part, values, seed=0):
    """Return a transformer of a column of objects, and its frame."""
    random = np.random.RandomState(seed)
    frame = pd.DataFrame({"text": ["good film", "bad film"] * 30})
    places = random.permutation(np.arange(60) % len(values))
    frame["c"] = pd.Series([values[place] for place in places], dtype=object)
    transformer = make_column_transformer(
        (TextVectorizer(), "text"), (part, ["c"]), sparse_threshold=1
    )
    return transformer.fit(frame), frame


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("values", VALUES, ids=str)
@pytest.mark.parametrize("missing", [None, NAN], ids=str)
@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda each: type(each).__name__)
def test_missing_objects_are_encoded_as_in_fit(encoder, missing, values, seed):
    check(*fitted_to_objects(encoder, [*values, *values, missing], seed))


@pytest.mark.parametrize("values", VALUES, ids=str)
def test_imputed_objects_are_encoded_as_in_fit(values):
    part = make_pipeline(clone(MOST_FREQUENT), OrdinalEncoder())
    check(*fitted_to_objects(part, [*values, *values, NAN]))
    part.set_params(simpleimputer__missing_values=None)
    check(*fitted_to_objects(part, [*values, *values, None]))


@pytest.mark.parametrize("values", VALUES, ids=str)
@pytest.mark.parametrize("encoder", ENCODERS[:3], ids=str)
def test_encoders_of_missing_objects_that_an_imputer_ignores_are_refused(
    encoder, values
):
    part = make_pipeline(MOST_FREQUENT, "passthrough", make_pipeline(encoder))
    for missing in ([None], [None, NAN]):
        transformer, _ = fitted_to_objects(part, [*values, *values, *missing])
        with pytest.raises(ValueError, match="after a SimpleImputer .* Replace None"):
            describe_table(transformer)


@pytest.mark.parametrize("imputer", [MOST_FREQUENT, SimpleImputer()], ids=str)
def test_an_encoder_of_a_missing_number_after_an_imputer_of_a_value_is_served(imputer):
    imputer = clone(imputer).set_params(missing_values=7)
    frame = random_frame().assign(number=[1.0, 2.0, 7.0] * 20)
    transformer = make_column_transformer(
        (TextVectorizer(), ["text"]),
        (make_pipeline(imputer, OneHotEncoder()), ["number"]),
    )
    check(transformer.fit(frame), frame)


def test_a_statistic_of_None_is_refused():
    transformer, _ = fitted_to_objects(MOST_FREQUENT, [1, None, None, NAN])
    with pytest.raises(ValueError, match=r"statistics_ .*: got \[None\]. Replace None"):
        describe_table(transformer)


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(), RobustScaler()])
@pytest.mark.filterwarnings("ignore:(All-NaN|Degrees of freedom|Mean of empty|invalid)")
@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
def test_scalers_of_columns_without_a_number_are_refused(scaler):
    frame = random_frame().assign(size=NAN)
    part = make_pipeline(scaler, SimpleImputer())
    transformer = make_column_transformer(
        (TextVectorizer(), ["text"]), (part, ["price", "size"])
    ).fit(frame)
    with pytest.raises(ValueError, match=r"must be finite.* columns \['size'\]"):
        describe_table(transformer)


def test_categories_of_other_types_are_refused():
    frame = random_frame()
    frame["kind"] = pd.Series([date(2026, 1, 1)] * 60)
    transformer = make_column_transformer(
        (TextVectorizer(), ["text"]), (OneHotEncoder(), ["kind"])
    ).fit(frame)
    with pytest.raises(ValueError, match=r"got datetime.date\(2026.* of type date"):
        describe_table(transformer)


def test_an_estimator_of_other_static_features_is_refused():
    frame = random_frame()
    transformer = make_column_transformer(
        (TextVectorizer(), ["text"]),
        (StandardScaler(), ["price", "size"]),
        sparse_threshold=1,
    )
    model = make_pipeline(transformer, small_classifier(n_static_features=2))
    model.fit(frame, frame["is_new"])
    transformer.set_params(standardscaler="drop").fit(frame)
    with pytest.raises(ValueError, match="n_static_features is 2, and there are 0"):
        export_onnx(model, io.BytesIO())
