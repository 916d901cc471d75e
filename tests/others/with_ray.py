"""Searches and cross-validation on the workers of ray.

In an environment of its own, since ray is large:

    python -m pip install . ray && python tests/others/with_ray.py
"""

import os
import signal
import warnings
from pathlib import Path
from tempfile import mkdtemp

import joblib
import numpy as np
import ray
import torch
from ray.util.joblib import register_ray
from sklearn.experimental import enable_halving_search_cv  # noqa: F401, switches on
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer
from sklearn_bilstm.datasets import make_reviews

TEXTS, LABELS = make_reviews(100, random_state=0)
POOLINGS = {"bilstmclassifier__pooling": ["max", "mean"]}


class KillOneWorker(Callback):
    """Kill the first process that begins a second epoch."""

    def __init__(self, folder):
        self.killed = Path(folder) / "killed"

    def on_epoch_begin(self, net, **kwargs):
        """Kill the process, unless one has been killed before."""
        if len(net.history) == 2:
            try:
                self.killed.touch(exist_ok=False)
            except FileExistsError:
                return
            os.kill(os.getpid(), signal.SIGKILL)


def main():
    """Compare results and threads of workers with those of one process."""
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", module="ray")
    runs = grid_search, halving_search, cross_validation
    expected = [run() for run in runs]
    ray.init(num_cpus=4, include_dashboard=False)
    register_ray()
    with joblib.parallel_config("ray", n_jobs=2):
        for run, results in zip(runs, expected, strict=True):
            assert equal(run(), results), run.__name__
        assert n_threads_of_workers() == {1}
    with joblib.parallel_config("ray", n_jobs=2, ray_remote_args={"num_cpus": 2}):
        assert n_threads_of_workers() == {2}
    folder = mkdtemp()
    retry = {"max_restarts": 1, "max_task_retries": 1}
    with joblib.parallel_config("ray", n_jobs=2, ray_remote_args=retry):
        results = grid_search(checkpoint=folder, callbacks=[KillOneWorker(folder)])
    assert equal(results, expected[0])
    assert Path(folder, "killed").exists()


def model(**params):
    """Return a pipeline from text that is fitted in a second."""
    return make_pipeline(
        TextVectorizer(), BiLSTMClassifier(max_epochs=2, random_state=0, **params)
    )


def grid_search(**params):
    """Return the scores of a search, and the predictions of its best model."""
    return results_of(GridSearchCV(model(**params), POOLINGS, cv=2))


def halving_search():
    """Return the same for a search whose resource is the number of epochs."""
    search = HalvingGridSearchCV(
        model(),
        POOLINGS,
        cv=2,
        resource="bilstmclassifier__max_epochs",
        max_resources=2,
        factor=2,
        random_state=0,
    )
    return results_of(search)


def results_of(search):
    """Fit a search, and return its scores and the predictions of its best model."""
    search.set_params(scoring="neg_log_loss").fit(TEXTS, LABELS)
    scores = search.cv_results_["split0_test_score"]
    return scores, search.best_estimator_.predict_proba(TEXTS)


def cross_validation():
    """Return the scores of a cross-validation."""
    scoring = "neg_log_loss"
    return [cross_validate(model(), TEXTS, LABELS, cv=2, scoring=scoring)["test_score"]]


def equal(found, expected):
    """Return whether arrays are equal in each bit."""
    return all(map(np.array_equal, found, expected))


def n_threads_of_workers():
    """Return the numbers of threads that torch uses in the workers."""
    return set(joblib.Parallel()([joblib.delayed(torch.get_num_threads)()] * 4))


if __name__ == "__main__":
    main()
