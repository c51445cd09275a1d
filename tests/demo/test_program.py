"""The program as a process: SIGTERM and Ctrl-C end it in the middle of an answer, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file

import app
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
            assert [folder for folder in tmp_path.glob("osprey-pictures-*") if len(list(folder.iterdir())) == 2]
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
    assert list(tmp_path.glob("osprey-*")) == []


def test_the_second_signal_ends_the_program_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers: dict[int, Any] = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    stopped = threading.Event()
    app._stop_on_signals(stopped)
    handlers[signal.SIGTERM](signal.SIGTERM, None)
    assert stopped.is_set()
    with pytest.raises(SystemExit, match=str(128 + signal.SIGTERM)):
        handlers[signal.SIGTERM](signal.SIGTERM, None)


def _connected(address: str, process: subprocess.Popen[str]) -> Client:
    deadline = time.monotonic() + 120
    while True:
        try:
            return Client(address, verbose=False)
        except Exception:
            assert process.poll() is None, process.stdout.read() if process.stdout else ""
            assert time.monotonic() < deadline
            time.sleep(0.5)


def test_it_opens_as_a_space(tmp_path: Path) -> None:
    """With a Space's variables: behind its proxy, framed by the Hub, and checked by the Space's own probe."""
    port = fakes.free_port()
    space = {"SPACE_ID": "me/osprey", "SPACE_HOST": "me-osprey.hf.space", "SYSTEM": "spaces"}
    environment = {**os.environ, **space, "TMPDIR": str(tmp_path), "GRADIO_SERVER_NAME": "0.0.0.0"}
    command = [sys.executable, "app.py", "--port", str(port), "--segmenter", "classic", "--device", "cpu"]
    page = f"http://127.0.0.1:{port}/"
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            deadline = time.monotonic() + 120
            while True:
                try:
                    httpx.get(page, timeout=60)
                    break
                except httpx.TransportError:
                    assert process.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(0.5)
            host = {"Host": "me-osprey.hf.space", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
            own, hub, foreign = ("https://me-osprey.hf.space", "https://huggingface.co", "https://evil.example")
            assert httpx.get(page, headers=host, timeout=60).status_code == 200
            assert httpx.get(page, headers={"Host": f"10.1.2.3:{port}"}, timeout=60).status_code == 200
            for origin, status in ((own, 200), (hub, 200), (foreign, 403)):
                sent = {**host, "Origin": origin}
                call = httpx.post(f"{page}gradio_api/call/stop", json={"data": [""]}, headers=sent, timeout=60)
                assert call.status_code == status
                assert httpx.get(f"{page}config", headers=sent, timeout=60).status_code == status
        finally:
            process.terminate()
            process.communicate(timeout=60)
