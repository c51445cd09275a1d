"""What libraries read about their threads when they are loaded. Does not import any of them."""

from __future__ import annotations

import os

SETTINGS = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}
"""Environment variables of a program that computes beside others and beside itself.

Threads of torch that are done with their part of a loop otherwise wait for one that has no core in a busy loop, and a
picture costs many times the processor time where anything else runs. numpy's library would start threads beside those
of torch, which wait in the same way; with one it is the fastest for what `language.weight_products` leaves to it.
"""


def settle_threads() -> None:
    """Set what the environment does not say already; call it before torch and numpy are loaded."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
