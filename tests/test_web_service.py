"""The service in `examples/serving`."""

import importlib.util
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_bilstm import TableVectorizer, TextVectorizer, export_onnx
from tests.helpers import small_classifier, small_regressor

pytest.importorskip("fastapi")
pytest.importorskip("httpx2")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

APP = Path(__file__).parents[1] / "examples" / "serving" / "app.py"
TEXTS = ["not bad at all", "the plot was dull", "", "很好 :)"]


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Return a function that starts the service of a fitted model."""
    from starlette.testclient import TestClient  # noqa: PLC0415, needs httpx22

    spec = importlib.util.spec_from_file_location("app", APP)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("MODEL", str(tmp_path / "model.onnx"))

    def start(model):
        export_onnx(model, tmp_path / "model.onnx")
        return TestClient(module.app)

    return start


def answer(client, path, texts):
    """Return the answer to some texts."""
    response = client.post(path, json={"texts": texts})
    assert response.status_code == 200, response.text
    return response.json()


def test_answers_equal_predictions_of_the_pipeline(started, fitted_pipeline):
    with started(fitted_pipeline) as client:
        found = answer(client, "/predict_proba", TEXTS)
        labels = answer(client, "/predict", TEXTS)["predictions"]
        assert client.get("/health").json()["error"] is None
    expected = fitted_pipeline.predict_proba(TEXTS)
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-6)
    assert found["classes"] == fitted_pipeline.classes_.tolist()
    assert labels == fitted_pipeline.predict(TEXTS).tolist()


def test_requests_in_parallel_share_the_model(started, fitted_pipeline, reviews):
    expected = fitted_pipeline.predict_proba(reviews[0])
    with started(fitted_pipeline) as client, ThreadPoolExecutor(8) as pool:
        found = pool.map(
            lambda text: answer(client, "/predict_proba", [text])["probabilities"],
            reviews[0],
        )
        np.testing.assert_allclose(np.concatenate([*found]), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"texts": "not bad"}, "body.texts: Input should be a valid list"),
        ({"texts": ["a", 3]}, "body.texts.1: Input should be a valid string"),
        ({"texts": []}, "body.texts: List should have at least 1 item"),
        ({"texts": ["a"] * 1001}, "body.texts: List should have at most 1000 items"),
        ({"texts": ["a" * 100_001]}, "body.texts.0: String should have at most 100000"),
        ({"text": ["a"]}, "body: Value error, give either texts or rows"),
        (
            {"texts": ["a"], "rows": [{}]},
            "body: Value error, give either texts or rows",
        ),
        ({"rows": ["a"]}, "body.rows.0: Input should be a valid dictionary"),
        ({"rows": [{"age": [1]}]}, "body.rows.0.age"),
        ({"rows": [{"age": 1}]}, "X must hold strings: row 0 holds {'age': 1"),
    ],
    ids=[
        *("a text", "a number", "empty", "many", "long", "name"),
        *("both", "no row", "a list", "a row"),
    ],
)
def test_invalid_requests_get_a_reason(started, fitted_pipeline, content, message):
    with started(fitted_pipeline) as client:
        response = client.post("/predict", json=content)
    assert response.status_code == 422
    assert response.json()["detail"][0].startswith(message)
    assert len(response.text) < 300


@pytest.fixture(scope="module")
def table():
    """A fitted pipeline of a table, and the table."""
    frame = pd.DataFrame({"text": TEXTS * 10, "age": [1.0, 2.0, None, 4.0] * 10})
    frame["kind"] = ["a", "b"] * 20
    columns = make_column_transformer(
        (TextVectorizer(), ["text"]),
        (SimpleImputer(), ["age"]),
        (OneHotEncoder(), ["kind"]),
        sparse_threshold=1,
    )
    model = make_pipeline(columns, small_classifier(n_static_features=3))
    return model.fit(frame, frame["kind"]), frame


def test_rows_of_a_table_are_objects(started, table):
    model, frame = table
    rows = json.loads(frame.to_json(orient="records"))
    with started(model) as client:
        response = client.post("/predict_proba", json={"rows": rows})
        labels = client.post("/predict", json={"rows": rows}).json()["predictions"]
        assert client.get("/health").json()["columns"] == ["text", "age", "kind"]
    expected = model.predict_proba(frame)
    np.testing.assert_allclose(response.json()["probabilities"], expected, atol=1e-6)
    assert labels == model.predict(frame).tolist()


def test_rows_of_a_table_can_have_dates_and_booleans(started, table):
    frame = table[1].assign(day=pd.date_range("2024-01-31", periods=40, freq="7h"))
    frame = frame.assign(vip=[True, False] * 20, wait=frame["day"] - frame["day"][0])
    frame.loc[::5, ["age", "kind", "day"]] = None
    model = make_pipeline(TableVectorizer(text_columns="text"), small_classifier())
    model.fit(frame, np.arange(40) % 2)
    days = frame.assign(wait=frame["wait"] / pd.Timedelta(1, "D"))
    rows = json.loads(days.to_json(orient="records", date_format="iso"))
    with started(model) as client:
        response = client.post("/predict_proba", json={"rows": rows})
        refused = client.post("/predict", json={"rows": [{**rows[1], "day": "today"}]})
    expected = model.predict_proba(frame)
    np.testing.assert_allclose(response.json()["probabilities"], expected, atol=1e-6)
    assert refused.status_code == 422
    assert "ISO 8601" in refused.json()["detail"][0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "c"}, "The column 'kind' of X has an unknown category: row 1 is 'c'"),
        ({"age": "old"}, "The column 'age' of X must hold finite numbers: row 1"),
        ({"text": True}, "X must hold strings: row 1 of column 'text' holds True"),
    ],
)
def test_invalid_rows_get_a_reason(started, table, changes, message):
    row = {"text": "not bad", "age": None, "kind": "a"}
    with started(table[0]) as client:
        rows = [row, {**row, **changes}]
        response = client.post("/predict", json={"rows": rows})
        assert client.post("/predict", json={"texts": ["a"]}).status_code == 422
    assert response.status_code == 422
    assert response.json()["detail"][0].startswith(message)


def test_a_replaced_file_is_read(started, fitted_pipeline, reviews, tmp_path):
    labels = np.where(reviews[1] == reviews[1][0], "yes", "no")
    other = make_pipeline(TextVectorizer(), small_classifier()).fit(reviews[0], labels)
    path = tmp_path / "model.onnx"
    with started(fitted_pipeline) as client:
        before = answer(client, "/predict_proba", TEXTS)
        path.write_bytes(b"not a model")
        assert answer(client, "/predict_proba", TEXTS) == before
        assert "must be a model written by" in client.get("/health").json()["error"]
        path.unlink()
        assert answer(client, "/predict_proba", TEXTS) == before
        assert "No such file" in client.get("/health").json()["error"]
        modified = client.get("/health").json()["modified"]
        export_onnx(other, path)
        os.utime(path, (modified + 60, modified + 60))
        assert client.get("/health").json()["modified"] == modified + 60
        assert answer(client, "/predict_proba", TEXTS)["classes"] == ["no", "yes"]
        assert client.get("/health").json()["error"] is None


def test_a_file_that_returns_unchanged_is_no_error(started, fitted_pipeline, tmp_path):
    path = tmp_path / "model.onnx"
    with started(fitted_pipeline) as client:
        path.rename(tmp_path / "moved")
        assert client.get("/health").json()["error"] is not None
        (tmp_path / "moved").rename(path)
        assert client.get("/health").json()["error"] is None


def test_a_regressor_has_no_probabilities(started, reviews):
    y = np.arange(len(reviews[0]), dtype=float)
    model = make_pipeline(TextVectorizer(), small_regressor(max_epochs=1))
    model.fit(reviews[0], y)
    with started(model) as client:
        found = answer(client, "/predict", TEXTS)["predictions"]
        response = client.post("/predict_proba", json={"texts": TEXTS})
    np.testing.assert_allclose(found, model.predict(TEXTS), rtol=1e-4)
    assert (response.status_code, "use /predict" in response.text) == (404, True)


def test_several_tasks_have_a_list_of_probabilities_each(started, reviews):
    texts, y = reviews
    y = np.column_stack([y, np.where(np.arange(len(y)) % 2, "odd", "even")])
    model = make_pipeline(TextVectorizer(), small_classifier(max_epochs=1))
    model.fit(texts, y.astype(object))
    with started(model) as client:
        found = answer(client, "/predict_proba", TEXTS)
    assert found["classes"] == [of_task.tolist() for of_task in model.classes_]
    for of_task, expected in zip(
        found["probabilities"], model.predict_proba(TEXTS), strict=True
    ):
        np.testing.assert_allclose(of_task, expected, atol=1e-6)


def test_a_model_without_a_vectorizer_is_refused(started, fitted):
    with (
        pytest.raises(
            ValueError, match="needs a model that reads texts.*Export a pipeline"
        ),
        started(fitted),
    ):
        pass
