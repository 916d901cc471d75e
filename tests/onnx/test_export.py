from copy import copy

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, EntityRecognizer, TextVectorizer
from sklearn_bilstm.onnx import export_onnx
from sklearn_bilstm.sequences import N_TOKEN_FEATURES
from tests.helpers import (
    small_classifier,
    small_pipeline,
    small_regressor,
    small_tagger,
)

onnx = pytest.importorskip("onnx")


def assert_served_alike(model, served, X):
    expected = model.predict_proba(X)
    np.testing.assert_allclose(served.predict_proba(X), expected, atol=1e-6)
    assert np.array_equal(served.predict(X), model.predict(X))


@pytest.fixture(scope="module")
def series():
    """Series of two channels and all lengths up to ten, far from zero."""
    random = np.random.RandomState(0)
    return [1e6 + random.randn(n % 11, 2) for n in range(44)]


@pytest.fixture(scope="module")
def numbers():
    return np.random.RandomState(1).randn(40, 3) * [1, 100, 1e-3] + [0, 1e7, 0]


@pytest.mark.parametrize("pooling", ["last", "max_mean"])
def test_series_of_several_channels_and_unequal_length_are_served(
    served, shaken, series, pooling
):
    model = small_classifier(pooling=pooling).fit(series, np.arange(44) % 3)
    assert_served_alike(shaken(model), served(model), series)


def test_series_of_one_channel_and_equal_length_are_served(served):
    X = np.random.RandomState(0).rand(40, 9)
    model = small_classifier().fit(X, X.sum(1) > 4.5)
    assert_served_alike(model, served(model), X)


@pytest.mark.parametrize("linear_ngram_range", [None, (1, 2)])
def test_static_features_with_ids_are_served(served, ids, numbers, linear_ngram_range):
    X = np.hstack([ids, numbers])
    model = small_classifier(n_static_features=3, linear_ngram_range=linear_ngram_range)
    model.fit(X, numbers[:, 0] > 0)
    X[0, -1] = 1e9  # farther away than any that was fitted
    assert_served_alike(model, served(model), X)


def test_static_features_with_series_are_served(served, numbers):
    X = np.hstack([np.random.RandomState(0).rand(40, 6), numbers])
    model = small_classifier(n_static_features=3, input_type="numeric")
    model.fit(X, numbers[:, 0] > 0)
    assert_served_alike(model, served(model), X)


@pytest.mark.parametrize("n_outputs", [None, 1, 2])
def test_regressors_with_any_number_of_outputs_are_served(served, ids, rows, n_outputs):
    target = 1e6 + 3 * np.stack([ids[:, 0], ids[:, 1] - ids[:, 0]], axis=1)
    y = target[:, 0] if n_outputs is None else target[:, :n_outputs]
    model = small_regressor(max_epochs=5, dense_layer_sizes=4).fit(ids, y)
    expected = model.predict(rows)
    found = served(model).predict(rows)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found / y.std(), expected / y.std(), atol=1e-6, rtol=0)


def test_a_regressor_on_text_is_served(served, reviews):
    texts = reviews[0]
    model = make_pipeline(TextVectorizer(), small_regressor())
    model.fit(texts, [len(text) for text in texts])
    np.testing.assert_allclose(served(model).predict(texts), model.predict(texts))


def test_several_text_columns_are_served(served, reviews):
    texts, labels = reviews
    frame = pd.DataFrame({"title": texts[::-1], "review": texts})
    frame.loc[3, "review"] = None
    model = small_pipeline(max_epochs=1).fit(frame, labels)
    assert_served_alike(model, served(model), frame)


def test_a_pretrained_network_is_served(served, ids):
    first = small_classifier(log_odds_ngram_range=(1, 2)).fit(ids, np.arange(40) % 3)
    model = small_classifier(pretrained=first, log_odds_ngram_range=(1, 2))
    model.fit(ids, ids[:, 0] > 15)
    assert_served_alike(model, served(model), ids)


def test_a_grown_vocabulary_is_served(served, ids):
    model = small_classifier(log_odds_ngram_range=(1, 2), linear_ngram_range=(1, 2))
    model.fit(ids, ids[:, 0] > 15).partial_fit(ids + 20, ids[:, 0] > 15)
    assert_served_alike(model, served(model), np.vstack([ids, ids + 15, ids + 40]))


def test_exported_graph_has_dynamic_shapes_named_outputs_and_metadata(
    fitted_pipeline, tmp_path
):
    export_onnx(fitted_pipeline, tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    (ids,) = model.graph.input
    assert [d.dim_param for d in ids.type.tensor_type.shape.dim] == ["rows", "steps"]
    assert [output.name for output in model.graph.output] == [
        "label",
        "probabilities",
        "logits",
    ]
    assert [entry.key for entry in model.metadata_props] == ["sklearn_bilstm"]


def test_export_of_an_unfitted_model_raises(tmp_path):
    with pytest.raises(NotFittedError, match="BiLSTMClassifier"):
        export_onnx(BiLSTMClassifier(), tmp_path / "model.onnx")
    with pytest.raises(NotFittedError, match="TextVectorizer"):
        export_onnx(small_pipeline(), tmp_path / "model.onnx")


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        make_pipeline(CountVectorizer(), BiLSTMClassifier()),
        make_pipeline(TextVectorizer(), LogisticRegression()),
        make_pipeline(TextVectorizer(), "passthrough", BiLSTMClassifier()),
        "model",
    ],
    ids=str,
)
def test_export_of_auxiliary_models_raises(model, tmp_path):
    with pytest.raises(TypeError, match="The model must be a BiLSTMClassifier, "):
        export_onnx(model, tmp_path / "model.onnx")


def test_export_of_a_recognizer_names_its_tagger(tmp_path):
    with pytest.raises(TypeError, match="EntityRecognizer tagger_.*") as caught:
        export_onnx(EntityRecognizer(), tmp_path / "model.onnx")
    assert "got EntityRecognizer" in str(caught.value)


def test_a_failed_export_keeps_the_old_file(fitted_pipeline, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    vectorizer = copy(fitted_pipeline[0]).set_params(tokenizer=str.split)
    with pytest.raises(ValueError, match="'tokenizer' parameter"):
        export_onnx(make_pipeline(vectorizer, fitted_pipeline[-1]), path)
    assert path.read_bytes() == b"old"


def test_export_of_a_pipeline_with_a_refitted_vectorizer_raises(reviews, tmp_path):
    model = small_pipeline().fit(*reviews)
    model[0].fit(["quite another vocabulary"])
    with pytest.raises(ValueError, match=r"another vocabulary.*Fit the whole pipeline"):
        export_onnx(model, tmp_path / "model.onnx")


def assert_tasks_are_served_alike(model, served, X):
    assert served.predict(X).tolist() == model.predict(X).tolist()
    both = zip(served.predict_proba(X), model.predict_proba(X), strict=True)
    for found, expected in both:
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("linear_ngram_range", [None, (1, 2)])
def test_several_tasks_are_served(served, ids, linear_ngram_range):
    first = np.where(ids[:, 0] > 15, "high", "low").astype(object)
    y = np.column_stack([first, ids[:, 1] % 3])
    y[::5, 0] = None
    params = {"log_odds_ngram_range": (1, 2), "linear_ngram_range": linear_ngram_range}
    model = small_classifier(**params).fit(ids, y)
    assert_tasks_are_served_alike(model, served(model), ids)


@pytest.mark.parametrize("uses_network", [True, False])
def test_several_tasks_of_series_are_served(served, uses_network):
    y = np.column_stack([np.arange(60) % 2, np.arange(60) % 3])
    time = np.arange(9)
    X = np.stack([np.sin(time * (1 + y[:, :1])), time * (y[:, 1:] - 1)], axis=2)
    model = small_classifier(linear_kernels=84).fit(X, y)
    assert None not in model.linear_model_
    for models in model.model_.auxiliary_models.models:
        models.network_scale = 0.5 * uses_network
    assert_tasks_are_served_alike(model, served(model), X)


def test_exported_tagger_has_dynamic_shapes_and_named_outputs(fitted_tagger, tmp_path):
    export_onnx(make_pipeline(fitted_tagger), tmp_path / "model.onnx")
    graph = onnx.load(tmp_path / "model.onnx").graph
    shapes = {
        value.name: [
            d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim
        ]
        for value in [*graph.input, *graph.output]
    }
    assert shapes == {
        "ids": ["rows", "steps"],
        "characters": ["rows", "steps", "characters"],
        "label": ["rows", "steps"],
        "probabilities": ["rows", "steps", 3],
    }
    assert {n.op_type for n in graph.node} & {"Scan", "Loop", "If"} == {"Scan"}


def test_a_tagger_with_a_linear_model_reads_features(sentences, tmp_path):
    tagger = small_tagger(
        linear_features="auto", n_character_filters=0, max_epochs=1
    ).fit(*sentences)
    export_onnx(tagger, tmp_path / "model.onnx")
    graph = onnx.load(tmp_path / "model.onnx").graph
    ids, features = (value.type.tensor_type for value in graph.input)
    assert [value.name for value in graph.input] == ["ids", "features"]
    assert {t.elem_type for t in (ids, features)} == {onnx.TensorProto.INT64}
    sizes = [d.dim_param or d.dim_value for d in features.shape.dim]
    assert sizes == ["rows", "steps", N_TOKEN_FEATURES]
