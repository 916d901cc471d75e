import os
import subprocess
import sys

import pytest
import torch

from sklearn_bilstm.utils._device import resolve_device, resolve_precision


def test_auto_device_is_a_gpu_if_available():
    assert resolve_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu")])
def test_resolve_device_returns_the_device_name(device):
    assert resolve_device(device) == "cpu"


@pytest.mark.parametrize("device", ["cuda:63", "gpu", "tpu:x", "meta"])
def test_an_unavailable_device_raises_and_suggests_auto(device):
    with pytest.raises(
        ValueError, match=f"'device' parameter.*{device}.*device='auto'"
    ):
        resolve_device(device)


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_an_explicit_precision_is_used(dtype, device):
    assert resolve_precision(str(dtype).removeprefix("torch."), device) == dtype


def test_auto_precision_on_a_gpu_is_float32():
    assert resolve_precision("auto", "cuda:0") == torch.float32


LIMITS = [
    {"ATEN_CPU_CAPABILITY": "avx2"},
    {"DNNL_MAX_CPU_ISA": "avx2"},
    {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE", "DNNL_MAX_CPU_ISA": "ALL"},
]


@pytest.mark.parametrize("limits", LIMITS)
def test_auto_precision_respects_instruction_set_limits(limits):
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
