from copy import deepcopy

import numpy as np
import pytest
from skorch.callbacks import Callback
from torch import optim

from sklearn_bilstm import BiLSTMClassifier, BiLSTMRegressor, BiLSTMTagger
from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._trainer import make_net, number_of_epochs
from sklearn_bilstm.training import OPTIMIZERS, StopTraining
from tests.helpers import small_classifier

Y = [0, 1] * 20


class StopsIn(Callback):
    """Raise an exception after the first batch of an epoch."""

    def __init__(self, epoch, exception):
        self.epoch, self.exception = epoch, exception

    def on_batch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise self.exception


@pytest.mark.parametrize(
    ("input_type", "expected"),
    [("tokens", [40, 20, 4]), ("numeric", [150, 20, 4])],
)
def test_auto_max_epochs_is_about_two_thousand_batches_within_bounds(
    input_type, expected
):
    config = Config.of(BiLSTMClassifier(batch_size=10))
    sizes = 20, 1000, 100_000
    assert [number_of_epochs(config, n, input_type) for n in sizes] == expected


def test_an_integer_max_epochs_is_kept():
    config = Config.of(BiLSTMClassifier(max_epochs=7))
    assert number_of_epochs(config, 20, "tokens") == 7


def test_a_target_may_limit_the_epochs():
    config = Config.of(BiLSTMClassifier())
    found = [number_of_epochs(config, n, "numeric", 80) for n in (32, 10**6)]
    assert found == [80, 4]


@pytest.mark.parametrize(
    ("estimator", "is_numeric", "expected"),
    [
        (BiLSTMTagger(), True, 80),
        (BiLSTMTagger(), False, 40),
        (BiLSTMRegressor(output_type="steps", input_type="tokens"), False, 40),
        (BiLSTMRegressor(output_type="steps"), True, 80),
        (BiLSTMRegressor(linear_kernels=None), True, 150),
    ],
)
def test_auto_max_epochs_is_at_most_80_with_outputs_for_each_step(
    estimator, is_numeric, expected
):
    X, y = np.array([[2, 3], [4, 5]]), np.array([[0, 1], [1, 0]])
    y = y.tolist() if isinstance(estimator, BiLSTMTagger) else y
    X = X / 2 if is_numeric else X.tolist()
    small = {"hidden_layer_sizes": 1, "embedding_dim": 1}
    stops = StopsIn(1, StopTraining)
    estimator.set_params(callbacks=[stops], **small).fit(X, y)
    assert estimator.auto_params_["max_epochs"] == expected


@pytest.mark.parametrize("early_stopping", [False, True])
def test_partial_fit_continues_after_an_interrupted_fit(ids, early_stopping):
    stops = StopsIn(3, KeyboardInterrupt)
    model = small_classifier(
        max_epochs=5, early_stopping=early_stopping, callbacks=[stops]
    )
    with pytest.raises(KeyboardInterrupt):
        model.fit(ids, Y)
    assert [epoch["epoch"] for epoch in model.net_.history] == [1, 2]
    model.set_params(callbacks=None).partial_fit(ids, Y)
    assert [epoch["epoch"] for epoch in model.history_] == [1, 2, 3]
    assert len(model.net_.history[:, "train_loss"]) == 3


def test_history_omits_an_epoch_that_a_callback_stops(ids):
    model = small_classifier(max_epochs=5, callbacks=[StopsIn(2, StopTraining)])
    model.fit(ids, Y)
    assert len(model.net_.history) == model.n_iter_ == 1
    model.set_params(callbacks=None).partial_fit(ids, Y)
    assert model.n_iter_ == 2


def test_only_partial_fit_keeps_the_state_of_the_optimizer(ids):
    model = small_classifier().fit(ids, Y)
    assert not model.net_.optimizer_.state
    assert model.partial_fit(ids, Y).net_.optimizer_.state


def test_make_net_accepts_an_optimizer_without_fused_kernels(fitted, monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "nadam", optim.NAdam)
    model = fitted.model_
    config = Config.of(small_classifier(optimizer="nadam"))
    net = make_net(config, deepcopy(model.network), model.target, seed=0)
    assert isinstance(net.optimizer_, optim.NAdam)


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_optimizers_use_fused_kernels(ids, optimizer):
    model = small_classifier(optimizer=optimizer).fit(ids, Y)
    assert all(group["fused"] for group in model.net_.optimizer_.param_groups)


def optimizer_values(model, key):
    """Return a value of the optimizer, such as "lr", for each weight by name."""
    groups = model.net_.optimizer_.param_groups
    values = {weight: group[key] for group in groups for weight in group["params"]}
    return {name: values[weight] for name, weight in model.module_.named_parameters()}


@pytest.mark.parametrize("normalization", ["layer", "batch"])
def test_weight_decay_excludes_biases_vectors_and_normalisation(ids, normalization):
    params = {"normalization": normalization, "dense_layer_sizes": 4}
    model = small_classifier(weight_decay=0.1, **params).fit(ids, Y)
    for name, decay in optimizer_values(model, "weight_decay").items():
        kinds = "bias", "embedding", "normalizations"
        excluded = any(kind in name for kind in kinds)
        assert decay == (0.0 if excluded else 0.1), name


@pytest.mark.parametrize(
    ("params", "share"),
    [
        ({"embedding": None}, 1.0),
        ({"embedding": "svd"}, 0.2),
        ({"embedding": np.ones((30, 8))}, 0.2),
    ],
    ids=["random", "svd", "given"],
)
def test_known_vectors_are_trained_at_a_fifth_of_the_rate(ids, params, share):
    model = small_classifier(lr=0.01, lr_schedule="constant", **params).fit(ids, Y)
    rates = optimizer_values(model, "lr")
    assert rates.pop("input_layer.embedding.weight") == pytest.approx(share * 0.01)
    assert set(rates.values()) == {0.01}
