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

import numpy as np
import pytest

from osprey_core import Osprey
from osprey_core.io.pictures import read_picture
from osprey_core.language.prompts import QUESTIONS, Turn
from osprey_core.runtime import hub
from osprey_core.segment import load_segmenter
from tests import fakes

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
SCENES = ROOT / "examples" / "scenes.json"


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


@pytest.fixture(scope="module")
def library() -> Osprey:
    """The same model without the page: what it answers about the same pixels is what the page has to show."""
    return Osprey.from_pretrained("nano", device="cpu")


def clicked_mask(image: np.ndarray, point: list[int]) -> np.ndarray:
    return load_segmenter().open(image).segment([(point[0], point[1])], [1], None)[0].mask


@pytest.mark.skipif(not (hub.EMBEDDED_FOLDER / "model.safetensors").is_file(), reason="the embedded model is not here")
@pytest.mark.parametrize("scene", scenes()[::4], ids=lambda scene: str(scene["file"]))
def test_the_whole_story_on_the_embedded_model(
    visit: Any, address: str, library: Osprey, scene: dict[str, Any]
) -> None:
    """Example, click, short description, follow-up, second region, how they relate."""
    person = visit(address)
    # A click while the segmenter loads is refused; the header says when both are there.
    person.page.wait_for_function("document.querySelectorAll('.osp-status .osp-ready').length === 2", timeout=180_000)
    names = person.page.locator(".osp-large button").evaluate_all("nodes => nodes.map(node => node.dataset.example)")
    person.open_example(names.index(scene["file"]))
    image = np.asarray(read_picture(ROOT / "examples" / scene["file"]))
    view = library.open(image)
    first, second = scene["regions"][:2]
    masks = [clicked_mask(image, region["point"]) for region in (first, second)]

    person.tool("point")
    person.click(*first["point"])
    person.wait_regions(1)
    person.page.click("#preset-short")
    short = view.ask(QUESTIONS["short"], masks[:1])
    assert person.wait_answer(1, patience_ms=180_000) == short

    person.ask("What color is it?")
    turn = Turn(QUESTIONS["short"], short, known_regions=1)
    colour = view.ask("What color is it?", masks[:1], [turn], about=[1])
    assert person.wait_answer(2, patience_ms=180_000) == colour

    person.click(*second["point"])
    person.wait_regions(2)
    person.page.click("#preset-relation")
    related = person.wait_answer(3, patience_ms=180_000)
    assert related.strip()
