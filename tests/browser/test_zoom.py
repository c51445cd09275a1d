"""Zooming in a real browser: wheel, keys, buttons, two fingers; marks hit the pixels that are shown, at every zoom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from tests import fakes

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TINY = (3101, 2003, 3111, 2013)
"""An 11-pixel square in a picture of 4000 x 3000; inclusive box."""


@pytest.fixture
def large(tmp_path: Path, model: fakes.FakeModel) -> Iterator[str]:
    """The page with a large picture that holds one tiny thing."""
    image = Image.new("RGB", (4000, 3000), fakes.BACKGROUND)
    draw = ImageDraw.Draw(image)
    draw.rectangle((100, 100, 1200, 900), fill=(40, 60, 200))
    draw.rectangle(TINY, fill=(200, 40, 40))
    image.save(tmp_path / "large.png")
    with fakes.served(model, TinyFinder(), tmp_path) as address:
        yield address


class TinyFinder(fakes.FakeSegmenter):
    """Finds the tiny square if the click hits it, without a slow flood of a large picture."""

    def open(self, image: Any) -> fakes.FakeOpened:
        return TinyOpened(image)


class TinyOpened(fakes.FakeOpened):
    def segment(self, points_xy: Any = (), labels: Any = (), box_xyxy: Any = None) -> Any:
        (x, y), *_ = points_xy
        found = (self.image == self.image[int(y), int(x)]).all(axis=2)
        return [fakes.ScoredMask(found, 0.9)]


def view(person: Any) -> dict[str, float]:
    return dict(json.loads(person.page.evaluate("document.querySelector('.osp-canvas').dataset.fit")))


def test_an_11_pixel_thing_in_a_large_picture_can_be_clicked(visit: Any, large: str, model: fakes.FakeModel) -> None:
    person = visit(large)
    person.open_example()
    fitted = view(person)
    assert 11 * fitted["scale"] < 4
    middle = (3106.5, 2008.5)
    person.page.mouse.move(*person.at(*middle))
    person.page.keyboard.down("Control")  # one notch of a wheel with Ctrl is no leap
    person.page.mouse.wheel(0, -120)
    person.page.keyboard.up("Control")
    person.page.wait_for_function(
        f"JSON.parse(document.querySelector('.osp-canvas').dataset.fit).scale > {fitted['scale']} * 1.2"
    )
    assert view(person)["scale"] < fitted["scale"] * 2
    for _ in range(6):
        person.page.mouse.wheel(0, -400)
    person.page.wait_for_function(
        "scale => JSON.parse(document.querySelector('.osp-canvas').dataset.fit).scale > 8 * scale", arg=fitted["scale"]
    )
    # The pointer is over the same pixel as before, and the picture's full size is fetched.
    person.page.wait_for_timeout(700)
    person.click(*middle)
    person.wait_regions(1)
    person.ask("What is it?")
    person.wait_answer(1)
    (mask,) = model.calls[0].regions
    assert int(mask.sum()) == 121
    assert mask[TINY[1] : TINY[3] + 1, TINY[0] : TINY[2] + 1].all()
    person.page.keyboard.press("Escape")
    person.page.locator(".osp-zoom-fit").click()
    assert view(person) == fitted


def test_drawing_works_while_zoomed_and_dragging_with_the_click_tool_pans(
    visit: Any, address: str, model: fakes.FakeModel
) -> None:
    person = visit(address)
    person.open_example()
    person.page.mouse.move(*person.at(80, 100))
    person.page.keyboard.press("z")
    person.page.keyboard.press("z")
    before = view(person)
    start = person.at(180, 135)
    person.page.mouse.move(*start)
    person.page.mouse.down()
    person.page.mouse.move(start[0] + 40, start[1] + 12, steps=4)
    person.page.mouse.up()
    after = view(person)
    assert after["scale"] == before["scale"]
    assert after["x"] == pytest.approx(before["x"] + 40, abs=1)
    assert after["y"] == pytest.approx(before["y"] + 12, abs=1)
    assert not person.page.locator(".osp-card").count()
    # A box over a corner of the red rectangle, drawn in the zoomed view: the segmenter finds what is not red in it.
    person.page.keyboard.press("b")
    person.drag((70, 70), (140, 170))
    person.wait_regions(1)
    person.ask("What is it?")
    person.wait_answer(1)
    assert "area=3000 box=70,70,140,170" in fakes.describe_mask(model.calls[0].image, model.calls[0].regions[0])


def test_two_fingers_zoom_the_picture_and_a_double_tap_does(visit: Any, address: str) -> None:
    person = visit(address, 390, 844, has_touch=True, is_mobile=True)
    person.open_example()
    fitted = view(person)
    x, y = person.at(180, 135)
    touch = person.page.context.new_cdp_session(person.page)

    def send(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": left, "y": top, "id": place} for place, (left, top) in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", (x - 20, y))
    send("touchStart", (x - 20, y), (x + 20, y))
    for reach in (30, 40, 60):
        send("touchMove", (x - reach, y), (x + reach, y))
    send("touchEnd")
    pinched = view(person)
    assert pinched["scale"] == pytest.approx(3 * fitted["scale"], rel=0.05)
    left, top = person.at(180, 135)
    assert left == pytest.approx(x, abs=3)
    assert top == pytest.approx(y, abs=3)
    person.page.touchscreen.tap(x, y)
    person.page.touchscreen.tap(x, y)
    person.page.wait_for_timeout(500)
    assert view(person) == fitted
    assert not person.page.locator(".osp-card").count()
    # A single tap marks, after the time in which a second one could follow.
    person.page.touchscreen.tap(*person.at(80, 100))
    person.wait_regions(1)
    # A second finger ends a box that is being drawn: the two zoom, and nothing is marked.
    person.tool("box")
    send("touchStart", (x - 60, y))
    send("touchMove", (x - 20, y + 10))
    send("touchStart", (x - 20, y + 10), (x + 20, y + 10))
    for reach in (30, 40):
        send("touchMove", (x - reach, y + 10), (x + reach, y + 10))
    send("touchEnd", (x - 40, y + 10))
    send("touchMove", (x - 20, y + 40))
    send("touchEnd")
    assert view(person)["scale"] == pytest.approx(2 * fitted["scale"], rel=0.05)
    assert person.page.locator(".osp-card").count() == 1
