import threading
from copy import deepcopy
from functools import partial
from itertools import count

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from sklearn_bilstm import BiLSTMClassifier, explain, load, save
from tests.helpers import SMALL, small_classifier, small_pipeline, small_tagger

Y = [0, 1] * 20


class FewParameters(BiLSTMClassifier):
    """A classifier with a single parameter of its own."""

    def __init__(self, lr=1e-2):
        super().__init__(lr=lr, input_type="tokens", **SMALL)


def test_clone_accepts_a_subclass_with_fewer_parameters(ids):
    model = FewParameters(lr=0.02).fit(ids, Y)
    assert clone(model).get_params() == {"lr": 0.02}
    assert len(cross_val_score(model, ids, Y, cv=2)) == 2


class FitsMeanwhile:
    """Rows that fit an estimator when they are read, as another thread could do."""

    def __init__(self, rows, fit):
        self.rows, self.fit = rows, fit

    def to_pylist(self):  # of Arrow arrays
        self.fit()
        return self.rows


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function"]
)
@pytest.mark.parametrize("is_multilabel", [False, True])
def test_classifier_predicts_with_one_model_if_it_is_fitted_meanwhile(
    ids, method, is_multilabel
):
    numbers = np.arange(40) % 5
    model = small_classifier().fit(ids, numbers)
    expected = getattr(model, method)(ids)
    y = np.eye(5, dtype=int)[numbers] if is_multilabel else np.array(["a", "b"] * 20)
    rows = FitsMeanwhile(ids.tolist(), partial(model.fit, ids, y))
    assert np.array_equal(getattr(model, method)(rows), expected)
    assert model.multilabel_ == is_multilabel


def test_tagger_predicts_with_one_model_if_it_is_fitted_meanwhile():
    X = [["a", "b"], ["c"]] * 5
    tagger = small_tagger().fit(X, [["x", "y"], ["z"]] * 5)
    expected = tagger.predict(X), tagger.predict_proba(X)
    fit = partial(tagger.fit, X, [["1", "2"], ["1"]] * 5)
    fitted = deepcopy(tagger)
    for method, of_rows in zip(("predict", "predict_proba"), expected, strict=True):
        tagger.__dict__ = dict(vars(fitted))
        found = getattr(tagger, method)(FitsMeanwhile(X, fit))
        assert all(map(np.array_equal, found, of_rows))
        assert tagger.classes_.tolist() == ["1", "2"]


def require_two_threads(estimator):
    """Let the first two batches of a prediction wait for each other."""
    calls, barrier = count(), threading.Barrier(2, timeout=10)

    def meet(module, inputs):
        if next(calls) < 2:
            barrier.wait()

    estimator.module_.encoder.register_forward_pre_hook(meet)


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "transform", "attention_weights"]
)
def test_loaded_classifier_predicts_with_the_current_n_threads(ids, method, tmp_path):
    save(small_classifier(pooling="attention", n_threads=1).fit(ids, Y), tmp_path / "m")
    model = load(tmp_path / "m").set_params(n_threads=np.int64(2))
    require_two_threads(model)
    assert len(getattr(model, method)(ids)) == 40
    save(model, tmp_path / "m")


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_tagger_predicts_with_the_current_n_threads(sentences, method):
    tagger = small_tagger(n_threads=1).fit(*sentences).set_params(n_threads=2)
    require_two_threads(tagger)
    assert len(getattr(tagger, method)(sentences[0])) == 40


def test_explain_uses_the_current_n_threads(reviews):
    pipeline = small_pipeline(n_threads=1).fit(*reviews)
    pipeline[-1].set_params(n_threads=2)
    require_two_threads(pipeline[-1])
    assert len(explain(pipeline, reviews[0], method="occlusion")) == 60
