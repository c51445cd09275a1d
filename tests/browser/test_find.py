"""The search field: a phrase lights what fits on the picture, and one click takes it."""

from __future__ import annotations

from typing import Any

import pytest

from tests import fakes

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_phrase_is_found_lit_and_taken(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    field = person.page.locator("#find input[type=search]")
    assert not field.is_visible()
    person.open_example()
    field.wait_for()
    field.fill("elephant")
    field.press("Enter")
    person.page.get_by_text("Nothing found.").wait_for()
    assert not person.page.locator("#find .osp-find-take").is_visible()

    field.fill("red")
    person.page.locator("#find .osp-find-start").click()
    person.page.get_by_text("1 found.").wait_for()
    lit = person.page.evaluate(
        "() => { const c = document.querySelector('#canvas canvas'), f = JSON.parse(c.dataset.fit),"
        " r = devicePixelRatio; return [...c.getContext('2d').getImageData("
        "(f.x + 80 * f.scale) * r, (f.y + 100 * f.scale) * r, 1, 1).data] }"
    )
    assert lit[1] > fakes.SHAPES["red"][2][1] + 30, "yellow lies over the red shape"

    slider = person.page.locator("#find input[type=range]")
    slider.fill("99")
    person.page.get_by_text("Nothing found. Less sure: 1.").wait_for()
    slider.fill("50")
    person.page.get_by_role("button", name="Take all 1").click()
    person.wait_regions(1)
    person.ask("What is it?")
    person.wait_answer(1)
    assert (model.calls[-1].regions[0] == fakes.shape("red")).all()
