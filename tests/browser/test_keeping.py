"""The server is killed and started anew: the browser brings back pictures, regions, chat and the typed question."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.i18n.catalog import text
from tests import fakes

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
LINE = "document.querySelector('.osp-connection:not([hidden])')?.textContent"

KEPT = """(words) => new Promise((resolve) => {
  const open = indexedDB.open("osprey");
  open.onsuccess = () => {
    const change = open.result.transaction(["sheets", "pictures"]);
    const sheets = change.objectStore("sheets").getAll();
    const pictures = change.objectStore("pictures").getAll();
    change.oncomplete = () => {
      open.result.close();
      resolve(pictures.result.length === 1 && sheets.result.some(({ text }) => text.includes(words)));
    };
  };
})"""


@contextmanager
def program(port: int, examples: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The page as a process; killed at the end."""
    command = [sys.executable, "-m", "tests.served_page", str(port), str(examples)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 120
            while True:
                try:
                    httpx.get(f"http://127.0.0.1:{port}/health", timeout=10)
                    break
                except httpx.TransportError:
                    assert process.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(0.2)
            yield process
        finally:
            process.kill()


def wait_kept(person: Any, words: str) -> None:
    """Until the browser's database has a picture, and a record with these words."""
    deadline = time.monotonic() + 30
    while not person.page.evaluate(KEPT, words):
        assert time.monotonic() < deadline
        person.page.wait_for_timeout(100)


def test_what_was_open_survives_the_death_of_the_server(visit: Any, tmp_path: Path) -> None:
    mine = tmp_path / "mine.png"
    fakes.picture().save(mine)
    (tmp_path / "examples").mkdir()
    port = fakes.free_port()
    with program(port, tmp_path / "examples") as process:
        person = visit(f"http://127.0.0.1:{port}")
        person.page.set_input_files(".osp-file >> nth=0", str(mine))
        person.page.wait_for_function("document.querySelector('.osp-has-picture .osp-canvas')?.dataset.fit")
        person.page.wait_for_timeout(150)
        person.click(80, 100)
        person.wait_regions(1)
        person.click(250, 110)
        person.wait_regions(2)
        person.ask("What is @1?")
        answer = person.wait_answer(1)
        shares = person.region_texts()
        wait_kept(person, "area=8000")
        person.page.fill("#question textarea", "And what about half a")
        process.kill()
        process.wait()
        person.page.wait_for_function(f"{LINE} === {text('keeping.lost')!r}", timeout=30_000)
        person.click(200, 220)  # nothing is sent, and nothing is lost
        assert len(person.region_texts()) == 2
    person.page.evaluate("window.isTheSame = true")
    with program(port, tmp_path / "examples"):
        person.page.wait_for_function("!window.isTheSame", timeout=60_000)
        person.page.wait_for_function(f"{LINE} === {text('keeping.back')!r}", timeout=60_000)
        person.wait_regions(2)
        assert person.region_texts() == shares
        assert person.wait_answer(1) == answer
        assert person.page.input_value("#question textarea") == "And what about half a"
        assert person.page.locator(".osp-sheet").count() == 1
        person.page.wait_for_function("document.querySelector('.osp-has-picture .osp-canvas')?.dataset.fit")
        person.ask("And @2?")
        assert "rgb=40,60,200" in person.wait_answer(2)
    person.forgive_a_lost_server()
