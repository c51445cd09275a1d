"""The chat side of the page in a real browser: mentions, what can be done with a message, own questions, help."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from demo.i18n.catalog import text
from tests import fakes

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BOX = "#question textarea"
ACTIVE = "document.querySelector('#osp-pop li[aria-selected=true]')?.dataset.region"


@pytest.fixture(scope="module")
def model() -> fakes.FakeModel:
    return fakes.FakeModel(pause=0.01)


@pytest.fixture(scope="module")
def address(model: fakes.FakeModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("examples")
    fakes.picture().save(folder / "a_shapes.png")
    with fakes.served(model, fakes.FakeSegmenter(), folder) as address:
        yield address


def with_two_regions(visit: Any, address: str, **how: Any) -> Any:
    """Somebody who marked red as region 1 and blue as region 2."""
    person = visit(address, **how)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    person.tool("new")
    person.click(250, 110)
    person.wait_regions(2)
    return person


def selected(person: Any) -> str:
    return str(person.page.locator(".osp-card.osp-selected").get_attribute("data-number"))


def test_an_at_sign_offers_the_regions(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = with_two_regions(visit, address)
    page = person.page
    page.focus(BOX)
    page.keyboard.type("Is @")
    page.wait_for_selector("#osp-pop:not([hidden])")
    assert page.locator("#osp-pop li").count() == 2
    assert "8.2 %" in page.locator("#osp-pop li").first.inner_text()
    assert page.get_attribute(BOX, "aria-expanded") == "true"
    assert page.get_attribute(BOX, "aria-activedescendant") == "osp-pop-1"
    assert page.locator(".osp-card.osp-lit").get_attribute("data-number") == "1"  # lit on the picture meanwhile
    page.keyboard.press("ArrowDown")
    assert page.evaluate(ACTIVE) == "2"
    page.keyboard.press("Enter")  # chooses, and does not ask
    assert page.input_value(BOX) == "Is @2 "
    assert page.locator("#osp-pop").is_hidden()
    assert page.get_attribute(BOX, "aria-expanded") is None

    page.keyboard.type("right of @")
    page.keyboard.press("Escape")
    assert page.locator("#osp-pop").is_hidden()
    page.keyboard.press("Backspace")
    page.keyboard.type("@1")  # a whole number needs no list
    assert page.locator("#osp-pop").is_hidden()
    page.keyboard.press("Backspace")
    page.locator("#osp-pop li").first.click()
    page.keyboard.type("?")
    assert page.input_value(BOX) == "Is @2 right of @1 ?"
    page.keyboard.press("Enter")
    person.wait_answer(1)
    assert model.calls[-1].question == "Is <region1> right of <region2> ?"
    page.keyboard.type("Mail me@")  # inside a word it is none
    assert page.locator("#osp-pop").is_hidden()


def test_chips_light_and_select_their_region(visit: Any, address: str) -> None:
    person = with_two_regions(visit, address)
    page = person.page
    person.ask("Is @1 left of @2?")
    person.wait_answer(1)
    chip = page.locator("#chatbot .user .osp-chip").first
    colours = page.evaluate(
        """[...document.querySelectorAll('.osp-card .osp-badge, #chatbot .user .osp-chip')]
          .map((node) => getComputedStyle(node).backgroundColor)"""
    )
    assert colours[:2] == colours[2:]
    chip.hover()
    page.wait_for_function("document.querySelector('.osp-card.osp-lit')?.dataset.number === '1'")
    page.mouse.move(5, 5)
    page.wait_for_function("!document.querySelector('.osp-card.osp-lit')")
    assert selected(person) == "2"
    chip.focus()
    page.wait_for_function("document.querySelector('.osp-card.osp-lit')?.dataset.number === '1'")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#about .osp-chip').innerText === '1'")
    assert selected(person) == "1"
    page.locator(".osp-delete").first.click()
    person.wait_regions(1)
    page.wait_for_selector("#chatbot .osp-chip.osp-gone")
    assert "no longer" in str(chip.get_attribute("aria-label"))


def test_messages_are_copied_as_text(visit: Any, address: str) -> None:
    person = with_two_regions(visit, address, permissions=["clipboard-read", "clipboard-write"])
    page = person.page
    person.ask("Is @1 *left* of @2 & <b>?")
    person.wait_answer(1)
    page.locator(".osp-asking .osp-act-copy").click()
    assert page.evaluate("navigator.clipboard.readText()") == "Is @1 *left* of @2 & <b>?"
    page.locator(".osp-answering .osp-act-copy").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Is @1 *left* of @2 & <b>? -> @1: area=8000 ")
    assert copied.split() == [
        f"@{word}" if word in "12" else "@1:" if word == "1:" else "@2:" if word == "2:" else word
        for word in person.wait_answer(1).split()
    ]


def test_the_last_question_is_changed(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = with_two_regions(visit, address)
    page = person.page
    person.ask("What is it?")
    person.wait_answer(1)
    person.ask("Which colur?")
    person.wait_answer(2)
    page.locator(".osp-pick").first.click()  # another region, which the changed question is not about
    page.fill(BOX, "A draft")
    assert page.locator(".osp-act-edit").count() == 1
    page.click(".osp-act-edit")
    assert page.input_value(BOX) == "Which colur?"
    page.wait_for_function("document.querySelector('#about .osp-chip').innerText === '2'")
    page.keyboard.press("Escape")
    assert page.input_value(BOX) == "A draft"
    assert page.locator(".osp-replaced").count() == 0
    page.fill(BOX, "")
    page.keyboard.press("ArrowUp")
    page.locator(".osp-replaced").wait_for()
    page.fill(BOX, "Which colour?")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('#chatbot .user')[1]?.innerText.includes('colour')")
    person.wait_answer(2)
    assert len(person.questions()) == 2
    assert [turn.question for turn in model.calls[-1].history] == ["What is it?"]
    # The next one follows, and replaces nothing.
    person.ask("And its size?")
    person.wait_answer(3)


def test_the_last_turn_is_taken_back(visit: Any, address: str) -> None:
    person = with_two_regions(visit, address)
    page = person.page
    assert page.locator("#undo-turn").is_disabled()
    for count, question in enumerate(("What is it?", "Its size?"), 1):
        person.ask(question)
        person.wait_answer(count)
    page.click("#undo-turn")
    page.wait_for_function("document.querySelectorAll('#chatbot .osp-turn').length === 1")
    page.wait_for_function("document.querySelector('#question textarea').value === 'Its size?'")
    page.click("#undo-turn")
    page.locator(".osp-welcome").wait_for()
    assert page.locator("#undo-turn").is_disabled()


def test_an_answer_is_liked_and_tells_how_it_was_made(visit: Any, address: str) -> None:
    person = with_two_regions(visit, address)
    page = person.page
    person.ask("What is it?")
    person.wait_answer(1)
    page.click(".osp-act-dislike")
    page.click(".osp-act-like")
    assert page.get_attribute(".osp-act-like", "aria-pressed") == "true"
    assert page.get_attribute(".osp-act-dislike", "aria-pressed") == "false"
    assert page.locator(".osp-stats").is_hidden()
    page.click(".osp-act-info")
    assert page.evaluate("document.activeElement.classList.contains('osp-act-info')")
    told = page.inner_text(".osp-stats")
    for part in ("fake", "42", text("stats.first"), text("stats.rate")):
        assert part in told
    # Python has kept it: the next answer brings the whole conversation anew.
    person.ask("And?")
    person.wait_answer(2)
    assert page.locator(".osp-act-like").first.get_attribute("aria-pressed") == "true"
    assert page.locator(".osp-stats").first.is_visible()


def test_own_questions_are_kept_in_the_browser(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = with_two_regions(visit, address)
    page = person.page
    assert page.locator(".osp-own-keep").is_hidden()
    page.fill(BOX, "Is <b>it</b> ripe?")
    page.click(".osp-own-keep")
    page.fill(BOX, "draft")
    page.click(".osp-own-ask")
    person.wait_answer(1)
    assert model.calls[-1].question == "Is <b>it</b> ripe?"
    assert page.input_value(BOX) == "draft"
    person.load_again()
    page.wait_for_selector(".osp-own-ask")
    assert page.inner_text(".osp-own-ask") == "Is <b>it</b> ripe?"
    page.click(".osp-own-forget")
    assert page.locator(".osp-own-ask").count() == 0
    person.load_again()
    page.wait_for_selector(".osp-own", state="attached")
    page.wait_for_timeout(500)
    assert page.locator(".osp-own-ask").count() == 0


def test_presets_of_several_regions(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    assert person.page.locator("#preset-compare").is_disabled()
    person = with_two_regions(visit, address)
    person.page.click("#preset-compare")
    person.wait_answer(1)
    assert len(model.calls[-1].regions) == 2
    person.page.click("#preset-around")
    person.wait_answer(2)
    assert model.calls[-1].question == "What is around <region2>?"


def test_the_help_sheet(visit: Any, address: str) -> None:
    person = visit(address)
    page = person.page
    page.focus(".osp-help-open")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name=text("help.sheet.title"))
    sheet.wait_for()
    assert page.evaluate("document.querySelector('#osp-help').matches(':modal')")
    page.keyboard.press("Escape")
    sheet.wait_for(state="hidden")
    assert page.evaluate("document.activeElement.classList.contains('osp-help-open')")
    page.click(".osp-help-open")
    sheet.wait_for()
    page.mouse.click(5, 400)
    sheet.wait_for(state="hidden")
    page.focus(BOX)
    page.keyboard.type("?")  # in a text it is a letter
    assert page.input_value(BOX) == "?"
    assert sheet.is_hidden()


def test_a_toast_is_one_sentence(visit: Any, address: str) -> None:
    person = visit(address)
    person.ask("Anything there?")
    person.wait_toast(text("page.no_picture"))
    assert person.page.inner_text(".toast-body").replace("×", "").strip() == text("page.no_picture")
    person.close_toasts()
