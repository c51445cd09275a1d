"""Osprey: ask a multimodal model about any region of a picture (Yuan et al., CVPR 2024)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from osprey_core.errors import CheckpointError, ContextOverflowError, InputError, ModelNotFoundError, OspreyError

if TYPE_CHECKING:
    from osprey_core.engine import Osprey, View

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
    # torch and transformers take seconds to import, so they are imported only when the engine is used.
    if name in ("Osprey", "View"):
        return getattr(importlib.import_module("osprey_core.engine"), name)
    if name in ("engine", "preprocess"):
        return importlib.import_module(f"osprey_core.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
