"""People who use the page's endpoints over HTTP, and the server that they use; shared by `load` and `soak`."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
START_SECONDS = 180
QUESTIONS = (
    "What is this?",
    "What color is it?",
    "Please give a short description of the region.",
    "What shape is it?",
    "What is to the left of it?",
)


@dataclass(frozen=True)
class Server:
    """Where the page is served, and by which process."""

    address: str
    process_id: int | None

    def resident_mb(self) -> float | None:
        """Megabytes of the process in main memory; None if that is unknown."""
        return self._memory("VmRSS")

    def peak_mb(self) -> float | None:
        """The most megabytes that it has had in main memory so far."""
        return self._memory("VmHWM")

    def cpu_seconds(self) -> float | None:
        """Seconds that the cores have spent on the process so far, whatever else they do; None if that is unknown."""
        try:
            fields = Path(f"/proc/{self.process_id}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _memory(self, name: str) -> float | None:
        try:
            status = Path(f"/proc/{self.process_id}/status").read_text(encoding="ascii")
        except OSError:
            return None
        match = re.search(rf"{name}:\s+(\d+) kB", status)
        return int(match[1]) / 1024 if match else None


class RefusedError(Exception):
    """A call that was answered with an error; its text is the sentence."""


class Person:
    """One person with a connection of their own."""

    def __init__(self, http: httpx.AsyncClient, address: str) -> None:
        self._http, self._base = http, f"{address.rstrip('/')}/gradio_api"
        self._session_hash = uuid.uuid4().hex + "-person"

    async def call(self, endpoint: str, *values: Any) -> Any:
        """The result of an endpoint. Raises RefusedError."""
        body = {"data": [*values, ""], "session_hash": self._session_hash}
        reply = await self._http.post(f"{self._base}/call/{endpoint}", json=body)
        if reply.status_code != 200:
            raise RefusedError(reply.text)
        event, result, kind = reply.json()["event_id"], "null", ""
        async with self._http.stream("GET", f"{self._base}/call/{endpoint}/{event}") as lines:
            async for line in lines.aiter_lines():
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: ") and kind in ("complete", "error"):
                    result = line.removeprefix("data: ")
        if kind != "complete":
            raise RefusedError(result)
        values_found: list[Any] = json.loads(result)
        return values_found[0] if values_found else None

    async def open(self, picture: bytes) -> tuple[int, int]:
        """Upload and open a picture; its width and height."""
        reply = await self._http.post(f"{self._base}/upload", files={"files": ("picture.png", picture)})
        reply.raise_for_status()
        file = {"path": reply.json()[0], "meta": {"_type": "gradio.FileData"}}
        opened = await self.call("open_picture", file, "")
        return opened["width"], opened["height"]

    async def mark(self, width: int, height: int) -> None:
        """Draw a region around the middle of the picture."""
        corners = [[width * x, height * y] for x, y in ((0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7))]
        await self.call("segment_polygon", corners, "new", False)

    async def ask(self, question: str, longest: int = 48) -> str:
        """The model's likeliest answer."""
        return str(await self.call("ask", question, 0.0, 1.0, longest, None))


def pictures(count: int, side: int, first: int = 0) -> list[bytes]:
    """So many different pictures as PNG files, made of the examples, with at most `side` pixels a side.

    They are an endless row that is always the same; `first` is the place of the first one in it.
    """
    paths = sorted(path for path in EXAMPLES.iterdir() if path.suffix in (".png", ".jpg"))
    return [_variant(paths[place % len(paths)], place, side) for place in range(first, first + count)]


def _variant(path: Path, place: int, side: int) -> bytes:
    with Image.open(path) as image:
        image.thumbnail((side, side))
        pixels = np.array(image.convert("RGB"))
    pixels[0, 0] = place % 256, place // 256 % 256, 7  # another file for everybody
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


@contextmanager
def served(address: str | None, arguments: Sequence[str], program: Path = ROOT) -> Iterator[Server]:
    """The server at this address; without one, `app.py` with these arguments, started here and ended at the end.

    program: the folder of `app.py`, such as that of an earlier version to compare with.
    """
    if address is not None:
        yield Server(address, None)
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server ends with this program
    command = [sys.executable, "app.py", "--port", str(port), "--mcp", "off", *arguments]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
    with subprocess.Popen(command, cwd=program, env=environment, stdout=subprocess.DEVNULL) as process:
        server = Server(f"http://127.0.0.1:{port}", process.pid)
        try:
            asyncio.run(_ready(server, process))
            yield server
        finally:
            process.terminate()
            process.wait(60)


async def _ready(server: Server, process: subprocess.Popen[bytes]) -> None:
    """Wait until a first question is answered, so that everything is loaded."""
    deadline = time.monotonic() + START_SECONDS
    async with connections(1) as http:
        while True:
            try:
                person = Person(http, server.address)
                await person.mark(*await person.open(pictures(1, 256)[0]))
                await person.ask(QUESTIONS[0])
                return
            except httpx.TransportError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.5)


def connections(people: int) -> httpx.AsyncClient:
    """A client with room for all these people."""
    limits = httpx.Limits(max_connections=4 * people + 16, max_keepalive_connections=2 * people)
    return httpx.AsyncClient(timeout=httpx.Timeout(600), limits=limits)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share (0..1) of the values lies; 0 without values."""
    return float(np.quantile(values, share)) if values else 0.0
