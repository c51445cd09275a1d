"""A pasted address opens the picture there, or says why not; pasted into a question it is text."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from osprey_core.errors import InputError
from tests import fakes

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PASTE = """([selector, text]) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.querySelector(selector).dispatchEvent(event);
}"""


def test_a_pasted_address(visit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fetch(address: str) -> tuple[bytes, str]:
        asked.append(address)
        if "private" in address:
            raise InputError("private is not in the public internet; save the picture and open the file.")
        file = io.BytesIO()
        fakes.picture().save(file, "PNG")
        return file.getvalue(), "shapes.png"

    monkeypatch.setattr("demo.app.fetch", fetch)
    with fakes.served(fakes.FakeModel(), fakes.FakeSegmenter(), tmp_path) as address:
        person = visit(address)
        person.page.evaluate(PASTE, ["#question textarea", "https://pictures.example/shapes.png"])
        person.page.evaluate(PASTE, ["body", "not an address"])
        person.page.evaluate(PASTE, ["body", " https://pictures.example/shapes.png\n"])
        person.page.wait_for_function("document.querySelector('.osp-has-picture .osp-canvas')?.dataset.fit")
        person.page.wait_for_timeout(150)
        person.click(80, 100)
        person.wait_regions(1)
        person.page.evaluate(PASTE, ["body", "http://private/"])
        person.wait_toast("not in the public internet")
        assert len(person.region_texts()) == 1
        person.leave()
    assert asked == ["https://pictures.example/shapes.png", "http://private/"]
