import numpy as np
import pytest
import torch

from sklearn_bilstm.fitting import Config
from sklearn_bilstm.fitting._initial_network import copied_network, new_network
from tests.helpers import small_classifier


@pytest.fixture
def fitted(ids):
    return small_classifier().fit(ids, np.arange(40) % 2)


def test_a_copied_network_has_equal_weights_of_its_own(fitted):
    network = copied_network(Config.of(fitted), fitted.model_, None)
    for copied, weight in zip(
        network.parameters(), fitted.module_.parameters(), strict=True
    ):
        assert torch.equal(copied, weight)
        assert copied.data_ptr() != weight.data_ptr()


def test_a_copied_network_must_have_the_fitted_architecture(fitted):
    fitted.set_params(hidden_layer_sizes=7)
    with pytest.raises(ValueError, match="cannot continue training"):
        copied_network(Config.of(fitted), fitted.model_, None)


def test_a_new_network_depends_on_the_seed_only(fitted, ids):
    model = fitted.model_
    rows = model.read(ids).sequences
    parts = Config.of(fitted), model.reader, model.target, model.auxiliary_models, rows
    first, same, other = (
        new_network(*parts, None, seed)[0].head.linear.weight for seed in (0, 0, 1)
    )
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
