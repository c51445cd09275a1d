"""Shared set-up of the tests: nothing may reach for the Hub, and arithmetic must not use every core twice."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
if "PYTEST_XDIST_WORKER" in os.environ:  # one of several processes beside each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")
