"""The program as a process: SIGTERM and Ctrl-C end it in the middle of an answer, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from gradio_client import Client, handle_file

from tests import fakes

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")]

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_the_middle_of_an_answer(number: int, tmp_path: Path) -> None:
    port = fakes.free_port()
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    environment.pop("GRADIO_TEMP_DIR", None)
    command = [sys.executable, "app.py", "--port", str(port), "--segmenter", "classic", "--device", "cpu"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            client = _connected(f"http://127.0.0.1:{port}/", process)
            client.predict(handle_file(str(ROOT / "examples/06-savanna.png")), api_name="/open_picture")
            client.predict(757, 304, "new", api_name="/segment_point")
            assert [folder for folder in tmp_path.glob("osprey-uploads-*") if list(folder.rglob("*.png"))]
            # Improbable words make a long answer.
            job = client.submit("Tell a story", 2.0, 1.0, 1000, 5, api_name="/ask")
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and not any(job.outputs()):
                time.sleep(0.02)
            process.send_signal(number)
            output, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0, output
    assert "Traceback" not in output
    assert "terminate called" not in output
    assert list(tmp_path.glob("osprey-uploads-*")) == []


def _connected(address: str, process: subprocess.Popen[str]) -> Client:
    deadline = time.monotonic() + 120
    while True:
        try:
            return Client(address, verbose=False)
        except Exception:
            assert process.poll() is None, process.stdout.read() if process.stdout else ""
            assert time.monotonic() < deadline
            time.sleep(0.5)
