import functools
import gzip
import io
import json
import pickle
import subprocess
import sys
import tempfile
import warnings
from contextlib import suppress

import numpy as np
import pytest
import sklearn
import torch
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.feature_selection import SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import EpochTimer
from torch import nn

from sklearn_bilstm import (
    BiLSTMClassifier,
    TextVectorizer,
    WordVectors,
    compress,
    load,
    save,
)
from sklearn_bilstm.fitting._net_state import net_state
from sklearn_bilstm.training import SequenceNet
from sklearn_bilstm.utils._archive import read_archive, write_archive
from tests.helpers import (
    small_classifier,
    small_pipeline,
    small_regressor,
    small_tagger,
)

Y = [0, 1] * 20


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.zip"


def round_trip(model, path, **kwargs):
    save(model, path, **kwargs)
    return load(path, **kwargs)


OPENED = {
    "BytesIO": io.BytesIO,
    "NamedTemporaryFile": tempfile.NamedTemporaryFile,
    "SpooledTemporaryFile": tempfile.SpooledTemporaryFile,
    "TemporaryFile": tempfile.TemporaryFile,
    "unbuffered": functools.partial(tempfile.TemporaryFile, buffering=0),
}


@pytest.mark.parametrize("kind", OPENED)
def test_an_open_file_is_used_from_its_position_and_stays_open(fitted, ids, kind):
    with OPENED[kind]() as file:
        file.write(b"before")
        save(fitted, file)
        file.seek(len(b"before"))
        again = load(file)
        assert file.read() == b""
        file.seek(0)
        assert file.read(len(b"before")) == b"before"
    assert np.array_equal(again.predict_proba(ids), fitted.predict_proba(ids))


def test_save_writes_equal_bytes_to_a_path_and_an_open_file(fitted, path):
    save(fitted, path)
    save(fitted, buffer := io.BytesIO())
    assert buffer.getvalue() == path.read_bytes()
    with gzip.open(path, "wb") as file:
        save(fitted, file)
    with gzip.open(path, "rb") as file:
        assert load(file).get_params() == fitted.get_params()


def test_a_file_in_text_mode_raises_with_a_suggestion(fitted, path):
    temporary = functools.partial(tempfile.NamedTemporaryFile, "w+")
    for opened in (io.StringIO, temporary, functools.partial(path.open, "w+")):
        with (
            opened() as file,
            pytest.raises(TypeError, match=r"text mode: .* open\(path, 'wb'\)"),
        ):
            save(fitted, file)
    with path.open() as file, pytest.raises(TypeError, match=r"open\(path, 'rb'\)"):
        load(file)


def test_a_file_open_in_another_mode_raises(fitted, path):
    with (
        path.open("wb") as file,
        pytest.raises(ValueError, match="not open for reading"),
    ):
        load(file)
    with (
        path.open("rb") as file,
        pytest.raises(ValueError, match="not open for writing"),
    ):
        save(fitted, file)
    for use in (load, functools.partial(save, fitted)):
        with pytest.raises(TypeError, match="a path or an open file: .* type int"):
            use(3)


def test_two_models_in_one_file_are_loaded_by_position(fitted, fitted_tagger):
    file = io.BytesIO()
    save(fitted, file)
    second = file.tell()
    save(fitted_tagger, file)
    file.seek(0)
    with pytest.raises(ValueError, match="'BytesIO' cannot .* not begin with one of"):
        load(file)
    file.seek(second)
    assert isinstance(load(file), type(fitted_tagger))


def inside(value):
    """Return what a value holds, by name, or nothing."""
    if isinstance(value, SequenceNet):
        return net_state(value)
    if isinstance(value, np.random.RandomState):
        return value.get_state(legacy=False)
    if isinstance(value, list | tuple):
        return dict(enumerate(value))
    if isinstance(value, sparse.csr_array):  # which also remembers what it has checked
        return {name: getattr(value, name) for name in ("data", "indices", "indptr")}
    if isinstance(value, type | np.dtype):
        return {}
    return value if isinstance(value, dict) else getattr(value, "__dict__", {})


def assert_same(found, expected, place="model"):
    """Compare objects with all that is in them, and in what they hold."""
    assert type(found) is type(expected), place
    if isinstance(found, float | np.ndarray | torch.Tensor):
        found, expected = np.asarray(found), np.asarray(expected)
        assert found.dtype == expected.dtype, place
        np.testing.assert_array_equal(found, expected, place)
        return
    ours, theirs = inside(found), inside(expected)
    assert ours.keys() == theirs.keys(), place
    for name in ours:
        assert_same(ours[name], theirs[name], f"{place}.{name}")
    if not ours:
        assert found == expected, place


# -- what comes back


def test_a_pipeline_predicts_identically_after_a_round_trip(
    fitted_pipeline, reviews, path
):
    found = round_trip(fitted_pipeline, path)
    texts = [*reviews[0], "", "quite unknown words"]
    for method in ("predict", "predict_proba", "decision_function", "transform"):
        expected = getattr(fitted_pipeline, method)(texts)
        assert_same(getattr(found, method)(texts), expected)


def test_parameters_and_attributes_round_trip(fitted_pipeline, path):
    found = round_trip(fitted_pipeline, path)
    assert repr(found) == repr(fitted_pipeline)
    assert_same(found, fitted_pipeline)


def test_another_process_predicts_identically(fitted_pipeline, reviews, tmp_path):
    texts = list(reviews[0])
    save(fitted_pipeline, tmp_path / "model.zip")
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    code = """
import json, sys, numpy as np, torch
from pathlib import Path
from sklearn_bilstm import load
folder = Path(sys.argv[1])
torch.set_num_threads(2)
model = load(folder / "model.zip")
texts = json.loads((folder / "texts.json").read_text())
np.save(folder / "found.npy", model.predict_proba(texts))
assert "pickle" not in vars(sys.modules["sklearn_bilstm.persistence._files"])
"""
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True)
    found = np.load(tmp_path / "found.npy")
    assert np.array_equal(found, fitted_pipeline.predict_proba(texts))


RANDOM = np.random.RandomState(0)
IDS = RANDOM.randint(2, 30, (30, 8))
SEVERAL = RANDOM.randint(0, 2, (30, 3))
WHOLE = {
    "log_odds_ngram_range": (1, 2),
    "linear_ngram_range": (1, 2),
    "embedding": "svd",
}
MODELS = {
    "three classes": (small_classifier(**WHOLE), IDS, [0, 1, 2] * 10),
    "one class": (small_classifier(**WHOLE), IDS, ["only"] * 30),
    "several labels": (small_classifier(**WHOLE), IDS, SEVERAL),
    "numbers beside": (
        small_classifier(**WHOLE, n_static_features=2),
        np.hstack([IDS, RANDOM.rand(30, 2)]),
        [0, 1] * 15,
    ),
    "tasks": (
        small_classifier(**WHOLE),
        IDS,
        np.column_stack([["a", "b"] * 15, ["c", None, "d"] * 10]),
    ),
    "tasks of series": (
        small_classifier(linear_kernels=84),
        RANDOM.rand(30, 6, 2),
        np.column_stack([[0, 1] * 15, [0, 1, 2] * 10]),
    ),
    "series": (small_classifier(), RANDOM.rand(30, 6, 2), [0, 1] * 15),
    "convolutions": (
        small_classifier(convolution_layer_sizes=(4, 3), convolution_stride=2),
        RANDOM.rand(30, 6, 2),
        [0, 1] * 15,
    ),
    "a number": (small_regressor(), IDS, RANDOM.rand(30)),
    "several numbers": (small_regressor(), RANDOM.rand(30, 6), RANDOM.rand(30, 2)),
    "early stopping": (
        small_classifier(early_stopping=True, lr_schedule="plateau"),
        IDS,
        [0, 1] * 15,
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_fitted_estimators_of_every_task_round_trip(name, path):
    model, X, y = MODELS[name]
    model.fit(X, y)
    found = round_trip(model, path)
    assert_same(found.predict(X), model.predict(X))
    assert_same(found.transform(X), model.transform(X))
    assert_same(found, model)


@pytest.mark.parametrize(
    "y", [[0, 1] * 15, [0, 1, 2] * 10, SEVERAL], ids=["two", "three", "labels"]
)
def test_regressions_on_mean_token_vectors_round_trip(y, path):
    model = small_classifier(**WHOLE).fit(IDS, y)
    model.linear_model_.share_of_vectors = 0.5
    found = round_trip(model, path)
    assert_same(found.predict_proba(IDS), model.predict_proba(IDS))
    assert found.linear_model_.share_of_vectors == 0.5


TAGGERS = {
    "words": small_tagger(early_stopping=True),
    "words of vectors": small_tagger(embedding=WordVectors(["anna"], [[1.0, 2.0]])),
    "one by one": small_tagger(crf=False, n_character_filters=0, embedding="svd"),
    "unconstrained": small_tagger(constrained=False, normalization="batch"),
}


@pytest.mark.parametrize("name", TAGGERS)
def test_fitted_taggers_round_trip(name, sentences, path):
    X, y = sentences
    model = TAGGERS[name].fit(X, y)
    found = round_trip(model, path)
    assert found.predict(X) == model.predict(X)
    assert_same(found.predict_proba(X), model.predict_proba(X))
    assert_same(found, model)
    assert found.score(X, y) == model.score(X, y)


@pytest.mark.parametrize("X", [[[2, 3], [], [4]], [np.eye(2), np.ones((1, 2))]])
def test_fitted_taggers_of_ids_and_numbers_round_trip(X, path):
    model = small_tagger().fit(X, [[1] * len(row) for row in X])
    found = round_trip(model, path)
    assert_same(found.predict_proba(X), model.predict_proba(X))
    assert_same(found, model)


@pytest.mark.parametrize(
    "classes",
    [
        np.array(["no", "yes, certainly"]),
        np.array(["no", "yes"], object),
        np.array([-1, 7]),
        np.array([1, 2], np.uint8),
        np.array([False, True]),
        np.array([0.0, 1.0]),
        np.array(["1", "a longer one"], object),
    ],
    ids=lambda classes: f"{classes.dtype}",
)
def test_classes_of_every_dtype_round_trip(classes, ids, path):
    model = small_classifier(max_epochs=1).fit(ids, classes[Y])
    found = round_trip(model, path)
    assert_same(found.classes_, model.classes_)
    assert_same(found.predict(ids), model.predict(ids))


@pytest.mark.parametrize(
    "params",
    [
        {"class_weight": {0: 1.0, "a": np.float32(2)}, "random_state": None},
        {"random_state": np.random.RandomState(5), "hidden_layer_sizes": [4, 3]},
        {"embedding": np.arange(6, dtype=np.float16).reshape(3, 2)},
        {"embedding": [[0.0, 1.0], [np.inf, np.nan]]},
        {"embedding": WordVectors(["a", 3, ("b", "c")], np.eye(3))},
        {"device": torch.device("cuda", 1), "log_odds_ngram_range": (1, 3)},
        {"net_params": {"iterator_train__num_workers": 2}, "n_threads": np.int64(2)},
    ],
    ids=lambda params: next(iter(params)),
)
def test_parameters_of_an_unfitted_estimator_round_trip(params, path):
    assert_same(
        round_trip(BiLSTMClassifier(**params), path), BiLSTMClassifier(**params)
    )


def test_a_pretrained_parameter_round_trips(ids, path):
    first = small_classifier(**WHOLE).fit(ids, Y)
    model = small_classifier(**WHOLE, pretrained=FrozenEstimator(first))
    model.fit(ids, np.array(["a", "b", "c", "d"] * 10))
    found = round_trip(model, path)
    assert_same(found, model)
    before = found.pretrained.estimator
    assert np.array_equal(found.log_odds_.tables, before.log_odds_.tables)
    assert_same(before.predict_proba(ids), first.predict_proba(ids))


def test_a_vectorizer_of_several_columns_round_trips(path):
    columns = np.array([["good", "film"], ["bad", "@user :)"]], object)
    vectorizer = TextVectorizer(max_length=None).fit(columns)
    found = round_trip(vectorizer, path)
    assert_same(found, vectorizer)
    assert "@user" not in found.vocabulary_  # which the default tokeniser parts
    assert (found.transform(columns) != vectorizer.transform(columns)).nnz == 0


# -- going on from it


def test_partial_fit_continues_identically_after_a_round_trip(reviews, path):
    texts, labels = reviews
    vectorizer, model = TextVectorizer(), small_classifier(log_odds_ngram_range=(1, 1))
    for start in (0, 20):
        part = slice(start, start + 20)
        X = vectorizer.partial_fit(texts[part]).transform(texts[part])
        model.partial_fit(X, labels[part], classes=["negative", "positive"])
    pipeline = make_pipeline(vectorizer, model)
    found = round_trip(pipeline, path)
    for vectorizer_, model_ in (pipeline, found):
        X = vectorizer_.partial_fit(texts[40:]).transform(texts[40:])
        model_.partial_fit(X, labels[40:])
    assert_same(found.predict_proba(texts), pipeline.predict_proba(texts))


@pytest.mark.parametrize("random_state", [0, np.random.RandomState(0)])
def test_warm_start_and_refit_are_identical_after_a_round_trip(ids, path, random_state):
    model = small_classifier(warm_start=True, random_state=random_state).fit(ids, Y)
    found = round_trip(model, path)
    expected, got = model.fit(ids, Y), found.fit(ids, Y)
    assert_same(got.predict_proba(ids), expected.predict_proba(ids))
    expected, got = (m.set_params(warm_start=False).fit(ids, Y) for m in (model, found))
    assert_same(got.predict_proba(ids), expected.predict_proba(ids))


def test_the_fitted_network_is_stored_regardless_of_set_params(ids, path):
    model = small_classifier().fit(ids, Y)
    expected = model.predict_proba(ids)
    model.set_params(hidden_layer_sizes=99, cell="gru", pooling="last", batch_size=3)
    found = round_trip(model, path)
    assert_same(found.predict_proba(ids), expected)
    assert found.hidden_layer_sizes == 99


def test_save_and_load_do_not_change_global_random_states(fitted, path):
    before = torch.get_rng_state(), np.random.get_state()
    round_trip(fitted, path)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert_same(np.random.get_state(), before[1])


# -- devices


def test_a_model_of_another_device_predicts_on_the_available_device(ids, path):
    model = small_classifier().fit(ids, Y)
    expected = model.predict_proba(ids)
    found = round_trip(model.set_params(device="cuda:7"), path)
    assert load(path, device="cpu").net_.device == "cpu"
    assert found.device == "cuda:7"  # where it would be fitted again
    assert_same(found.predict_proba(ids), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_model_moves_from_gpu_to_cpu_and_back(ids, path):
    model = small_classifier(device="cuda").partial_fit(ids, Y, classes=[0, 1])
    expected = model.predict_proba(ids)
    on_cpu = round_trip(model, path)
    save(load(path, device="cpu"), path)
    on_gpu = load(path, device="cuda")
    assert next(on_gpu.module_.parameters()).is_cuda
    assert_same(on_gpu.predict_proba(ids), expected)
    np.testing.assert_allclose(on_cpu.predict_proba(ids), expected, atol=1e-5)
    on_gpu.partial_fit(ids, Y)


def test_an_unavailable_device_raises(fitted, path):
    save(fitted, path)
    with pytest.raises(ValueError, match="'device' parameter .*'nowhere'"):
        load(path, device="nowhere")


# -- what a file cannot hold


def split_at_commas(text):
    return text.split(",")


class Splitter:
    def split(self, text):
        return text.split(",")


def test_functions_are_stored_by_name_in_custom_objects(path):
    vectorizer = TextVectorizer(tokenizer=split_at_commas).fit(["a b,c"])
    named = {"split": split_at_commas, "unused": len}
    found = round_trip(vectorizer, path, custom_objects=named)
    assert found.tokenizer is split_at_commas
    assert found.vocabulary_ == {"a b": 2, "c": 3}
    other = load(path, custom_objects={"split": str.split})
    assert other.inverse_transform(other.transform(["c a b"])) == [
        ["c", "<unk>", "<unk>"]
    ]


def test_methods_and_callable_objects_are_stored_by_name(path):
    splitter, part = Splitter(), functools.partial(str.split, sep=",")
    model = Pipeline(
        [
            ("one", TextVectorizer(analyzer=splitter.split)),
            ("two", TextVectorizer(analyzer=part)),
        ]
    )
    custom_objects = {"split": splitter.split, "part": part}
    found = round_trip(model, path, custom_objects=custom_objects)
    assert found["one"].analyzer == splitter.split
    assert found["two"].analyzer is part


def test_tokens_that_are_not_strings_round_trip(path):
    tokens = [[1, (2, "b")], [None, 1]]
    named = {"as they are": list}
    vectorizer = TextVectorizer(analyzer=list).fit(tokens)
    found = round_trip(vectorizer, path, custom_objects=named)
    assert_same(found, vectorizer)
    assert found.vocabulary_ == {1: 2, (2, "b"): 3, None: 4}


def test_a_numpy_integer_parameter_round_trips(path):
    vectorizer = TextVectorizer(max_length=np.int64(3)).fit(["good, bad"])
    assert_same(round_trip(vectorizer, path), vectorizer)


def test_missing_custom_objects_raise_with_all_names(path):
    model = make_pipeline(TextVectorizer(tokenizer=split_at_commas, preprocessor=repr))
    named = {"first": split_at_commas, "second": repr}
    save(model, path, custom_objects=named)
    with pytest.raises(
        ValueError, match=r"custom_objects: pass .*\['first', 'second'\]"
    ):
        load(path)
    with pytest.raises(ValueError, match=r"\['second'\]"):
        load(path, custom_objects={"first": split_at_commas})


@pytest.mark.parametrize("objects", [["a"], {"a"}, "a", split_at_commas])
def test_custom_objects_other_than_a_dict_raise(objects, path):
    with pytest.raises(TypeError, match="custom_objects must be a dict of names"):
        save(TextVectorizer(), path, custom_objects=objects)
    with pytest.raises(TypeError, match="custom_objects must be a dict of names"):
        load(path, custom_objects=objects)


@pytest.mark.parametrize("function", [split_at_commas, lambda text: [text]])
def test_a_function_outside_custom_objects_raises_with_a_suggestion(function, path):
    model = make_pipeline(TextVectorizer(strip_accents=function))
    match = r"\.textvectorizer\..*\.strip_accents contains .*custom_objects=.*joblib"
    with pytest.raises(TypeError, match=match):
        save(model, path)
    assert not path.exists()


def test_callbacks_raise_unless_in_custom_objects(ids, path):
    callback = EpochTimer()
    model = small_classifier(callbacks=[callback]).fit(ids, Y)
    with pytest.raises(TypeError, match=r"callbacks\.0 contains .* EpochTimer.*=None"):
        save(model, path)
    found = round_trip(model, path, custom_objects={"timer": callback})
    assert found.callbacks == [callback]
    assert_same(found.predict(ids), model.predict(ids))


class Cleaner(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X


def test_a_step_of_an_unsupported_class_raises(fitted, path):
    for step in (SelectKBest(), Cleaner()):
        model = Pipeline([("odd one", step), ("net", fitted)])
        match = rf"steps\.0\.odd one contains .* type {type(step).__name__}, which save"
        with pytest.raises(TypeError, match=match):
            save(model, path)
    with pytest.raises(TypeError, match="^model contains an object of type Cleaner"):
        save(Cleaner(), path)


@pytest.mark.parametrize("model", [[TextVectorizer()], TextVectorizer, None])
def test_save_raises_on_other_objects_than_estimators(model, path):
    with pytest.raises(TypeError, match=r"model must be an estimator .* a file each"):
        save(model, path)
    assert not path.exists()


def test_save_raises_on_parameters_that_load_would_reject(fitted, path):
    with pytest.raises(ValueError, match="'lr' parameter of BiLSTMClassifier must"):
        save(small_classifier(lr=-1.0), path)
    with pytest.raises(TypeError, match="should be transformers"):
        save(Pipeline([("three", 3), ("net", fitted)]), path)
    assert not path.exists()


def test_save_of_a_grid_search_raises_and_suggests_best_estimator(ids, path):
    search = GridSearchCV(small_classifier(), {"max_epochs": [1]}, cv=2).fit(ids, Y)
    with pytest.raises(TypeError, match="Save its best_estimator_"):
        save(search, path)
    assert_same(
        round_trip(search.best_estimator_, path).predict(ids), search.predict(ids)
    )


def test_a_model_that_contains_itself_raises(path):
    model = make_pipeline(TextVectorizer())
    model.steps.append(("self", model))
    with pytest.raises(ValueError, match="nested too deeply, or holds itself"):
        save(model, path)


def test_a_failed_save_keeps_the_old_file(fitted, path):
    save(fitted, path)
    before = path.read_bytes()
    with pytest.raises(TypeError, match="cannot store"):
        save(TextVectorizer(tokenizer=split_at_commas), path)
    assert path.read_bytes() == before


# -- files of others


def rewrite(path, change):
    """Change what a file holds, with checksums that are right, as a forger would."""
    content, arrays = read_archive(path, kind="model")
    content = change(content, arrays) or content
    write_archive(path, kind="model", content=content, arrays=arrays)


def attributes_of(content, step=1):
    """Return the attributes of a step of a pipeline in a file."""
    steps = content["model"]["@object"][1]["steps"]
    return steps[step]["@tuple"][1]["@object"][1]


def state_of(content, *places, step=1):
    """Return the fitted state of a step, or one of its parts."""
    state = attributes_of(content, step)["state"]
    for place in places:
        state = state[place]
    return state


def forge(step, **changes):
    def change(content, arrays):
        attributes_of(content, step).update(changes)

    return change


def forge_state(*places, step=1, **changes):
    def change(content, arrays):
        state_of(content, *places, step=step).update(changes)

    return change


def replace_class(content, arrays):
    content["model"]["@object"][0] = "os.system"


def drop_network(content, arrays):
    del state_of(content, "net")["parts"]


def drop_arrays(content, arrays):
    arrays.clear()


def shorten_arrays(content, arrays):
    for name, array in arrays.items():
        arrays[name] = array[:1]


def nest(content, arrays):
    value = 1
    for _ in range(400):
        value = {"@tuple": [value]}
    content["model"] = value


def forge_steps(content, arrays):
    content["model"]["@object"][1]["steps"] = "abc"


def forge_seed(content, arrays):
    state_of(content, "net")["arguments"]["seed"] = "x"


def pair_classes(content, arrays):
    name = next(
        name for name in arrays if "target" in name and name.endswith(".classes")
    )
    arrays[name] = np.stack([arrays[name]] * 2, axis=1)


def widen_coefficients(content, arrays):
    linear = state_of(content, "ngrams", "linear", "regressions")
    n_columns = len(arrays[linear["coefficients"]["@array"]])
    arrays["data"], arrays["indices"] = np.zeros(0), np.zeros(0, np.int64)
    arrays["indptr"] = np.zeros(n_columns + 1, np.int64)
    parts = [{"@array": name} for name in ("data", "indices", "indptr")]
    linear["coefficients"] = {"@csr": [[n_columns, 10**12], *parts]}


def forge_vectors(*places, **changes):
    """Change the state of regressions on mean token vectors, or an array of it."""

    def change(content, arrays):
        vectors = state_of(content, "ngrams", "linear", "vectors", *places)
        for name, value in changes.items():
            if callable(value):
                path = vectors[name]["@array"]
                arrays[path] = value(arrays[path])
            else:
                vectors[name] = value

    return change


FORGED = {
    "no object": lambda content, arrays: [1],
    "a number for a model": lambda content, arrays: {**content, "model": 3},
    "a list for a model": lambda content, arrays: {**content, "model": [1, 2]},
    "no versions": lambda content, arrays: {"model": content["model"]},
    "no names": lambda content, arrays: {**content, "custom_objects": 3},
    "an unknown kind": lambda content, arrays: {
        **content,
        "model": {"@pickle": "gASV"},
    },
    "a custom name": lambda content, arrays: {**content, "model": {"@custom": "print"}},
    "another class": replace_class,
    "half a network": drop_network,
    "no arrays": drop_arrays,
    "short arrays": shorten_arrays,
    "nested": nest,
    "a method": forge(1, predict={"@tuple": []}),
    "the class": forge(1, __class__={"@type": "object"}),
    "a further attribute": forge(1, classes_=3),
    "a text for a state": forge(1, state="net"),
    "a text for a network": forge_state(net="net"),
    "another kind of input": forge_state("reader", 1, input_type="numeric"),
    "a third kind of input": forge_state("reader", 1, input_type="boom"),
    "another reader": forge_state(reader=["os.system", {}]),
    "columns of other properties": forge_state("reader", 1, columns={"predict": 1}),
    "a number for a vocabulary": forge_state("reader", 1, words=3),
    "pairs of classes": pair_classes,
    "more static features": forge_state("reader", 1, n_static=10**9),
    "classes that are none": forge_state("target", 1, classes="ab"),
    "no classes": forge_state("target", 1, classes={"@tuple": []}),
    "log odds that are none": forge_state("ngrams", log_odds=[1]),
    "a linear model that is none": forge_state("ngrams", linear={"@float": "nan"}),
    "a vocabulary shared with nothing": forge_state("ngrams", log_odds=None),
    "a scale that is none": forge_state("ngrams", network_scale="large"),
    "an epoch that is none": forge_state(best_epoch="first"),
    "more classes than memory": forge_state("ngrams", "linear", n_classes=10**12),
    **{
        f"{finding} of {owner}": forge_state("ngrams", owner, "vocabulary", **changes)
        for owner in ("log_odds", "linear")
        for finding, changes in {
            "longer n-grams than memory": {"lengths": {"@tuple": [1, 10**12]}},
            "more buckets than memory": {"n_bits": 10**12},
            "a number of buckets that is none": {"n_bits": "24"},
            "fewer buckets than n-grams are in": {"n_bits": 8},
        }.items()
    },
    "no regressions": forge_state("ngrams", "linear", regressions=None),
    "coefficients of more classes than memory": widen_coefficients,
    **{
        f"a share of {share}": forge_state("ngrams", "linear", share_of_vectors=share)
        for share in (1.5, -0.5, 1, None)
    },
    "a number for token vectors": forge_state("ngrams", "linear", vectors=3),
    "token vectors of more classes": forge_vectors(n_classes=3),
    "token vectors of labels": forge_vectors(multilabel=True),
    "token vectors without regressions": forge_vectors(regressions=None),
    "negative weights of tokens": forge_vectors(weights=np.negative),
    "weights of padding": forge_vectors(weights=lambda a: a + 1),
    "weights of fewer tokens": forge_vectors(weights=lambda a: a[:-1]),
    "vectors of integers": forge_vectors(table=lambda a: a.astype(int)),
    "vectors of fewer components": forge_vectors(table=lambda a: a[:, 1:]),
    "a vector for all tokens": forge_vectors(table=lambda a: a[0]),
    "vectors of NaN": forge_vectors(table=lambda a: a * np.nan),
    "huge coefficients": forge_vectors("regressions", coefficients=lambda a: a + 1e300),
    "coefficients of fewer classes": forge_vectors(
        "regressions", coefficients=lambda a: a[:, 1:]
    ),
    "labels in place of classes": forge_vectors("regressions", exclusive=False),
    "an id that is none": forge_state(step=0, vocabulary={"good": "2"}),
    "an id below all": forge_state(step=0, vocabulary={"good": -7}),
    "an id above all": forge_state(step=0, vocabulary={"good": 10**12}),
    "a parameter that is none": forge(1, lr="fast"),
    "a history that is none": forge_state("net", history="abc"),
    "a seed that is none": forge_seed,
    "steps that are none": forge_steps,
    "more outputs than labels": forge_state("target", 1, classes={"@tuple": [1]}),
    "a length that is none": forge_state(step=0, max_length=None),
    "a vocabulary that is none": forge_state(step=0, vocabulary=[1]),
    "counts that are none": forge_state(step=0, counts=3),
}


MODEL_OF_STREAM = small_classifier(input_type="tokens")


def forge_memory(name, change):
    def forged(content, arrays):
        path = next(p for p in arrays if p.endswith(name))
        arrays[path] = change(arrays[path])

    return forged


@pytest.mark.parametrize(
    "change",
    [
        forge_memory("head.linear.weight.exp_avg", lambda a: a.astype(np.float64)),
        forge_memory("head.linear.weight.exp_avg", lambda a: a[:1]),
        forge_memory("head.linear.weight.exp_avg_sq", lambda a: a * np.nan),
        forge_memory("weights.head.linear.weight", lambda a: a * np.nan),
    ],
    ids=["dtype", "shape", "NaN in the state of the optimizer", "NaN weights"],
)
def test_numbers_of_the_optimizer_and_the_network_are_checked(change, ids, path):
    save(MODEL_OF_STREAM.partial_fit(ids, Y, classes=[0, 1]), path)

    def change_step(content, arrays):
        change(content, arrays)

    rewrite(path, change_step)
    with pytest.raises(ValueError, match="does not hold a model as save"):
        load(path)


def test_a_network_of_nan_is_not_saved(ids, path):
    model = small_classifier().fit(ids, Y)
    with torch.no_grad():
        model.net_.module_.head.linear.weight.fill_(torch.nan)
    with pytest.raises(ValueError, match="weights of the network must be finite"):
        save(model, path)
    assert not path.exists()


@pytest.mark.parametrize(
    "name",
    ["_doc_link_template", "__doc_link_template", "_parameter_constraints", "_repr"],
)
def test_names_that_reach_the_notebook_view_are_refused(name, path):
    model = make_pipeline(StandardScaler().fit([[1.0], [2.0]]), TextVectorizer())
    save(model, path)
    script = "<script>alert(1)</script>"

    def change(content, arrays):
        attributes_of(content, 0)[name] = script

    rewrite(path, change)
    with suppress(ValueError):
        assert script not in load(path)._repr_html_()


def test_nested_pipelines_do_not_share_steps(path):
    step = StandardScaler().fit([[1.0], [2.0]])
    for _ in range(6):
        step = Pipeline([("a", step), ("b", step)])
    save(step, path)
    content, _ = read_archive(path, kind="model")
    assert "@same" not in json.dumps(content)
    assert load(path).transform([[1.0]]).shape == (1, 1)


def test_a_pipeline_that_requests_metadata_is_refused(path):
    save(Pipeline([("a", StandardScaler())]), path)

    def change(content, arrays):
        content["model"]["@object"][1]["_metadata_request"] = {"fit": {"x": True}}

    rewrite(path, change)
    with pytest.raises(ValueError, match="requests no metadata"):
        load(path)


def nested_pipelines(depth):
    value = {"@object": ["StandardScaler", {}]}
    for _ in range(depth):
        steps = [{"@tuple": ["step", value]}]
        value = {"@object": ["Pipeline", {"steps": steps}]}
    return value


def shared_counts(n_levels):
    items = [{"@object": ["TokenCounts", {"n_documents": 0}]}]
    for i in range(n_levels):
        n_documents = [{"@same": i}, {"@same": i}]
        items.append({"@object": ["TokenCounts", {"n_documents": n_documents}]})
    return items


EXPENSIVE = {
    "nested pipelines": nested_pipelines(20),
    "a representation of exponential length": shared_counts(30),
    "a regular expression of exponential time": {
        "@object": [
            "TextVectorizer",
            {
                "token_pattern": "(?:a+)+$",
                "stop_words": ["a" * 40 + "!"],
                "state": {
                    "vocabulary": {"a": 2},
                    "max_length": 3,
                    "n_columns": 1,
                    "is_table": False,
                    "column_names": None,
                },
            },
        ]
    },
    "more columns than memory": {
        "@object": [
            "TextVectorizer",
            {"sparse_output": False, "state": {"vocabulary": {}, "max_length": 10**9}},
        ]
    },
}


@pytest.mark.parametrize("name", EXPENSIVE)
def test_expensive_objects_are_refused_or_not_tried(name, path):
    save(TextVectorizer(), path)
    rewrite(path, lambda content, arrays: {**content, "model": EXPENSIVE[name]})
    with suppress(ValueError):
        load(path)


def test_deeply_nested_pipelines_are_not_saved(path):
    model = StandardScaler()
    for _ in range(20):
        model = Pipeline([("step", model)])
    with pytest.raises(ValueError, match="nested more than 12 times"):
        save(model, path)


@pytest.mark.parametrize(
    ("estimator", "target"),
    [("BiLSTMClassifier", "NumberTarget"), ("BiLSTMRegressor", "LabelTarget")],
)
def test_an_estimator_with_the_target_of_another_raises(estimator, target, ids, path):
    classifier, regressor = small_classifier(), small_regressor()
    other = regressor if target == "NumberTarget" else classifier
    save(other.fit(ids, np.array(Y)), path)

    def change(content, arrays):
        content["model"]["@object"] = [
            estimator,
            {"state": content["model"]["@object"][1]["state"]},
        ]

    rewrite(path, change)
    with pytest.raises(ValueError, match="reader or target must be one of"):
        load(path)


@pytest.mark.parametrize("name", FORGED)
def test_forged_files_raise(name, fitted_pipeline, path):
    save(fitted_pipeline, path)
    rewrite(path, FORGED[name])
    with pytest.raises(ValueError, match=r"model\.zip' does not hold a model as save"):
        load(path)


@pytest.fixture(scope="module")
def compressed(fitted_pipeline, reviews):
    return compress(fitted_pipeline, reviews[0], tolerance=0.2)


def forge_arrays(end, make):
    """Change the arrays of a path, such as the codes (.0) and scales (.1) of one."""

    def change(content, arrays):
        names = [name for name in arrays if name.endswith(end)]
        assert names
        for name in names:
            arrays[name] = np.ascontiguousarray(make(arrays[name]))

    return change


def forge_report(**changes):
    return forge_state("compression", **changes)


EMBEDDING = "net.weights.input_layer.embedding.weight"
FORGED_COMPRESSED = {
    "fewer codes": forge_arrays(f"{EMBEDDING}.0", lambda codes: codes[1:]),
    "wider codes": forge_arrays(f"{EMBEDDING}.0", lambda codes: codes.astype(np.int16)),
    "codes of a row": forge_arrays(f"{EMBEDDING}.0", np.ravel),
    "infinite scales": forge_arrays(f"{EMBEDDING}.1", lambda scales: scales * np.inf),
    "large scales": forge_arrays(f"{EMBEDDING}.1", lambda scales: scales + 3e38),
    "nan scales": forge_arrays(f"{EMBEDDING}.1", lambda scales: scales * np.nan),
    "wider scales": forge_arrays(f"{EMBEDDING}.1", lambda scales: scales.astype(float)),
    "integer scales": forge_arrays(f"{EMBEDDING}.1", lambda scales: scales.astype(int)),
    "fewer scales": forge_arrays(f"{EMBEDDING}.1", lambda scales: scales[:, 1:]),
    "a report of no dict": forge_state(compression=3),
    "a report without steps": forge_state(compression={"n_bytes": 1}),
    "a step of no dict": forge_report(steps=[3]),
    "a negative size": forge_report(n_bytes=-1),
}


@pytest.mark.parametrize("name", FORGED_COMPRESSED)
def test_forged_files_of_compressed_models_raise(name, compressed, path):
    save(compressed, path)
    rewrite(path, FORGED_COMPRESSED[name])
    with pytest.raises(ValueError, match=r"model\.zip' does not hold a model as save"):
        load(path)


def test_compact_arrays_expand_by_at_most_eight(compressed, path):
    save(compressed, path)
    _, arrays = read_archive(path, kind="model")
    restored = load(path)[-1].module_.state_dict()
    sizes = {name: weight.numpy().nbytes for name, weight in restored.items()}
    for name, size in sizes.items():
        parts = [a.nbytes for key, a in arrays.items() if f"weights.{name}" in key]
        assert size / 8 <= sum(parts) <= size


def state_of_tagger(content, part):
    return content["model"]["@object"][1]["state"][part][1]


def forge_tagger(part, **changes):
    def change(content, arrays):
        state_of_tagger(content, part).update(changes)

    return change


def forge_words(name, make):
    def change(content, arrays):
        words = state_of_tagger(content, "reader")["words"]["@object"][1]
        words[name] = make(words[name])

    return change


def with_id(id_):
    return lambda vocabulary: {**vocabulary, "Z": id_}


def without_last(vocabulary):
    return dict([*vocabulary.items()][:-1])


def drop_scheme(content, arrays):
    del state_of_tagger(content, "target")["scheme"]


FORGED_TAGGERS = {
    **{
        f"{value!r} in {name}": forge_words(name, with_id(value))
        for name in ("vocabulary_", "characters_")
        for value in (-3, 0, 2, 2**40, 10**30, 500, "boom", None, [2])
    },
    "a list of words": forge_words("vocabulary_", list),
    "a list of characters": forge_words("characters_", list),
    "a character less": forge_words("characters_", without_last),
    "no scheme": drop_scheme,
    "a scheme that is none": forge_tagger("target", scheme="BIOX"),
    "a list for a scheme": forge_tagger("target", scheme=["BIO"]),
    "labels of no scheme": forge_tagger(
        "target", classes={"@objects": [[3], ["a", "b", "c"]]}
    ),
    "a third kind of input": forge_tagger("reader", input_type="boom"),
    "another kind of input": forge_tagger("reader", input_type="numeric"),
    "pairs of classes": pair_classes,
    **{
        f"{value!r} steps a row": forge_tagger("target", n_steps=value)
        for value in (0, -1.0, "3", None, {"@float": "nan"}, {"@float": "inf"})
    },
}


@pytest.mark.parametrize("name", FORGED_TAGGERS)
def test_forged_tagger_files_raise(name, fitted_tagger, path):
    save(fitted_tagger, path)
    rewrite(path, FORGED_TAGGERS[name])
    with pytest.raises(ValueError, match=r"model\.zip' does not hold a model as save"):
        load(path)


@pytest.mark.parametrize(
    "params", [{"min_df": 99}, {"scheme": None}, {"scheme": "IOB1", "crf": False}]
)
def test_a_tagger_with_a_word_of_zero_weight_round_trips(params, sentences, path):
    X, y = [*sentences[0], ["zzz"]], [*sentences[1], ["O"]]
    weight = [1] * len(sentences[0]) + [0]
    model = small_tagger(**params).fit(X, y, sample_weight=weight)
    assert_same(round_trip(model, path), model)


def test_a_forged_pipeline_memory_raises(path):
    def change(content, arrays):
        content["model"]["@object"][1]["memory"] = "//elsewhere/pickles"

    save(make_pipeline(TextVectorizer()), path)
    rewrite(path, change)
    with pytest.raises(ValueError, match="directory contains pickles"):
        load(path)


def test_a_flipped_byte_raises_or_is_irrelevant(fitted_pipeline, reviews, path):
    save(fitted_pipeline, path)
    data = bytearray(path.read_bytes())
    expected = fitted_pipeline.predict_proba(reviews[0])
    for place in np.random.RandomState(0).randint(0, len(data), 60):
        data[place] ^= 0x10
        path.write_bytes(data)
        data[place] ^= 0x10
        try:
            found = load(path)
        except ValueError:
            continue
        assert_same(found.predict_proba(reviews[0]), expected)


def test_a_pickle_is_never_loaded(fitted, path):
    path.write_bytes(pickle.dumps(fitted))
    with pytest.raises(ValueError, match="not a zip file"):
        load(path)


def test_a_torch_file_is_never_loaded(path):
    torch.save(nn.Linear(1, 1).state_dict(), path)
    with pytest.raises(ValueError, match="it must contain three parts"):
        load(path)


def test_another_version_of_scikit_learn_warns(fitted, path):
    def change(content, arrays):
        content["versions"]["scikit-learn"] = "0.1"

    save(fitted, path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(path)
    rewrite(path, change)
    with pytest.warns(InconsistentVersionWarning, match="from version 0.1") as found:
        load(path)
    assert found[0].message.current_sklearn_version == sklearn.__version__
    assert found[0].filename == __file__


def test_a_relative_path_round_trips(tmp_path, monkeypatch, reviews):
    model = small_pipeline(max_epochs=1).fit(*reviews)
    monkeypatch.chdir(tmp_path)
    save(model, "model")
    assert_same(load("model").predict(reviews[0]), model.predict(reviews[0]))


def test_an_optimizer_with_infinite_squares_of_gradients_round_trips(ids, path):
    model = MODEL_OF_STREAM.partial_fit(ids, Y, classes=[0, 1])
    weight = model.net_.module_.head.linear.weight
    model.net_.optimizer_.state[weight]["exp_avg_sq"].fill_(torch.inf)
    assert_same(round_trip(model, path).predict_proba(ids), model.predict_proba(ids))
