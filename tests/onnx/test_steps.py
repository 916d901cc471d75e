from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import TextVectorizer, export_onnx
from sklearn_bilstm.nn import CELLS, MERGES, NORMALIZATIONS
from sklearn_bilstm.onnx import OnnxModel
from sklearn_bilstm.text import WordVectors
from tests.helpers import small_regressor, small_tagger

LAYERS = [
    *({"cell": cell, "bidirectional": False} for cell in sorted(CELLS)),
    *({"merge_mode": merge_mode} for merge_mode in sorted(MERGES)),
    *({"normalization": name} for name in sorted(NORMALIZATIONS)),
    {"hidden_layer_sizes": (6, 4), "dense_layer_sizes": (5, 3)},
    {"n_character_filters": 0},
    {"lowercase": False, "min_df": 3},
    {"scheme": None},
]


def assert_served_alike(served, tagger, X):
    model = served(tagger)
    assert model.predict(X) == tagger.predict(X)
    pairs = zip(model.predict_proba(X), tagger.predict_proba(X), strict=True)
    for found, expected in pairs:
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.fixture(scope="module")
def others():
    """Sentences of all lengths up to 40, with unknown words and empty tokens."""
    random = np.random.RandomState(0)
    words = ["Anna", "ben", "MET", "saw", "Lee", "", "Zoë", "abcdefghij" * 9, "yes"]
    return [[words[i] for i in random.randint(9, size=n)] for n in range(41)]


@pytest.mark.parametrize("params", LAYERS, ids=str)
@pytest.mark.parametrize("crf", [True, False])
def test_labels_of_sentences_equal_torch(
    served, shaken, sentences, others, params, crf
):
    tagger = small_tagger(crf=crf, max_epochs=1, **params).fit(*sentences)
    assert_served_alike(served, shaken(tagger), [*sentences[0], *others])


def test_word_vectors_that_are_given_are_served(served, sentences, others):
    words = ["anna", "ben", "zoë", "lee"]
    vectors = WordVectors(words, np.random.RandomState(0).normal(size=(4, 8)))
    tagger = small_tagger(embedding=vectors, max_epochs=1).fit(*sentences)
    assert_served_alike(served, tagger, others)


@pytest.fixture(scope="module")
def linear_tagger(sentences):
    """A tagger with a linear model, whose labels depend on token features."""
    X, y = sentences
    X = [[*row, f"{'ly' * (i % 3)}{i}"] for i, row in enumerate(X)]
    y = [[*row, "O" if i % 3 else "B-PER"] for i, row in enumerate(y)]
    return small_tagger(linear_features="auto", max_epochs=2).fit(X, y)


@pytest.fixture(scope="module")
def served_linear_tagger(linear_tagger):
    file = BytesIO()
    export_onnx(linear_tagger, file)
    file.seek(0)
    return OnnxModel(file, n_threads=1)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"crf": False},
        {"scheme": None, "hidden_layer_sizes": (6, 4)},
        {"n_character_filters": 0, "lowercase": False},
    ],
    ids=str,
)
def test_labels_of_a_tagger_with_a_linear_model_equal_torch(
    served, shaken, sentences, others, params
):
    params = {"linear_features": "auto", "max_epochs": 1, **params}
    tagger = small_tagger(**params).fit(*sentences)
    assert_served_alike(served, shaken(tagger), [*sentences[0], *others])


@given(X=st.lists(st.lists(st.text(max_size=60), max_size=6), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_tokens_of_any_characters_are_served(linear_tagger, served_linear_tagger, X):
    model = served_linear_tagger
    assert model.predict(X) == linear_tagger.predict(X)
    pairs = zip(model.predict_proba(X), linear_tagger.predict_proba(X), strict=True)
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("weights", ["float16", "int8"])
def test_rounded_weights_hardly_change_marginals(
    served, linear_tagger, others, weights
):
    model = served(linear_tagger, weights)
    pairs = zip(
        model.predict_proba(others), linear_tagger.predict_proba(others), strict=True
    )
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, atol=0.05)


def test_a_linear_model_without_features_adds_nothing(served, sentences, others):
    X, y = sentences
    y = [[None, *row[1:]] for row in y if row] + [[]]
    tagger = small_tagger(linear_features="auto", scheme=None, max_epochs=1)
    tagger.fit([row for row in X if row] + [[]], y)
    assert tagger.auto_params_["linear_features"] == 0
    assert_served_alike(served, tagger, others)


@pytest.fixture(scope="module")
def numbers():
    """Series of two channels and all lengths up to nine, far from zero."""
    random = np.random.RandomState(0)
    return [1e6 + random.normal(size=(n % 10, 2)) for n in range(40)]


@pytest.mark.parametrize("crf", [True, False])
def test_labels_of_numbers_equal_torch(served, shaken, numbers, crf):
    y = [(row[:, 0] > 1e6).astype(int).tolist() for row in numbers]
    tagger = small_tagger(crf=crf, max_epochs=1).fit(numbers, y)
    assert_served_alike(served, shaken(tagger), numbers)


@pytest.mark.parametrize("crf", [True, False])
@pytest.mark.filterwarnings("ignore:X holds integers")
def test_labels_of_ids_equal_torch(served, shaken, ids, crf):
    X = [row[row > 0].tolist() for row in ids]
    y = [[token % 4 for token in row] for row in X]
    tagger = shaken(small_tagger(crf=crf, input_type="tokens").fit(X, y))
    assert_served_alike(served, tagger, [*X, [], [10**6, 1], [2**31 - 1] * 15])


def assert_numbers_are_served_alike(served, model, X):
    found, expected = served(model).predict(X), model.predict(X)
    assert isinstance(found, list)
    for of_row, expected_of_row in zip(found, expected, strict=True):
        assert of_row.shape == expected_of_row.shape
        np.testing.assert_allclose(of_row, expected_of_row, atol=1e-4, rtol=0)


NUMBERS = [
    {},
    {"bidirectional": False, "cell": "gru"},
    {"bidirectional": False, "convolution_layer_sizes": (5, 4)},
    {"normalization": "layer", "dense_layer_sizes": 4},
    {"hidden_layer_sizes": (6, 4), "merge_mode": "sum"},
]


@pytest.mark.parametrize("params", NUMBERS, ids=str)
@pytest.mark.parametrize("n_outputs", [None, 1, 2])
def test_numbers_of_steps_equal_torch(served, shaken, numbers, params, n_outputs):
    X = [row for row in numbers if len(row)]
    y = [row[:, :n_outputs] - 1e6 if n_outputs else row[:, 0] - 1e6 for row in X]
    model = shaken(small_regressor(max_epochs=1, **params).fit(X, y))
    assert_numbers_are_served_alike(served, model, numbers)


def test_numbers_of_steps_with_static_features_equal_torch(served, shaken):
    random = np.random.RandomState(0)
    X = random.normal(size=(30, 8)) + np.repeat([0, 1e4, -3], [6, 1, 1])
    y = random.normal(size=(30, 6))
    model = small_regressor(
        input_type="numeric", output_type="steps", n_static_features=2
    )
    assert_numbers_are_served_alike(served, shaken(model.fit(X, y)), X)


def test_numbers_of_steps_of_ids_equal_torch(served, shaken, ids, rows):
    X = ids[ids.any(1)]
    y = [row[row > 0] / 7 for row in X]
    model = small_regressor(input_type="tokens", output_type="steps").fit(X, y)
    assert_numbers_are_served_alike(served, shaken(model), rows)


def test_numbers_of_the_tokens_of_texts_equal_torch(served, shaken, reviews):
    texts, _ = reviews
    vectorizer = TextVectorizer()
    lengths = (vectorizer.fit_transform(texts) > 0).sum(1)
    regressor = small_regressor(output_type="steps", max_epochs=1)
    model = make_pipeline(vectorizer, regressor)
    model.fit(texts, [np.arange(float(n)) for n in lengths])
    shaken(regressor)
    assert_numbers_are_served_alike(served, model, [*texts, "", "xyzzy plugh"])


def test_later_steps_do_not_change_causal_predictions(served, numbers):
    X = [row for row in numbers if len(row) == 9]
    y = [row[:, 0] - 1e6 for row in X]
    model = served(small_regressor(bidirectional=False).fit(X, y))
    whole, cut = model.predict(X), model.predict([row[:4] for row in X])
    np.testing.assert_allclose([row[:4] for row in whole], [*cut], atol=1e-6)


@pytest.mark.parametrize("linear_features", [None, "auto"])
@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_labels_do_not_depend_on_batches(
    served, shaken, sentences, others, batch_size, linear_features
):
    params = {"linear_features": linear_features, "max_epochs": 1}
    tagger = shaken(small_tagger(**params).fit(*sentences))
    model = served(tagger, batch_size=batch_size, n_threads=2)
    assert model.predict(others) == tagger.predict(others)
    alone = [model.predict([sentence])[0] for sentence in others]
    assert alone == tagger.predict(others)


def test_padding_does_not_change_labels(served, linear_tagger, others):
    model = served(linear_tagger)
    inputs = model.inputs(others)
    wider = {
        "ids": np.pad(inputs["ids"], ((0, 0), (0, 5))),
        "characters": np.pad(inputs["characters"], ((0, 0), (0, 5), (0, 4))),
        "features": np.pad(inputs["features"], ((0, 0), (0, 5), (0, 0))),
    }
    is_real = inputs["ids"] > 0
    for name in ("label", "probabilities"):
        found, expected = (
            model.session_.run([name], batch)[0] for batch in (wider, inputs)
        )
        found = found[:, : is_real.shape[1]][is_real]
        np.testing.assert_allclose(found, expected[is_real], atol=1e-6)
