"""Ray for tests: on loopback, with a token of its own, without reports.

Ray reads a part of its environment once, when a process first imports it. So every test module that imports Ray does it
while `quiet_ray` is open, whichever of them a process collects first.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

QUIET = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # loopback instead of the machine's own address; read at Ray's import
    "RAY_AUTH_MODE": "token",  # read at Ray's import too
    "RAY_AUTH_TOKEN": secrets.token_hex(32),  # else one is written into the home folder
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # workers would starve beside other load
    # A busy replica is passed over after 0.1 s else: beside other load, a picture would go to another one's cache.
    "RAY_SERVE_QUEUE_LENGTH_RESPONSE_DEADLINE_S": "10",  # read when ray.serve is first imported
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "OMP_NUM_THREADS": "1",
}


@contextmanager
def quiet_ray() -> Iterator[None]:
    """While this is open, Ray is imported and started so; the environment is then as before."""
    before = {name: os.environ.get(name) for name in QUIET}
    os.environ.update(QUIET)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
