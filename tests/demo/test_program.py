"""The program as a process, as a Space too and behind proxies that lead nowhere.

SIGTERM and Ctrl-C end it in the middle of an answer, and leave nothing behind.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file

import app
from tests import fakes

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")]

ROOT = Path(__file__).parents[2]
SPACE = {
    "SPACE_ID": "me/osprey",
    "SPACE_HOST": "me-osprey.hf.space",
    "SYSTEM": "spaces",
    "GRADIO_SERVER_NAME": "0.0.0.0",
}
NOWHERE = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "nonsense://x:y", "ALL_PROXY": "socks5://127.0.0.1:9"}


@dataclass
class Program:
    process: subprocess.Popen[str]
    port: int

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


@contextmanager
def started(temporary: Path, **variables: str) -> Iterator[Program]:
    """`python app.py` once its page answers; killed at the end if it still runs."""
    port = fakes.free_port()
    environment = {**os.environ, **variables, "TMPDIR": str(temporary)}
    environment.pop("GRADIO_TEMP_DIR", None)
    command = [sys.executable, "app.py", "--port", str(port), "--segmenter", "classic", "--device", "cpu"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        program = Program(process, port)
        try:
            deadline = time.monotonic() + 120
            while True:
                try:
                    assert httpx.get(program.page, timeout=60).status_code == 200
                    break
                except httpx.TransportError:
                    assert process.poll() is None, process.stdout.read() if process.stdout else ""
                    assert time.monotonic() < deadline
                    time.sleep(0.2)
            yield program
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("number", "variables"),
    [(signal.SIGTERM, {}), (signal.SIGINT, NOWHERE)],
    ids=["SIGTERM", "Ctrl-C, behind proxies that lead nowhere"],
)
def test_it_ends_in_the_middle_of_an_answer(number: signal.Signals, variables: dict[str, str], tmp_path: Path) -> None:
    with started(tmp_path, **variables) as program:
        client = Client(program.page, verbose=False)
        client.predict(handle_file(str(ROOT / "examples/06-savanna.png")), api_name="/open_picture")
        client.predict(757, 304, "new", api_name="/segment_point")
        assert [folder for folder in tmp_path.glob("osprey-uploads-*") if list(folder.rglob("*.png"))]
        assert [folder for folder in tmp_path.glob("osprey-pictures-*") if len(list(folder.iterdir())) == 2]
        # Improbable words make a long answer.
        job = client.submit("Tell a story", 2.0, 1.0, 1000, 5, api_name="/ask")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not any(job.outputs()):
            time.sleep(0.02)
        program.process.send_signal(number)
        output, _ = program.process.communicate(timeout=60)
    assert program.process.returncode == 0, output
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


def test_it_opens_as_a_space(tmp_path: Path) -> None:
    """With a Space's variables: behind its proxy, framed by the Hub, and checked by the Space's own probe."""
    with started(tmp_path, **SPACE) as program:
        page = program.page
        host = {"Host": "me-osprey.hf.space", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
        own, hub, foreign = ("https://me-osprey.hf.space", "https://huggingface.co", "https://evil.example")
        assert httpx.get(page, headers=host, timeout=60).status_code == 200
        assert httpx.get(page, headers={"Host": f"10.1.2.3:{program.port}"}, timeout=60).status_code == 200
        for origin, status in ((own, 200), (hub, 200), (foreign, 403)):
            sent = {**host, "Origin": origin}
            call = httpx.post(f"{page}gradio_api/call/stop", json={"data": [""]}, headers=sent, timeout=60)
            assert call.status_code == status
            assert httpx.get(f"{page}config", headers=sent, timeout=60).status_code == status
        program.process.terminate()
        program.process.communicate(timeout=60)
