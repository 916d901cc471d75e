import numpy as np
import pytest
import torch

from sklearn_bilstm.fitting._net_state import net_from_state, net_state
from tests.helpers import small_classifier, small_regressor

Y = [0, 1] * 20


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"cell": "gru", "hidden_layer_sizes": (5, 4), "normalization": "batch"},
        {"cell": "rnn", "bidirectional": False, "pooling": "last"},
        {"merge_mode": "mul", "normalization": "layer", "pooling": "attention"},
        {"dense_layer_sizes": (7, 3), "pooling": "max"},
        {"convolution_layer_sizes": (7, 3), "convolution_stride": 2},
        {"freeze_embedding": True, "pooling": "mean"},
        {"log_odds_ngram_range": (1, 2), "precision": "bfloat16"},
    ],
    ids=str,
)
def test_net_state_round_trips_modules_and_weights(params, ids):
    net = small_classifier(**params).fit(ids, Y).net_
    found = net_from_state(net_state(net), "cpu")
    assert repr(found.module_) == repr(net.module_)
    for part, other in zip(
        net.module_.children(), found.module_.children(), strict=True
    ):
        assert other.config == part.config
    weights = net.module_.state_dict()
    for name, weight in found.module_.state_dict().items():
        assert torch.equal(weight, weights[name]), name
    assert found.epochs() == net.epochs()
    assert found.n_steps_ == net.n_steps_


def test_net_state_round_trips_the_optimizer_state(ids):
    net = small_classifier().partial_fit(ids, Y, classes=[0, 1]).net_
    found = net_from_state(net_state(net), "cpu")
    weights = dict(found.module_.named_parameters())
    for name, weight in net.module_.named_parameters():
        memory = net.optimizer_.state[weight]
        assert memory.keys() == {"step", "exp_avg", "exp_avg_sq"}
        for key, value in found.optimizer_.state[weights[name]].items():
            assert torch.equal(value, memory[key])


def test_net_state_round_trips_net_params_and_criterion(ids):
    net_params = {"optimizer__momentum": 0.5, "iterator_train__num_workers": 0}
    regressor = small_regressor(
        optimizer="sgd", loss="quantile", quantile=0.2, net_params=net_params
    )
    net = regressor.fit(ids, np.arange(40.0)).net_
    found = net_from_state(net_state(net), "cpu")
    assert found.optimizer_.param_groups[0]["momentum"] == 0.5
    assert found.iterator_train__num_workers == 0
    assert found.criterion_.loss == "quantile"
    assert found.criterion_.quantile == 0.2


def test_net_from_state_does_not_change_the_global_random_state(ids, fitted):
    plain = net_state(fitted.net_)
    before = torch.get_rng_state()
    net_from_state(plain, "cpu")
    assert torch.equal(torch.get_rng_state(), before)


def changed(plain, **changes):
    return {**plain, **changes}


def test_net_from_state_allocates_no_memory_for_invalid_sizes(fitted):
    plain = net_state(fitted.net_)
    name, config = plain["parts"]["input_layer"]
    vast = {**config, "n_tokens": 10**15}
    parts = {**plain["parts"], "input_layer": [name, vast]}
    with pytest.raises(ValueError, match=r"do not fit .*input_layer.embedding.weight"):
        net_from_state(changed(plain, parts=parts), "cpu")


@pytest.mark.parametrize("part", ["encoder", "head"])
def test_net_from_state_raises_on_more_layers_than_weights(fitted, part):
    plain = net_state(fitted.net_)
    name, config = plain["parts"][part]
    deep = {**config, "hidden_layer_sizes": [1] * 10**6}
    parts = {**plain["parts"], part: [name, deep]}
    with pytest.raises(ValueError, match="more layers than weights"):
        net_from_state(changed(plain, parts=parts), "cpu")


@pytest.mark.parametrize("stride", [0, -1, 1.5, "2", None, True, 2**40])
def test_net_from_state_raises_on_an_invalid_stride(ids, stride):
    plain = net_state(small_classifier(convolution_layer_sizes=3).fit(ids, Y).net_)
    name, config = plain["parts"]["convolutions"]
    parts = {**plain["parts"], "convolutions": [name, {**config, "stride": stride}]}
    with pytest.raises(ValueError, match="stride must be"):
        net_from_state(changed(plain, parts=parts), "cpu")


def test_net_from_state_raises_on_missing_or_invalid_weights(fitted):
    plain = net_state(fitted.net_)
    weights = dict(plain["weights"])
    linear = weights.pop("head.linear.weight")
    for other in ({}, {"head.linear.weight": linear[:, :1]}, {"a": linear}):
        with pytest.raises(ValueError, match=r"do not fit the network"):
            net_from_state(changed(plain, weights={**weights, **other}), "cpu")
    doubled = {**weights, "head.linear.weight": linear.double()}
    with pytest.raises(ValueError, match=r"head\.linear\.weight"):
        net_from_state(changed(plain, weights=doubled), "cpu")


def test_net_from_state_raises_on_an_invalid_optimizer_state(ids):
    plain = net_state(small_classifier().partial_fit(ids, Y, classes=[0, 1]).net_)
    memory = {"head.linear.bias": {"exp_avg": torch.zeros(5)}}
    with pytest.raises(ValueError, match="The optimizer has another state"):
        net_from_state(changed(plain, memory=memory), "cpu")


@pytest.mark.parametrize(
    "arguments", [{"callbacks": []}, {"module__x": 1}, {"iterator_train": print}]
)
def test_net_from_state_raises_on_other_skorch_arguments(fitted, arguments):
    with pytest.raises(ValueError, match="A net has no arguments"):
        net_from_state(changed(net_state(fitted.net_), arguments=arguments), "cpu")


def test_net_with_frozen_embedding_can_be_restored_after_partial_fit(ids):
    y = np.arange(40) % 2
    model = small_classifier(freeze_embedding=True)
    model.partial_fit(ids, y, classes=[0, 1])
    model.partial_fit(ids + 5 * (ids > 0), y)  # new tokens
    net = net_from_state(net_state(model.net_), "cpu")
    weights = dict(net.module_.named_parameters())
    assert weights["input_layer.embedding.weight"] not in net.optimizer_.state
    assert len(net.optimizer_.state) == len(weights) - 1


@pytest.mark.parametrize("loss", ["1.0", None, [1.0]])
def test_a_history_whose_losses_are_no_numbers_raises(fitted, loss):
    plain = net_state(fitted.net_)
    epoch = {**plain["history"][0], "train_loss": loss}
    with pytest.raises(ValueError, match="losses of an epoch must be floats"):
        net_from_state(changed(plain, history=[epoch]), "cpu")


def test_training_continues_after_an_epoch_without_a_loss(ids):
    model = small_classifier().partial_fit(ids, Y, classes=[0, 1])
    plain = net_state(model.net_)
    epoch = {k: v for k, v in plain["history"][0].items() if k != "train_loss"}
    model.model_.net = net_from_state(changed(plain, history=[epoch]), "cpu")
    assert model.partial_fit(ids, Y).history_[-1]["train_loss"] > 0


@pytest.mark.parametrize("n_steps", [-1, "3", None])
def test_an_invalid_number_of_steps_raises(fitted, n_steps):
    with pytest.raises(ValueError, match="n_steps must be"):
        net_from_state(changed(net_state(fitted.net_), n_steps=n_steps), "cpu")
