from types import SimpleNamespace

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from sklearn_bilstm.training import EarlyStopping, MaxNorm, StopTraining
from tests.helpers import small_classifier, small_tagger


class NetStub:
    """A net with given losses, whose weight is the number of the epoch."""

    def __init__(self, losses, scores=None):
        self.losses = losses
        self.scores = scores or [0.0] * len(losses)
        self.history = []
        self.module_ = torch.nn.Linear(1, 1)

    def run(self, callback):
        """Return the epochs run until the callback stops it, or all."""
        callback.on_train_begin(self)
        try:
            pairs = zip(self.losses, self.scores, strict=True)
            for epoch, (loss, score) in enumerate(pairs, 1):
                self.module_.weight.data.fill_(epoch)
                found = {"epoch": epoch, "valid_loss": loss, "valid_f1": score}
                self.history.append(found)
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
def test_early_stopping_stops_after_patience_and_restores_the_best(losses, n_run, best):
    net, callback = NetStub(losses), EarlyStopping(patience=2, tol=0.1)
    assert net.run(callback) == n_run
    assert callback.best_epoch_ == best
    assert net.module_.weight.item() == (best or n_run)


@pytest.mark.parametrize(
    ("scores", "losses", "n_run", "best"),
    [
        ([0.1, 0.5, 0.3, 0.2, 0.9], [1, 2, 3, 4, 5], 4, 2),
        ([0.0, 0.0, 0.0, 0.0, 0.0], [9, 8, 7, 7, 7], 5, 3),
        ([0.5, 0.5, 0.4, 0.5, 0.5], [9, 8, 1, 9, 7], 4, 2),
    ],
)
def test_early_stopping_with_a_score_keeps_the_largest(scores, losses, n_run, best):
    net = NetStub(losses, scores)
    callback = EarlyStopping(patience=2, tol=0.0, metric="valid_f1")
    assert net.run(callback) == n_run
    assert callback.best_epoch_ == net.module_.weight.item() == best


@pytest.mark.parametrize(("losses", "n_run"), [([1, 2, 3, 4, 5, 6], 5), ([1] * 6, 5)])
def test_epochs_before_the_first_one_are_not_counted(losses, n_run):
    net, callback = NetStub(losses), EarlyStopping(patience=2, tol=0.1, first_epoch=4)
    assert net.run(callback) == n_run
    assert callback.best_epoch_ == 1


def test_early_stopping_deletes_its_copy_of_the_weights():
    net, callback = NetStub([2, 1]), EarlyStopping(patience=2, tol=0.1)
    net.run(callback)
    assert callback.best_weights_ is None


def test_max_norm_rescales_long_units_in_training_only():
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
    """Record the largest row norm of each matrix after every step."""

    def __init__(self):
        self.found = []  # shared with the copy that fit makes

    def on_batch_end(self, net, training, **kwargs):
        weights = dict(net.module_.named_parameters())
        norms = {n: w.norm(dim=1).max() for n, w in weights.items() if w.ndim == 2}
        self.found.append(norms)


def test_max_norm_excludes_character_embeddings_and_transitions(sentences):
    rows = LongestRows()
    small_tagger(max_norm=0.1, lr=0.1, callbacks=[rows]).fit(*sentences)
    norms = rows.found[-1]
    for part in ("input_layer.embedding", "characters.embedding", "decoder"):
        assert norms.pop(f"{part}.weight") > 0.2, part
    assert max(norms.values()) < 0.1 + 1e-6


def test_max_norm_holds_after_every_step_and_excludes_token_embeddings(ids):
    rows = LongestRows()
    params = {"pooling": "attention", "dense_layer_sizes": 4, "batch_size": 10}
    classifier = small_classifier(max_norm=0.1, callbacks=[rows], **params)
    classifier.fit(ids, [0, 1] * 20)
    assert len(rows.found) == 2 * 4
    for norms in rows.found:
        assert norms.pop("input_layer.embedding.weight") > 0.1
        assert len(norms) == 4 + 2 + 2  # of two directions, attention and dense layers
        assert max(norms.values()) < 0.1 + 1e-6
