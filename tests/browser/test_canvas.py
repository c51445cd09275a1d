"""The canvas in a real browser: captions on the picture, the keyboard alone, what a screen reader is told, no jumps."""

from __future__ import annotations

import itertools
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from demo.i18n.catalog import text
from tests import fakes

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def captions(person: Any) -> list[dict[str, Any]]:
    return list(json.loads(person.page.evaluate("document.querySelector('.osp-canvas').dataset.captions || '[]'")))


def pixels(person: Any) -> str:
    return str(person.page.evaluate("document.querySelector('.osp-canvas').toDataURL()"))


def test_what_was_described_stands_on_the_picture(visit: Any, address: str) -> None:
    person = visit(address)
    person.open_example()
    assert not person.page.get_by_label(text("canvas.captions")).is_visible()
    person.tool("everything")
    person.page.click("#everything .osp-describe")
    person.page.wait_for_function("!document.querySelector('#everything tbody').innerText.includes('…')")
    person.page.wait_for_function(
        "JSON.parse(document.querySelector('.osp-canvas').dataset.captions || '[]').length > 1"
    )
    person.page.wait_for_timeout(400)
    shown = captions(person)
    for one in shown:
        x0, y0, x1, y1 = one["box"]
        assert 0 <= x0 < x1 <= 360.01
        assert 0 <= y0 < y1 <= 270.01
        assert one["text"].startswith("area=")
        # A part of the text's words, the name of the thing among them.
        assert one["shown"] == one["text"] or (one["shown"].endswith("…") and one["shown"][:-1] in one["text"])
    for one, other in itertools.combinations(shown, 2):
        (a0, b0, a1, b1), (c0, d0, c1, d1) = one["box"], other["box"]
        assert a1 <= c0 or c1 <= a0 or b1 <= d0 or d1 <= b0
    # The toggle takes them off the picture, and puts them back.
    person.page.mouse.move(5, 5)
    person.page.wait_for_timeout(300)
    with_them = pixels(person)
    person.page.get_by_label(text("canvas.captions")).uncheck()
    person.page.wait_for_function("document.querySelector('.osp-canvas').dataset.captions === '[]'")
    person.page.wait_for_timeout(200)
    assert pixels(person) != with_them


def test_every_tool_works_by_keyboard(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    press = person.page.keyboard.press
    person.open_example()
    person.page.focus(".osp-canvas")
    press("r")
    press("Enter")
    for _ in range(8):  # far enough into the blue shape whatever the size of the canvas
        press("ArrowRight")
    press("Enter")
    person.wait_regions(1)
    person.page.get_by_text("Region 1 added").wait_for(state="attached")
    press("b")
    press("Enter")
    for _ in range(6):
        press("ArrowUp")
        press("ArrowLeft")
    press("Enter")
    person.wait_regions(2)  # what of the blue shape lies in it
    press("e")
    person.page.get_by_text("outlines found").wait_for(state="attached")
    person.page.focus(".osp-canvas")
    press("Enter")
    person.wait_regions(3)
    # The list keeps the focus through what its buttons do.
    person.page.locator(".osp-pick").first.focus()
    press("Enter")
    person.page.get_by_text("Region 1 selected.").wait_for(state="attached")
    assert person.page.evaluate("document.activeElement.closest('.osp-card')?.dataset.number") == "1"
    person.page.locator('.osp-card[data-number="1"] .osp-delete').focus()
    press("Enter")
    person.wait_regions(2)
    person.page.get_by_text("Region 1 deleted.").wait_for(state="attached")
    assert person.page.evaluate("document.activeElement.className") == "osp-pick"
    press("/")
    person.page.keyboard.type("1/2?")
    assert person.page.input_value("#question textarea") == "1/2?"


def test_everything_that_can_be_pressed_has_a_name_and_a_visible_focus(visit: Any, address: str) -> None:
    person = visit(address)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    nameless = person.page.evaluate(
        """[...document.querySelectorAll('.osp-root button, .osp-root input, .osp-root canvas[tabindex]')]
          .filter((node) => node.offsetParent && !node.closest('[aria-hidden=true]'))
          .filter((node) => !(node.getAttribute('aria-label') || node.innerText || (node.labels && node.labels.length)))
          .map((node) => node.className)"""
    )
    assert nameless == []
    tree = person.page.locator("#canvas").aria_snapshot()
    for part in ("application", 'toolbar "Marking tools"', 'list "Regions"', 'button "Region 1, 8.2 % of the picture"'):
        assert part in tree
    give_name(person, "a name")  # so that there are captions to switch off
    seen = set()
    person.page.focus(".osp-toolbar button")
    for _ in range(40):
        person.page.keyboard.press("Tab")
        look = person.page.evaluate(
            "(() => { const at = document.activeElement, s = getComputedStyle(at);"
            " return at.closest('.osp-root') && [at.className || at.type, s.outlineStyle, s.outlineWidth]; })()"
        )
        if not look:
            break
        seen.add(look[0].split()[-1])
        assert look[1] != "none", look
    assert {"osp-canvas", "osp-pick", "osp-delete", "osp-more", "checkbox", "osp-slider"} <= seen


def give_name(person: Any, name: str) -> None:
    """Names the region whose card comes first."""
    person.page.focus(".osp-pick")
    person.page.keyboard.press("F2")
    person.page.keyboard.type(name)
    person.page.keyboard.press("Enter")
    person.page.locator(".osp-name", has_text=name).wait_for()


def test_a_name_is_typed_on_while_the_list_is_made_anew(visit: Any, address: str) -> None:
    person = visit(address)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    person.click(250, 110)
    person.wait_regions(2)
    person.page.locator(".osp-pick").first.dblclick()  # selects it as well: the answer comes while the name is typed
    for letter in "box":
        person.page.keyboard.press(letter)
        person.page.wait_for_timeout(250)
    person.page.keyboard.press("Enter")
    person.page.locator(".osp-name", has_text="box").wait_for()
    assert person.page.locator(".osp-toolbar .osp-point").get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_nothing_jumps_while_the_page_comes_up(browser: Any, address: str, width: int, height: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.add_init_script(
        "window.shifts = []; new PerformanceObserver((list) => { for (const entry of list.getEntries())"
        " if (!entry.hadRecentInput) window.shifts.push([entry.value,"
        " entry.sources.map((source) => source.node?.id || source.node?.className || String(source.node))]); })"
        ".observe({ type: 'layout-shift', buffered: true });"
    )
    page.goto(address, wait_until="domcontentloaded")
    page.wait_for_selector(".osp-root .osp-toolbar")
    page.wait_for_timeout(2500)
    shifts = page.evaluate("window.shifts")
    context.close()
    assert sum(value for value, _ in shifts) < 0.1, shifts


def test_the_answer_area_is_as_tall_as_what_it_holds_on_a_phone(visit: Any, address: str) -> None:
    person = visit(address, 390, 844, has_touch=True, is_mobile=True)
    person.open_example()
    chat = person.page.locator(".osp-chat")
    empty = chat.bounding_box()["height"]
    assert empty < 220
    person.page.touchscreen.tap(*person.at(80, 100))
    person.wait_regions(1)
    person.ask("What is it?")
    person.wait_answer(1)
    assert chat.bounding_box()["height"] > empty
    question, acts = (person.page.locator(part).bounding_box() for part in (".user.message", ".osp-answering"))
    around = chat.bounding_box()
    assert around["y"] <= question["y"]
    assert acts["y"] + acts["height"] <= around["y"] + around["height"]
    give_name(person, "the widest of the names that fit no card")
    card = person.page.locator(".osp-card").bounding_box()
    assert card["x"] + card["width"] <= 390


def test_clicks_wait_for_the_segmenter(visit: Any, tmp_path: Path, model: fakes.FakeModel) -> None:
    from demo.shared.lazy_resource import LazyResource

    release = threading.Event()

    def load() -> Any:
        release.wait(60)
        return fakes.FakeSegmenter()

    fakes.picture().save(tmp_path / "shapes.png")
    resource: LazyResource[Any] = LazyResource("late", load).start()
    with fakes.served(model, resource, tmp_path) as address:
        person = visit(address)
        person.open_example()
        person.click(80, 100)
        person.page.wait_for_selector(".osp-loading-marks")
        person.click(250, 110)
        assert person.page.locator(".osp-busy").inner_text().startswith("The segmenter is still loading")
        release.set()
        person.wait_regions(2)
        assert person.region_texts() == ["8.2 %", "8.1 %"]
        person.page.wait_for_selector(".osp-loading-marks", state="detached")
        assert person.page.locator(".toast-body").count() == 0
        person.leave()


def test_loading_is_seen(visit: Any, tmp_path: Path, model: fakes.FakeModel) -> None:
    from demo.shared.lazy_resource import LazyResource

    release = threading.Event()

    def load() -> Any:
        release.wait(60)
        return model

    fakes.picture().save(tmp_path / "shapes.png")
    resource: LazyResource[Any] = LazyResource("nano", load).start()
    bar = "getComputedStyle(document.querySelector('.osp-header'), '::before')"
    with fakes.served(resource, fakes.FakeSegmenter(), tmp_path) as address:
        person = visit(address)
        person.page.wait_for_selector(".osp-loading")
        assert person.page.evaluate(f"{bar}.height") == "3px"
        assert person.page.evaluate(f"{bar}.position") == "fixed"
        release.set()
        person.page.wait_for_selector(".osp-loading", state="detached")
        assert person.page.evaluate(f"{bar}.content") == "none"
        person.leave()
