import io
import json
import random
import subprocess
import sys
from decimal import Decimal

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from sklearn_bilstm import BiLSTMRegressor, TextVectorizer
from sklearn_bilstm.onnx import OnnxModel, export_onnx
from tests.helpers import SMALL, small_classifier
from tests.onnx.test_checks import with_change
from tests.onnx.test_columns import random_frame
from tests.onnx.test_serving import UNUSED

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
STATIC = 2 + 1 + 5 + 1


def table_of_numbers():
    return make_column_transformer(
        (TextVectorizer(), ["title", "text"]),
        (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), ["age"]),
        ("passthrough", ["is_new"]),
        (OneHotEncoder(handle_unknown="ignore"), ["kind"]),
        (OrdinalEncoder(), ["size"]),
        sparse_threshold=1,
    )


@pytest.fixture(scope="module")
def model():
    """A pipeline of a table whose predictions depend on all columns."""
    frame = random_frame(100)
    y = frame["age"].fillna(2) + (frame["kind"] == "a") + frame["size"] / 3
    whole = {"linear_ngram_range": (1, 2), "n_static_features": STATIC}
    classifier = small_classifier(**whole, max_epochs=5)
    return make_pipeline(table_of_numbers(), classifier).fit(frame, y > y.median())


@pytest.fixture(scope="module")
def exported(model):
    """The file of the pipeline."""
    file = io.BytesIO()
    export_onnx(model, file)
    return file.getvalue()


@pytest.fixture(scope="module")
def table(exported):
    """The served pipeline."""
    return OnnxModel(io.BytesIO(exported), n_threads=1)


def records_of(frame):
    return json.loads(frame.to_json(orient="records"))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_probabilities_of_a_frame_equal_those_of_the_pipeline(model, table, seed):
    frame = random_frame(seed=seed)
    frame.loc[::7, "kind"] = "never seen"
    expected = model.predict_proba(frame)
    np.testing.assert_allclose(table.predict_proba(frame), expected, atol=1e-5)
    assert table.predict(frame).tolist() == model.predict(frame).tolist()
    assert np.ptp(expected) > 0.1


@pytest.mark.parametrize(
    "convert",
    [
        pl.from_pandas,
        pa.Table.from_pandas,
        records_of,
        lambda frame: tuple(records_of(frame)),
        lambda frame: pl.from_pandas(frame).to_dict(as_series=False),
        lambda frame: {name: frame[name].to_numpy() for name in frame},
        lambda frame: frame.convert_dtypes(),
        lambda frame: frame.astype({"kind": "category"}).iloc[:, ::-1],
        lambda frame: frame.astype({"age": object, "kind": object}).assign(more=1),
    ],
    ids=[
        "polars",
        "arrow",
        "json",
        "tuple",
        "dict",
        "arrays",
        "NA",
        "category",
        "object",
    ],
)
def test_all_kinds_of_tables_give_equal_probabilities(table, convert):
    frame = random_frame(20, seed=5)
    found = table.predict_proba(convert(frame))
    assert found.tolist() == table.predict_proba(frame).tolist()


def test_a_row_has_the_same_prediction_alone(table):
    rows = records_of(random_frame(10, seed=6))
    together = table.predict_proba(rows)
    alone = np.concatenate([table.predict_proba([row]) for row in rows])
    np.testing.assert_allclose(alone, together, atol=1e-6)


def test_decimals_and_scalars_of_numpy_are_numbers(table):
    row = records_of(random_frame(1, seed=7))[0]
    others = {"age": Decimal("0.5"), "is_new": np.bool_(True), "size": np.int8(2)}
    plain = {"age": 0.5, "is_new": True, "size": 2}
    found = table.predict_proba([{**row, **others}, {**row, **plain}])
    assert found[0].tolist() == found[1].tolist()


def test_inputs_of_the_graph_include_static_features(model, table):
    frame = random_frame(5, seed=8)
    expected = model[0].transform(frame).toarray()[:, -STATIC:]
    np.testing.assert_allclose(table.inputs(frame)["static"], expected, rtol=1e-12)
    assert "table to 2 classes" in repr(table)
    assert table.columns_ == ["title", "text", "age", "is_new", "kind", "size"]


def test_regressors_and_calibrations_of_tables_are_served(served):
    frame = random_frame()
    regressor = BiLSTMRegressor(**SMALL, n_static_features=STATIC)
    of_numbers = make_pipeline(table_of_numbers(), regressor)
    of_numbers.fit(frame, frame["price"])
    found = served(of_numbers).predict(frame)
    np.testing.assert_allclose(found, of_numbers.predict(frame), rtol=1e-5)
    classifier = small_classifier(n_static_features=STATIC)
    pipeline = make_pipeline(table_of_numbers(), classifier)
    pipeline.fit(frame, frame["is_new"])
    model = CalibratedClassifierCV(FrozenEstimator(pipeline))
    model.fit(frame, frame["is_new"])
    found = served(model).predict_proba(frame)
    np.testing.assert_allclose(found, model.predict_proba(frame), atol=1e-5)


def test_texts_of_a_table_without_other_columns_are_served(served):
    frame = random_frame()
    columns = make_column_transformer((TextVectorizer(), ["text"]), sparse_threshold=1)
    model = make_pipeline(columns, small_classifier()).fit(frame, frame["is_new"])
    found = served(model).predict_proba(frame[["text"]])
    np.testing.assert_allclose(found, model.predict_proba(frame), atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"age": "old"}, "column 'age' .* finite numbers: row 1 is 'old' of type str"),
        ({"age": float("inf")}, "column 'age' .* finite numbers: row 1 is inf"),
        ({"age": 10**400}, "column 'age' .* finite numbers: row 1"),
        ({"is_new": None}, "'is_new' .*: row 1 is NaN. Missing .* SimpleImputer"),
        ({"size": 99}, "'size' .* unknown category: row 1 is 99 .* handle_unknown"),
        ({"size": None}, "'size' .* unknown category: row 1 is None"),
        ({"kind": ["a"]}, "'kind' .* unknown category: row 1 is"),
        ({"text": 3}, "must hold strings: row 1 of column 'text' holds 3"),
        ({"text": ["a"]}, "must hold strings: row 1 of column 'text'"),
    ],
)
def test_invalid_values_are_named_with_row_and_column(table, changes, message):
    row = records_of(random_frame(1))[0]
    with pytest.raises(ValueError, match=message):
        table.predict([row, {**row, **changes}])


def test_a_row_without_a_column_raises(table):
    row = records_of(random_frame(1))[0]
    without = {name: value for name, value in row.items() if name != "age"}
    with pytest.raises(ValueError, match="Row 1 of X must have the column 'age'"):
        table.predict([row, without])
    with pytest.raises(ValueError, match="X must have the column 'age'"):
        table.predict({name: [value] for name, value in without.items()})
    with pytest.raises(ValueError, match="list of dicts: row 1 is 'text'"):
        table.predict([row, "text"])


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (["a text"], r"list of dicts, with \['title', .*: got \['a text'\]"),
        ([], "list of dicts"),
        (np.zeros((2, 8)), "list of dicts"),
        ("text", "list of dicts"),
        ({"title": "a", "text": "b"}, "column 'title' of X must be a list"),
        ({"title": ["a"], "text": ["b", "c"]}, "must have the column 'age'"),
        (random_frame(3).iloc[:0], "at least one row"),
    ],
)
def test_other_inputs_raise(table, X, message):
    with pytest.raises(ValueError, match=message):
        table.predict(X)


def test_columns_of_unequal_length_raise(table):
    columns = random_frame(3).to_dict("list")
    with pytest.raises(ValueError, match="'title' has 3 rows and 'size' 2"):
        table.predict({**columns, "size": [1, 2]})


def test_serving_a_table_imports_neither_torch_nor_scikit_learn(exported, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(exported)
    rows = records_of(random_frame(2))
    code = f"""
import json, sys
from sklearn_bilstm.onnx import OnnxModel
rows = json.loads({json.dumps(rows)!r})
assert OnnxModel({str(path)!r}).predict_proba(rows).shape == (2, 2)
assert not sys.modules.keys() & {set(UNUSED)}
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def opened_with(exported):
    """Return a function that opens the model with other metadata."""

    def open_with(text):
        forged = onnx.load_from_string(exported)
        forged.metadata_props[0].value = text
        return OnnxModel(io.BytesIO(forged.SerializeToString()), n_threads=1)

    return open_with


def metadata_of(exported):
    return json.loads(onnx.load_from_string(exported).metadata_props[0].value)


@pytest.mark.parametrize("seed", range(150))
def test_forged_tables_raise_or_keep_the_type_of_predictions(
    seed, exported, opened_with
):
    content = metadata_of(exported)
    changed = with_change(json.dumps(content["table"]), random.Random(seed))
    text = json.dumps({**content, "table": "<table>"}).replace('"<table>"', changed)
    try:
        found = opened_with(text).predict(random_frame(3))
    except ValueError:
        return
    assert found.shape == (3,)


def changed(content, path, value):
    """Return metadata with another value at a path."""
    key, *rest = path
    copy = dict(content) if isinstance(content, dict) else list(content)
    copy[key] = changed(copy[key], rest, value) if rest else value
    return copy


IMPUTE = "table", "parts", 0, "steps", 0
SCALE = "table", "parts", 0, "steps", 1
ENCODE = "table", "parts", 2, "steps", 0, "columns", 0


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("vectorizer",), None, "a table with a vectorizer"),
        (("table",), [], "a table with a vectorizer"),
        (("table",), None, "a vectorizer with"),
        (("table",), {}, "the parts of a table"),
        (("table", "n_columns"), 3, "names of columns"),
        (("table", "names"), None, "known columns"),
        (("table", "text"), [], "columns of text"),
        (("table", "text"), ["text"], "2 columns of text"),
        (("table", "text"), ["title", "other"], "known columns"),
        (("table", "parts"), [], f"{STATIC} static features: got 0"),
        ((*IMPUTE, "kind"), "eval", "a step"),
        ((*IMPUTE, "fill"), [], "1 imputed values"),
        ((*IMPUTE, "fill"), [[1]], "1 imputed values"),
        ((*IMPUTE, "indicators"), [1], "indices of columns"),
        ((*SCALE, "divide"), [1.0], "2 numbers"),
        ((*SCALE, "divide"), ["a", "b"], "2 numbers"),
        ((*SCALE, "bounds"), [1.0], "2 numbers"),
        ((*ENCODE, "codes"), [0], "a code for each category"),
        ((*ENCODE, "codes"), ["a"] * 5, "codes of categories"),
        ((*ENCODE, "unknown"), [1, 2], "one code of unknown"),
        ((*ENCODE, "width"), 2**31, "a number of codes"),
        ((*ENCODE, "categories"), [[]] * 5, "categories"),
    ],
    ids=str,
)
def test_invalid_tables_raise_with_a_reason(
    exported, opened_with, path, value, message
):
    text = json.dumps(changed(metadata_of(exported), path, value))
    with pytest.raises(ValueError, match=rf"written by .*{message}"):
        opened_with(text)
