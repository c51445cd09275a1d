"""The network: vision towers, mask extractor, connector and language model."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from osprey_core.model.osprey import OspreyNetwork, build_network

__all__ = ["OspreyNetwork", "build_network"]


def __getattr__(name: str) -> Any:
    # The segmenter needs the tower alone. It loads in a thread beside the language model, and the first import of
    # transformers must not happen in two threads at once: its lazy module is then found half made.
    if name in __all__:
        return getattr(importlib.import_module("osprey_core.model.osprey"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
