import json
import random

import numpy as np
import pytest

from sklearn_bilstm.onnx import OnnxModel, export_onnx
from sklearn_bilstm.onnx._checks import check_graph, written_by_export
from sklearn_bilstm.onnx._description import Description
from sklearn_bilstm.sequences import N_TOKEN_FEATURES
from tests.helpers import small_regressor, small_tagger

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
        if constant.data_type == onnx.TensorProto.INT64 and not constant.dims:
            values = onnx.numpy_helper.to_array(constant)
            changed = np.where(values > 5, 2**40, values)
            constant.CopyFrom(onnx.numpy_helper.from_array(changed, constant.name))
    onnx.save(forged, tmp_path / "forged.onnx")
    model = OnnxModel(tmp_path / "forged.onnx", n_threads=1)
    with pytest.raises(ValueError, match=r"cannot run the graph of .*forged.onnx"):
        model.predict(reviews[0])


def test_outputs_of_another_shape_than_declared_raise(exported, tmp_path):
    forged = onnx.ModelProto()
    forged.CopyFrom(exported)
    last = next(n for n in forged.graph.node if n.output == ["probabilities"])
    node = onnx.helper.make_node
    # onnxruntime does not know the shape, since it depends on that of the input
    start = onnx.numpy_helper.from_array(np.array([0, 1]), "start")
    forged.graph.initializer.append(start)
    forged.graph.node.append(node("Shape", ["ids"], ["end"]))
    operands = [last.input[0], "start", "end"]
    forged.graph.node.append(node("Slice", operands, ["all_but_one"]))
    last.input[0] = "all_but_one"
    onnx.save(forged, tmp_path / "forged.onnx")
    model = OnnxModel(tmp_path / "forged.onnx", n_threads=1)
    assert model.predict(["not bad at all"]).shape == (1,)
    with pytest.raises(ValueError, match=r"of shape \(1, 2\) for 1 row.* \(1, 1\)"):
        model.predict_proba(["not bad at all"])


def test_written_by_export_names_the_file_and_passes_interrupts():
    with pytest.raises(ValueError, match=r"a.onnx must be .* KeyError: 'b'"):  # noqa: SIM117
        with written_by_export("a.onnx"):
            raise KeyError("b")
    with pytest.raises(KeyboardInterrupt), written_by_export("a.onnx"):
        raise KeyboardInterrupt


@pytest.fixture(scope="module")
def exported_tagger(sentences, tmp_path_factory):
    """A tagger, as a model of ONNX."""
    path = tmp_path_factory.mktemp("exported") / "tagger.onnx"
    export_onnx(small_tagger(max_epochs=1).fit(*sentences), path)
    return onnx.load(path)


@pytest.fixture
def tagger_with(exported_tagger, tmp_path):
    """Return a function that opens the tagger with other metadata."""

    def open_with(text):
        forged = onnx.ModelProto()
        forged.CopyFrom(exported_tagger)
        forged.metadata_props[0].value = text
        onnx.save(forged, tmp_path / "forged.onnx")
        return OnnxModel(tmp_path / "forged.onnx", n_threads=1)

    return open_with


@pytest.mark.parametrize("seed", range(60))
def test_forged_metadata_of_a_tagger_raise_or_keep_the_type_of_predictions(
    seed, exported_tagger, tagger_with, sentences
):
    X, _ = sentences
    text = with_change(exported_tagger.metadata_props[0].value, random.Random(seed))
    try:
        model = tagger_with(text)
    except ValueError as error:
        assert "forged.onnx" in str(error)  # noqa: PT017, what is raised is one of two
    else:
        assert [*map(len, model.predict(X))] == [*map(len, X)]
        assert [*map(len, model.predict_proba(X))] == [*map(len, X)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"of_steps": False}, "words only for a tagger"),
        ({"of_steps": 1}, "whether there are outputs of steps: got 1"),
        ({"of_steps": None, "words": None}, "whether there are outputs of steps"),
        ({"of_steps": False, "words": None}, "for the input 'characters'"),
        ({"words": None}, "for the input 'characters'"),
        ({"words": []}, "a vocabulary and characters"),
        ({"words": {"vocabulary": []}}, "a vocabulary and characters"),
        ({"words": {"vocabulary": ["a"], "characters": None}}, "input 'characters'"),
        (
            {"words": {"vocabulary": ["a", "a"], "characters": []}},
            "a list of distinct words",
        ),
        ({"words": {"vocabulary": {"a": 2}, "characters": []}}, "of distinct words"),
        ({"words": {"vocabulary": [], "characters": [3]}}, "of distinct characters"),
        ({"words": {"vocabulary": [], "characters": "ab"}}, "of distinct characters"),
        ({"input_type": "numeric", "n_channels": 1}, "words only for a tagger"),
        ({"classes": None}, "words only for a tagger"),
        ({"n_static": 1}, "words only for a tagger"),
        ({"n_token_features": N_TOKEN_FEATURES}, "for the input 'features'"),
        ({"n_token_features": 29}, "features of tokens, or null: got 29"),
        ({"n_token_features": True}, "features of tokens, or null: got True"),
        (
            {"n_token_features": N_TOKEN_FEATURES, "words": None},
            "features of tokens, or null",
        ),
        ({"classes": {"dtype": "<U1", "labels": ["a"]}}, "output 'probabilities'"),
        (
            {
                "classes": [{"dtype": "<U1", "labels": ["a"]}] * 2,
                "one_a_row": False,
            },
            "several tasks only for labels of rows",
        ),
    ],
    ids=str,
)
def test_invalid_metadata_of_a_tagger_raise_with_a_reason(
    exported_tagger, tagger_with, changes, message
):
    content = json.loads(exported_tagger.metadata_props[0].value)
    with pytest.raises(ValueError, match=rf"forged.onnx must be a .*{message}"):
        tagger_with(json.dumps({**content, **changes}))


@pytest.mark.parametrize("value", [None, 0, "30", [30]])
def test_features_of_the_graph_that_the_metadata_lack_raise(sentences, tmp_path, value):
    path = tmp_path / "forged.onnx"
    tagger = small_tagger(linear_features="auto", max_epochs=1).fit(*sentences)
    export_onnx(tagger, path)
    forged = onnx.load(path)
    content = json.loads(forged.metadata_props[0].value)
    assert content["n_token_features"] == N_TOKEN_FEATURES
    forged.metadata_props[0].value = json.dumps({**content, "n_token_features": value})
    onnx.save(forged, path)
    with pytest.raises(ValueError, match=r"forged.onnx must be a .*features"):
        OnnxModel(path, n_threads=1)


def test_labels_of_steps_of_another_shape_raise(exported_tagger, tmp_path):
    forged = onnx.ModelProto()
    forged.CopyFrom(exported_tagger)
    last = next(n for n in forged.graph.node if n.output == ["label"])
    start, axis = (
        onnx.numpy_helper.from_array(np.array([i]), f"at_{i}") for i in (0, 1)
    )
    forged.graph.initializer.extend([start, axis])
    last.op_type = "Slice"  # to the first step
    last.input.extend(["at_0", "at_1", "at_1"])
    onnx.save(forged, tmp_path / "forged.onnx")
    model = OnnxModel(tmp_path / "forged.onnx", n_threads=1)
    assert len(model.predict([["a"]])) == 1
    with pytest.raises(ValueError, match=r"of shape \(1, 3\) for 1 rows.* \(1, 1\)"):
        model.predict([["a", "b", "c"]])


def test_a_forged_index_of_a_label_raises(exported_tagger, tmp_path):
    forged = onnx.ModelProto()
    forged.CopyFrom(exported_tagger)
    last = next(n for n in forged.graph.node if n.output == ["label"])
    last.op_type = "Add"
    last.input.append("more")
    more = onnx.numpy_helper.from_array(np.array(99), "more")
    forged.graph.initializer.append(more)
    onnx.save(forged, tmp_path / "forged.onnx")
    with pytest.raises(ValueError, match="forged.onnx must be a model.*IndexError"):
        OnnxModel(tmp_path / "forged.onnx", n_threads=1).predict([["a"]])
