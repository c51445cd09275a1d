"""Osprey: ask a multimodal model about any region of a picture (Yuan et al., CVPR 2024)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .errors import CheckpointError, ContextOverflowError, InputError, ModelNotFoundError, OspreyError

if TYPE_CHECKING:
    from .engine import Osprey, View

__all__ = [
    "CheckpointError",
    "ContextOverflowError",
    "InputError",
    "ModelNotFoundError",
    "Osprey",
    "OspreyError",
    "View",
]


def __getattr__(name: str) -> Any:
    # torch and transformers take seconds to import; whoever only reads options or masks does not pay for them.
    if name in ("Osprey", "View"):
        return getattr(importlib.import_module(".engine", __name__), name)
    if name in ("engine", "generate", "preprocess", "prompts"):
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
