"""Everything in the picture, described in one go and looked at in the table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests import fakes

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def area(name: str) -> int:
    return int((np.array(fakes.picture()) == fakes.SHAPES[name][2]).all(axis=2).sum())


def texts(person: Any) -> list[str]:
    return list(person.page.locator("#everything tbody td:nth-child(2)").all_inner_texts())


def test_everything_is_described_sorted_filtered_and_taken(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    person.open_example()
    table = person.page.locator("#everything .osp-all")
    assert not table.is_visible()
    person.tool("everything")
    table.wait_for()
    assert texts(person) == ["…"] * 3
    person.page.click("#everything .osp-describe")
    person.page.wait_for_function("!document.querySelector('#everything tbody').innerText.includes('…')")
    larger, smaller = sorted((area("red"), area("blue")), reverse=True)
    assert [f"area={larger}" in texts(person)[1], f"area={smaller}" in texts(person)[2]] == [True, True]

    person.page.click("#everything th[data-by=area] button")
    assert f"area={larger}" in texts(person)[1]
    person.page.click("#everything th[data-by=area] button")
    assert f"area={smaller}" in texts(person)[0]
    person.page.fill("#everything input[type=search]", f"area={larger}")
    assert len(texts(person)) == 1
    person.page.locator("#everything tbody td button").click()
    person.wait_regions(1)
    person.ask("What is it?")
    person.wait_answer(1)
    assert model.calls[-1].regions[0].sum() == larger


def test_describing_can_be_stopped(visit: Any, address: str, model: fakes.FakeModel) -> None:
    model.pause = 4.0
    person = visit(address)
    person.open_example()
    person.tool("everything")
    person.page.locator("#everything .osp-describe").click()
    person.page.get_by_text("1 of 3").wait_for()
    person.page.locator("#everything").get_by_role("button", name="Stop").click()
    person.page.get_by_text("stopped at").wait_for()
    model.pause = 0.0
    person.page.locator("#everything").get_by_role("button", name="Describe again").click()
    person.page.wait_for_function("!document.querySelector('#everything tbody').innerText.includes('…')")
