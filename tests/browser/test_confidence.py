"""How sure a name is, beside short answers and in the table, on the real page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from osprey_core.region_model import Guess
from tests import fakes

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SURE = (Guess("dog", 0.8, 0.83), Guess("cat", 0.1, 0.09), Guess("fox", 0.05, 0.02))
UNSURE = (Guess("dog", 0.3, 0.38), Guess("cat", 0.3, 0.31), Guess("fox", 0.1, 0.09))


@pytest.fixture
def model() -> fakes.FakeModel:
    return fakes.FakeModel(reply="a brown dog", names=SURE)


def lines(person: Any) -> list[str]:
    return list(person.page.locator("#chatbot .osp-confidence:visible").all_inner_texts())


def test_an_answer_shows_its_confidence_and_keeps_it_in_a_file(
    visit: Any, address: str, model: fakes.FakeModel, tmp_path: Path
) -> None:
    person = visit(address)
    person.open_example()
    person.click(80, 100)
    person.wait_regions(1)
    person.ask("What is it?")
    assert person.wait_answer(1) == "a brown dog"
    person.page.get_by_text("dog: 83 % sure").wait_for()
    model.names = UNSURE
    person.ask("And this?")
    person.wait_answer(2)
    person.page.get_by_text("Not sure: dog? (38 %) Or: cat (31 %), fox (9 %)").wait_for()
    model.reply = "It is brown."
    person.ask("What color is it?")
    person.wait_answer(3)
    told = lines(person)
    assert told == ["dog: 83 % sure", "Not sure: dog? (38 %) Or: cat (31 %), fox (9 %)"]

    with person.page.expect_download() as download:
        person.page.click(".osp-toolbar .osp-save")
    kept = tmp_path / "kept.zip"
    download.value.save_as(kept)
    other = visit(address, locale="ko-KR")
    other.page.set_input_files(".osp-toolbar input[type=file] >> nth=0", str(kept))
    other.wait_answer(3)
    assert lines(other) == ["dog: 83% 확신", "확실하지 않음: dog? (38%) 또는: cat (31%), fox (9%)"]


def test_the_table_shows_confidences(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    person.open_example()
    person.tool("everything")
    person.page.locator("#everything .osp-all").wait_for()
    for names, text, is_unsure in (
        (SURE, "83 %", False),
        (UNSURE, "Not sure: dog? (38 %) Or: cat (31 %), fox (9 %)", True),
    ):
        model.names = names
        person.page.click("#everything .osp-describe")
        shown = person.page.locator("#everything tbody .osp-confidence:visible").filter(has_text=text)
        shown.nth(2).wait_for()
        assert shown.count() == 3
        assert ("osp-unsure" in (shown.first.get_attribute("class") or "")) == is_unsure
