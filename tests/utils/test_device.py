import os
import subprocess
import sys

import pytest
import torch

from sklearn_bilstm.utils._device import resolve_device, resolve_precision


def test_auto_takes_a_gpu_where_there_is_one():
    assert resolve_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu")])
def test_a_device_has_a_name(device):
    assert resolve_device(device) == "cpu"


@pytest.mark.parametrize("device", ["cuda:63", "gpu", "tpu:x", "meta"])
def test_a_device_that_is_not_there_is_an_error_with_a_way_out(device):
    with pytest.raises(
        ValueError, match=f"'device' parameter.*{device}.*device='auto'"
    ):
        resolve_device(device)


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_precision_that_is_asked_for_is_taken(dtype, device):
    assert resolve_precision(str(dtype).removeprefix("torch."), device) == dtype


def test_auto_precision_on_a_gpu_is_that_of_the_weights():
    assert resolve_precision("auto", "cuda:0") == torch.float32


LIMITS = [
    {"ATEN_CPU_CAPABILITY": "avx2"},
    {"DNNL_MAX_CPU_ISA": "avx2"},
    {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE", "DNNL_MAX_CPU_ISA": "ALL"},
]


@pytest.mark.parametrize("limits", LIMITS)
def test_auto_precision_keeps_to_the_instructions_that_torch_may_use(limits):
    program = (
        "import torch\n"
        "torch.cpu._is_avx512_bf16_supported = lambda: True\n"
        "from sklearn_bilstm.utils._device import resolve_precision\n"
        "print(resolve_precision('auto', 'cpu'))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **limits},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "torch.float32"
