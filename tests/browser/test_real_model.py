"""The same page with the embedded model and the real segmenter, started as a person starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fakes
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
SCENES = ROOT / "examples" / "scenes.json"

EXPECTED_WORDS: dict[str, list[tuple[str, ...]]] = {}
"""Example file -> for each of its regions in scenes.json, words of which the short description must contain one.

Where a file is not listed, the region's own name is expected.
"""


def scenes() -> list[dict[str, Any]]:
    if not SCENES.is_file():
        return []
    listed = json.loads(SCENES.read_text(encoding="utf-8"))
    return [
        scene for scene in (listed.get("scenes", []) if isinstance(listed, dict) else listed) if scene.get("regions")
    ]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """`python app.py --port …`, ended afterwards."""
    port = fakes.free_port()
    process = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port), "--device", "cpu"],
        cwd=ROOT,
        env={**os.environ, "OSPREY_MODEL": "", "OSPREY_SEGMENTER": ""},
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            assert process.poll() is None, "app.py ended before the page was there"
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
        yield address
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.skipif(not scenes(), reason="examples/scenes.json lists no regions")
@pytest.mark.parametrize("scene", scenes(), ids=lambda scene: str(scene["file"]))
def test_the_embedded_model_names_what_is_clicked(visit: Any, address: str, scene: dict[str, Any]) -> None:
    person = visit(address)
    names = person.page.locator(".osp-large button").evaluate_all("nodes => nodes.map(node => node.dataset.example)")
    person.open_example(names.index(scene["file"]))
    expected = EXPECTED_WORDS.get(scene["file"]) or [(region["name"],) for region in scene["regions"]]
    for count, (region, wanted) in enumerate(zip(scene["regions"], expected, strict=True), 1):
        person.tool("point")
        person.click(*region["point"])
        person.wait_regions(count)
        person.page.click("#preset-short")
        answer = person.wait_answer(count, patience_ms=180_000).lower()
        assert any(word.lower() in answer for word in wanted), f"{region['name']}: {answer!r}"
    if len(scene["regions"]) > 1:
        person.page.click("#preset-relation")
        assert person.wait_answer(len(scene["regions"]) + 1, patience_ms=180_000).strip()
