"""The program's libraries are told about their threads before they are loaded, unless the person has said otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from osprey_core.runtime.threads import settle_threads

ROOT = Path(__file__).parents[3]


def test_the_environment_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "")  # so that it is undone
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    settle_threads()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"


PROGRAMS = (
    "import app; app.main(['--port', 'none'])",
    "import runpy; runpy.run_module('osprey_core', run_name='__main__')",
)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_says_so_before_they_are_loaded(program: str) -> None:
    code = (
        "import sys; from osprey_core.runtime import threads\n"
        "threads.settle_threads = lambda: print({'torch', 'numpy'} & set(sys.modules))\n"
        f"sys.argv = ['osprey_core', '--help']; {program}"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert told.stdout.splitlines()[0] == "set()"
