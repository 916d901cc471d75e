"""Invariants that hold for all parameters."""

import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import Parallel, delayed
from scipy import sparse

from sklearn_bilstm.nn import POOLINGS
from tests.helpers import small_classifier, small_pipeline

DOCUMENT = st.lists(st.integers(1, 29), max_size=12)
DOCUMENTS = st.lists(DOCUMENT, min_size=1, max_size=6)
many_examples = settings(max_examples=50, deadline=None)


def matrix(documents, width=12):
    X = np.zeros((len(documents), width), dtype=np.int32)
    for row, document in zip(X, documents, strict=True):
        row[: len(document)] = document
    return X


def assert_close(a, b):
    # kernels of other CPUs round differently; an effect of padding is far larger
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=2e-5)


NETWORKS = [
    *({"pooling": pooling} for pooling in sorted(POOLINGS)),
    {"cell": "gru", "merge_mode": "sum", "normalization": "batch"},
    {"cell": "rnn", "merge_mode": "mul", "pooling": "last"},
    {"convolution_layer_sizes": (6, 5), "convolution_stride": 2},
]


@pytest.fixture(scope="module", params=NETWORKS, ids=str)
def classifier(request, ids):
    """A fitted two-layer classifier for each architecture of NETWORKS."""
    params = {
        "hidden_layer_sizes": (6, 4),
        "embedding": "svd",
        "linear_ngram_range": (1, 3),
        **request.param,
    }
    return small_classifier(**params).fit(ids, np.arange(40) % 3)


@many_examples
@given(documents=DOCUMENTS)
def test_predictions_do_not_depend_on_the_batch(classifier, documents):
    batched = classifier.predict_proba(matrix(documents))
    one_by_one = [classifier.predict_proba(matrix([d]))[0] for d in documents]
    assert_close(batched, one_by_one)


@many_examples
@given(documents=DOCUMENTS, data=st.data())
def test_predictions_are_equivariant_to_the_order_of_rows(classifier, documents, data):
    order = data.draw(st.permutations(range(len(documents))))
    X = matrix(documents)
    assert_close(classifier.predict_proba(X[order]), classifier.predict_proba(X)[order])
    assert_close(classifier.transform(X[order]), classifier.transform(X)[order])


@many_examples
@given(documents=DOCUMENTS)
def test_padding_does_not_change_predictions(classifier, documents):
    longest = list(range(2, 14))
    padded = classifier.predict_proba(matrix([*documents, longest]))[:-1]
    assert_close(padded, classifier.predict_proba(matrix(documents)))


@many_examples
@given(documents=DOCUMENTS)
def test_sparse_and_dense_rows_give_equal_predictions(classifier, documents):
    X = matrix(documents)
    expected = classifier.predict_proba(X)
    assert np.array_equal(classifier.predict_proba(sparse.csr_array(X)), expected)
    assert np.array_equal(classifier.predict_proba(sparse.csr_matrix(X)), expected)


@many_examples
@given(documents=DOCUMENTS)
def test_probabilities_sum_to_one_in_double_precision(classifier, documents):
    probabilities = classifier.predict_proba(matrix(documents))
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-15)


@pytest.mark.parametrize("n_rows", [1, 3])
def test_empty_documents_have_equal_predictions_in_any_batch(classifier, n_rows):
    probabilities = classifier.predict_proba(matrix([[]] * n_rows))
    assert np.isfinite(probabilities).all()
    mixed = classifier.predict_proba(matrix([[], [5, 6], []]))
    assert_close(mixed[[0, 2]], probabilities[[0, 0]])


def test_a_model_can_be_fitted_on_empty_documents():
    X = sparse.csr_array((6, 4), dtype=np.int32)
    model = small_classifier().fit(X, [0, 0, 0, 0, 1, 1])
    assert set(model.predict(X)) == {0}


@pytest.mark.parametrize("n_rows", [1, 3])
def test_empty_series_have_equal_predictions_in_any_batch(n_rows):
    X = np.random.RandomState(0).normal(size=(20, 5))
    X[0] = np.nan
    classifier = small_classifier().fit(X, [0, 1] * 10)
    empty = np.full((n_rows, 5), np.nan)
    expected = classifier.predict_proba(X)[:1].repeat(n_rows, axis=0)
    assert_close(classifier.predict_proba(empty), expected)


def test_documents_without_a_known_token_have_a_prediction(fitted_pipeline):
    probabilities = fitted_pipeline.predict_proba(["", "...", "zzz qqq", None])
    assert np.isfinite(probabilities).all()
    assert_close(probabilities[0], probabilities[1])
    assert_close(probabilities[0], probabilities[3])


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_equal_seeds_give_identical_predictions_for_any_n_jobs(reviews, n_jobs):
    texts, labels = reviews
    expected = small_pipeline().fit(texts, labels).predict_proba(texts)
    fits = Parallel(n_jobs=n_jobs)(
        delayed(small_pipeline().fit)(texts, labels) for _ in range(2)
    )
    for model in fits:
        assert np.array_equal(model.predict_proba(texts), expected)


def test_number_of_threads_does_not_change_predictions(reviews):
    texts, labels = reviews
    one = small_pipeline(hidden_layer_sizes=64, embedding_dim=100).fit(texts, labels)
    torch.set_num_threads(2)
    try:
        two = small_pipeline(hidden_layer_sizes=64, embedding_dim=100)
        two.fit(texts, labels)
        assert torch.get_num_threads() == 2
        probabilities = two.predict_proba(texts)
    finally:
        torch.set_num_threads(1)
    assert np.array_equal(probabilities, one.predict_proba(texts))


def test_models_can_be_fitted_in_concurrent_threads(reviews):
    texts, labels = reviews
    expected = small_pipeline().fit(texts, labels).predict_proba(texts)
    fits = Parallel(n_jobs=4, backend="threading")(
        delayed(small_pipeline().fit)(texts, labels) for _ in range(4)
    )
    for model in fits:
        assert np.array_equal(model.predict_proba(texts), expected)


def test_a_joblib_dump_predicts_identically_in_another_process(
    fitted_pipeline, tmp_path
):
    path = tmp_path / "model.joblib"
    joblib.dump(fitted_pipeline, path)
    script = (
        f"import joblib, sys; model = joblib.load({str(path)!r});"
        "sys.stdout.write(repr(model.predict_proba(['not bad at all']).tolist()))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    expected = fitted_pipeline.predict_proba(["not bad at all"]).tolist()
    assert_close(eval(run.stdout), expected)


def test_fit_writes_no_files(reviews, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small_pipeline(early_stopping=True).fit(*reviews)
    assert not list(tmp_path.iterdir())


WITHOUT_GRADIENTS = pytest.mark.parametrize(
    "context", [torch.no_grad, torch.inference_mode]
)


@WITHOUT_GRADIENTS
def test_fit_does_not_depend_on_the_gradient_context(ids, context):
    y = ids[:, 0] > 15
    expected = small_classifier().fit(ids, y).predict_proba(ids)
    with context():
        inside = small_classifier().fit(ids, y)
    assert np.array_equal(inside.predict_proba(ids), expected)


@WITHOUT_GRADIENTS
def test_partial_fit_does_not_depend_on_the_gradient_context(ids, context):
    y = ids[:, 0] > 15
    plain = small_classifier().partial_fit(ids, y, classes=[False, True])
    with context():
        mixed = small_classifier().partial_fit(ids, y, classes=[False, True])
    plain, mixed = plain.partial_fit(ids, y), mixed.partial_fit(ids, y)
    with context():
        mixed.partial_fit(ids, y)
    expected = plain.partial_fit(ids, y).predict_proba(ids)
    assert np.array_equal(mixed.predict_proba(ids), expected)
