import copy
import io
import pickle
import platform
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import EntityRecognizer, TextVectorizer
from sklearn_bilstm.onnx import OnnxModel, export_onnx
from tests.helpers import small_classifier, small_regressor, small_tagger

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def path(fitted_pipeline, tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "model.onnx"
    export_onnx(fitted_pipeline, path)
    return path


@pytest.fixture(scope="module")
def texts(reviews):
    """Texts of all lengths, an empty one and one of unknown words among them."""
    words = " ".join(reviews[0]).split()
    cuts = np.cumsum(np.arange(25))
    parts = [" ".join(words[start:end]) for start, end in pairwise(cuts)]
    return [*reviews[0], *parts, "", None, "xyzzy plugh", "!!!"]


def test_served_pipeline_gives_equal_probabilities(path, fitted_pipeline, texts):
    expected = fitted_pipeline.predict_proba(texts)
    model = OnnxModel(path)
    np.testing.assert_allclose(model.predict_proba(texts), expected, atol=1e-6)
    assert np.array_equal(model.predict(texts), fitted_pipeline.predict(texts))
    assert model.classes_.tolist() == fitted_pipeline.classes_.tolist()


PREDICTING = """
import sys
from sklearn_bilstm.onnx import OnnxModel
assert OnnxModel({path!r}).predict_proba({X!r}).shape == (2, 2)
"""
UNUSED = "joblib", "onnx", "pandas", "scipy", "sklearn", "skorch", "torch"
WITHOUT_OTHERS = PREDICTING + "assert not sys.modules.keys() & set({unused!r})"


def test_serving_texts_imports_neither_torch_nor_scikit_learn(path):
    code = WITHOUT_OTHERS.format(
        path=str(path), X=["not bad at all", ""], unused=UNUSED
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("lengths", [(2, 1), (12, 12)])
def test_serving_lists_of_ids_imports_neither_torch_nor_scikit_learn(
    fitted, served, tmp_path, lengths
):
    served(fitted)
    path, X = str(tmp_path / "model.onnx"), [[4] * length for length in lengths]
    code = WITHOUT_OTHERS.format(path=path, X=X, unused=UNUSED)
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of memory differs")
def test_a_process_that_serves_texts_takes_little_memory(path):
    code = PREDICTING.format(path=str(path), X=["not bad at all", ""])
    # in kilobytes, without those of the process that starts this one
    code += "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    found = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert int(found) < 150_000


# The last block keeps the others, which are freed, within the heap.
FREEING = """
from pathlib import Path
from sklearn_bilstm.onnx import OnnxModel

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

blocks = [bytearray(b"x") * 30_000 for _ in range(5_000)]
blocks = blocks[-1:]
before = megabytes()
model = OnnxModel({path!r})
print(before - megabytes())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="requires glibc")
def test_a_new_session_returns_freed_memory_to_the_system(path):
    code = FREEING.format(path=str(path))
    found = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert float(found) > 50


def test_the_vectorizer_gives_the_ids_that_the_model_reads(
    path, fitted_pipeline, texts
):
    model = OnnxModel(path)
    assert isinstance(model.vectorizer_, TextVectorizer)
    X = model.vectorizer_.transform(texts)
    assert (fitted_pipeline[0].transform(texts) != X).nnz == 0
    ids = model.inputs(texts)["ids"]
    assert [row[row > 0].tolist() for row in ids] == [
        row[row > 0].tolist() for row in X.toarray()
    ]


@pytest.mark.parametrize("linear_features", [None, "auto"])
def test_serving_a_tagger_imports_neither_torch_nor_scikit_learn(
    sentences, tmp_path, linear_features
):
    path = tmp_path / "tagger.onnx"
    params = {"linear_features": linear_features, "max_epochs": 20, "lr": 0.05}
    export_onnx(small_tagger(**params).fit(*sentences), path)
    code = f"""
import sys
from sklearn_bilstm.onnx import OnnxModel
model = OnnxModel({str(path)!r})
assert model.predict([["Ben", "met", "Anna"], []]) == [["B-PER", "O", "B-PER"], []]
assert [len(p) for p in model.predict_proba([["Ben", "met"], []])] == [2, 0]
assert not sys.modules.keys() & {set(UNUSED)}
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_served_predictions_do_not_depend_on_the_number_of_rows(
    path, fitted_pipeline, texts
):
    many = [texts[i % len(texts)] for i in range(1000)]
    model = OnnxModel(path, n_threads=2)
    together = model.predict_proba(many)
    alone = np.concatenate([model.predict_proba([text]) for text in texts])
    among_others = together[: len(texts)]
    np.testing.assert_allclose(alone, among_others, atol=1e-6)
    np.testing.assert_allclose(together, fitted_pipeline.predict_proba(many), atol=1e-6)


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_served_predictions_do_not_depend_on_threads_and_batch_size(
    path, texts, n_threads, batch_size
):
    model = OnnxModel(path, n_threads=n_threads, batch_size=batch_size)
    expected = OnnxModel(path).predict_proba(texts)
    np.testing.assert_allclose(model.predict_proba(texts), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["n_threads", "batch_size"])
def test_n_threads_and_batch_size_must_be_positive(path, name):
    with pytest.raises(ValueError, match=f"'{name}' parameter of OnnxModel"):
        OnnxModel(path, **{name: 0})


def test_empty_documents_are_served(path, fitted_pipeline):
    empty = ["", None, "..."]
    np.testing.assert_allclose(
        OnnxModel(path).predict_proba(empty),
        fitted_pipeline.predict_proba(empty),
        atol=1e-6,
    )


def test_batches_of_short_texts_are_not_padded_to_the_longest(path, texts):
    model = OnnxModel(path, batch_size=8)
    widths = []
    run = model.session_.run

    class Recording:
        def run(self, names, inputs):
            widths.append(inputs["ids"].shape[1])
            return run(names, inputs)

    model.session_ = Recording()
    model.predict(texts)
    assert min(widths) < max(widths) / 3


def test_inputs_can_be_passed_to_another_session(path, texts):
    model = OnnxModel(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs = model.inputs(texts)
    assert {entry.name for entry in session.get_inputs()} == inputs.keys()
    label, probabilities, logits = session.run(
        ["label", "probabilities", "logits"], inputs
    )
    np.testing.assert_allclose(probabilities, model.predict_proba(texts), atol=1e-6)
    assert np.array_equal(label, probabilities.argmax(1))
    odds = np.exp(logits - logits.max(1, keepdims=True))
    np.testing.assert_allclose(probabilities, odds / odds.sum(1, keepdims=True))


@pytest.mark.parametrize(
    "labels", [["no", "yes"], [3, 7], [False, True], [1.0, 2.0]], ids=str
)
def test_served_labels_equal_the_labels_of_the_model(served, ids, labels):
    model = small_classifier().fit(ids, np.array(labels)[(ids[:, 0] > 15) * 1])
    expected = model.predict(ids)
    found = served(model).predict(ids)
    assert np.array_equal(found, expected)
    assert found.dtype == expected.dtype


def test_predict_proba_is_available_for_classifiers_only(served, ids):
    model = served(small_regressor(max_epochs=1).fit(ids, ids[:, 0]))
    assert model.classes_ is None
    assert model.predict(ids).shape == (40,)
    assert not hasattr(model, "predict_proba")


def test_empty_input_and_other_widths_raise(path, served, fitted, ids):
    with pytest.raises(ValueError, match="at least one row or document: got shape"):
        OnnxModel(path).predict([])
    model = served(fitted)
    for X in (ids[:, :-1], np.hstack([ids, ids])):
        with pytest.raises(ValueError, match=f"have {ids.shape[1]} columns"):
            model.predict(X)


def test_a_copy_predicts_without_the_file(fitted_pipeline, texts, tmp_path):
    path = tmp_path / "model.onnx"
    export_onnx(fitted_pipeline, path)
    model = OnnxModel(path, batch_size=7)
    path.unlink()
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert again.batch_size == 7
        expected = model.predict_proba(texts)
        assert np.array_equal(again.predict_proba(texts), expected)


def test_repr_shows_input_and_output(path, served, ids):
    assert repr(OnnxModel(path)) == f"<OnnxModel {str(path)!r}: text to 2 classes>"
    regressor = served(small_regressor(max_epochs=1).fit(ids, ids[:, 0]))
    assert repr(regressor).endswith("model.onnx': tokens to numbers>")


def test_a_file_of_another_tool_raises(tmp_path):
    other = tmp_path / "other.onnx"
    other.write_bytes(b"no model")
    with pytest.raises(
        ValueError, match="other.onnx must be a model written by sklearn_"
    ):
        OnnxModel(other)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        OnnxModel(tmp_path / "nowhere.onnx")


def test_open_files_are_written_and_read(fitted_pipeline, path, texts):
    file = io.BytesIO()
    export_onnx(fitted_pipeline, file)
    file.seek(0)
    model = OnnxModel(file)
    assert repr(model) == "<OnnxModel 'BytesIO': text to 2 classes>"
    expected = OnnxModel(path).predict_proba(texts)
    assert np.array_equal(model.predict_proba(texts), expected)
    with pytest.raises(TypeError, match="text mode"):
        export_onnx(fitted_pipeline, io.StringIO())


def test_missing_onnxruntime_raises_with_the_extra(monkeypatch, path):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"'sklearn-bilstm\[onnx\]'"):
        OnnxModel(path)


def test_ids_of_another_vocabulary_raise(tmp_path):
    texts, y = ["good film", "bad plot"] * 10, [0, 1] * 10
    vectorizer = TextVectorizer()
    model = small_classifier().fit(vectorizer.fit_transform(texts), y)
    export_onnx(model, tmp_path / "model.onnx")
    served = OnnxModel(tmp_path / "model.onnx")
    X = vectorizer.transform(["good plot"])
    np.testing.assert_allclose(
        served.predict_proba(X), model.predict_proba(X), atol=1e-5
    )
    other_X = TextVectorizer().fit_transform(["quite other words"])
    with pytest.raises(ValueError, match="ids of the vocabulary.*another vocabulary"):
        served.predict(other_X)


@pytest.mark.filterwarnings("ignore:The 'n_static_features' parameter may be")
def test_the_last_ids_of_a_vectorizer_can_be_static_features(served, reviews):
    texts, y = reviews
    classifier = small_classifier(max_epochs=1, n_static_features=1)
    model = make_pipeline(
        TextVectorizer(max_length=12, sparse_output=False), classifier
    ).fit(texts, y)
    found = served(model).predict_proba(texts)
    np.testing.assert_allclose(found, model.predict_proba(texts), atol=1e-6)


def test_labels_of_tokens_have_the_types_of_the_tagger(served, sentences):
    X, y = sentences
    codes = [[len(label) for label in row] for row in y]
    for labels in (y, codes):
        tagger = small_tagger(max_epochs=1).fit(X, labels)
        model = served(tagger)
        found, expected = model.predict(X), tagger.predict(X)
        assert found == expected
        assert {type(label) for row in found for label in row} == {
            type(label) for row in expected for label in row
        }
        assert np.asarray(found).shape == (len(X),)
        assert model.classes_.tolist() == tagger.classes_.tolist()


def test_predictions_of_steps_are_lists_that_numpy_does_not_stack(served, ids):
    X = np.random.RandomState(0).normal(size=(20, 5))
    model = served(small_regressor(output_type="steps", max_epochs=1).fit(X, X))
    assert np.asarray(model.predict(X)).shape == (20,)
    assert not hasattr(model, "predict_proba")
    assert repr(model).endswith("numeric to numbers per step>")


def test_an_exported_tagger_finds_spans_in_texts(tmp_path):
    X = [["Anna", "left", "."], ["It", "rains"]] * 8
    y = [["B-PER", "O", "O"], ["O", "O"]] * 8
    tagger = small_tagger(max_epochs=30, lr=0.05).fit(X, y)
    export_onnx(tagger, tmp_path / "names.onnx")
    exported = EntityRecognizer.from_tagger(OnnxModel(tmp_path / "names.onnx"))
    texts = ["Anna left.", "", "It rains, Anna."]
    found = exported.predict(texts)
    expected = EntityRecognizer.from_tagger(tagger).predict(texts)
    for row, others in zip(found, expected, strict=True):
        for span, other in zip(row, others, strict=True):
            assert span.pop("score") == pytest.approx(other.pop("score"), abs=1e-5)
            assert span == other
    assert found[0] == [{"start": 0, "end": 4, "label": "PER", "text": "Anna"}]
    assert exported.labels_.tolist() == ["PER"]
    assert copy.deepcopy(exported).predict(texts) == exported.predict(texts)


def test_other_exported_models_do_not_find_spans(path, tmp_path):
    with pytest.raises(ValueError, match="A label of spans must be"):
        EntityRecognizer.from_tagger(OnnxModel(path))
    export_onnx(small_regressor().fit([[2, 3]] * 8, [0.5, 1.0] * 4), tmp_path / "r")
    with pytest.raises(ValueError, match="got an object of type OnnxModel"):
        EntityRecognizer.from_tagger(OnnxModel(tmp_path / "r"))


def test_a_copy_of_a_tagger_predicts_without_the_file(served, fitted_tagger, sentences):
    X, _ = sentences
    model = served(fitted_tagger)
    expected = model.predict(X)
    assert pickle.loads(pickle.dumps(model)).predict(X) == expected
    assert repr(model).endswith("tokens to 3 classes per step>")
