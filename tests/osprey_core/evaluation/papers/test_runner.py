"""The runner: answers are the same in batches, one by one and after an interruption, and are never asked twice."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osprey_core.errors import InputError
from osprey_core.evaluation.papers.answer_log import AnswerLog
from osprey_core.evaluation.papers.items import DOTTED_OVERVIEW, Item, decoded, find_picture, read_json
from osprey_core.evaluation.papers.runner import RunSettings, answer_items, with_intro
from tests.osprey_core.evaluation.papers.benchmark_files import box_mask, coded, picture
from tests.tiny import tiny_osprey

SETTINGS = RunSettings("lvis", "tiny", "", 0.8, 6)


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    made = []
    for number in range(2):
        path = picture(tmp_path / f"{number}.png", number)
        for place, box in enumerate([(2, 2, 20, 30), (10, 30, 39, 58), (0, 0, 40, 60)]):
            masks = partial(decoded, coded(box_mask(*box)), (40, 60))
            made.append(Item(f"{number} {place}", path, "What is <region1>?", masks))
        made.append(Item(f"{number} whole", path, "Is there a dog?"))
    return made


def test_answers_do_not_depend_on_batches_or_interruptions(items: list[Item], tmp_path: Path) -> None:
    model = tiny_osprey()
    whole = answer_items(model, items, tmp_path / "a.jsonl", SETTINGS, batch_size=4)
    single = answer_items(model, items, tmp_path / "b.jsonl", SETTINGS, batch_size=1)
    assert whole == single
    assert list(whole) == [item.key for item in items]
    answer_items(model, items[:3], tmp_path / "c.jsonl", SETTINGS, batch_size=4)
    with (tmp_path / "c.jsonl").open("a") as file:
        file.write('{"key": "0 who')  # killed while it wrote
    assert answer_items(model, items, tmp_path / "c.jsonl", SETTINGS, batch_size=4) == whole


def test_what_is_answered_is_not_asked_again(items: list[Item], tmp_path: Path) -> None:
    class Silent:
        def open(self, image: Any) -> Any:
            raise AssertionError("asked again")

    first = answer_items(tiny_osprey(), items[:2], tmp_path / "a.jsonl", SETTINGS)
    assert answer_items(Silent(), items[:2], tmp_path / "a.jsonl", SETTINGS) == first


def test_other_settings_are_refused(tmp_path: Path) -> None:
    AnswerLog(tmp_path / "a.jsonl", {"model": "one"}).add("k", "v")
    assert AnswerLog(tmp_path / "a.jsonl", {"model": "one"}).entries == {"k": "v"}
    with pytest.raises(InputError, match="other settings"):
        AnswerLog(tmp_path / "a.jsonl", {"model": "two"})


@pytest.mark.parametrize("content", ['[{"id": 1}]', "words\n", '{"key": "k", "value": 1}\n', "1\n" * 3])
def test_a_file_of_something_else_is_left_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "records.json"
    path.write_text(content)
    with pytest.raises(InputError, match="does not hold answers"):
        AnswerLog(path, {"model": "one"})
    assert path.read_text() == content


def test_an_answer_after_one_that_was_cut_off_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"
    log = AnswerLog(path, {})

    def fill(self: Path, *arguments: Any, **named: Any) -> Any:
        with open(self, "a") as file:
            file.write('{"key": "a", "va')
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(Path, "open", fill)
        with pytest.raises(InputError, match="No space left"):
            log.add("a", "lost")
    log.add("b", "kept")
    assert AnswerLog(path, {}).entries == {"b": "kept"}


def test_the_released_sentence_stands_before_the_question() -> None:
    model = tiny_osprey()
    changed = with_intro(model, DOTTED_OVERVIEW)
    before = list(changed.prompts.conversation("What is this?", 0).ids)
    text = "Hi. USER: <image>.\nThis provides an overview of the picture.\nWhat is this? ASSISTANT:"
    assert before == changed.prompts.encode(text)
    assert model.prompts.config.prompt.image_intro == "<image>\n"
    assert with_intro(object, DOTTED_OVERVIEW) is object


def test_pictures_are_found_without_cocos_prefix(tmp_path: Path) -> None:
    path = picture(tmp_path / "000000000009.jpg")
    assert find_picture(tmp_path, "COCO_val2014_000000000009.jpg") == path
    assert find_picture(tmp_path, "val2017/000000000009.jpg") == path
    with pytest.raises(InputError, match="no picture"):
        find_picture(tmp_path, "other.jpg")


def test_polygons_and_run_lengths_are_decoded() -> None:
    mask = box_mask(5, 10, 15, 30)
    column_runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[2], mask.T.ravel(), [2]]).astype(int))))
    plain = {"size": [40, 60], "counts": [int(v) for v in column_runs]}
    polygon = [[10.0, 5.0, 30.0, 5.0, 30.0, 15.0, 10.0, 15.0]]
    for segmentation in (coded(mask), plain, polygon, polygon[0]):
        assert np.array_equal(decoded(segmentation, (40, 60))[0], mask)
    for wrong in ({"size": [40, 60]}, [[1.0]], "text"):
        with pytest.raises(InputError):
            decoded(wrong, (40, 60))
    assert not decoded([[1.0, 1.0, 1.1, 1.0, 1.1, 1.1]], (40, 60))[0].any()


def test_a_region_too_thin_for_any_pixel_has_no_answer(items: list[Item], tmp_path: Path) -> None:
    thin = replace(items[1], key="thin", masks=partial(decoded, [[1.0, 1.0, 1.1, 1.0, 1.1, 1.1]], (40, 60)))
    answers = answer_items(tiny_osprey(), [items[0], thin, items[1]], tmp_path / "a.jsonl", SETTINGS)
    assert answers["thin"] == ""
    assert answers["0 1"]


def test_files_of_lines_are_read_like_lists(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"a": 1}) + "\n\n" + json.dumps({"a": 2}) + "\n")
    assert read_json(tmp_path / "a.jsonl") == [{"a": 1}, {"a": 2}]
