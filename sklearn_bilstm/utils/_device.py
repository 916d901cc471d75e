"""Resolution of the device and the precision of a network."""

import os

import torch

__all__ = ["resolve_device", "resolve_precision"]

# Values of DNNL_MAX_CPU_ISA that exclude bfloat16 instructions.
_ISAS_WITHOUT_BFLOAT16 = {
    "SSE41",
    "AVX",
    "AVX2",
    "AVX2_VNNI",
    "AVX2_VNNI_2",
    "AVX512_CORE",
    "AVX512_CORE_VNNI",
}


def resolve_device(device: str | torch.device) -> str:
    """Resolve the `device` parameter of an estimator.

    Parameters
    ----------
    device : str or torch.device
        "auto" uses a CUDA device if one is available, else the CPU. Other values are
        those of :class:`torch.device`.

    Returns
    -------
    name : str
        Name of the device, such as "cpu" or "cuda:0".

    Raises
    ------
    ValueError
        If the name is unknown or the device is not available.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        resolved = torch.device(device)
        # only an allocation shows whether the device and its index exist, and only a
        # copy whether it has data, which "meta" has not
        torch.zeros(1, device=resolved).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ValueError(
            f"The 'device' parameter must be the name of an available device: got "
            f"{str(device)!r} ({reason}). "
            "device='auto' uses a GPU only if one is available."
        ) from error
    return str(resolved)


def resolve_precision(precision: str, device: str) -> torch.dtype:
    """Resolve the `precision` parameter of an estimator.

    Parameters
    ----------
    precision : {"auto", "float32", "bfloat16"}
        "auto" is bfloat16 on a CPU with bfloat16 instructions, unless
        ATEN_CPU_CAPABILITY or DNNL_MAX_CPU_ISA excludes them; otherwise float32.
    device : str
        Name of the device.

    Returns
    -------
    dtype : torch.dtype
    """
    if precision == "auto":
        on_cpu = torch.device(device).type == "cpu"
        precision = "bfloat16" if on_cpu and _cpu_has_bfloat16() else "float32"
    return {"bfloat16": torch.bfloat16, "float32": torch.float32}[precision]


def _cpu_has_bfloat16() -> bool:
    # not available before torch 2.6; other checks of torch include emulation
    is_supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    if (
        is_supported is None
        or not is_supported()
        or not torch.backends.mkldnn.is_available()
    ):
        return False
    # the check ignores limits of torch and oneDNN
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA")
    if limit is not None and limit.upper() in _ISAS_WITHOUT_BFLOAT16:
        return False
    return torch.backends.cpu.get_cpu_capability() == "AVX512"
