"""The scripts' own tests, run by Node, so that `python -m pytest` runs every test there is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="Node is not installed; install Node 20.19 or newer to test the scripts")
def test_the_tests_of_the_scripts_pass() -> None:
    files = sorted(map(str, (ROOT / "tests" / "js").rglob("*.test.js")))
    assert files
    done = subprocess.run([str(NODE), "--test", *files], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counted = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE) or re.search(r"pass (\d+)", done.stdout)
    assert counted
    assert int(counted[1]) > 0
