"""How often Python looks for unreachable cycles while the program starts, and that it does not as it ends.

Importing torch, transformers and gradio makes hundreds of thousands of objects that all stay. With Python's own
thresholds, the collector walks through them again and again, a fifth of the processor time until the model is loaded.
"""

from __future__ import annotations

import gc

_STARTING = (100_000, 20, 20)
"""Thresholds of the three generations, see `gc.set_threshold`."""

_usual = gc.get_threshold()


def collect_rarely() -> None:
    """Look for cycles rarely, until `collect_as_usual`; call it before the large libraries are imported."""
    gc.set_threshold(*_STARTING)


def collect_as_usual() -> None:
    """Go back to the thresholds that the process began with."""
    gc.set_threshold(*_usual)


def collect_no_more() -> None:
    """Keep all there is from being looked through once more, which takes a second or more as the program ends."""
    gc.freeze()
