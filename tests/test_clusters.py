"""Searches and cross-validation on the workers of a dask cluster."""

import logging
import os
import signal
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.experimental import enable_halving_search_cv  # noqa: F401, switches on
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    StratifiedKFold,
    cross_validate,
)
from skorch.callbacks import Callback

from sklearn_bilstm.utils._threads import SingleThread
from tests.helpers import small_pipeline

distributed = pytest.importorskip("distributed", reason="requires dask's distributed")

POOLINGS = {"bilstmclassifier__pooling": ["max", "mean"]}


@pytest.fixture(scope="module")
def client(restored_environment):
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",  # any free port
            silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def grid_search(texts, labels):
    grid = {**POOLINGS, "textvectorizer__max_features": [20, None]}
    return results_of(GridSearchCV(small_pipeline(), grid, cv=2), texts, labels)


def halving_search(texts, labels):
    search = HalvingGridSearchCV(
        small_pipeline(),
        POOLINGS,
        cv=2,
        resource="bilstmclassifier__max_epochs",
        max_resources=2,
        factor=2,
        random_state=0,
    )
    return results_of(search, texts, labels)


def results_of(search, texts, labels):
    search.set_params(scoring="neg_log_loss").fit(texts, labels)
    scores = search.cv_results_["split0_test_score"]
    return scores, search.best_estimator_.predict_proba(texts)


def cross_validation(texts, labels):
    scores = cross_validate(
        small_pipeline(),
        texts,
        labels,
        cv=2,
        scoring="neg_log_loss",
        return_estimator=True,
    )
    probas = [model.predict_proba(texts) for model in scores["estimator"]]
    return scores["test_score"], np.stack(probas)


@pytest.mark.parametrize("run", [grid_search, halving_search, cross_validation])
def test_results_on_a_cluster_equal_those_of_one_process(client, reviews, run):
    expected = run(*reviews)
    with joblib.parallel_config("dask"):
        found = run(*reviews)
    assert all(map(np.array_equal, found, expected))


def threads_of_worker():
    return SingleThread.n_available(), int(os.environ["OMP_NUM_THREADS"])


def test_a_worker_uses_the_threads_that_dask_sets(client):
    expected = int(os.environ.get("OMP_NUM_THREADS", "1"))
    assert client.submit(threads_of_worker).result() == (expected, expected)


class KillOneWorker(Callback):
    """Log the first epochs, and kill the first process that begins a second one."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 1:
            with (self.folder / "first_epochs").open("a") as file:
                file.write(".")

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 2:
            try:
                (self.folder / "killed").touch(exist_ok=False)
            except FileExistsError:
                return
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="requires SIGKILL")
def test_the_fit_of_a_killed_worker_is_resumed_by_another(client, reviews, tmp_path):
    texts, labels = reviews
    folds = list(StratifiedKFold(2).split(texts, labels))
    expected = results_of(GridSearchCV(small_pipeline(), POOLINGS, cv=folds), *reviews)
    model = small_pipeline(checkpoint=tmp_path, callbacks=[KillOneWorker(tmp_path)])
    search = GridSearchCV(model, POOLINGS, cv=folds)
    on_all_workers = [labels, *(rows for fold in folds for rows in fold)]
    with joblib.parallel_config("dask", scatter=on_all_workers):
        found = results_of(search, texts, labels)
    assert all(map(np.array_equal, found, expected))
    assert (tmp_path / "killed").exists()
    assert (tmp_path / "first_epochs").read_text() == 5 * "."
