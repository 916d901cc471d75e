import numpy as np
import pytest

from sklearn_bilstm.nn import CELLS, MERGES, NORMALIZATIONS
from tests.helpers import small_classifier


@pytest.fixture(scope="module")
def y(ids):
    return np.where(ids[:, 0] > 15, "high", "low")


@pytest.mark.parametrize(
    "params",
    [
        *({"cell": cell} for cell in CELLS),
        *({"merge_mode": mode} for mode in MERGES),
        *({"normalization": name} for name in NORMALIZATIONS),
        {"dense_layer_sizes": 7},
        {"dense_layer_sizes": (7, 5)},
        {"convolution_layer_sizes": 7},
        {"convolution_layer_sizes": (7, 5), "convolution_stride": 2},
        {"max_norm": 1.0},
        {"lr_schedule": "plateau"},
        {"bidirectional": False, "hidden_layer_sizes": (6, 4)},
    ],
    ids=str,
)
def test_every_network_option_lowers_the_loss_and_ignores_padding(ids, y, params):
    model = small_classifier(**params, max_epochs=10, dropout=0.1)
    model.fit(ids, y)
    assert model.history_[-1]["train_loss"] < model.history_[0]["train_loss"]
    one_by_one = [model.predict_proba(row[np.newaxis])[0] for row in ids]
    np.testing.assert_allclose(
        model.predict_proba(ids), one_by_one, rtol=1e-5, atol=1e-6
    )


def test_dense_layers_connect_pooled_states_and_output(ids, y):
    head = small_classifier(dense_layer_sizes=(7, 5)).fit(ids, y).module_.head
    assert [layer.out_features for layer in head.hidden] == [7, 5]
    assert head.linear.in_features == 5


def test_convolutions_connect_token_vectors_and_recurrent_layers(ids, y):
    params = {"convolution_layer_sizes": (7, 5), "convolution_stride": 3}
    module = small_classifier(**params).fit(ids, y).module_
    assert [layer.out_channels for layer in module.convolutions.layers] == [7, 5]
    assert [layer.stride for layer in module.convolutions.layers] == [(3,), (3,)]
    assert module.convolutions.input_size == module.input_layer.output_size
    assert module.encoder.layers[0].input_size == 5


@pytest.mark.parametrize("sizes", [(), [], np.zeros(0, int)], ids=repr)
def test_without_convolutions_the_stride_is_ignored(ids, y, fitted, sizes):
    params = {"convolution_layer_sizes": sizes, "convolution_stride": 2}
    model = small_classifier(max_epochs=5, **params).fit(ids, y)
    assert model.module_.convolutions is None
    assert (model.predict_proba(ids) == fitted.predict_proba(ids)).all()


def test_max_norm_applies_to_all_weights_but_the_embedding(ids, y):
    model = small_classifier(max_norm=0.5, dense_layer_sizes=4).fit(ids, y)
    for name, weight in model.module_.named_parameters():
        if weight.ndim == 2 and "embedding" not in name:
            assert weight.detach().norm(dim=1).max() < 0.5 + 1e-6, name


def test_auto_precision_is_float32_for_gru_and_rnn(ids, y, monkeypatch):
    supported = "torch.cpu._is_avx512_bf16_supported"
    monkeypatch.setattr(supported, lambda: True, raising=False)
    for cell in ("gru", "rnn"):
        model = small_classifier(cell=cell).fit(ids, y)
        assert model.auto_params_["precision"] == "float32"


def test_a_network_larger_than_memory_raises_a_memory_error(ids, y):
    model = small_classifier(hidden_layer_sizes=2**31 - 1)
    with pytest.raises(MemoryError, match="has too .*'hidden_layer_sizes'"):
        model.fit(ids, y)
