import pytest
import torch
from torch import nn

from sklearn_bilstm.nn._skip_init import skip_init


@pytest.mark.parametrize("layer", [nn.Linear, nn.LSTM, nn.Embedding])
def test_skip_init_does_not_change_the_global_random_state(layer):
    before = torch.get_rng_state()
    made = skip_init(layer, 3, 4)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(p.device.type == "cpu" for p in made.parameters())
    with torch.device("meta"):
        made = skip_init(layer, 3, 10**8)
    assert all(p.is_meta for p in made.parameters())
