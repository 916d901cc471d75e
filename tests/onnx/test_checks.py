import json
import random

import numpy as np
import pytest

from sklearn_bilstm.onnx import OnnxModel, export_onnx
from sklearn_bilstm.onnx._checks import check_graph, written_by_export
from sklearn_bilstm.onnx._description import Description
from tests.helpers import small_regressor

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

KEY = "sklearn_bilstm"
VALUES = (
    *(None, True, False, -1, 0, 1, 3, 10**9, 10**30, 1e308, 0.5, "", "x", "<U9", "O"),
    *("numeric", "\ud800", [], {}, [[]], ["x"], {"x": {}}, [None, 1], float("nan")),
)


def containers_in(value):
    """Return all lists and objects that hold something, from JSON."""
    if not isinstance(value, list | dict) or not value:
        return []
    parts = value.values() if isinstance(value, dict) else value
    return [value, *(found for part in parts for found in containers_in(part))]


def with_change(text, random):
    """Return metadata in which one thing is changed, as text."""
    if random.random() < 0.2:
        start, end = sorted(random.choices(range(len(text)), k=2))
        return random.choice([text[:start], text[:start] + text[end:], text[start:]])
    content = json.loads(text)
    container = random.choice(containers_in(content))
    keys = list(container) if isinstance(container, dict) else range(len(container))
    key = random.choice(list(keys))
    change = random.choice(["delete", "replace", "replace", "add", "rename", "nest"])
    if change == "delete":
        del container[key]
    elif change == "replace":
        container[key] = random.choice(VALUES)
    elif change == "nest":
        container[key] = "<deep>"
        depth = random.choice([1, 50, 100_000])
        return json.dumps(content).replace('"<deep>"', "[" * depth + "]" * depth)
    elif isinstance(container, list):
        container.insert(key, random.choice([container[key], *VALUES]))
    else:
        moved = container[key] if change == "add" else container.pop(key)
        container[random.choice([f"{key}x", "", "dtype", "n_static"])] = moved
    return json.dumps(content)


@pytest.fixture(scope="module")
def exported(fitted_pipeline, tmp_path_factory):
    """A model of ONNX."""
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    export_onnx(fitted_pipeline, path)
    return onnx.load(path)


@pytest.fixture
def opened_with(exported, tmp_path):
    """Return a function that opens the model with other metadata."""
    path = tmp_path / "forged.onnx"

    def open_with(text, surrogate=b""):
        forged = onnx.ModelProto()
        forged.CopyFrom(exported)
        forged.metadata_props[0].value = text
        path.write_bytes(forged.SerializeToString().replace(b"<bytes>", surrogate))
        return OnnxModel(path, n_threads=1)

    return open_with


@pytest.mark.parametrize("seed", range(40))
def test_forged_metadata_raise_or_keep_the_type_of_predictions(
    seed, exported, opened_with, reviews
):
    text = with_change(exported.metadata_props[0].value, random.Random(seed))
    try:
        model = opened_with(text)
    except ValueError as error:
        assert "forged.onnx" in str(error)  # noqa: PT017, what is raised is one of two
    else:
        assert model.predict(reviews[0]).shape == (len(reviews[0]),)
        assert model.predict_proba(reviews[0]).shape[0] == len(reviews[0])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"n_static": 0', '"n_static": -1', "the number of static features: got -1"),
        ('"n_static": 0', '"n_static": 2', "input 'static' of the graph"),
        ('"labels": [', '"labels": ["more", ', "output 'label|output 'logits'"),
        ('"tokens"', '"numeric"', "the number of channels"),
        ('"one_a_row": true', '"one_a_row": false', "for the output 'label'"),
        ('"dtype": "', '"dtype": "datetime64 ', "a dtype of labels: got 'datetime64"),
        ('"max_length": ', '"max_length": 1', "columns of tokens: got 1"),
        (
            '"token_pattern": null',
            '"token_pattern": "("',
            "be a valid regular expression",
        ),
        ('"stop_words": null', '"stop_words": [[]]', "a list of stop words"),
        ('"truncation": "post"', '"truncation": "x"', "'truncation' parameter"),
        ('"is_table": ', '"is_tables": ', "the parts of a vectorizer"),
        ('"vocabulary": {', '"vocabulary": {"new": 1, ', "at least 2"),
        (
            '{"format"',
            '{"more": 1, "format"',
            r"missing or unexpected keys: \['more'\]",
        ),
        ('{"format"', "[" * 100_000, "nested too deeply"),
        ('{"format"', '{{"format"', "not valid JSON: Expecting property name"),
        (
            '"n_static": 0',
            f'"n_static": {"9" * 5000}',
            "not valid JSON: Exceeds the limit",
        ),
        ('"n_static": 0', '"n_static": NaN', "not valid JSON: found NaN"),
    ],
)
def test_invalid_metadata_raise_with_a_reason(exported, opened_with, old, new, message):
    text = exported.metadata_props[0].value
    assert old in text
    with pytest.raises(ValueError, match=rf"forged.onnx must be a .*{message}"):
        opened_with(text.replace(old, new))


def test_metadata_that_are_not_utf8_raise(opened_with):
    with pytest.raises(ValueError, match="forged.onnx must be a .*UnicodeDecodeError"):
        opened_with('{"format": 1, "<bytes>": 1}', b"\xff" * 7)


def test_a_graph_that_does_not_match_its_description_raises(served, ids):
    model = served(small_regressor(max_epochs=1).fit(ids, ids[:, :2]))
    values = {**vars(model._description), "one_a_row": True}
    with pytest.raises(ValueError, match="metadata require .* for the output 'y'"):
        check_graph(model.session_, Description(**values))


def test_a_graph_that_cannot_run_raises_with_its_file(exported, tmp_path, reviews):
    forged = onnx.ModelProto()
    forged.CopyFrom(exported)
    for constant in forged.graph.initializer:
        if constant.data_type == onnx.TensorProto.INT64:
            values = onnx.numpy_helper.to_array(constant)
            changed = np.where(values > 5, 2**40, values)
            constant.CopyFrom(onnx.numpy_helper.from_array(changed, constant.name))
    onnx.save(forged, tmp_path / "forged.onnx")
    model = OnnxModel(tmp_path / "forged.onnx", n_threads=1)
    with pytest.raises(ValueError, match=r"cannot run the graph of .*forged.onnx"):
        model.predict(reviews[0])


def test_written_by_export_names_the_file_and_passes_interrupts():
    with pytest.raises(ValueError, match=r"a.onnx must be .* KeyError: 'b'"):  # noqa: SIM117
        with written_by_export("a.onnx"):
            raise KeyError("b")
    with pytest.raises(KeyboardInterrupt), written_by_export("a.onnx"):
        raise KeyboardInterrupt
