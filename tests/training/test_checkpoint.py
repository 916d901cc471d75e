import json
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from skorch.callbacks import Callback

from sklearn_bilstm import load, save
from sklearn_bilstm.training import StopTraining
from sklearn_bilstm.utils._archive import read_archive, read_content, write_archive
from tests.helpers import (
    compiled_by,
    small_classifier,
    small_pipeline,
    small_regressor,
    small_tagger,
)

Y = [0, 1] * 20


class Fails(Callback):
    """Fail within a batch of an epoch, as a machine may."""

    def __init__(self, epoch, error=RuntimeError):
        self.epoch = epoch
        self.error = error

    def on_batch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise self.error("the end")


class TrainsNoMore(Callback):
    def on_batch_end(self, net, **kwargs):
        raise AssertionError("there is nothing left to learn")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "training.zip"


def without_seconds(history):
    return [{k: v for k, v in epoch.items() if k != "seconds"} for epoch in history]


def assert_same(found, expected):
    """Compare fitted estimators to the last bit."""
    weights = expected.module_.state_dict()
    for name, weight in found.module_.state_dict().items():
        assert torch.equal(weight, weights[name]), name
    assert without_seconds(found.history_) == without_seconds(expected.history_)
    assert found.best_epoch_ == expected.best_epoch_
    assert found.n_iter_ == expected.n_iter_


def interrupted(make, epoch, *data, **params):
    """Fit until an epoch, in which the machine fails."""
    with pytest.raises(RuntimeError, match="the end"):
        make(**params, callbacks=[Fails(epoch)]).fit(*data)


WAYS = {
    "one cycle": {},
    "plateau": {"lr_schedule": "plateau", "n_iter_no_change": 9, "tol": 0.5},
    "constant": {"lr_schedule": "constant", "optimizer": "adam"},
    "momentum": {"optimizer": "sgd", "net_params": {"optimizer__momentum": 0.9}},
    "early stopping": {
        "early_stopping": True,
        "max_epochs": 12,
        "n_iter_no_change": 5,
        "tol": 9.0,
    },
    "max norm": {"max_norm": 1.0, "precision": "float32"},
    "batch normalisation": {"normalization": "batch", "precision": "bfloat16"},
    "frozen vectors": {"freeze_embedding": True},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("epoch", [1, 5])
def test_a_resumed_fit_equals_an_uninterrupted_fit(way, epoch, reviews, path):
    params = {"max_epochs": 6, **WAYS[way]}
    expected = small_pipeline(**params).fit(*reviews)
    params["checkpoint"] = path
    interrupted(small_pipeline, epoch, *reviews, **params)
    state = read_content(path, kind="checkpoint")["state"]
    assert len(state["history"]) == epoch - 1
    found = small_pipeline(**params).fit(*reviews)
    assert_same(found[-1], expected[-1])
    assert found[-1].n_iter_ == 6
    texts = reviews[0]
    assert np.array_equal(found.predict_proba(texts), expected.predict_proba(texts))


def test_a_resumed_regressor_equals_an_uninterrupted_one(path):
    X, y = np.random.RandomState(0).rand(30, 6, 2), np.arange(30.0)
    expected = small_regressor(max_epochs=4).fit(X, y)
    params = {"max_epochs": 4, "checkpoint": str(path)}
    interrupted(small_regressor, 3, X, y, **params)
    found = small_regressor(**params).fit(X, y)
    assert_same(found, expected)
    assert np.array_equal(found.predict(X), expected.predict(X))


def test_a_resumed_tagger_equals_an_uninterrupted_one(sentences, path):
    X, y = sentences
    expected = small_tagger(max_epochs=4).fit(X, y)
    params = {"max_epochs": 4, "checkpoint": path}
    interrupted(small_tagger, 3, X, y, **params)
    found = small_tagger(**params).fit(X, y)
    assert_same(found, expected)
    assert found.predict(X) == expected.predict(X)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_fit_on_a_gpu_is_resumed(reviews, path):
    params = {"max_epochs": 5, "checkpoint": path, "device": "cuda"}
    interrupted(small_pipeline, 3, *reviews, **params)
    found = small_pipeline(**params).fit(*reviews)
    assert found[-1].n_iter_ == 5


SCRIPT = """
import json, os, signal, sys
import torch
from skorch.callbacks import Callback
from sklearn_bilstm import save
from sklearn_bilstm.datasets import make_reviews
from tests.helpers import small_pipeline

class Dies(Callback):
    def on_batch_end(self, net, **kwargs):
        if len(net.history) == 4:
            os.kill(os.getpid(), signal.SIGKILL)

torch.set_num_threads(1)
reviews = make_reviews(60, max_fillers=1, random_state=0)
for path, params in json.loads(sys.argv[1]).items():
    callbacks = [Dies()] if sys.argv[2] == "dies" else None
    model = small_pipeline(**params, checkpoint=path, callbacks=callbacks)
    save(model.fit(*reviews), f"{path} fitted")
"""


def test_a_fit_of_a_killed_process_is_resumed_by_another_process(reviews, tmp_path):
    def start(ways, end):
        command = [sys.executable, "-c", SCRIPT, json.dumps(ways), end]
        return subprocess.Popen(command)

    ways = {
        f"{tmp_path}/stops": {"max_epochs": 6, "early_stopping": True},
        f"{tmp_path}/plateau": {
            "max_epochs": 5,
            "lr_schedule": "plateau",
            "precision": "float32",
        },
    }
    killed = [start({path: params}, "dies") for path, params in ways.items()]
    assert {process.wait() for process in killed} == {-signal.SIGKILL}
    assert start(ways, "lives").wait() == 0
    for path, params in ways.items():
        expected, found = small_pipeline(**params).fit(*reviews), load(f"{path} fitted")
        assert_same(found[-1], expected[-1])
        probabilities = found.predict_proba(reviews[0])
        assert np.array_equal(probabilities, expected.predict_proba(reviews[0]))


def test_ctrl_c_keeps_the_checkpoint_of_the_last_complete_epoch(ids, path):
    params = {"max_epochs": 5, "checkpoint": path}
    callbacks = [Fails(3, KeyboardInterrupt)]
    with pytest.raises(KeyboardInterrupt):
        small_classifier(**params, callbacks=callbacks).fit(ids, Y)
    assert len(read_content(path, kind="checkpoint")["state"]["history"]) == 2
    found = small_classifier(**params).fit(ids, Y)
    assert_same(found, small_classifier(max_epochs=5).fit(ids, Y))


def test_an_interrupt_after_resuming_keeps_earlier_epochs(ids, path):
    params = {"max_epochs": 6, "checkpoint": path, "early_stopping": True}
    interrupted(small_classifier, 3, ids, Y, **params)
    classifier = small_classifier(**params, callbacks=[Fails(3, KeyboardInterrupt)])
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(ids, Y)
    assert classifier.n_iter_ == 2
    two_epochs = small_classifier(max_epochs=6, early_stopping=True)
    with pytest.raises(KeyboardInterrupt):
        two_epochs.set_params(callbacks=[Fails(3, KeyboardInterrupt)]).fit(ids, Y)
    assert np.array_equal(classifier.predict_proba(ids), two_epochs.predict_proba(ids))


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_complete_checkpoint_is_restored_without_training(early_stopping, ids, path):
    params = {"checkpoint": path, "early_stopping": early_stopping, "lr": 0.1}
    params = {**params, "max_epochs": 9, "n_iter_no_change": 2}
    expected = small_classifier(**params).fit(ids, Y)
    assert (expected.n_iter_ < 9) == early_stopping
    found = small_classifier(**params, callbacks=[TrainsNoMore()]).fit(ids, Y)
    assert_same(found, expected)


def test_verbose_output_continues_after_resuming(ids, path, capsys):
    params = {"max_epochs": 4, "checkpoint": path, "verbose": 1}
    interrupted(small_classifier, 3, ids, Y, **params)
    capsys.readouterr()
    small_classifier(**params).fit(ids, Y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["epoch", "3/4", "4/4"]


# -- another training


@pytest.mark.parametrize(
    ("params", "differs"),
    [
        ({"random_state": 1}, "network, seed"),
        ({"lr": 0.01}, "lr, optimizer__param_groups"),
        ({"max_epochs": 3}, "OneCycle, max_epochs"),
        ({"lr_schedule": "constant"}, "Constant, OneCycle"),
        ({"gradient_clip_norm": None}, "GradientNormClipping"),
        ({"weight_decay": 0.5}, "optimizer__weight_decay"),
        ({"net_params": {"optimizer__eps": 1e-3}}, "optimizer__eps"),
        ({"dropout": 0.1}, "network"),
        ({"pooling": "max"}, "network"),
        ({"precision": "bfloat16"}, "network"),
        (compiled_by("eager"), "compile"),
        ({"early_stopping": True}, "EarlyStopping, rows, validation rows"),
        ({"class_weight": {0: 2.0}}, "rows"),
    ],
    ids=str,
)
def test_checkpoint_of_other_parameters_raises_and_is_kept(params, differs, ids, path):
    settings = {"precision": "float32", "checkpoint": path}
    small_classifier(**settings).fit(ids, Y)
    before = path.read_bytes()
    match = f"'checkpoint' parameter .* another training, which differs in {differs}. "
    with pytest.raises(ValueError, match=match):
        small_classifier(**{**settings, **params}).fit(ids, Y)
    assert path.read_bytes() == before


def test_checkpoint_of_other_rows_raises(ids, path):
    small_classifier(checkpoint=path).fit(ids, Y)
    for X, y, weight in [
        (ids[:39], Y[:39], None),
        (np.where(ids == 5, 6, ids), Y, None),
        (ids, Y[::-1], None),
        (ids, Y, np.arange(40)),
    ]:
        with pytest.raises(ValueError, match="differs in rows"):
            small_classifier(checkpoint=path).fit(X, y, sample_weight=weight)


def test_checkpoint_of_another_version_raises(ids, path):
    small_classifier(checkpoint=path).fit(ids, Y)
    content, arrays = read_archive(path, kind="checkpoint")
    content["fingerprint"]["versions"]["torch"] = "1.0"
    write_archive(path, kind="checkpoint", content=content, arrays=arrays)
    with pytest.raises(ValueError, match="differs in versions"):
        small_classifier(checkpoint=path).fit(ids, Y)


def test_a_fit_is_resumed_with_other_parameters_that_do_not_affect_training(ids, path):
    params = {"max_epochs": 4, "checkpoint": path, "log_odds_ngram_range": (1, 1)}
    interrupted(small_classifier, 3, ids, Y, **params)
    other = {"n_threads": 2, "verbose": 0, "linear_ngram_range": (1, 2)}
    found = small_classifier(**params, **other).fit(ids, Y)
    del params["checkpoint"]
    expected = small_classifier(**params, linear_ngram_range=(1, 2)).fit(ids, Y)
    assert_same(found, expected)
    assert np.array_equal(found.predict_proba(ids), expected.predict_proba(ids))


def test_checkpoint_raises_for_a_warm_start(ids, path):
    classifier = small_classifier(checkpoint=path, warm_start=True).fit(ids, Y)
    with pytest.raises(ValueError, match="differs in network"):
        classifier.fit(ids, Y)


def test_a_file_of_another_kind_raises_and_is_kept(ids, path):
    for write in (
        lambda: path.write_text("notes"),
        lambda: save(small_classifier(), path),
    ):
        write()
        before = path.read_bytes()
        with pytest.raises(ValueError, match=r"cannot be read as a checkpoint"):
            small_classifier(checkpoint=path).fit(ids, Y)
        assert path.read_bytes() == before


def test_concurrent_fits_raise_on_a_shared_checkpoint(ids, path):
    class AnotherBegins(Callback):
        def on_epoch_begin(self, net, **kwargs):
            path.unlink(missing_ok=True)
            small_classifier(checkpoint=path, lr=0.1).fit(ids, Y)

    with pytest.raises(ValueError, match="of another training"):
        small_classifier(checkpoint=path, callbacks=[AnotherBegins()]).fit(ids, Y)


# -- many trainings


def test_a_grid_search_is_resumed_from_a_folder(ids, tmp_path):
    grid = {"lr": [1e-3, 1e-2]}
    model = small_classifier(checkpoint=tmp_path)
    search = GridSearchCV(model, grid, cv=2).fit(ids, Y)
    assert len(list(tmp_path.iterdir())) == 2 * 2 + 1
    model.set_params(callbacks=[TrainsNoMore()])
    again = GridSearchCV(model, grid, cv=2).fit(ids, Y)
    scores = "mean_test_score"
    assert np.array_equal(again.cv_results_[scores], search.cv_results_[scores])
    assert np.array_equal(again.predict_proba(ids), search.predict_proba(ids))


def test_cross_validation_with_a_single_file_raises(ids, path):
    model = small_classifier(checkpoint=path)
    with pytest.raises(ValueError, match="each training writes its own file"):
        cross_val_score(model, ids, Y, cv=2, error_score="raise")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitFailedWarning)
        scores = cross_val_score(model, ids, Y, cv=2)
    assert np.isnan(scores).tolist() == [False, True]


# -- what it takes


def test_checkpoint_requires_a_random_state(ids, path):
    classifier = small_classifier(checkpoint=path, random_state=None)
    with pytest.raises(
        ValueError, match="'checkpoint' parameter requires a 'random_state'"
    ):
        classifier.fit(ids, Y)
    params = {"checkpoint": path, "max_epochs": 4}
    expected = small_classifier(max_epochs=4, random_state=np.random.RandomState(1))
    with pytest.raises(RuntimeError, match="the end"):
        small_classifier(
            **params, random_state=np.random.RandomState(1), callbacks=[Fails(2)]
        ).fit(ids, Y)
    found = small_classifier(**params, random_state=np.random.RandomState(1))
    assert_same(found.fit(ids, Y), expected.fit(ids, Y))


def test_a_missing_folder_raises_before_the_first_epoch(ids, tmp_path):
    classifier = small_classifier(
        checkpoint=tmp_path / "absent" / "file", callbacks=[TrainsNoMore()]
    )
    with pytest.raises(ValueError, match=r"'checkpoint' parameter .*absent"):
        classifier.fit(ids, Y)


class Notes(Callback):
    """Note what no file can hold."""

    def on_epoch_end(self, net, **kwargs):
        net.history.record("note", object())


def test_history_values_that_cannot_be_stored_raise(ids, path):
    classifier = small_classifier(checkpoint=path, callbacks=[Notes()])
    with pytest.raises(TypeError, match=r"'checkpoint' parameter .*0\.note"):
        classifier.fit(ids, Y)


def test_partial_fit_writes_no_checkpoint(ids, path):
    small_classifier(checkpoint=path).partial_fit(ids, Y, classes=[0, 1])
    assert not path.exists()


def test_a_checkpoint_is_a_single_file_without_pickles(ids, path):
    small_classifier(checkpoint=path).fit(ids, Y)
    assert list(path.parent.iterdir()) == [path]
    _, arrays = read_archive(path, kind="checkpoint")
    assert "state.weights.head.linear.weight" in arrays


class Ends(Callback):
    """End a training after an epoch, as callbacks of skorch do it."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise StopTraining


def test_a_fit_stopped_by_a_callback_is_resumed_without_it(ids, path):
    expected = small_classifier(max_epochs=4).fit(ids, Y)
    params = {"max_epochs": 4, "checkpoint": path}
    ended = small_classifier(**params, callbacks=[Ends(2)]).fit(ids, Y)
    assert ended.n_iter_ == 2
    assert_same(small_classifier(**params).fit(ids, Y), expected)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content.pop("fingerprint"),
        lambda content: content.pop("state"),
        lambda content: content["state"].pop("optimizer"),
        lambda content: content["state"]["weights"].popitem(),
        lambda content: content["state"].update(history=3),
    ],
)
def test_a_checkpoint_with_invalid_content_raises(ids, path, spoil):
    small_classifier(checkpoint=path).fit(ids, Y)
    content, arrays = read_archive(path, kind="checkpoint")
    spoil(content)
    write_archive(path, kind="checkpoint", content=content, arrays=arrays)
    with pytest.raises(ValueError, match=r"'checkpoint' parameter is .*training.zip"):
        small_classifier(checkpoint=path).fit(ids, Y)


def test_resuming_is_reported_if_verbose(ids, path, capsys):
    params = {"max_epochs": 4, "checkpoint": path, "verbose": 1}
    interrupted(small_classifier, 3, ids, Y, **params)
    capsys.readouterr()
    small_classifier(**params).fit(ids, Y)
    assert "resuming from the checkpoint after epoch 2\n" in capsys.readouterr().out
    small_classifier(**params).fit(ids, Y)
    assert "the checkpoint is complete, after epoch 4\n" in capsys.readouterr().out
