import os
import pickle
import signal
import threading
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, EarlyStopping
from torch.nn.functional import cross_entropy

from sklearn_bilstm.sequences import RaggedArray, SequenceDataset, ragged_from_ids
from sklearn_bilstm.training import StopTraining
from sklearn_bilstm.utils._threads import Workers
from tests.helpers import rows_of, small_classifier, small_tagger

Y = [0, 1] * 20


class Interrupt(Callback):
    """Raise KeyboardInterrupt within a batch of an epoch."""

    def __init__(self, epoch=2):
        self.epoch = epoch

    def on_batch_end(self, net, training, **kwargs):
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


class Fails(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise RuntimeError("no more")


def test_ctrl_c_keeps_the_last_complete_epoch(ids):
    classifier = small_classifier(callbacks=[Interrupt()], max_epochs=5)
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(ids, Y)
    assert classifier.n_iter_ == len(classifier.history_) == 1
    one_epoch = small_classifier(max_epochs=5, callbacks=[StopAfterFirst()]).fit(ids, Y)
    assert np.array_equal(classifier.predict_proba(ids), one_epoch.predict_proba(ids))


def test_ctrl_c_in_the_first_epoch_leaves_the_classifier_unchanged(ids):
    classifier = small_classifier(callbacks=[Interrupt(epoch=1)])
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(ids, Y)
    assert not hasattr(classifier, "classes_")
    fitted = small_classifier().fit(ids, Y)
    before = fitted.predict_proba(ids)
    with pytest.raises(KeyboardInterrupt):
        fitted.set_params(callbacks=[Interrupt(epoch=1)]).fit(ids[:, :5], Y)
    assert np.array_equal(fitted.predict_proba(ids), before)


class RealInterrupt(Callback):
    """Send SIGINT from a callback at the end of an epoch."""

    def on_epoch_end(self, net, **kwargs):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("ctrl_c_interrupts")
def test_ctrl_c_within_a_callback_raises_keyboard_interrupt(ids):
    with pytest.raises(KeyboardInterrupt):
        small_classifier(callbacks=[RealInterrupt()], max_epochs=5).fit(ids, Y)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("failure", "error"),
    [(Fails(), RuntimeError), (Interrupt(epoch=1), KeyboardInterrupt)],
)
def test_a_failed_warm_start_leaves_the_classifier_unchanged(
    ids, method, failure, error
):
    classifier = small_classifier(warm_start=True, max_epochs=5).fit(
        np.minimum(ids, 9), Y
    )
    before = classifier.predict_proba(ids)
    epochs = classifier.history_
    if isinstance(failure, Interrupt):
        failure.epoch = 6 if method == "partial_fit" else 1
    with pytest.raises(error):
        getattr(classifier.set_params(callbacks=[failure]), method)(ids, Y)
    assert np.array_equal(classifier.predict_proba(ids), before)
    assert classifier.history_ is epochs
    assert classifier.net_.epochs() == epochs


def test_ctrl_c_restores_the_best_weights(ids):
    classifier = small_classifier(callbacks=[Interrupt()], max_epochs=5)
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(ids, Y, X_val=ids, y_val=Y)
    one_epoch = small_classifier(max_epochs=5, callbacks=[StopAfterFirst()]).fit(ids, Y)
    assert classifier.best_epoch_ == 1
    assert np.array_equal(classifier.predict_proba(ids), one_epoch.predict_proba(ids))


class StopAfterFirst(Callback):
    """Stop training after the first epoch."""

    def on_epoch_end(self, net, **kwargs):
        raise StopTraining


def test_keyboard_interrupt_at_the_end_of_an_epoch_keeps_that_epoch(ids):
    class CtrlC(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise KeyboardInterrupt

    classifier = small_classifier(callbacks=[CtrlC()], max_epochs=5)
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(ids, Y)
    assert classifier.n_iter_ == 1


def test_skorch_early_stopping_stops_training(ids):
    stopper = EarlyStopping(monitor="train_loss", threshold=1e9, patience=1)
    classifier = small_classifier(callbacks=[stopper], max_epochs=9).fit(ids, Y)
    assert classifier.n_iter_ == 2


class Diverges(Callback):
    def on_batch_end(self, net, **kwargs):
        net.module_.head.linear.bias.data[0] = np.inf


def test_a_single_infinite_weight_raises_with_the_epoch(ids):
    # in the only batch of an epoch, so that it does not spread to other weights
    model = small_classifier(callbacks=[Diverges()], batch_size=40)
    with pytest.raises(ValueError, match="diverged in epoch 1: .* Lower the 'lr'"):
        model.fit(ids, Y)


def test_an_error_in_a_callback_propagates(ids):
    with pytest.raises(RuntimeError, match="no more"):
        small_classifier(callbacks=[Fails()]).fit(ids, Y)


def test_a_pickle_contains_every_weight_once_without_optimizer_state(ids):
    ids = ids.copy()
    ids[0, 0] = 5000
    classifier = small_classifier(embedding_dim=50).fit(ids, Y)
    size_of_weights = sum(p.nbytes for p in classifier.module_.parameters())
    assert len(pickle.dumps(classifier)) < 1.1 * size_of_weights


def test_pickling_preserves_the_optimizer_state_between_partial_fits(ids):
    classifier = small_classifier(dropout=0, embedding_dropout=0, word_dropout=0)
    classifier.partial_fit(ids, Y, classes=[0, 1])
    twin = pickle.loads(pickle.dumps(classifier))
    for learner in (classifier, twin):
        learner.partial_fit(ids, Y)
    assert np.array_equal(classifier.predict_proba(ids), twin.predict_proba(ids))


@pytest.fixture(params=[1, 2, 4, 64])
def n_cores(request, monkeypatch):
    """A machine with the given number of cores."""
    monkeypatch.setattr(os, "cpu_count", lambda: request.param)
    return request.param


@pytest.mark.parametrize(
    ("n_cores", "size", "precision", "expected"),
    [
        (2, (32, 10), "float32", [32]),  # too few steps for a second thread
        (2, (32, 150), "float32", [16, 16]),
        (2, (32, 400), "float32", [8, 8, 8, 8]),  # equally many for each core
        (2, (32, 400), "bfloat16", [16, 16]),
        (1, (32, 400), "float32", [11, 11, 10]),
        (4, (32, 120), "float32", [11, 11, 10]),  # too few steps for a fourth thread
        (4, (32, 400), "bfloat16", [8, 8, 8, 8]),
        (64, (32, 400), "float32", [8, 8, 8, 8]),
        (64, (9, 4000), "float32", [9]),
    ],
    indirect=["n_cores"],
)
def test_shards_of_a_batch_depend_on_the_number_of_cores(
    ids, n_cores, size, precision, expected
):
    net = small_classifier(precision=precision).fit(ids, Y).net_
    mask = torch.ones(size, dtype=torch.bool)
    shards = net._shards(({"mask": mask}, {"target": mask}))
    assert [len(inputs["mask"]) for inputs, _ in shards] == expected


def test_very_long_rows_have_shards_of_their_own(ids):
    net = small_classifier().fit(ids, Y).net_
    lengths = torch.tensor([50_000] * 4 + [20] * 28)
    mask = torch.arange(50_000) < lengths[:, None]
    shards = net._shards(({"mask": mask}, {"target": mask}))
    shapes = [tuple(inputs["mask"].shape) for inputs, _ in shards]
    assert shapes[:4] == [(1, 50_000)] * 4
    assert sum(n_rows for n_rows, _ in shapes[4:]) == 28
    assert {n_steps for _, n_steps in shapes[4:]} == {20}


@pytest.fixture
def long_rows():
    """A batch of rows of unequal length that is split into shards."""
    random = np.random.RandomState(0)
    X = random.randint(2, 50, size=(32, 400))
    X[np.arange(400) >= random.randint(240, 401, size=(32, 1))] = 0
    return SequenceDataset(ragged_from_ids(X), np.arange(32) % 2, random.rand(32))


NO_NOISE = {
    "dropout": 0,
    "embedding_dropout": 0,
    "word_dropout": 0,
    "precision": "float32",
}


def deterministic_classifier(**params):
    return small_classifier(**NO_NOISE, **params)


@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
def test_shards_have_the_gradient_of_the_batch(ids, long_rows, normalization, n_cores):
    net = deterministic_classifier(normalization=normalization).fit(ids, Y).net_
    net.module_.train()
    batch = long_rows[np.arange(32)]
    inputs, target = batch
    losses = cross_entropy(net.module_(**inputs), target["target"], reduction="none")
    whole = (losses * target["weight"]).mean()
    assert_step_of_shards_equals(whole, net, batch)


@pytest.mark.parametrize("crf", [True, False])
def test_shards_of_labelled_steps_have_the_gradient_of_the_batch(
    long_rows, crf, n_cores
):
    sequences = long_rows.sequences
    labels = RaggedArray(sequences.values.astype(np.int64) % 3, sequences.offsets)
    rows = replace(long_rows, target=labels)
    X, y = rows_of(sequences), rows_of(labels)
    net = small_tagger(**NO_NOISE, crf=crf, max_epochs=1).fit(X, y).net_
    net.module_.train()
    inputs, target = batch = rows[np.arange(32)]
    likelihood = net.module_.decoder(
        net.module_(**inputs), target["target"].clamp(min=0), inputs["mask"]
    )
    n_steps = sequences.lengths.mean()
    whole = -(likelihood * target["weight"]).mean() / n_steps
    assert_step_of_shards_equals(whole, net, batch)


def test_shards_of_long_and_short_rows_have_the_gradient_of_the_batch(ids, monkeypatch):
    monkeypatch.setattr("sklearn_bilstm.training._net._MAX_SHARD_STEPS", 500)
    net = deterministic_classifier().fit(ids, Y).net_
    net.module_.train()
    X = np.where(np.arange(300) < np.array([[300], [290], *[[9]] * 10]), 5, 0)
    rows = SequenceDataset(ragged_from_ids(X), np.arange(12) % 2, np.arange(12.0))
    inputs, target = batch = rows[np.arange(12)]
    losses = cross_entropy(net.module_(**inputs), target["target"], reduction="none")
    whole = (losses * target["weight"]).mean()
    assert_step_of_shards_equals(whole, net, batch)


def test_shards_have_the_validation_loss_of_the_batch(long_rows, n_cores):
    sequences = long_rows.sequences
    labels = RaggedArray(sequences.values.astype(np.int64) % 3, sequences.offsets)
    rows = replace(long_rows, target=labels)
    X, y = rows_of(sequences), rows_of(labels)
    net = small_tagger(**NO_NOISE, max_epochs=1).fit(X, y).net_
    net.module_.eval()
    inputs, target = batch = rows[np.arange(32)]
    with torch.no_grad():
        emissions = net.module_(**inputs)
        likelihood = net.module_.decoder(
            emissions, target["target"].clamp(min=0), inputs["mask"]
        )
    whole = -(likelihood * target["weight"]).mean() / sequences.lengths.mean()
    with Workers(2) as net._workers:
        step = net.validation_step(batch)
    torch.testing.assert_close(step["loss"], whole, rtol=1e-4, atol=0)
    mask = inputs["mask"]
    torch.testing.assert_close(
        step["y_pred"][mask], emissions[mask], rtol=1e-3, atol=1e-4
    )


def test_shards_have_independent_dropout_masks(ids, n_cores):
    net = small_classifier(dropout=0.5).fit(ids, Y).net_
    equal_rows = SequenceDataset(
        ragged_from_ids(np.full((16, 400), 2)), np.zeros(16, int), np.ones(16)
    )
    with Workers(1) as net._workers:
        step = net.train_step_single(equal_rows[np.arange(16)])
    first, second = step["y_pred"].split(8)
    assert not torch.equal(first, second)


def assert_step_of_shards_equals(whole, net, batch):
    """Compare loss and gradients of a training step with those of `whole`."""
    weights = list(net.module_.parameters())
    expected = torch.autograd.grad(whole, weights)
    with Workers(2) as net._workers:
        step = net.train_step_single(batch)
    torch.testing.assert_close(step["loss"], whole.detach())
    for weight, gradient in zip(weights, expected, strict=True):
        error = (weight.grad - gradient).norm() / gradient.norm()
        # float32 sums over 12,800 steps; omitting one row of 32 gives about 0.03
        assert error < 1e-3


@pytest.mark.parametrize(
    "params", [{}, {"recurrent_dropout": 0.2}, {"normalization": "batch"}]
)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_number_of_threads_does_not_change_predictions(long_rows, precision, params):
    X = np.zeros((32, 400), int)
    for row, sequence in zip(X, rows_of(long_rows.sequences), strict=True):
        row[: len(sequence)] = sequence
    fits = [
        small_classifier(n_threads=n, precision=precision, **params).fit(
            X, long_rows.target
        )
        for n in (1, 2, 3)
    ]
    expected = fits[0].predict_proba(X)
    for fit in fits[1:]:
        assert np.array_equal(fit.predict_proba(X), expected)


def test_fit_and_predict_end_all_threads(ids):
    before = threading.active_count(), torch.get_num_threads()
    small_classifier(n_threads=2).fit(ids, Y).predict(ids)
    with pytest.raises(RuntimeError, match="no more"):
        small_classifier(n_threads=2, callbacks=[Fails()]).fit(ids, Y)
    assert (threading.active_count(), torch.get_num_threads()) == before


def test_a_callback_may_pickle_the_net_during_training(ids):
    class Stores(Callback):
        def on_epoch_end(self, net, **kwargs):
            stored.append(pickle.dumps(net.module_) and net.__getstate__())

    stored = []
    small_classifier(callbacks=[Stores()]).fit(ids, Y)
    assert len(stored) == 2
    assert all("_workers" not in state for state in stored)


def test_only_frozen_vectors_are_not_trained(ids):
    classifier = deterministic_classifier(freeze_embedding=True).partial_fit(
        ids, Y, classes=[0, 1]
    )
    before = {n: w.clone() for n, w in classifier.module_.state_dict().items()}
    classifier.partial_fit(ids, Y)
    for name, weight in classifier.module_.state_dict().items():
        stays = name == "input_layer.embedding.weight"
        assert torch.equal(weight, before[name]) == stays


def test_grow_vocabulary_extends_embedding_and_optimizer_state(ids):
    classifier = small_classifier().partial_fit(ids, Y, classes=[0, 1])
    net, n_before = classifier.net_, classifier.module_.input_layer.input_size
    known = classifier.module_.input_layer.embedding.weight.detach().clone()
    net.grow_vocabulary(n_before + 4)
    weight = classifier.module_.input_layer.embedding.weight
    state = net.optimizer_.state[weight]
    assert torch.equal(weight[:n_before], known)
    assert state["exp_avg"].shape == weight.shape
    assert (state["exp_avg"][n_before:] == 0).all()
    assert any(p is weight for g in net.optimizer_.param_groups for p in g["params"])


def test_each_epoch_has_its_own_order_of_rows(ids):
    net = small_classifier(batch_size=4).fit(ids, Y).net_
    dataset = SequenceDataset(ragged_from_ids(ids))
    orders = []
    for _ in range(2):
        net.history.new_epoch()
        orders.append(np.concatenate(list(net.get_iterator(dataset, True).sampler)))
    assert not np.array_equal(*orders)


def test_history_contains_no_batches(fitted):
    assert all(not epoch["batches"] for epoch in fitted.net_.history)


def test_load_training_state_drops_incomplete_epochs(ids):
    model = small_classifier().partial_fit(ids, Y, classes=[0, 1])
    model.net_.history.new_epoch()  # as an interrupted fit left it
    model.partial_fit(ids, Y)
    assert len(model.net_.history) == model.n_iter_ == 2


@pytest.mark.parametrize(
    ("optimizer", "more"),
    [
        ("adamw", {"optimizer__amsgrad": True}),
        ("adam", {"optimizer__amsgrad": True}),
        ("sgd", {"optimizer__momentum": 0.9}),
    ],
)
def test_optimizer_is_reset_if_its_state_is_of_another_kind(ids, optimizer, more):
    model = small_classifier(optimizer=optimizer).partial_fit(ids, Y, classes=[0, 1])
    fresh = deepcopy(model)
    fresh.net_.restart_optimizer()
    for each in (model, fresh):
        each.set_params(net_params=more).partial_fit(ids, Y).partial_fit(ids, Y)
    assert np.array_equal(model.predict_proba(ids), fresh.predict_proba(ids))
    model.set_params(net_params=None).partial_fit(ids, Y)
    names = set(model.net_.example_of_optimizer_state())
    assert all(names == set(x) for x in model.net_.optimizer_.state.values())


def test_optimizer_keeps_its_state_if_only_numbers_change(ids):
    model = small_classifier().partial_fit(ids, Y, classes=[0, 1])
    model.set_params(net_params={"optimizer__betas": (0.8, 0.9)}).partial_fit(ids, Y)
    steps = {int(state["step"]) for state in model.net_.optimizer_.state.values()}
    assert steps == {2 * 2}  # two batches per call
