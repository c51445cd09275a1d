"""A stand-in for CUDA graphs: records the operations of a step on a CPU, and repeats them on the same memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

FORBIDDEN = {
    "aten::_local_scalar_dense",
    "aten::nonzero",
    "aten::lift_fresh",
    "aten::is_nonzero",
    "aten::equal",
    "aten::_unique2",
    "aten::masked_select",
}
"""Some of what would wait for the GPU, or bring numbers from Python to it: no graph records that."""


class _Recording(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, tuple[Any, ...], dict[str, Any], Any]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func._schema.name
        picked = args[1] if name.startswith("aten::index") and len(args) > 1 else ()
        by_truth = any(isinstance(each, torch.Tensor) and each.dtype == torch.bool for each in picked or ())
        if name in FORBIDDEN or by_truth:
            raise RuntimeError(f"{name} cannot be recorded")
        result = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, result))
        return result


class StepRecorder:
    """Callable as `recorded_step.Recorder`; counts what it has recorded and repeated."""

    def __init__(self) -> None:
        self.recorded, self.replayed = 0, 0

    def __call__(self, step: Callable[[], torch.Tensor], device: torch.device) -> Callable[[], torch.Tensor]:
        assert device == torch.device("cpu")
        step()
        recording = _Recording()
        with recording:
            result = step()
        self.recorded += 1

        def replay() -> torch.Tensor:
            self.replayed += 1
            for func, args, kwargs, written in recording.calls:
                for old, new in zip(tree_leaves(written), tree_leaves(func(*args, **kwargs)), strict=True):
                    # A graph writes the memory that it wrote when it was recorded.
                    if isinstance(old, torch.Tensor) and old.data_ptr() != new.data_ptr():
                        old.copy_(new)
            return result

        return replay
