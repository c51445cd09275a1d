"""How torch's threads wait for each other: asleep, so that they leave the cores to others."""

from __future__ import annotations

import os

_WAIT_POLICY = "OMP_WAIT_POLICY"


def let_threads_sleep() -> None:
    """Have the threads of a parallel loop sleep at its end instead of keeping a core busy; call it before torch loads.

    Otherwise those that are done wait in a busy loop for one that has no core, and a picture costs many times the
    processor time where anything else runs. What the environment says already stays.
    """
    os.environ.setdefault(_WAIT_POLICY, "PASSIVE")
