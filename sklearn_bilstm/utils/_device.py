"""Where a network runs, and in what numbers."""

import os

import torch

__all__ = ["resolve_device", "resolve_precision"]

# Values of DNNL_MAX_CPU_ISA that keep oneDNN from the instructions for bfloat16
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
    """Turn the `device` parameter of an estimator into the name of a usable device.

    Parameters
    ----------
    device : str or torch.device
        "auto" means a CUDA device if there is one, else the CPU. Anything else is
        what :class:`torch.device` accepts.

    Returns
    -------
    name : str
        Such as "cpu" or "cuda:0".

    Raises
    ------
    ValueError
        If torch does not know the name or the device is not there.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        resolved = torch.device(device)
        # only an allocation tells whether the device, by its index too, is there
        torch.empty(1, device=resolved)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ValueError(
            f"The 'device' parameter must name a device that torch can use here: got "
            f"{str(device)!r}, and torch says: {reason}. "
            "Use device='auto' to take a GPU only where there is one."
        ) from error
    return str(resolved)


def resolve_precision(precision: str, device: str) -> torch.dtype:
    """Turn the `precision` parameter of an estimator into a type of torch.

    Parameters
    ----------
    precision : {"auto", "float32", "bfloat16"}
        "auto" means bfloat16 on a CPU that multiplies it by instructions of its own,
        unless ATEN_CPU_CAPABILITY or DNNL_MAX_CPU_ISA excludes them, else float32.
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
    # releases before 2.6 do not tell, and what torch calls support may be emulation
    tells = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    if tells is None or not tells() or not torch.backends.mkldnn.is_available():
        return False
    # it tells what the CPU has, even if torch and oneDNN are limited to less
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA")
    if limit is not None and limit.upper() in _ISAS_WITHOUT_BFLOAT16:
        return False
    return torch.backends.cpu.get_cpu_capability() == "AVX512"
