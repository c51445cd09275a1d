"""A connection that drops takes nothing away: what was there stays, and the page goes on once it is back."""

from __future__ import annotations

from typing import Any

import pytest

from tests import fakes

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_regions_and_chat_survive_a_dropped_connection(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    person.ask("What is it?")
    answer = person.wait_answer(1)

    # Once the connection is back Gradio loads the page again, and the page finds everything by its key.
    person.page.wait_for_function("sessionStorage.getItem('osprey-workspace')", timeout=30_000)
    person.page.evaluate("window.isTheSame = true")
    person.page.context.set_offline(True)
    person.click(250, 110)
    person.page.wait_for_timeout(2500)
    assert person.page.locator(".osp-card").count() == 1
    person.page.locator(".osp-connection").click(trial=True)  # the line that says so is seen, over everything
    person.page.context.set_offline(False)
    person.page.wait_for_function("!window.isTheSame", timeout=60_000)

    person.wait_regions(1)
    assert person.wait_answer(1) == answer
    person.page.wait_for_function("document.querySelector('.osp-has-picture .osp-canvas')?.dataset.fit")
    person.click(250, 110)
    person.wait_regions(2)
    person.ask("And @2?")
    assert "rgb=40,60,200" in person.wait_answer(2)
    assert len(model.calls[-1].history) == 1
    person.forgive_a_lost_server()
