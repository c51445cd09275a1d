"""Undo and redo in a real browser, of regions and of the conversation; answers about regions that changed since."""

from __future__ import annotations

from typing import Any

import pytest

from demo.i18n.catalog import text
from tests import fakes

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_regions_and_a_cleared_chat_come_back_and_go_again_across_a_reload(visit: Any, address: str) -> None:
    person = visit(address)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    person.click(250, 110)
    person.wait_regions(2)
    press = person.page.keyboard.press
    press("Control+z")
    person.wait_regions(1)
    press("Control+Shift+z")
    person.wait_regions(2)
    press("Control+z")
    person.wait_regions(1)
    person.load_again()
    person.wait_regions(1)
    person.page.locator(".osp-redo").click()
    person.wait_regions(2)
    person.ask("What is it?")
    person.wait_answer(1)
    person.page.click("#clear-chat")
    person.page.wait_for_function("!document.querySelector('#chatbot .message')")
    person.page.locator(".osp-undo:enabled").click()
    person.wait_answer(1)
    assert "What is it?" in person.questions()[0]


def test_an_answer_about_a_region_that_changed_says_so_and_is_asked_again(
    visit: Any, address: str, model: fakes.FakeModel
) -> None:
    person = visit(address)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    person.ask("What is it?")
    person.wait_answer(1)
    assert not person.page.locator(".osp-changed").is_visible()
    person.tool("add")
    person.click(250, 110)
    line = person.page.locator(".osp-changed")
    line.get_by_text("@1").wait_for()
    line.get_by_role("button", name=text("conversation.askAgain")).click()
    person.wait_answer(2)
    assert (model.calls[-1].regions[-1] == fakes.shape("red") | fakes.shape("blue")).all()


def test_what_is_marked_already_is_selected_and_the_line_below_says_so(visit: Any, address: str) -> None:
    person = visit(address)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    person.click(250, 110)
    person.wait_regions(2)
    person.click(90, 120)
    person.page.get_by_text(text("canvas.twin", number=1)).wait_for()
    assert person.page.locator(".osp-card").count() == 2
    assert person.page.locator(".osp-card.osp-selected").get_attribute("data-number") == "1"
