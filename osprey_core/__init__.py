"""Osprey: ask a multimodal model about any region of a picture (Yuan et al., CVPR 2024)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from osprey_core.errors import CheckpointError, ContextOverflowError, InputError, ModelNotFoundError, OspreyError

if TYPE_CHECKING:
    from osprey_core.engine import Osprey
    from osprey_core.view import View

__all__ = [
    "CheckpointError",
    "ContextOverflowError",
    "InputError",
    "ModelNotFoundError",
    "Osprey",
    "OspreyError",
    "View",
]

_HOMES = {"Osprey": "osprey_core.engine", "View": "osprey_core.view"}


def __getattr__(name: str) -> Any:
    # torch and transformers take seconds to import, so they are imported only when the engine is used.
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in ("engine", "preprocess", "view"):
        return importlib.import_module(f"osprey_core.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
