import io
import json
import random

import pytest
from sklearn.pipeline import make_pipeline

from sklearn_bilstm.onnx import OnnxModel, export_onnx
from tests.helpers import small_classifier
from tests.onnx.test_checks import with_change
from tests.onnx.test_table import (
    STATIC,
    json_of,
    random_rows,
    table_of_numbers,
    table_vectorizer,
    typed_frame,
)
from tests.onnx.test_table_description import random_frame

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def exported_pipeline(transformer, frame, **params):
    """Return the file of a pipeline of a table."""
    classifier = small_classifier(max_epochs=1, **params)
    model = make_pipeline(transformer, classifier)
    file = io.BytesIO()
    export_onnx(model.fit(frame, [0, 1] * (len(frame) // 2)), file)
    return file.getvalue()


@pytest.fixture(scope="module")
def exported():
    """The file of a pipeline of a ColumnTransformer."""
    return exported_pipeline(
        table_of_numbers(), random_frame(100), n_static_features=STATIC
    )


@pytest.fixture(scope="module")
def typed():
    """The file of a pipeline of a TableVectorizer."""
    return exported_pipeline(table_vectorizer(), typed_frame(random_rows(60, seed=0)))


def metadata_of(exported):
    return json.loads(onnx.load_from_string(exported).metadata_props[0].value)


def opened_with(exported, text):
    """Open a model with other metadata."""
    forged = onnx.load_from_string(exported)
    forged.metadata_props[0].value = text
    return OnnxModel(io.BytesIO(forged.SerializeToString()), n_threads=1)


def assert_raises_or_predicts(exported, seed, X):
    """Change the table at random: the file is refused, or predicts as many rows."""
    content = metadata_of(exported)
    forged = with_change(json.dumps(content["table"]), random.Random(seed))
    text = json.dumps({**content, "table": "<table>"}).replace('"<table>"', forged)
    try:
        found = opened_with(exported, text).predict(X)
    except ValueError:
        return
    assert found.shape == (3,)


def changed(content, path, value):
    """Return metadata with another value at a path."""
    key, *rest = path
    copy = dict(content) if isinstance(content, dict) else list(content)
    copy[key] = changed(copy[key], rest, value) if rest else value
    return copy


@pytest.mark.parametrize("seed", range(80))
def test_forged_static_steps_raise_or_keep_the_type_of_predictions(seed, typed):
    rows = json_of(random_rows(3, seed=0))
    assert_raises_or_predicts(typed, seed, rows)


STATIC_STEP = "table", "parts", 0, "steps", 0


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("n_columns",), 300, "a vectorizer with"),
        ((*STATIC_STEP, "kinds"), ["number"], "9 kinds"),
        ((*STATIC_STEP, "kinds"), "number", "9 kinds"),
        ((*STATIC_STEP, "kinds", 0), "text", "9 kinds"),
        ((*STATIC_STEP, "kinds", 0), ["number"], "9 kinds"),
        ((*STATIC_STEP, "kinds", 0), "date", "imputed values"),
        ((*STATIC_STEP, "impute"), None, "a step"),
        ((*STATIC_STEP, "impute", "kind"), "encode", "a step"),
        ((*STATIC_STEP, "encode", "kind"), ["encode"], "a step"),
        ((*STATIC_STEP, "encode", "columns"), [], "encodings of 3 columns"),
    ],
    ids=str,
)
def test_invalid_static_steps_raise_with_a_reason(typed, path, value, message):
    text = json.dumps(changed(metadata_of(typed), path, value))
    with pytest.raises(ValueError, match=rf"written by .*{message}"):
        opened_with(typed, text)


@pytest.mark.parametrize("seed", range(150))
def test_forged_tables_raise_or_keep_the_type_of_predictions(seed, exported):
    assert_raises_or_predicts(exported, seed, random_frame(3))


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
def test_invalid_tables_raise_with_a_reason(exported, path, value, message):
    text = json.dumps(changed(metadata_of(exported), path, value))
    with pytest.raises(ValueError, match=rf"written by .*{message}"):
        opened_with(exported, text)
