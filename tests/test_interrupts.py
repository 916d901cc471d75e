"""Ctrl-C at any line restores thread limits and leaves no estimator half fitted."""

import threading
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import partial

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from sklearn_bilstm import explain, load, save
from tests.helpers import Trace, small_classifier, small_tagger

WHOLE = {
    "embedding": "svd",
    "log_odds_ngram_range": (1, 2),
    "linear_ngram_range": (1, 2),
}


def moments(function, n_moments=None):
    """Return executed lines of a function, each with the number of an execution.

    Each line has its first, middle and last execution. Returns `n_moments` of them at
    equal distances, or all if it is None.
    """
    trace = Trace()
    trace.run(function)
    found = [
        (line, nth)
        for line, count in trace.counts.items()
        for nth in sorted({1, (count + 1) // 2, count})
    ]
    indices = np.linspace(0, len(found) - 1, n_moments or len(found)).astype(int)
    return [found[i] for i in indices]


def threads():
    """Return how many threads torch and BLAS use, here and in a new thread."""
    with ThreadPoolExecutor(1) as pool:
        in_a_new_thread = pool.submit(torch.get_num_threads).result()
    of_libraries = [(x["filepath"], x["num_threads"]) for x in threadpool_info()]
    return torch.get_num_threads(), in_a_new_thread, of_libraries


@pytest.fixture(autouse=True)
def three_threads():
    n_threads = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(n_threads)


def assert_threads_are_restored(function, moments):
    before, n_alive = threads(), threading.active_count()
    for moment in moments:
        Trace(*moment).run(function)
        assert threads() == before, moment
        assert threading.active_count() == n_alive, moment


def classifier_of(n_epochs):
    return small_classifier(
        **WHOLE, n_threads=2, max_epochs=n_epochs, lr_schedule="constant"
    )


def test_an_interrupted_fit_keeps_the_old_model_or_a_complete_epoch(ids):
    y = np.arange(len(ids)) % 2
    old = classifier_of(1).fit(ids[::-1], y)
    after = [old, *(classifier_of(n).fit(ids, y) for n in (1, 2))]
    expected = [model.predict_proba(ids) for model in after]
    before = threads()
    for moment in moments(lambda: classifier_of(2).fit(ids, y), 25):
        model = deepcopy(old).set_params(max_epochs=2)
        Trace(*moment).run(partial(model.fit, ids, y))
        assert threads() == before, moment
        found = model.predict_proba(ids)
        equal = [np.array_equal(found, proba) for proba in expected]
        assert any(equal), moment
        n_epochs = max(equal.index(True), 1)
        assert model.n_iter_ == len(model.history_) == n_epochs, moment


def test_an_interrupted_fit_of_a_tagger_restores_threads():
    X = [["Anna", "left", "."], ["The", "dog", "slept", "."]] * 10
    y = [["PER", "O", "O"], ["O", "O", "O", "O"]] * 10
    tagger = small_tagger(linear_features="auto", n_threads=2, max_epochs=1)

    def fit():
        deepcopy(tagger).fit(X, y)

    assert_threads_are_restored(fit, moments(fit, 25))


def test_an_interrupted_prediction_restores_threads(fitted_pipeline, reviews):
    def predict():
        fitted_pipeline.predict(reviews[0])
        explain(fitted_pipeline, reviews[0][:2], method="occlusion")

    assert_threads_are_restored(predict, moments(predict, 25))


def test_an_interrupted_save_or_load_restores_threads(fitted, tmp_path):
    def store():
        save(fitted, tmp_path / "model.zip")
        load(tmp_path / "model.zip")

    assert_threads_are_restored(store, moments(store, 15))
