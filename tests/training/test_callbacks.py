from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score
from skorch.callbacks import Callback

from sklearn_bilstm.training import EarlyStopping, MaxNorm, StopTraining
from tests.helpers import small_classifier


class NetStub:
    """A net whose weight is the number of the epoch, with losses that are given."""

    def __init__(self, losses):
        self.losses = losses
        self.history = []
        self.module_ = torch.nn.Linear(1, 1)

    def run(self, callback):
        """Return the epochs run until the callback stops it, or all."""
        callback.on_train_begin(self)
        try:
            for epoch, loss in enumerate(self.losses, 1):
                self.module_.weight.data.fill_(epoch)
                self.history.append({"epoch": epoch, "valid_loss": loss})
                callback.on_epoch_end(self)
        except StopTraining:
            pass
        callback.on_train_end(self)
        return len(self.history)


@pytest.mark.parametrize(
    ("losses", "n_run", "best"),
    [
        ([5, 4, 3, 2], 4, 4),
        ([5, 4, 4.5, 4.2, 4.1, 1], 4, 2),
        ([5, 4, 4.5, 3, 3.5, 3.2, 1], 6, 4),
        ([5, 5.1, 5.2, 1], 3, 1),
        ([5, 4.95, 4.92, 1], 3, 1),  # falls, but by less than tol
        ([np.nan, np.nan, np.nan], 2, None),
    ],
)
def test_it_stops_after_patience_epochs_and_restores_the_best(losses, n_run, best):
    net, callback = NetStub(losses), EarlyStopping(patience=2, tol=0.1)
    assert net.run(callback) == n_run
    assert callback.best_epoch_ == best
    assert net.module_.weight.item() == (best or n_run)


def test_no_weights_stay_with_the_callback():
    net, callback = NetStub([2, 1]), EarlyStopping(patience=2, tol=0.1)
    net.run(callback)
    assert callback.best_weights_ is None


def test_validation_accuracy_is_that_of_score(ids):
    y = np.where(ids[:, 0] > 15, "a", "b")
    classifier = small_classifier(max_epochs=3).fit(ids, y, X_val=ids, y_val=y)
    accuracy = classifier.history_[-1]["valid_accuracy"]
    assert accuracy == pytest.approx(classifier.score(ids, y))


def test_validation_accuracy_of_labels_is_that_of_whole_rows(ids):
    y = np.stack([ids[:, 0] > 15, ids[:, 1] > 15, ids[:, 0] > 8], axis=1).astype(int)
    classifier = small_classifier(max_epochs=9).fit(ids, y, X_val=ids, y_val=y)
    accuracy = classifier.history_[classifier.best_epoch_ - 1]["valid_accuracy"]
    expected = accuracy_score(y, classifier.predict(ids))
    assert 0 < expected < 1
    assert accuracy == pytest.approx(expected)


def test_units_are_shortened_only_if_they_are_too_long():
    layer = torch.nn.Linear(2, 3)
    layer.weight.data = torch.tensor([[3.0, 4], [0.3, 0.4], [0, 0]])
    net, bias = SimpleNamespace(module_=layer), layer.bias.detach().clone()
    MaxNorm(1.0).on_batch_end(net, training=False)
    assert layer.weight[0].tolist() == [3, 4]
    MaxNorm(1.0).on_batch_end(net, training=True)
    expected = torch.tensor([[0.6, 0.8], [0.3, 0.4], [0, 0]])
    torch.testing.assert_close(layer.weight.detach(), expected)
    assert torch.equal(layer.bias, bias)


class LongestRows(Callback):
    """Note the longest row of each matrix after every step, in a shared list."""

    found = []

    def on_batch_end(self, net, training, **kwargs):
        weights = dict(net.module_.named_parameters())
        norms = {n: w.norm(dim=1).max() for n, w in weights.items() if w.ndim == 2}
        self.found.append(norms)


def test_units_are_short_after_every_step_and_vectors_of_tokens_are_left_alone(ids):
    LongestRows.found.clear()
    params = {"pooling": "attention", "dense_layer_sizes": 4, "batch_size": 10}
    classifier = small_classifier(max_norm=0.1, callbacks=[LongestRows()], **params)
    classifier.fit(ids, [0, 1] * 20)
    assert len(LongestRows.found) == 2 * 4
    for norms in LongestRows.found:
        assert norms.pop("input_layer.embedding.weight") > 0.1
        assert len(norms) == 4 + 2 + 2  # of two directions, attention and dense layers
        assert max(norms.values()) < 0.1 + 1e-6


def test_a_line_an_epoch_names_losses_and_the_time_left(ids, capsys):
    y = [0, 1] * 20
    small_classifier(verbose=1).fit(ids, y, X_val=ids, y_val=y)
    decided, *lines = capsys.readouterr().out.splitlines()
    assert decided.startswith("auto: ")
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert "train_loss" in lines[0]
    assert "valid_loss" in lines[0]
    assert "valid_accuracy" in lines[0]
    assert lines[1].endswith("0 s left")


def test_nothing_is_printed_unless_asked(ids, capsys):
    small_classifier().fit(ids, [0, 1] * 20)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_a_second_degree_of_verbosity_shows_batches(ids, capsys):
    small_classifier(verbose=2).fit(ids, [0, 1] * 20)
    captured = capsys.readouterr()
    assert "epoch 2/2" in captured.out
    assert "0/2 [" in captured.err  # of 2 batches, by tqdm


class Recorder(Callback):
    """Note which events come, in a list that copies share."""

    events = []

    def on_train_begin(self, net, **kwargs):
        self.events.append("begin")

    def on_epoch_end(self, net, **kwargs):
        self.events.append("epoch")

    def on_train_end(self, net, **kwargs):
        self.events.append("end")


def test_callbacks_of_the_user_see_every_event(ids):
    Recorder.events.clear()
    small_classifier(callbacks=[("mine", Recorder())]).fit(ids, [0, 1] * 20)
    assert Recorder.events == ["begin", "epoch", "epoch", "end"]
