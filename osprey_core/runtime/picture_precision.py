"""In which precision a picture is read: the vision towers, and the language model's pass over the image tokens.

These two are most of the arithmetic before a first answer. CPUs that multiply bfloat16 natively do it about twice as
fast in it; models whose config allows it read pictures so there. Weights stay float32, and so does what is kept of a
picture; what lies between is rounded to bfloat16, close-ups of regions included. Questions and answers are read and
written in float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import overload

import torch


def multiplies_bfloat16(device: str | torch.device) -> bool:
    """Whether this is a CPU with instructions for products of bfloat16; without them it would be slower, not faster."""
    if torch.device(device).type != "cpu":
        return False
    # Not part of torch's public interface: where they are missing, float32 it is.
    looks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(look is not None and look() for look in looks)


def picture_reading(in_bfloat16: bool) -> AbstractContextManager[object]:
    """While this is open, this thread's products of float32 are computed in bfloat16 on the CPU, if that is wanted."""
    return torch.autocast("cpu", torch.bfloat16) if in_bfloat16 else nullcontext()


@overload
def in_full(values: torch.Tensor) -> torch.Tensor: ...
@overload
def in_full(values: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]: ...
def in_full(values: torch.Tensor | Mapping[str, torch.Tensor]) -> torch.Tensor | dict[str, torch.Tensor]:
    """What was computed inside of `picture_reading`, as float32."""
    return (
        values.float() if isinstance(values, torch.Tensor) else {name: level.float() for name, level in values.items()}
    )
