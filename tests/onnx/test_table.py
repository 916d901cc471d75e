import io
import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from sklearn_bilstm import BiLSTMRegressor, TableVectorizer, TextVectorizer
from sklearn_bilstm.onnx import OnnxModel, export_onnx
from tests.helpers import SMALL, small_classifier
from tests.onnx.test_serving import UNUSED, WITHOUT_OTHERS
from tests.onnx.test_table_description import random_frame

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
        lambda frame: pd.concat([frame, frame[["price", "price"]]], axis=1),
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
        "repeated",
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
        ([], "at least one row"),
        (random_frame(3).iloc[:, [0, 0, *range(1, 8)]], "several named 'title'"),
        (np.zeros((2, 8)), "list of dicts"),
        ("text", "list of dicts"),
        ({"title": "a", "text": "b"}, "'title' of X must be a list.* a single row"),
        ({"title": ["a"], "text": ["b", "c"]}, "must have the column 'age'"),
        (random_frame(3).iloc[:0], "at least one row"),
    ],
)
def test_other_inputs_raise(table, X, message):
    with pytest.raises(ValueError, match=message):
        table.predict(X)


@pytest.mark.parametrize("dtype", ["datetime64[ns]", "timedelta64[ns]"])
def test_arrays_of_dates_and_durations_are_no_numbers(table, dtype):
    times = np.arange(3).astype(dtype)
    columns = {**random_frame(3).to_dict("list"), "age": times}
    with pytest.raises(ValueError, match=rf"'age' .* numbers, .* {dtype[:8]}"):
        table.predict(columns)
    with pytest.raises(ValueError, match="'age' of X must hold finite numbers: row 0"):
        table.predict({**columns, "age": [*times]})


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


# Columns of tables for a TableVectorizer; each has missing values.
WORDS = ["good", "bad", "film", "plot", "not", "never seen"]
NOON = datetime(2024, 1, 31, 12)


def random_rows(n_rows, seed, unseen=True):
    """Return rows of texts, numbers, categories, dates and durations."""
    random = np.random.RandomState(seed)
    kinds = ["a", "b", "rare", "(missing)"][: 4 if unseen else 3]
    shares = [0.5, 0.4, 0.05, 0.05] if unseen else [0.5, 0.4, 0.1]

    def row():
        time = NOON + timedelta(hours=int(random.randint(20_000)))
        values = {
            "text": " ".join(random.choice(WORDS, 5)),
            "title": random.choice(WORDS[: 6 if unseen else 5]),
            "age": float(random.randn() * 20),
            "visits": int(random.randint(5)),
            "is_new": bool(random.rand() < 0.5),
            "kind": str(random.choice(kinds, p=shares)),
            "grade": int(random.randint(4 if unseen else 3)),
            "is_paid": bool(random.rand() < 0.3),
            "day": time.date(),
            "seen": time.replace(tzinfo=timezone(timedelta(hours=2))),
            "wait": timedelta(hours=int(random.randint(90))),
        }
        return {k: None if random.rand() < 0.1 else v for k, v in values.items()}

    return [row() for _ in range(n_rows)]


def typed_frame(rows):
    """Return rows as a frame of pandas with a dtype for each column."""
    frame = pd.DataFrame({name: [row[name] for row in rows] for name in rows[0]})
    return frame.astype(
        {
            "visits": "Int64",
            "is_new": "boolean",
            "day": "datetime64[ns]",
            "grade": "category",
            "is_paid": "category",
        }
    )


def json_of(rows):
    """Return rows as a client sends them: times in ISO format, durations in days."""

    def plain(value):
        is_duration = isinstance(value, timedelta)
        return value / timedelta(1) if is_duration else value.isoformat()

    return json.loads(json.dumps(rows, default=plain))


def columns_of(rows):
    return {name: [row[name] for row in rows] for name in rows[0]}


def table_vectorizer(**params):
    return TableVectorizer(text_columns=["title", "text"], max_categories=3, **params)


@pytest.fixture(scope="module")
def whole():
    """A pipeline with a TableVectorizer whose predictions depend on all columns."""
    rows = random_rows(120, seed=0, unseen=False)
    y = [(row["age"] or 0) + 30 * (row["kind"] == "a") > 10 for row in rows]
    classifier = small_classifier(linear_ngram_range=(1, 2), max_epochs=5)
    return make_pipeline(table_vectorizer(), classifier).fit(typed_frame(rows), y)


@pytest.fixture(scope="module")
def file_of_whole(whole, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "model.onnx"
    export_onnx(whole, path)
    return path


@pytest.fixture(scope="module")
def served_whole(file_of_whole):
    return OnnxModel(file_of_whole, n_threads=1)


AS_SERVED = {
    "pandas": typed_frame,
    "pandas objects": lambda rows: pd.DataFrame(rows, dtype=object),
    "pandas without NumPy": lambda rows: pd.DataFrame(
        columns_of(rows)
    ).convert_dtypes(),
    "polars": lambda rows: pl.DataFrame(columns_of(rows)),
    "pyarrow": lambda rows: pa.table(columns_of(rows)),
    "objects": lambda rows: rows,
    "json": json_of,
    "json columns": lambda rows: columns_of(json_of(rows)),
    "arrays": lambda rows: {k: c.to_numpy() for k, c in typed_frame(rows).items()},
    "series": lambda rows: dict(typed_frame(rows).items()),
    "other order and more columns": lambda rows: [
        {"more": [1], **dict(reversed(row.items()))} for row in json_of(rows)
    ],
}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", AS_SERVED)
def test_a_table_vectorizer_is_served_like_the_pipeline(
    whole, served_whole, kind, seed
):
    rows = random_rows(30, seed)
    frame = typed_frame(rows)
    expected = whole[0].transform(frame).toarray()
    n_ids = whole[0].text_vectorizer_.max_length_
    X = AS_SERVED[kind](rows)
    inputs = served_whole.inputs(X)
    static = expected[:, n_ids + 1 :]
    np.testing.assert_allclose(inputs["static"], static, rtol=1e-12)
    width = inputs["ids"].shape[1]
    assert inputs["ids"].tolist() == expected[:, :width].tolist()
    assert not expected[:, width:n_ids].any()
    probabilities = whole.predict_proba(frame)
    np.testing.assert_allclose(served_whole.predict_proba(X), probabilities, atol=1e-5)
    assert served_whole.predict(X).tolist() == whole.predict(frame).tolist()
    assert np.ptp(probabilities) > 0.1
    assert (np.ptp(static, axis=0) > 0).sum() > 15


def test_a_row_of_json_has_the_same_prediction_alone(served_whole):
    rows = json_of(random_rows(20, seed=3))
    together = served_whole.predict_proba(rows)
    alone = np.concatenate([served_whole.predict_proba([row]) for row in rows])
    np.testing.assert_allclose(alone, together, atol=1e-6)


def test_a_row_without_values_is_served(whole, served_whole):
    row = dict.fromkeys(random_rows(1, 0)[0])
    expected = whole.predict_proba(pd.DataFrame([row]))
    np.testing.assert_allclose(served_whole.predict_proba([row]), expected, atol=1e-6)
    assert served_whole.columns_[:2] == ["title", "text"]
    assert {*served_whole.columns_} == row.keys()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"age": "old"}, "'age' of X must hold numbers, as in fit: got strings"),
        ({"age": float("inf")}, "'age' of X contains infinity in row 0"),
        ({"age": 10**400}, "'age' of X contains infinity in row 0"),
        ({"age": [1]}, "'age' of X must hold strings, numbers"),
        ({"day": "today"}, "'day' of X must hold dates.* ISO 8601.*: row 0 is 'today'"),
        ({"day": 1_700_000_000_000}, "'day' of X must hold dates.*: got numbers"),
        ({"kind": ["a"]}, "'kind' of X must hold strings, numbers"),
        ({"kind": {"a": 1}}, "'kind' of X must hold strings, numbers"),
        ({"text": 3}, "must hold strings: row 0 of column 'text' holds 3"),
    ],
)
def test_invalid_values_for_a_table_vectorizer_raise(served_whole, changes, message):
    row = json_of(random_rows(1, seed=0))[0]
    with pytest.raises(ValueError, match=message):
        served_whole.predict([{**row, **changes}])


@pytest.mark.parametrize("name", ["text", "age", "kind", "day"])
def test_a_missing_column_of_a_table_vectorizer_raises(served_whole, name):
    rows = json_of(random_rows(2, seed=0))
    del rows[1][name]
    with pytest.raises(ValueError, match=f"Row 1 of X must have the column '{name}'"):
        served_whole.predict(rows)
    for X in (pd.DataFrame(rows[1:]), columns_of(rows[1:])):
        with pytest.raises(ValueError, match=f"X must have the column '{name}'"):
            served_whole.predict(X)


def test_regressors_and_wrappers_after_a_table_vectorizer_are_served(served):
    rows = random_rows(80, seed=0, unseen=False)
    frame, others = typed_frame(rows), random_rows(20, seed=4)
    age = frame["age"].fillna(0.0)
    regressor = make_pipeline(table_vectorizer(), BiLSTMRegressor(**SMALL))
    expected = regressor.fit(frame, age).predict(typed_frame(others))
    found = served(regressor).predict(json_of(others))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    pipeline = make_pipeline(table_vectorizer(), small_classifier())
    pipeline.fit(frame, age > 0)
    calibrated = CalibratedClassifierCV(FrozenEstimator(pipeline), ensemble=False)
    inner = CalibratedClassifierCV(small_classifier(), cv=2)
    models = [
        calibrated,
        make_pipeline(table_vectorizer(), inner),
        FixedThresholdClassifier(pipeline, threshold=0.6),
    ]
    for model in models:
        model.fit(frame, age > 0)
        exported = served(model)
        expected = model.predict_proba(typed_frame(others))
        found = exported.predict_proba(json_of(others))
        np.testing.assert_allclose(found, expected, atol=1e-5)
        expected = model.predict(typed_frame(others)).tolist()
        assert exported.predict(json_of(others)).tolist() == expected


@pytest.mark.parametrize("is_sparse", [True, False])
def test_a_classifier_alone_reads_the_result_of_a_table_vectorizer(served, is_sparse):
    frame = typed_frame(random_rows(60, seed=0))
    text_vectorizer = TextVectorizer(sparse_output=is_sparse)
    vectorizer = table_vectorizer(text_vectorizer=text_vectorizer)
    model = make_pipeline(vectorizer, small_classifier())
    model.fit(frame, frame["age"].fillna(0.0) > 0)
    others = typed_frame(random_rows(20, seed=1))
    expected = model.predict_proba(others)
    found = served(model[-1]).predict_proba(model[0].transform(others))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    found = served(model).predict_proba(others)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_table_vectorizer_of_texts_alone_is_served(served):
    frame = typed_frame(random_rows(60, seed=0))
    text = frame[["title", "text"]]
    model = make_pipeline(table_vectorizer(), small_classifier())
    model.fit(text, frame["age"].fillna(0.0) > 0)
    found = served(model).predict_proba(text.to_dict("records"))
    np.testing.assert_allclose(found, model.predict_proba(text), atol=1e-6)


def test_a_vectorizer_that_was_fitted_again_is_refused():
    frame = typed_frame(random_rows(60, seed=0))
    model = make_pipeline(table_vectorizer(), small_classifier())
    model.fit(frame, frame["age"].fillna(0.0) > 0)
    model[0].fit(frame.drop(columns="age"))
    with pytest.raises(ValueError, match="all columns after the token ids as static"):
        export_onnx(model, io.BytesIO())


def test_serving_a_table_vectorizer_imports_neither_torch_nor_scikit_learn(
    file_of_whole,
):
    rows = json_of(random_rows(2, seed=0))
    code = WITHOUT_OTHERS.format(path=str(file_of_whole), X=rows, unused=UNUSED)
    subprocess.run([sys.executable, "-c", code], check=True)
