"""Where a network runs."""

import torch

__all__ = ["resolve_device"]


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
