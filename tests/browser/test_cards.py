"""Cards of regions in a real browser: names from short answers, merging, pictures of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from osprey_core.regions import masks
from tests import fakes

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def model() -> fakes.FakeModel:
    return fakes.FakeModel(reply="a small disc.")


def marked(visit: Any, address: str, *points: tuple[float, float]) -> Any:
    """Somebody who marked a region with each of these clicks."""
    person = visit(address)
    person.open_example()
    for count, point in enumerate(points, 1):
        person.tool("new")
        person.click(*point)
        person.wait_regions(count)
    return person


def names(person: Any) -> list[str]:
    return list(person.page.locator(".osp-card .osp-name").all_inner_texts())


def test_a_short_answer_names_the_card_unless_it_has_a_name(visit: Any, address: str) -> None:
    person = marked(visit, address, (80, 100), (250, 110))
    page = person.page
    page.click("#preset-short")
    person.wait_answer(1)
    page.wait_for_selector(".osp-card[data-number='2'] .osp-name")
    assert names(person) == ["a small disc"]

    page.locator(".osp-card[data-number='1'] .osp-pick").dblclick()
    page.fill(".osp-rename", "mine")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('.osp-card .osp-name').length === 2")
    page.click("#preset-short")
    person.wait_answer(2)
    page.wait_for_timeout(300)
    assert names(person) == ["mine", "a small disc"]


def test_the_menu_stays_short_and_the_partner_is_chosen_on_the_picture(visit: Any, address: str) -> None:
    person = marked(visit, address, (80, 100), (250, 110), (200, 210))
    page = person.page
    more = page.locator(".osp-card[data-number='1'] .osp-more")
    more.click()
    assert page.locator(".osp-menu button").count() == 11
    page.get_by_role("menuitem", name="Merge with another").click()
    page.wait_for_function("document.querySelector('#osp-hint').innerText.includes('merge with region 1')")
    page.keyboard.press("Escape")
    page.wait_for_function("!document.querySelector('#osp-hint').innerText.includes('merge')")

    more.click()
    page.get_by_role("menuitem", name="Merge with another").click()
    person.click(10, 260)  # no region is there: nothing is marked, and the choice goes on
    person.click(80, 100)  # nor is a region merged with itself
    person.click(250, 110)
    person.wait_regions(2)
    numbers = page.locator(".osp-card").evaluate_all("cards => cards.map((card) => card.dataset.number)")
    assert numbers == ["1", "3"]

    more.click()  # one other region: named in the menu
    page.get_by_role("menuitem", name="Merge with @3").click()
    person.wait_regions(1)


def test_a_region_is_saved_and_copied_as_a_picture_of_its_own(visit: Any, address: str) -> None:
    person = visit(address, permissions=["clipboard-read", "clipboard-write"])
    person.open_example()
    person.click(250, 110)
    person.wait_regions(1)
    page, more = person.page, person.page.locator(".osp-more")
    more.click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Save as a picture").click()
    assert download.value.suggested_filename == "shapes-region-1.png"
    mask = fakes.shape("blue")
    x0, y0, x1, y1 = masks.box_xyxy(mask)
    saved = np.array(Image.open(download.value.path()))
    assert ((saved[..., 3] == 255) == mask[y0:y1, x0:x1]).all()

    more.click()
    page.get_by_role("menuitem", name="Copy as a picture").click()
    page.wait_for_function("document.querySelector('#osp-hint').innerText.includes('in the clipboard')")
    kinds_and_width = page.evaluate(
        """(async () => {
          const [item] = await navigator.clipboard.read();
          return [item.types, (await createImageBitmap(await item.getType("image/png"))).width];
        })()"""
    )
    assert kinds_and_width == [["image/png"], x1 - x0]
