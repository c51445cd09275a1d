"""Several pictures in one page: each keeps its own regions and chat, and the model gets the pixels of the right one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import fakes

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def address(tmp_path: Path, model: fakes.FakeModel) -> Iterator[str]:
    fakes.picture().save(tmp_path / "one.png")
    fakes.picture(scale=2).save(tmp_path / "two.png")
    with fakes.served(model, fakes.FakeSegmenter(), tmp_path) as address:
        yield address


def turns(person: Any) -> list[bool]:
    """Whether each open picture is in front."""
    pressed = person.page.locator(".osp-leaf").evaluate_all("all => all.map((one) => one.ariaPressed === 'true')")
    return list(pressed)


def turn_to(person: Any, place: int) -> None:
    person.page.locator(".osp-leaf").nth(place).click()
    wait_front(person, place)


def wait_front(person: Any, place: int) -> None:
    person.page.wait_for_function(
        f"document.querySelectorAll('.osp-leaf')[{place}]?.ariaPressed === 'true' && "
        "document.querySelector('.osp-canvas').dataset.fit",
        timeout=30_000,
    )
    person.page.wait_for_timeout(200)


def open_two(person: Any) -> None:
    """Picture one with the red shape and a question, picture two with two regions."""
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    person.ask("What is it?")
    person.wait_answer(1)
    person.page.click(".osp-strip [data-example='two.png']")
    person.wait_regions(0)
    wait_front(person, 1)
    person.click(160, 200)
    person.wait_regions(1)
    person.click(500, 220)
    person.wait_regions(2)


def test_each_picture_has_its_own_regions_and_chat(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    open_two(person)
    assert person.questions() == []
    assert not person.page.locator(".osp-strip [data-example='two.png']").is_visible()
    person.ask("And @2?")
    second = person.wait_answer(1)
    assert model.calls[-1].image.shape[:2] == (540, 720)
    turn_to(person, 0)
    person.wait_regions(1)
    assert len(person.questions()) == 1
    assert "What is it?" in person.questions()[0]
    person.ask("Again?")
    assert "area=8000" in person.wait_answer(2)
    assert model.calls[-1].image.shape[:2] == (270, 360)
    assert len(model.calls[-1].history) == 1
    assert (model.calls[-1].regions[0] == fakes.shape("red")).all()
    person.page.locator(".osp-canvas").focus()
    person.page.keyboard.press("PageDown")
    wait_front(person, 1)
    person.wait_regions(2)
    assert person.wait_answer(1) == second
    person.page.keyboard.press("PageDown")  # around the end
    wait_front(person, 0)


def test_all_pictures_come_back_after_a_reload(visit: Any, address: str) -> None:
    person = visit(address)
    open_two(person)
    turn_to(person, 0)
    person.page.wait_for_function("sessionStorage.getItem('osprey-workspace')")
    person.load_again()
    person.wait_regions(1)
    person.wait_answer(1)
    assert turns(person) == [True, False]
    turn_to(person, 1)
    person.wait_regions(2)
    assert person.questions() == []


def test_a_picture_closes_at_the_second_click_and_the_last_leaves_the_first_screen(visit: Any, address: str) -> None:
    person = visit(address)
    open_two(person)
    person.page.click(".osp-front .osp-shut")
    person.wait_toast("Click again to close")
    assert turns(person) == [False, True]
    person.page.click(".osp-front .osp-shut")
    wait_front(person, 0)
    person.wait_regions(1)
    assert turns(person) == [True]
    assert person.page.locator(".osp-strip [data-example='two.png']").is_visible()
    person.page.click(".osp-front .osp-shut")
    person.page.click(".osp-front .osp-shut")
    person.page.wait_for_function("!document.querySelector('.osp-has-picture')", timeout=30_000)
    assert person.page.locator(".osp-drop").is_visible()
    assert person.questions() == []
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)


def test_an_answer_under_way_is_kept_as_far_as_it_came(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    open_two(person)
    model.pause = 0.1
    person.ask("A long answer")
    person.page.wait_for_function(
        "document.querySelector('#chatbot .bot.message')?.innerText.includes('word word')", timeout=30_000
    )
    turn_to(person, 0)
    person.wait_answer(1)
    model.pause = 0.0
    person.ask("Again?")
    assert "area=8000" in person.wait_answer(2)
    turn_to(person, 1)
    assert "word word" in person.wait_answer(1)


def test_a_phone_can_turn_and_close_too(visit: Any, address: str) -> None:
    person = visit(address, 390, 844, has_touch=True)
    open_two(person)
    person.page.locator(".osp-leaf").nth(0).tap()
    wait_front(person, 0)
    person.wait_regions(1)
    box = person.page.locator(".osp-front .osp-shut").bounding_box()
    assert min(box["width"], box["height"]) >= 22
    width = person.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
