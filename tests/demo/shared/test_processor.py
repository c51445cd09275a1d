"""The program's threads sleep while they wait for each other, unless the person says otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from demo.shared import processor

ROOT = Path(__file__).parents[3]


def test_the_environment_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    processor.let_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    monkeypatch.delenv("OMP_WAIT_POLICY")
    processor.let_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


def test_the_program_says_so_before_torch_is_loaded() -> None:
    code = (
        "import sys; from demo.shared import processor\n"
        "processor.let_threads_sleep = lambda: print('torch' in sys.modules)\n"
        "import app; app.main(['--port', 'none'])\n"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert told.stdout.split() == ["False"]
