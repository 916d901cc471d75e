import numpy as np
import pytest
from scipy import sparse

from sklearn_bilstm.onnx._graph import Graph
from sklearn_bilstm.onnx._ngrams import _columns_at_steps
from sklearn_bilstm.sequences import (
    BUCKET_BITS,
    HashedNgramVocabulary,
    padded,
    ragged_from_ids,
)
from sklearn_bilstm.training import LinearModel
from tests.helpers import ragged, small_classifier


@pytest.mark.parametrize("n_bits", [8, BUCKET_BITS])
@pytest.mark.parametrize("lengths", [(1, 1), (1, 2), (2, 3), (1, 10)])
@pytest.mark.parametrize("width", [1, 2, 9, 300])
def test_exported_ngram_columns_equal_the_vocabulary(run, lengths, width, n_bits):
    random = np.random.RandomState(0)
    fitted = ragged(random.randint(1, 40, size=(60, 30)))
    columns = HashedNgramVocabulary(lengths, n_bits).fit(fitted)
    X = random.randint(1, 45, size=(20, width))
    X[np.arange(width) >= random.randint(0, width + 1, size=(20, 1))] = 0
    X[0] = np.resize(fitted.values, width)
    sequences = ragged_from_ids(X)
    graph = Graph()
    ids = graph.input("ids", np.int64, ["rows", "steps"])
    found = _columns_at_steps(graph, columns, ids, -1)
    batch, mask = padded(sequences, np.arange(20))
    n_lengths = lengths[1] - lengths[0] + 1
    found = run(graph, found, np.int64, [n_lengths, "rows", "steps"], ids=batch)
    assert np.array_equal(found[:, mask], columns.at_steps(sequences))
    assert (found[:, ~mask] == -1).all()
    assert (found[0] >= 0).any() or width < lengths[0]


@pytest.fixture(scope="module")
def target(ids):
    """Targets of every kind that a classifier learns."""
    several = np.stack([ids[:, 0] > 15, ids[:, 1] > 15, (ids == 9).any(1)], axis=1)
    return {
        "one class": np.zeros(40, int),
        "two classes": ids[:, 0] > 15,
        "three classes": ids[:, 0] % 3,
        "several labels": several.astype(int),
    }


@pytest.mark.parametrize(
    "kind", ["one class", "two classes", "three classes", "several labels"]
)
@pytest.mark.parametrize("log_odds_ngram_range", [None, (1, 2), (2, 3)])
@pytest.mark.parametrize("linear_ngram_range", [None, (1, 2), (1, 1)])
def test_every_ngram_model_and_kind_of_target_is_served(
    served, ids, rows, target, kind, log_odds_ngram_range, linear_ngram_range
):
    params = {
        "log_odds_ngram_range": log_odds_ngram_range,
        "linear_ngram_range": linear_ngram_range,
    }
    model = small_classifier(**params).fit(ids, target[kind])
    X = np.concatenate([rows, ids])
    found = served(model)
    np.testing.assert_allclose(
        found.predict_proba(X), model.predict_proba(X), atol=1e-6
    )
    assert np.array_equal(found.predict(X), model.predict(X))


def test_a_class_without_weighted_rows_is_served(served, ids, rows):
    weight = (ids[:, 0] % 3 != 1).astype(float)
    model = small_classifier(linear_ngram_range=(1, 2))
    model.fit(ids, ids[:, 0] % 3, sample_weight=weight)
    assert len(model.linear_model_.ngram_model.regressions.classes) == 2
    np.testing.assert_allclose(
        served(model).predict_proba(rows),
        model.predict_proba(rows),
        atol=1e-6,
    )


@pytest.mark.parametrize("n_static", [0, 2])
def test_many_classes_are_served_with_sparse_coefficients(served, tmp_path, n_static):
    random = np.random.RandomState(0)
    y = np.arange(300) % 60
    own = 50 + 3 * y[:, np.newaxis] + random.randint(3, size=(300, 6))
    X = np.hstack([own, random.randint(2, 50, size=(300, 6))])
    X = np.hstack([X, random.randn(300, n_static)]) if n_static else X
    model = small_classifier(linear_ngram_range=(1, 2), n_static_features=n_static).fit(
        X, y
    )
    coefficients = model.linear_model_.ngram_model.regressions.coefficients
    assert sparse.issparse(coefficients)
    X = X[:20].copy()
    X[0, :12], X[1, 1:12], X[2, :12] = 0, 0, 400  # of which no n-gram is known
    found = served(model)
    np.testing.assert_allclose(
        found.predict_proba(X), model.predict_proba(X), atol=1e-6
    )
    np.testing.assert_allclose(
        found.predict_proba(X[:1]), model.predict_proba(X[:1]), atol=1e-6
    )
    n_dense = 4 * np.prod(coefficients.shape)
    assert (
        tmp_path / "model.onnx"
    ).stat().st_size < 12 * coefficients.nnz + n_dense / 4


def test_a_model_after_partial_fit_is_served(served, ids, rows):
    model = small_classifier(log_odds_ngram_range=(1, 2), linear_ngram_range=(1, 2))
    model.partial_fit(ids, ids[:, 0] > 15, [False, True])
    np.testing.assert_allclose(
        served(model).predict_proba(rows),
        model.predict_proba(rows),
        atol=1e-6,
    )


def test_a_linear_model_with_static_features_only_is_served(served):
    static = np.random.RandomState(0).randn(30, 2)
    X = np.hstack([np.zeros((30, 3)), static])
    model = small_classifier(linear_ngram_range=(1, 2), n_static_features=2)
    model.fit(X, static[:, 0] > 0)
    assert isinstance(model.linear_model_, LinearModel)
    assert model.linear_model_.ngram_model.regressions is not None
    X[:10, 0] = np.arange(10)
    np.testing.assert_allclose(
        served(model).predict_proba(X), model.predict_proba(X), atol=1e-6
    )


def test_counts_of_repeated_tokens_equal_those_in_training(served, ids):
    model = small_classifier(linear_ngram_range=(1, 2)).fit(ids, ids[:, 0] > 15)
    X = np.repeat(ids[:, :1], 12, axis=1)
    X[::2, 7:] = 0
    np.testing.assert_allclose(
        served(model).predict_proba(X), model.predict_proba(X), atol=1e-6
    )


@pytest.fixture(scope="module")
def topics():
    """300 rows, most of whose tokens have the topic of the row, and the topics."""
    random = np.random.RandomState(0)
    topic = np.arange(300) % 12
    X = 12 * random.randint(1, 20, size=(300, 7)) + topic[:, np.newaxis]
    X[:, 0] = random.randint(2, 240, size=300)
    X[np.arange(7) >= random.randint(4, 8, size=(300, 1))] = 0
    return X, topic


@pytest.mark.parametrize("kind", ["two", "twelve", "one without rows", "labels"])
@pytest.mark.parametrize("embedding", ["svd", "array"])
def test_regressions_on_mean_token_vectors_are_served(served, topics, kind, embedding):
    X, topic = topics
    y = {
        "two": topic % 2,
        "twelve": topic,
        "one without rows": topic % 3,
        "labels": np.stack([topic % 2, topic % 3 > 0, topic > 6], axis=1).astype(int),
    }[kind]
    if embedding == "array":
        embedding = np.random.RandomState(1).normal(size=(252, 8))
        embedding += 3 * np.eye(12, 8)[np.arange(252) % 12]
        embedding[[50, 51]] = 0
    weight = topic % 3 != 1 if kind == "one without rows" else None
    model = small_classifier(embedding=embedding, linear_ngram_range=(1, 2))
    model.fit(X, y, sample_weight=weight)
    assert model.linear_model_.share_of_vectors > 0
    rows = np.vstack([X[:20], np.zeros((5, 7), int)])
    rows[20:24, 0] = 1, 251, 300, 2**31 - 1  # unknown; the last row is empty
    rows[21, 1], rows[23, 2] = 50, 3
    found = served(model)
    for some in (rows, rows[:1], rows[-1:]):
        np.testing.assert_allclose(
            found.predict_proba(some), model.predict_proba(some), atol=1e-6
        )
