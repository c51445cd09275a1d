"""The story of the page, told in a real browser: mark, ask, go on asking. A fake model tells which pixels it got."""

from __future__ import annotations

import base64
import io
import itertools
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demo.i18n.catalog import text
from demo.session import pictures
from osprey_core.regions import masks
from tests import fakes

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def model() -> fakes.FakeModel:
    return fakes.FakeModel(pause=0.01)


@pytest.fixture(scope="module")
def address(model: fakes.FakeModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("examples")
    fakes.picture().save(folder / "a_shapes.png")
    fakes.picture(scale=7).save(folder / "b_large.png")  # shown shrunk: 2520 x 1890
    with fakes.served(model, fakes.FakeSegmenter(), folder) as address:
        yield address


def test_mark_and_ask(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    assert person.region_texts() == ["8.2 %"]
    person.page.click("#preset-short")
    answer = person.wait_answer(1)
    assert "area=8000" in answer
    assert (model.calls[-1].regions[0] == fakes.shape("red")).all()

    # A follow-up needs no name, and goes with its history.
    person.ask("What colour is it?")
    assert "area=8000" in person.wait_answer(2)
    assert model.calls[-1].question == "What colour is it?"
    assert len(model.calls[-1].history) == 1
    assert person.questions()[1].split() == ["1", "What", "colour", "is", "it?"]

    # A second region by box, and how the two relate.
    person.tool("box")
    person.drag((190, 50), (300, 120), (320, 175))
    person.wait_regions(2)
    person.page.click("#preset-relation")
    answer = person.wait_answer(3)
    assert "area=8000" in answer
    assert "area=7852" in answer
    assert model.calls[-1].question == "What is the relation between <region1> and <region2>?"
    assert (model.calls[-1].regions[1] == fakes.shape("blue")).all()


def test_a_stroke_is_exactly_the_mask(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    person.open_example()
    person.tool("brush")
    person.page.fill(".osp-size input", "40")
    path = [(130.0, 60.0), (160.0, 120.0), (190.0, 60.0)]
    person.drag(*path)
    person.wait_regions(1)
    person.ask("What is it?")
    person.wait_answer(1)
    (got,) = model.calls[-1].regions
    radius = 20 / person.scale()
    expected = capsules(path, radius, got.shape)
    # The pointer's places are whole screen pixels, so the edge may be off by a fraction of a pixel.
    edge = capsules(path, radius + 1.2, got.shape) & ~capsules(path, radius - 1.2, got.shape)
    assert not ((got != expected) & ~edge).any()
    assert masks.intersection_over_union(got, expected) > 0.98

    # The next stroke goes on with the same region; with Shift it erases.
    person.drag((30, 230), (60, 230))
    person.page.wait_for_timeout(600)
    person.page.keyboard.down("Shift")
    person.drag((20, 230), (70, 230))
    person.page.keyboard.up("Shift")
    person.page.wait_for_timeout(600)
    person.wait_regions(1)
    person.ask("And now?")
    person.wait_answer(2)
    assert masks.intersection_over_union(model.calls[-1].regions[-1], got) == 1


def test_a_polygon_is_exactly_the_mask(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    person.open_example()
    person.tool("polygon")
    corners = [(60.0, 40.0), (300.0, 70.0), (130.0, 230.0)]
    for corner in corners:
        person.click(*corner)
    person.click(*corners[0])  # the first corner closes it
    person.wait_regions(1)
    person.ask("What is it?")
    person.wait_answer(1)
    (got,) = model.calls[-1].regions
    ys, xs = np.mgrid[0 : got.shape[0], 0 : got.shape[1]] + 0.5
    inside = np.ones(got.shape, bool)
    for (ax, ay), (bx, by) in itertools.pairwise([*corners, corners[0]]):
        inside &= (bx - ax) * (ys - ay) - (by - ay) * (xs - ax) > 0
    assert masks.intersection_over_union(got, inside) > 0.98

    # Another one, closed with Enter after a corner was taken back.
    for corner in [(20.0, 180.0), (60.0, 180.0), (5.0, 5.0)]:
        person.click(*corner)
    person.page.keyboard.press("Backspace")
    person.click(60.0, 240.0)
    person.page.keyboard.press("Enter")
    person.wait_regions(2)
    person.ask("And this?")
    person.wait_answer(2)
    assert model.calls[-1].regions[-1].sum() == pytest.approx(40 * 60 / 2, rel=0.1)


def test_a_mark_is_fitted_to_the_outline_if_wanted(visit: Any, address: str, model: fakes.FakeModel) -> None:
    def asked(count: int) -> np.ndarray:
        person.ask("What is it?")
        person.wait_answer(count)
        return np.array(model.calls[-1].regions[-1])

    def changed_from(percent: str) -> None:
        person.page.wait_for_function(f"document.querySelector('.osp-percent').innerText !== '{percent}'")

    person = visit(address)
    person.open_example()
    toggle = person.page.get_by_label(text("canvas.fit"))
    assert not toggle.is_visible()
    person.tool("brush")
    assert not toggle.is_checked()
    toggle.check()
    path = [(230.0, 100.0), (270.0, 120.0)]
    person.drag(*path)
    # First the stroke is there, then the outline takes its place.
    person.page.wait_for_function("document.querySelector('.osp-percent')?.innerText === '8.1 %'")
    assert (asked(1) == fakes.shape("blue")).all()
    person.page.click(".osp-toolbar .osp-undo")
    changed_from("8.1 %")
    radius = 14 / person.scale()
    stroke = asked(2)
    edge = capsules(path, radius + 1.2, stroke.shape) & ~capsules(path, radius - 1.2, stroke.shape)
    assert not ((stroke != capsules(path, radius, stroke.shape)) & ~edge).any()

    person.page.click(".osp-toolbar .osp-clear")
    person.wait_regions(0)
    person.tool("polygon")
    for corner in [(45.0, 60.0), (110.0, 70.0), (60.0, 140.0), (45.0, 60.0)]:
        person.click(*corner)
    person.page.wait_for_function("document.querySelector('.osp-percent')?.innerText === '8.2 %'")
    assert (asked(3) == fakes.shape("red")).all()
    # By its key it is off again, and what is drawn is the mask.
    person.page.focus(".osp-canvas")
    person.page.keyboard.press("f")
    assert not toggle.is_checked()
    for corner in [(120.0, 190.0), (280.0, 190.0), (280.0, 240.0), (120.0, 240.0), (120.0, 190.0)]:
        person.click(*corner)
    person.wait_regions(2)
    person.page.wait_for_timeout(500)
    assert masks.intersection_over_union(asked(4), fakes.shape("green")) > 0.97


def test_everything_is_outlined_and_taken_by_clicks(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    person.open_example()
    person.tool("everything")
    person.page.get_by_text("outlines found").wait_for(state="attached")
    person.click(250, 110)
    person.wait_regions(1)
    person.click(80, 100)
    person.wait_regions(2)
    person.ask("What are @1 and @2?")
    person.wait_answer(1)
    one, two = model.calls[-1].regions
    assert (one == fakes.shape("blue")).all()
    assert (two == fakes.shape("red")).all()


def capsules(path: list[tuple[float, float]], radius: float, size_hw: tuple[int, ...]) -> np.ndarray:
    """Pixels whose centre lies within `radius` of the path: drawn here once more, and differently, on purpose."""
    ys, xs = np.mgrid[0 : size_hw[0], 0 : size_hw[1]] + 0.5
    drawn = np.zeros(size_hw[:2], bool)
    for (ax, ay), (bx, by) in itertools.pairwise(path):
        for t in np.linspace(0, 1, 400):
            drawn |= np.hypot(xs - ax - t * (bx - ax), ys - ay - t * (by - ay)) <= radius
    return drawn


def test_a_large_picture_is_marked_at_full_size(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    person.open_example(1)
    assert person.scale() < 0.5
    person.click(80 * 7, 100 * 7)
    person.wait_regions(1)
    person.page.click("#preset-category")
    person.wait_answer(1)
    assert model.calls[-1].regions[0].shape == (1890, 2520)
    assert model.calls[-1].regions[0].sum() == 8000 * 49


def test_refine_select_delete_undo_clear(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    person.tool("add")
    person.click(250, 110)
    person.page.wait_for_function("document.querySelector('.osp-percent').innerText === '16 %'")
    person.click(250, 111, button="right")
    person.page.wait_for_function("document.querySelector('.osp-percent').innerText === '8.2 %'")
    person.tool("new")
    person.click(250, 110)
    person.wait_regions(2)
    person.page.locator(".osp-pick").nth(0).click()
    person.page.wait_for_function("document.querySelector('#about').innerText.includes('1')")
    person.page.locator(".osp-delete").nth(1).click()
    person.wait_regions(1)
    person.page.keyboard.press("Control+z")
    person.wait_regions(2)
    person.page.click(".osp-toolbar .osp-clear")
    person.wait_regions(0)
    person.page.click(".osp-toolbar .osp-undo")
    person.wait_regions(2)


def test_stop_then_go_on(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    person.ask("A long story please")
    person.page.wait_for_selector("#chatbot .osp-caret")
    person.click(250, 110)  # marking goes on while it writes
    person.wait_regions(2)
    person.page.click("#stop")
    answer = person.wait_answer(1)
    assert text("chat.stopped") in answer
    assert len(answer.split()) < 390
    person.page.click("#retry")
    person.page.wait_for_selector("#chatbot .osp-caret")
    person.page.click("#stop")
    person.wait_answer(1)
    assert len(person.questions()) == 1
    person.page.click("#clear-chat")
    person.page.wait_for_function("!document.querySelector('#chatbot .message')")
    person.wait_regions(2)


def test_stop_while_somebody_else_is_answered(visit: Any, address: str, model: fakes.FakeModel) -> None:
    model.pause = 0.1
    try:
        first, second = visit(address), visit(address)
        for person in (first, second):
            person.open_example()
            person.click(80, 100)
            person.wait_regions(1)
        first.ask("A long story please")
        first.page.wait_for_selector("#chatbot .osp-caret")
        second.ask("Mine?")
        second.page.get_by_text(text("chat.waiting_in_queue")).wait_for()
        second.page.click("#stop")
        assert text("chat.stopped") in second.wait_answer(1, patience_ms=5000)
        assert first.page.locator("#chatbot .osp-caret").count()
        first.page.click("#stop")
        first.wait_answer(1)
        second.ask("Again?")
        assert "area=8000" in second.wait_answer(2)
    finally:
        model.pause = 0.01


def test_a_bad_upload_while_an_answer_streams_blocks_nothing(visit: Any, address: str, tmp_path: Path) -> None:
    person = visit(address)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    person.ask("A long story please")
    person.page.wait_for_selector("#chatbot .osp-caret")
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"this is no picture")
    person.page.set_input_files(".osp-file", str(bad))
    person.wait_toast("is not a picture that can be read")
    person.click(250, 110)
    person.wait_regions(2)
    person.page.click("#stop")
    person.wait_answer(1)


def test_clicks_on_the_picture_before_mark_nothing_on_the_new_one(
    visit: Any, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = visit(address)
    person.open_example()
    before = person.scale()
    read = pictures.open_example

    def slow(*arguments: Any) -> Any:
        time.sleep(1.5)
        return read(*arguments)

    monkeypatch.setattr(pictures, "open_example", slow)
    person.page.locator(".osp-strip [data-example]").nth(1).click()
    person.click(80, 100)
    person.page.wait_for_function(
        f"Math.abs(JSON.parse(document.querySelector('.osp-canvas').dataset.fit).scale - {before}) > 0.01"
    )
    person.page.wait_for_timeout(800)
    person.wait_regions(0)
    person.click(80 * 7, 100 * 7)
    person.wait_regions(1)


def test_who_leaves_stops_the_decoding(visit: Any, address: str, model: fakes.FakeModel) -> None:
    model.pause = 0.1
    try:
        person = visit(address)
        person.open_example()
        person.click(80, 100)
        person.wait_regions(1)
        person.ask("A long story please")
        person.page.wait_for_selector("#chatbot .osp-caret")
        person.page.close()
        stream = model.streams[-1]
        for _ in range(100):
            if stream.finish_reason is not None:
                break
            time.sleep(0.1)
        before = stream.new_tokens
        time.sleep(0.6)
        assert stream.new_tokens == before < 300
    finally:
        model.pause = 0.01


def test_errors_are_sentences_and_nothing_is_lost(visit: Any, address: str, tmp_path: Path) -> None:
    person = visit(address)
    person.ask("Anything there?")
    person.wait_toast(text("page.no_picture"))
    person.close_toasts()
    person.open_example()
    person.page.click("#preset-short")
    person.wait_toast(text("page.no_region"))
    person.close_toasts()
    person.click(80, 100)
    person.wait_regions(1)
    person.ask("What is @4?")
    person.wait_toast("There is no region @4")
    person.close_toasts()
    assert person.page.input_value("#question textarea") == "What is @4?"
    person.ask("explode")
    person.wait_toast(text("page.unexpected"))
    person.close_toasts()
    person.ask("break")
    person.wait_toast(text("page.unexpected"))
    person.close_toasts()
    person.ask("Still there?")
    person.page.get_by_text("area=8000").first.wait_for()
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"this is no picture")
    person.page.set_input_files(".osp-file", str(bad))
    person.wait_toast("is not a picture that can be read")
    person.wait_regions(1)
    assert "Traceback" not in person.page.content()
    assert "secret" not in person.page.content()


def test_what_a_person_types_stays_text(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    typed = "<img src=x onerror=alert(1)> **bold** <mask> <b>b</b> `c` $x$ @1"
    person.ask(typed)
    person.wait_answer(1)
    assert person.questions()[0].split() == [*typed.split()[:-1], "1"]
    assert person.page.locator("#chatbot img[src='x'], #chatbot .message strong, #chatbot .message code").count() == 0
    assert model.calls[-1].question == typed.replace("@1", "<region1>")


def test_two_people_do_not_meet(visit: Any, address: str) -> None:
    first, second = visit(address), visit(address)
    first.open_example()
    second.open_example(1)
    first.click(80, 100)
    first.wait_regions(1)
    first.ask("Mine?")
    first.wait_answer(1)
    second.click(250 * 7, 110 * 7)
    second.wait_regions(1)
    second.ask("Yours?")
    answer = second.wait_answer(1)
    assert "rgb=40,60,200" in answer
    assert len(first.questions()) == len(second.questions()) == 1
    assert first.region_texts() == ["8.2 %"]
    # A new picture starts anew.
    first.open_example(1)
    first.wait_regions(0)
    first.page.wait_for_function("!document.querySelector('#chatbot .message')")


def test_upload_drop_and_paste(visit: Any, address: str, tmp_path: Path, model: fakes.FakeModel) -> None:
    person = visit(address)
    path = tmp_path / "my photo.png"
    fakes.picture(scale=2).save(path)
    person.page.set_input_files(".osp-file", str(path))
    person.page.wait_for_selector(".osp-has-picture")
    person.page.wait_for_timeout(300)
    person.click(160, 200)
    person.wait_regions(1)
    for event, carrier in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        buffer = io.BytesIO()
        fakes.picture(scale=3 if event == "drop" else 4).save(buffer, "PNG")
        person.page.evaluate(
            """([event, carrier, data]) => {
              const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
              const transfer = new DataTransfer();
              transfer.items.add(new File([bytes], "x.png", { type: "image/png" }));
              const options = { bubbles: true, cancelable: true };
              options[carrier] = transfer;
              const made = event === "drop" ? new DragEvent(event, options) : new ClipboardEvent(event, options);
              document.body.dispatchEvent(made);
            }""",
            [event, carrier, base64.b64encode(buffer.getvalue()).decode()],
        )
        person.wait_regions(0)
        person.page.wait_for_timeout(400)
        factor = 3 if event == "drop" else 4
        person.click(80 * factor, 100 * factor)
        person.wait_regions(1)
        person.ask("Size?")
        person.wait_answer(1)
        assert model.calls[-1].regions[0].shape == (270 * factor, 360 * factor)


def test_keyboard_alone_marks_and_asks(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    person.open_example()
    person.page.focus(".osp-canvas")
    for _ in range(3):
        person.page.keyboard.press("ArrowUp")
    for _ in range(8):
        person.page.keyboard.press("ArrowRight")
    person.page.keyboard.press("Enter")
    person.wait_regions(1)
    person.page.focus("#question textarea")
    person.page.keyboard.type("What is it?")
    person.page.keyboard.press("Enter")
    person.wait_answer(1)
    assert len(model.calls[-1].regions) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_sideways_scrolling(visit: Any, address: str, scheme: str) -> None:
    person = visit(address, 390, 844, has_touch=True, is_mobile=True, color_scheme=scheme)
    person.open_example()
    person.page.touchscreen.tap(*person.at(80, 100))
    person.wait_regions(1)
    box = person.page.locator("#question textarea").bounding_box()
    top = person.page.evaluate("document.querySelector('.osp-stage').getBoundingClientRect().top")
    assert box["y"] + box["height"] - top <= 844  # picture and question on one screen
    person.page.click("#preset-short")
    person.wait_answer(1)
    assert person.page.evaluate("document.documentElement.scrollWidth") <= 390
    outside = person.page.evaluate(
        """[...document.querySelectorAll('button, textarea, canvas.osp-canvas')].filter((node) => node.offsetParent)
          .filter((node) => !node.closest('.osp-list, .osp-strip, #presets'))
          .map((node) => [node.getBoundingClientRect().right, node.className]).filter(([right]) => right > 391)"""
    )
    assert outside == []
    row = person.page.locator("#presets")  # one row, which scrolls by itself
    bounds = row.bounding_box()
    assert bounds["x"] >= 0
    assert bounds["x"] + bounds["width"] <= 391
    ending = row.locator("button:visible").last
    ending.scroll_into_view_if_needed()
    last = ending.bounding_box()
    assert last["x"] + last["width"] <= 391
    person.page.wait_for_function("document.querySelector('#chatbot .osp-chip')")
    # To a finger each button is 44 pixels large: by itself, by its label, or by the area that it has around it.
    small = person.page.evaluate(
        """[...document.querySelectorAll('button, summary, textarea, input')].filter((node) => node.offsetParent)
          .map((node) => {
            const around = getComputedStyle(node, '::after');
            const boxes = [node, node.closest('label')].filter(Boolean).map((each) => each.getBoundingClientRect());
            const sizes = boxes.map(({ width, height }) => [width, height]);
            if (around.position === 'absolute') sizes.push([parseFloat(around.width), parseFloat(around.height)]);
            return [Math.max(...sizes.map((size) => Math.min(...size))), node.className, node.id];
          }).filter(([size]) => size < 43.5)"""
    )
    assert small == []


def test_on_a_low_screen_the_picture_has_room_and_the_links_cover_nothing(visit: Any, address: str) -> None:
    person = visit(address, 1366, 768, color_scheme="dark")
    tools, links = (person.page.locator(part).bounding_box() for part in ("#settings button", "footer .show-api"))
    assert tools["y"] + tools["height"] <= links["y"] + 4  # the padding of the one and the other
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    assert person.page.locator(".osp-canvas").bounding_box()["height"] >= 480
    # White letters on the button under the pointer: 4.5 to 1 by the formula of WCAG.
    person.page.hover("#send")
    person.page.wait_for_timeout(300)
    colour = person.page.evaluate("getComputedStyle(document.querySelector('#send')).backgroundColor")
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (int(number) / 255 for number in re.findall(r"\d+", colour)[:3])
    ]
    assert 1.05 / (np.dot(linear, (0.2126, 0.7152, 0.0722)) + 0.05) >= 4.5


def test_a_desktop_needs_no_scrolling(visit: Any, address: str) -> None:
    person = visit(address)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    assert person.page.evaluate("document.documentElement.scrollHeight") <= 900
    for selector in ("#question textarea", "#send", "#settings", ".osp-strip", ".osp-list"):
        box = person.page.locator(selector).first.bounding_box()
        assert box["y"] + box["height"] <= 900


def test_the_settings_are_used(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    person.page.click("#settings button")
    number = person.page.locator("#settings input[type=number]").first
    slider = person.page.locator("#settings input[type=range]").first
    for _ in range(10):  # the drawer's controls may be mounted anew just after it opens, without what was typed
        number.fill("0.7")
        number.press("Tab")
        person.page.wait_for_timeout(500)
        if slider.input_value() == "0.7":
            break
    assert slider.input_value() == "0.7"
    person.page.get_by_label(text("settings.seed")).fill("12")
    drawer, chat = (person.page.locator(part).bounding_box() for part in ("#settings > button + div", "#chat-side"))
    assert drawer["x"] >= chat["x"]
    person.page.keyboard.press("Escape")
    assert person.page.evaluate("document.activeElement.matches('#settings > button:not(.open)')")
    person.ask("What is it?")
    person.wait_answer(1)
    assert model.calls[-1].settings["temperature"] == 0.7
    assert model.calls[-1].settings["seed"] == 12


def test_left_out_turns_are_mentioned(visit: Any, address: str, model: fakes.FakeModel) -> None:
    model.trimmed_turns = 2
    try:
        person = visit(address)
        person.open_example()
        person.click(80, 100)
        person.wait_regions(1)
        person.ask("What is it?")
        person.wait_toast("2 oldest turns were left out")
    finally:
        model.trimmed_turns = 0


def test_the_page_is_there_before_the_model(visit: Any, tmp_path: Path, model: fakes.FakeModel) -> None:
    import threading

    from demo.shared.lazy_resource import LazyResource

    release = threading.Event()
    fakes.picture().save(tmp_path / "shapes.png")

    def load(result: Callable[[], Any]) -> Callable[[], Any]:
        def run() -> Any:
            release.wait(60)
            return result()

        return run

    resource: LazyResource[Any] = LazyResource("nano", load(lambda: model)).start()
    with fakes.served(resource, fakes.FakeSegmenter(), tmp_path) as address:
        person = visit(address)
        assert "Loading nano" in person.page.inner_text("#header")
        person.open_example()
        person.click(80, 100)
        person.wait_regions(1)
        person.ask("What is it?")
        person.page.get_by_text(text("chat.waiting_for_model")).wait_for()
        release.set()
        assert "area=8000" in person.wait_answer(1)
        person.page.get_by_text("fake · cpu").first.wait_for(state="attached")
        person.page.locator(".osp-model summary").click()
        person.page.get_by_text("fake · cpu").first.wait_for()
        person.leave()


def test_a_model_that_cannot_be_loaded_is_said(visit: Any, tmp_path: Path) -> None:
    from demo.shared.lazy_resource import LazyResource
    from osprey_core.errors import ModelNotFoundError

    def load() -> Any:
        raise ModelNotFoundError("There is no model “x” here; choose another.")

    fakes.picture().save(tmp_path / "shapes.png")
    with fakes.served(LazyResource("x", load).start(), fakes.FakeSegmenter(), tmp_path) as address:
        person = visit(address)
        person.page.get_by_text("There is no model “x” here").first.wait_for()
        person.open_example()
        person.click(80, 100)
        person.wait_regions(1)
        person.ask("What is it?")
        person.wait_toast("choose another")
        person.wait_regions(1)
        person.page.wait_for_function("document.querySelector('#question textarea').value === 'What is it?'")
        person.leave()
