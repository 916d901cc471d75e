"""Callbacks of skorch and of scikit-learn."""

import pickle
from tempfile import mkdtemp
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, MlflowLogger, TensorBoard, WandbLogger

from sklearn_bilstm import TextVectorizer
from sklearn_bilstm.training import StopTraining
from tests.helpers import small_classifier, small_pipeline, small_regressor

Y = [0, 1] * 20
RATES = {"bilstmclassifier__lr": [0.001, 0.01]}


def has_callbacks():
    try:
        import sklearn.callback  # noqa: F401, PLC0415 - from scikit-learn 1.9 on
    except ImportError:
        return False
    return True


class OwnWriter(TensorBoard):
    """Write every fit to a new run in the given folder."""

    def __init__(self, folder):
        super().__init__(writer=None)
        self.folder = folder

    def on_train_begin(self, net, **kwargs):
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415, optional

        self.writer = SummaryWriter(mkdtemp(dir=self.folder))


def scalars_of(folder):
    """Return the scalars in a folder as {tag: {step: value}}."""
    reader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    )
    events = reader.EventAccumulator(str(folder)).Reload()
    return {
        tag: {event.step: event.value for event in events.Scalars(tag)}
        for tag in events.Tags()["scalars"]
    }


class TestTensorBoard:
    @pytest.fixture
    def writer(self, tmp_path):
        pytest.importorskip("tensorboard")
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415, optional

        with SummaryWriter(tmp_path) as writer:
            yield writer

    def test_tensorboard_receives_the_history_of_every_epoch(
        self, ids, writer, tmp_path
    ):
        model = small_classifier(callbacks=[TensorBoard(writer)])
        model.fit(ids, Y, X_val=ids, y_val=Y)
        scalars = scalars_of(tmp_path)
        for name in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy"):
            found = scalars[f"Loss/{name}"]
            assert list(found) == [1, 2]
            expected = [epoch[name] for epoch in model.history_]
            assert list(found.values()) == pytest.approx(expected)

    def test_a_grid_search_may_share_a_summary_writer(self, reviews, writer, tmp_path):
        model = small_pipeline(callbacks=[TensorBoard(writer)])
        search = GridSearchCV(model, RATES, cv=2).fit(*reviews)
        assert search.predict(reviews[0][:3]).shape == (3,)
        assert "Loss/train_loss" in scalars_of(tmp_path)

    def test_fits_of_a_grid_search_may_write_separate_runs(self, reviews, tmp_path):
        pytest.importorskip("tensorboard")
        model = small_pipeline(callbacks=[OwnWriter(tmp_path)])
        restored = pickle.loads(pickle.dumps(model))  # as for worker processes
        GridSearchCV(restored, RATES, cv=2).fit(*reviews)
        folders = list(tmp_path.iterdir())
        assert len(folders) == 2 * 2 + 1
        for folder in folders:
            assert list(scalars_of(folder)["Loss/train_loss"]) == [1, 2]

    def test_a_model_is_pickled_without_its_summary_writer(self, ids, writer):
        model = small_classifier(callbacks=[TensorBoard(writer)]).fit(ids, Y)
        stored = pickle.loads(pickle.dumps(model.set_params(callbacks=None)))
        assert np.array_equal(stored.predict_proba(ids), model.predict_proba(ids))


class MlflowClient:
    """The part of mlflow.tracking.MlflowClient that skorch uses."""

    def __init__(self):
        self.metrics, self.artifacts, self.ended = [], {}, []

    def log_metric(self, run_id, key, value, step):
        self.metrics.append((run_id, key, value, step))

    def log_artifact(self, run_id, path):
        self.artifacts[path.name] = path.read_bytes()

    def set_terminated(self, run_id):
        self.ended.append(run_id)

    def __deepcopy__(self, memo):
        raise TypeError("a client must not be copied")


def test_mlflow_receives_the_history_and_the_best_weights(ids, tmp_path):
    client, run = MlflowClient(), SimpleNamespace(info=SimpleNamespace(run_id="one"))
    model = small_classifier(
        callbacks=[MlflowLogger(run, client)],
        early_stopping=True,
        max_epochs=9,
        lr=0.3,
    )
    model = clone(model).fit(ids, Y)
    assert model.best_epoch_ < model.n_iter_
    logged = {(key, step): value for _, key, value, step in client.metrics}
    for epoch in model.history_:
        assert logged["valid_loss", epoch["epoch"]] == epoch["valid_loss"]
        assert logged["valid_accuracy", epoch["epoch"]] == epoch["valid_accuracy"]
    assert client.ended == ["one"]
    (tmp_path / "params").write_bytes(client.artifacts["params.pth"])
    weights = torch.load(tmp_path / "params", weights_only=True)
    for name, weight in model.module_.state_dict().items():
        assert torch.equal(weights[name], weight)


class WandbRun:
    """The part of wandb.sdk.wandb_run.Run that skorch uses."""

    def __init__(self, folder):
        self.dir = folder
        self.logged, self.n_gradients = [], 0

    def watch(self, module):
        for weight in module.parameters():
            weight.register_hook(self._count)

    def _count(self, gradient):
        self.n_gradients += 1

    def log(self, values):
        self.logged.append(values)

    def __deepcopy__(self, memo):
        raise TypeError("a run must not be copied")


def test_wandb_receives_the_history_and_gradients(ids, tmp_path):
    run = WandbRun(tmp_path)
    model = clone(small_regressor(callbacks=[WandbLogger(run)]))
    model.fit(ids, ids[:, 0], X_val=ids, y_val=ids[:, 0])
    for logged, epoch in zip(run.logged, model.history_, strict=True):
        assert epoch.items() - {("epoch", epoch["epoch"])} <= logged.items()
    assert (tmp_path / "best_model.pth").is_file()
    assert run.n_gradients > 0


def test_wandb_logs_without_validation_rows(ids, tmp_path):
    run = WandbRun(tmp_path)
    small_classifier(callbacks=[WandbLogger(run, save_model=False)]).fit(ids, Y)
    assert [values["train_loss"] > 0 for values in run.logged] == [True, True]


class Counts(Callback):
    """Count epochs in an attribute and in a given list."""

    def __init__(self, given):
        self.given = given

    def initialize(self):
        self.n_epochs_ = 0
        return self

    def on_epoch_end(self, net, **kwargs):
        self.n_epochs_ += 1
        self.given.append(net.history[-1, "epoch"])


def test_fit_copies_a_callback_but_shares_its_arguments(ids):
    given = []
    callback = Counts(given)
    model = clone(small_classifier(callbacks=[("mine", callback)]))
    model.fit(ids, Y)
    assert given == [1, 2]
    assert vars(callback) == {"given": given}
    assert dict(model.net_.callbacks_)["mine"].n_epochs_ == 2


def test_all_callbacks_run_for_the_epoch_that_stops_training(ids):
    class Stops(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise StopTraining

    given = []
    model = small_classifier(callbacks=[Stops(), Counts(given)]).fit(ids, Y)
    assert given == [1]
    assert model.n_iter_ == 1


@pytest.mark.parametrize("model", [small_classifier(), TextVectorizer()])
def test_set_callbacks_exists_if_scikit_learn_supports_it(model):
    assert hasattr(model, "set_callbacks") == has_callbacks()


class Follower:
    """Record the tasks of a fit, and optionally stop it after epoch `last`."""

    def __init__(self, last=None, look=None):
        self.last, self.look = last, look
        self.seen, self.looks = [], []

    def setup(self, estimator, context):
        self.seen.append("setup")

    def on_fit_task_begin(self, estimator, context):
        self.seen.append(f"begin {context.task_name} of {context.max_subtasks}")

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.seen.append(f"end {context.task_name}")
        if self.look is not None:
            self.looks.append(self.look(fitted_estimator))
        return context.task_name == "epoch" and context.task_id + 1 == self.last

    def teardown(self, estimator, context):
        self.seen.append("teardown")


EPOCH = ["begin epoch of 0", "end epoch"]


@pytest.mark.skipif(not has_callbacks(), reason="scikit-learn has them from 1.9 on")
class TestScikitLearn:
    def test_every_epoch_is_a_task(self, ids):
        follower = Follower()
        small_classifier().set_callbacks(follower).fit(ids, Y)
        expected = ["setup", "begin fit of 2", *EPOCH, *EPOCH, "end fit", "teardown"]
        assert follower.seen == expected

    def test_fit_of_a_vectorizer_is_one_task(self):
        follower = Follower()
        TextVectorizer().set_callbacks(follower).fit_transform(["a", "b"])
        assert follower.seen == ["setup", "begin fit of 0", "end fit", "teardown"]

    def test_a_callback_may_stop_training(self, ids):
        follower = Follower(last=3)
        model = small_classifier(max_epochs=9).set_callbacks(follower).fit(ids, Y)
        assert model.n_iter_ == 3
        assert follower.seen[-2:] == ["end fit", "teardown"]

    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_fitted_estimator_equals_a_fit_stopped_at_that_epoch(
        self, reviews, early_stopping
    ):
        X, y = TextVectorizer().fit_transform(reviews[0]), reviews[1]
        params = {"max_epochs": 4, "early_stopping": early_stopping, "lr": 0.3}
        model = small_pipeline(**params)[-1]
        follower = Follower(look=lambda fitted: fitted.predict_proba(X))
        clone(model).set_callbacks(follower).fit(X, y)
        *epochs, whole = follower.looks
        for last, seen in enumerate(epochs, 1):
            stopped = clone(model).set_callbacks(Follower(last=last)).fit(X, y)
            assert np.array_equal(seen, stopped.predict_proba(X))
        assert np.array_equal(whole, epochs[-1])

    def test_fitted_estimator_of_a_regressor_equals_a_stopped_fit(self, ids):
        y = ids[:, :2].astype(float)
        follower = Follower(look=lambda fitted: fitted.predict(ids))
        small_regressor().set_callbacks(follower).fit(ids, y)
        one = small_regressor().set_callbacks(Follower(last=1)).fit(ids, y)
        assert np.array_equal(follower.looks[0], one.predict(ids))

    def test_fitted_estimator_is_a_snapshot(self, ids):
        follower = Follower(look=lambda fitted: (fitted, fitted.predict_proba(ids)))
        small_classifier().set_callbacks(follower).fit(ids, Y)
        for fitted, probabilities in follower.looks:
            assert np.array_equal(fitted.predict_proba(ids), probabilities)
        assert [len(fitted.history_) for fitted, _ in follower.looks] == [1, 2, 2]

    def test_callbacks_do_not_change_the_fit(self, ids):
        without_callback = small_classifier().fit(ids, Y)
        follower = Follower(look=lambda fitted: fitted.predict(ids))
        with_callback = small_classifier().set_callbacks(follower).fit(ids, Y)
        expected = without_callback.decision_function(ids)
        assert np.array_equal(with_callback.decision_function(ids), expected)

    def test_ctrl_c_tears_callbacks_down_and_keeps_the_fit(self, ids):
        def interrupt(fitted):
            if fitted.n_iter_ == 2:
                raise KeyboardInterrupt

        follower = Follower(look=interrupt)
        model = small_classifier(max_epochs=5).set_callbacks(follower)
        with pytest.raises(KeyboardInterrupt):
            model.fit(ids, Y)
        assert follower.seen[-1] == "teardown"
        assert model.predict(ids).shape == (40,)

    def test_an_error_tears_callbacks_down_and_leaves_the_classifier_unchanged(
        self, ids
    ):
        follower = Follower()
        model = small_classifier().set_callbacks(follower)
        before = dict(vars(model))
        with pytest.raises(ValueError, match="requires y"):
            model.fit(ids, None)
        assert follower.seen == ["setup", "teardown"]
        assert vars(model) == before

    def test_clone_shares_callbacks_and_fit_stores_no_context(self, ids):
        follower = Follower()
        model = small_classifier().set_callbacks(follower)
        before = vars(clone(model).fit(ids, Y)).keys()
        assert before - vars(small_classifier().fit(ids, Y)).keys() == {
            "_skl_callbacks"
        }
        assert len(pickle.dumps(model.set_callbacks().fit(ids, Y))) < 50_000

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_scoring_monitor_logs_every_epoch_of_a_grid_search(self, reviews, n_jobs):
        from sklearn.callback import ScoringMonitor  # noqa: PLC0415, from 1.9 on

        monitor = ScoringMonitor(scoring="accuracy")
        model = small_pipeline()
        model[-1].set_callbacks(monitor)
        GridSearchCV(model, RATES, cv=2, n_jobs=n_jobs).fit(*reviews)
        log = monitor.get_logs().data
        epochs = [row for row in log if row["task_name"] == "epoch"]
        assert len(epochs) == (2 * 2 + 1) * 2
        assert all(0 <= row["accuracy"] <= 1 for row in epochs)

    def test_scoring_monitor_uses_sample_weight(self, ids):
        from sklearn.callback import ScoringMonitor  # noqa: PLC0415, from 1.9 on

        monitor = ScoringMonitor(scoring="accuracy")
        model = small_classifier().set_callbacks(monitor)
        weight = np.linspace(0, 1, 40)
        model.fit(ids, Y, sample_weight=weight)
        last = monitor.get_logs().data[-1]
        assert last["accuracy"] == model.score(ids, Y, weight)
        assert last["accuracy"] != model.score(ids, Y)

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_progress_bar_shows_every_level_of_a_grid_search(
        self, reviews, n_jobs, capsys
    ):
        pytest.importorskip("rich")
        from sklearn.callback import ProgressBar  # noqa: PLC0415, from 1.9 on

        search = GridSearchCV(small_pipeline(), RATES, cv=2, n_jobs=n_jobs)
        search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(*reviews)
        bars = capsys.readouterr().out
        assert "fit-final-estimator | BiLSTMClassifier - fit #1" in bars
        assert bars.count("100%") == 2 + 5 * 3
