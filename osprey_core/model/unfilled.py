"""Build networks that are filled from a file afterwards: shapes without values, and without drawing random ones.

On the meta device a tensor has no values, but each random initialisation still runs through its shape rules in Python,
which takes longer than all else that builds a small network. It knows no network.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_SETTING_VALUES = frozenset(
    (
        *("add_", "clamp_", "erfinv_", "fill_", "mul_", "normal_", "uniform_", "zero_"),  # of tensors
        *("constant_", "kaiming_normal_", "kaiming_uniform_", "ones_", "trunc_normal_", "xavier_uniform_", "zeros_"),
    )
)
"""In-place functions, of tensors and of `torch.nn.init`, that change values alone and return their tensor."""


@contextlib.contextmanager
def unfilled() -> Iterator[None]:
    """Modules that are built inside have parameters on the meta device, and nothing initialises them."""
    with torch.device("meta"), _ValuesLeftOut():
        yield


class _ValuesLeftOut(TorchFunctionMode):
    """Leaves out what would set the values of a meta tensor; all other tensors are computed as usual."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if getattr(func, "__name__", "") in _SETTING_VALUES:
            tensor = args[0] if args else (kwargs or {}).get("tensor")
            if isinstance(tensor, torch.Tensor) and tensor.is_meta:
                return tensor
        return func(*args, **(kwargs or {}))
