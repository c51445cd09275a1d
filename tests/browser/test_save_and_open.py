"""What a person saves in the browser, and finds again when they open it."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests import fakes

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_saved_and_opened_again(visit: Any, address: str, model: fakes.FakeModel, tmp_path: Path) -> None:
    person = visit(address)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    person.click(250, 110)
    person.wait_regions(2)
    person.ask("What about @1?")
    answer = person.wait_answer(1)
    with person.page.expect_download() as download:
        person.page.click(".osp-toolbar .osp-save")
    kept = tmp_path / "kept.zip"
    download.value.save_as(kept)
    assert download.value.suggested_filename == "shapes-osprey.zip"
    with zipfile.ZipFile(kept) as archive:
        coco = json.loads(archive.read("annotations.json"))
        red = np.array(Image.open(io.BytesIO(archive.read("masks/region-1.png"))).convert("L")) > 0
    assert [a["area"] for a in coco["annotations"]] == [int(fakes.shape("red").sum()), int(fakes.shape("blue").sum())]
    assert (red == fakes.shape("red")).all()

    other = visit(address)
    other.page.set_input_files(".osp-toolbar input[type=file] >> nth=0", str(kept))
    other.wait_regions(2)
    assert other.wait_answer(1) == answer
    other.ask("And @2?")
    other.wait_answer(2)
    assert (model.calls[-1].regions[1] == fakes.shape("blue")).all()


def test_regions_from_a_mask_file(visit: Any, address: str, model: fakes.FakeModel, tmp_path: Path) -> None:
    Image.fromarray(fakes.shape("green")).save(tmp_path / "green.png")
    person = visit(address)
    person.open_example()
    person.page.set_input_files(".osp-toolbar input[type=file] >> nth=1", str(tmp_path / "green.png"))
    person.wait_regions(1)
    person.ask("What is it?")
    person.wait_answer(1)
    assert (model.calls[-1].regions[0] == fakes.shape("green")).all()
    Image.new("L", (20, 20), 255).save(tmp_path / "small.png")
    person.page.set_input_files(".osp-toolbar input[type=file] >> nth=1", str(tmp_path / "small.png"))
    person.wait_toast("20 x 20 pixels")
    person.wait_regions(1)


def test_the_menu_of_a_region(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    person.click(250, 110)
    person.wait_regions(2)
    person.page.click('.osp-card[data-number="2"] .osp-more')
    person.page.get_by_role("menuitem", name="Merge with @1").click()
    person.wait_regions(1)
    person.ask("What is it?")
    person.wait_answer(1)
    assert (model.calls[-1].regions[0] == fakes.shape("red") | fakes.shape("blue")).all()
    # A name is typed where it stands, and written on the picture.
    person.page.click('.osp-card[data-number="2"] .osp-more')
    person.page.get_by_role("menuitem", name="Rename").click()
    person.page.keyboard.type("both of them")
    person.page.keyboard.press("Enter")
    person.page.locator(".osp-name", has_text="both of them").wait_for()
    person.page.get_by_text("Region 2 is called both of them.").wait_for(state="attached")
    assert person.page.evaluate("document.activeElement.className") == "osp-pick"
    person.page.wait_for_function("document.querySelector('.osp-canvas').dataset.captions?.includes('both of them')")
    person.page.keyboard.press("F2")
    person.page.keyboard.type("another")
    person.page.keyboard.press("Escape")
    assert person.page.locator(".osp-name").inner_text() == "both of them"
