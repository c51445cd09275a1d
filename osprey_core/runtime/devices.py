"""torch devices and dtypes by their names."""

from __future__ import annotations

import torch

from osprey_core.errors import InputError
from osprey_core.runtime.choices import DTYPES

TORCH_DTYPES: dict[str, torch.dtype] = {name: getattr(torch, name) for name in DTYPES}


def resolve_device(device: str) -> torch.device:
    """The device for a name; "auto" selects a GPU if there is one. Raises InputError if it is not usable here."""
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError:
        raise InputError("engine.device_unknown", device=repr(device)) from None
    usable = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (resolved.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not usable.get(resolved.type, False):
        raise InputError("engine.device_unavailable", device=repr(device))
    return resolved


def resolve_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """The dtype for a name; "auto" depends on the device. Raises InputError for unknown names."""
    if dtype == "auto":
        if device.type == "cpu":
            return torch.float32
        return (
            torch.bfloat16
            if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
            else torch.float16
        )
    if dtype not in DTYPES:
        raise InputError("engine.precision_unknown", precision=repr(dtype), known=", ".join(DTYPES))
    return TORCH_DTYPES[dtype]
