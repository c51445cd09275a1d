"""The seam to Hugging Face's ZeroGPU: there a function must be announced to be given a GPU for its run.

Elsewhere the `spaces` package is absent, or has nothing to do, and functions stay as they are.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])

SECONDS = 120
"""The longest that one answer may hold the GPU."""


def on_gpu(function: F) -> F:
    """`function`, wrapped by `spaces.GPU` where that package can be imported; otherwise `function` itself."""
    try:
        spaces = importlib.import_module("spaces")
    except ImportError:
        return function
    return spaces.GPU(duration=SECONDS)(function)
