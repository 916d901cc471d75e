import pytest
import torch

from sklearn_bilstm.utils._device import resolve_device


def test_auto_takes_a_gpu_where_there_is_one():
    assert resolve_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu")])
def test_a_device_has_a_name(device):
    assert resolve_device(device) == "cpu"


@pytest.mark.parametrize("device", ["cuda:63", "gpu", "tpu:x"])
def test_a_device_that_is_not_there_is_an_error_with_a_way_out(device):
    with pytest.raises(
        ValueError, match=f"'device' parameter.*{device}.*device='auto'"
    ):
        resolve_device(device)
