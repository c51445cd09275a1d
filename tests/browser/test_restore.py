"""A page that is loaded again in the same tab shows what was there; another tab, or a lost workspace, begins calmly."""

from __future__ import annotations

from typing import Any

import pytest

from tests import fakes

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def kept_key(person: Any) -> str:
    person.page.wait_for_function("sessionStorage.getItem('osprey-workspace')", timeout=30_000)
    return str(person.page.evaluate("sessionStorage.getItem('osprey-workspace')"))


def test_a_reload_keeps_picture_regions_and_conversation(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    first = kept_key(person)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    person.ask("What is it?")
    answer = person.wait_answer(1)
    person.load_again()
    person.wait_regions(1)
    assert person.wait_answer(1) == answer
    assert person.has_picture()
    person.page.wait_for_function(f"sessionStorage.getItem('osprey-workspace') !== '{first}'", timeout=30_000)
    person.page.wait_for_function("document.querySelector('.osp-has-picture .osp-canvas')?.dataset.fit")
    person.click(250, 110)
    person.wait_regions(2)
    person.ask("And @2?")
    assert "rgb=40,60,200" in person.wait_answer(2)
    assert len(model.calls[-1].history) == 1
    person.page.click(".osp-toolbar .osp-undo")
    person.wait_regions(1)
    person.load_again()
    person.wait_regions(1)
    person.wait_answer(2)

    stranger = visit(address)
    kept_key(stranger)
    assert not stranger.has_picture()


def test_a_reload_while_an_answer_is_written_keeps_what_is_there(
    visit: Any, address: str, model: fakes.FakeModel
) -> None:
    model.pause = 0.1
    person = visit(address)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    person.ask("A long answer")
    person.page.wait_for_function(
        "document.querySelector('#chatbot .bot.message')?.innerText.includes('word word')", timeout=30_000
    )
    kept_key(person)
    person.load_again()
    person.wait_regions(1)
    assert "word word" in person.wait_answer(1)
    model.pause = 0.0
    person.ask("What is it?")
    assert "area=8000" in person.wait_answer(2)


def test_a_seat_that_is_gone_is_a_calm_start(visit: Any, address: str) -> None:
    person = visit(address)
    person.open_example()
    kept_key(person)
    person.page.evaluate("sessionStorage.setItem('osprey-workspace', 'long forgotten')")
    person.load_again()
    person.page.wait_for_function("sessionStorage.getItem('osprey-workspace') !== 'long forgotten'", timeout=30_000)
    assert not person.has_picture()
    assert person.page.locator(".osp-large button").count() == 1
    assert person.page.locator(".toast-body").count() == 0


def test_a_closer_look_comes_back_too(visit: Any, address: str) -> None:
    person = visit(address)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    done = "document.querySelectorAll('#osp-closer-without .osp-answer').length === 4"
    person.page.click("#closer [data-kind=without]")
    person.page.fill("#osp-closer-without input", "What is @1?")
    person.page.press("#osp-closer-without input", "Enter")
    person.page.wait_for_function(
        f"document.querySelector('#osp-closer-without .osp-go').offsetParent && {done}", timeout=60_000
    )
    kept_key(person)
    person.load_again()
    person.wait_regions(1)
    person.page.click("#closer [data-kind=without]")
    person.page.wait_for_function(done, timeout=30_000)
    assert person.page.get_by_text("Same as with the region").count() == 3
