import pytest
import torch
from skorch.callbacks import Callback

from tests.helpers import small_classifier


class Rates(Callback):
    """Record the learning rate of every batch."""

    seen = []  # shared with the copy that fit makes

    def on_batch_begin(self, net, training=None, **kwargs):
        if training:
            self.seen.append(net.optimizer_.param_groups[0]["lr"])


@pytest.fixture
def rates_of(ids):
    def run(**params):
        Rates.seen.clear()
        y = [0, 1] * 20
        params = {"lr": 0.01, "batch_size": 10, "callbacks": [Rates()], **params}
        classifier = small_classifier(**params).fit(ids, y)
        return torch.tensor(Rates.seen), classifier

    return run


def test_one_cycle_rises_to_lr_and_falls_to_nearly_zero(rates_of):
    rates, _ = rates_of(lr_schedule="one_cycle", max_epochs=10)
    peak = rates.argmax()
    assert len(rates) == 40
    assert 2 * peak < len(rates) - 1 - peak  # the decrease is much longer
    assert rates.max() == pytest.approx(0.01, rel=0.01)
    assert (rates[: peak + 1].diff() > 0).all()
    assert (rates[peak:].diff() < 0).all()
    assert rates[0] == pytest.approx(0.01 / 25, rel=0.2)  # as torch's OneCycleLR
    assert rates[-1] < 0.0002


@pytest.mark.parametrize("n_batches", range(1, 9))
def test_one_cycle_supports_few_batches(rates_of, n_batches):
    rates, _ = rates_of(lr_schedule="one_cycle", max_epochs=n_batches, batch_size=100)
    assert len(rates) == n_batches
    assert 0.005 < rates.max() <= 0.01


def test_constant_keeps_lr_and_records_it(rates_of):
    rates, classifier = rates_of(lr_schedule="constant")
    assert (rates == 0.01).all()
    assert [epoch["lr"] for epoch in classifier.history_] == [0.01, 0.01]


def test_plateau_halves_the_rate_after_two_epochs_without_a_lower_loss(rates_of):
    # gradients clipped to zero leave the weights and the loss unchanged
    _, classifier = rates_of(
        lr_schedule="plateau",
        max_epochs=8,
        optimizer="sgd",
        gradient_clip_norm=1e-12,
        weight_decay=0,
        dropout=0,
        embedding_dropout=0,
        word_dropout=0,
    )
    rates = [epoch["lr"] for epoch in classifier.history_]
    assert rates == [0.01] * 3 + [0.005] * 2 + [0.0025] * 2 + [0.00125]
