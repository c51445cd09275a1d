"""On a slow line a picture shows at once, with how much of it is sent, and sending it can be given up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests import fakes

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PERCENT = "Number(/(\\d+) %/.exec(document.querySelector('.osp-arriving:not([hidden]) span')?.textContent)?.[1])"


def test_a_slow_line(visit: Any, address: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (270, 360, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")  # some 300 kB
    person = visit(address)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    line = person.page.context.new_cdp_session(person.page)
    line.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 60_000}
    line.send("Network.emulateNetworkConditions", slow)
    person.page.set_input_files(".osp-file >> nth=0", str(tmp_path / "noise.png"))
    person.page.wait_for_function("document.querySelector('.osp-arriving.osp-seen img')?.naturalWidth === 360")
    assert person.page.evaluate(PERCENT) < 60
    person.page.wait_for_function(f"{PERCENT} > 5")
    person.page.click(".osp-arriving button")
    person.page.wait_for_selector(".osp-arriving", state="hidden")
    person.wait_regions(1)
    assert person.page.locator(".osp-sheet").count() == 1

    line.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    fakes.picture(scale=2).save(tmp_path / "second.png")
    fakes.picture(scale=3).save(tmp_path / "third.png")
    person.page.set_input_files(".osp-file >> nth=0", [str(tmp_path / "second.png"), str(tmp_path / "third.png")])
    person.page.wait_for_function("document.querySelectorAll('.osp-sheet').length === 3")
    person.page.wait_for_selector(".osp-arriving", state="hidden")
    assert person.page.locator(".osp-front .osp-leaf").get_attribute("title") == "third.png"
    person.wait_regions(0)
