"""How threads share the cores: those of torch sleep while they wait, and Python's hand over the interpreter sooner."""

from __future__ import annotations

import os
import sys

_WAIT_POLICY = "OMP_WAIT_POLICY"

_SWITCH_SECONDS = 0.001
"""So long a thread may keep the interpreter from others, by default five times as long. Threads that compute need it
for a moment before every product, and wait so long for one that handles a request."""


def let_threads_sleep() -> None:
    """Have the threads of a parallel loop sleep at its end instead of keeping a core busy; call it before torch loads.

    Otherwise those that are done wait in a busy loop for one that has no core, and a picture costs many times the
    processor time where anything else runs. What the environment says already stays.
    """
    os.environ.setdefault(_WAIT_POLICY, "PASSIVE")


def switch_threads_sooner() -> None:
    """Have threads that run Python hand over to those that wait sooner than by default."""
    sys.setswitchinterval(_SWITCH_SECONDS)
