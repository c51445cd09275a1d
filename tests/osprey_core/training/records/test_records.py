"""Records on disk: what is written is read back, and what is broken is refused with a reason."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osprey_core.errors import InputError
from osprey_core.language.prompts import Turn
from osprey_core.training.dialogues import sample
from osprey_core.training.records.record_files import BRIEF, load_records, read_entries
from osprey_core.training.records.records import from_json, record_from_sample, save_records, to_json

PUBLISHED: dict[str, Any] = {
    "id": 7,
    "file_name": "000000391895.jpg",
    "height": 20,
    "width": 30,
    "annotation": [
        {"segmentation": [[2, 2, 12, 2, 12, 12, 2, 12]], "bbox": [2, 2, 10, 10], "area": 100},
        {"segmentation": {"size": [20, 30], "counts": [200, 100, 300]}, "bbox": [10, 0, 5, 20]},
    ],
    "conversations": [
        {"from": "human", "value": "<image>\nWhat is <region1>?"},
        {"from": "gpt", "value": "A motorcycle."},
        {"from": "human", "value": "How do <region1> and <region2> relate?"},
        {"from": "gpt", "value": "<region2> is beside <region1>."},
    ],
}


def test_made_samples_come_back_unchanged(tmp_path: Path) -> None:
    records = []
    for seed in range(12):
        made = sample(seed)
        records.append(record_from_sample(str(seed), f"{seed}.png", made.masks, made.dialogue, made.region_names))
    save_records(records, tmp_path / "set" / "records.json")
    for before, after in zip(records, load_records(tmp_path / "set" / "records.json"), strict=True):
        assert before.turns == after.turns
        assert before.kinds == after.kinds
        assert before.region_names == after.region_names
        assert (before.id, before.file_name, before.size_hw) == (after.id, after.file_name, after.size_hw)
        assert len(before.masks) == len(after.masks)
        assert all((a == b).all() for a, b in zip(before.masks, after.masks, strict=True))


def test_the_published_shape_is_read() -> None:
    record = from_json(PUBLISHED)
    assert record.size_hw == (20, 30)
    assert [turn.question for turn in record.turns] == ["What is <region1>?", "How do <region1> and <region2> relate?"]
    assert record.turns[0].answer == "A motorcycle."
    assert record.turns[0].known_regions is None
    square = np.zeros((20, 30), bool)
    square[2:12, 2:12] = True
    assert (record.masks[0] == square).all()
    columns = np.zeros((20, 30), bool)
    columns[:, 10:15] = True
    assert (record.masks[1] == columns).all()
    assert from_json(to_json(record)).turns == record.turns


def set_in(item: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(item)
    place: Any = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("file_name",), "", "file_name"),
        (("height",), 0, "height"),
        (("width",), "30", "width"),
        (("annotation",), None, "annotation"),
        (("annotation", 0), {}, "region 1 has no segmentation"),
        (("annotation", 0, "segmentation"), [], "region 1"),
        (("annotation", 0, "segmentation"), [[1, 2, 3, 4]], "three x, y pairs"),
        (("annotation", 0, "segmentation"), [["a"] * 6], "region 1"),
        (("annotation", 0, "segmentation"), [[0, 0, float("nan"), 1, 1, 1]], "not a number"),
        (("annotation", 0, "segmentation"), [[100, 100, 110, 100, 110, 110]], "empty"),
        (("annotation", 1, "segmentation", "size"), [30, 20], "run lengths are for the size"),
        (("annotation", 1, "segmentation", "counts"), [200, 100], "do not add up"),
        (("annotation", 1, "segmentation", "counts"), "zzzz", "do not add up"),
        (("annotation", 1, "segmentation", "counts"), "0" * 9, "do not add up"),
        (("conversations",), [], "conversations"),
        (("conversations", 0, "from"), "gpt", "must be from 'human'"),
        (("conversations", 1, "value"), None, "entry 2"),
        (("conversations", 2, "value"), "<region3>?", "there are 2 regions"),
        (("conversations", 2, "known_regions"), 5, "known_regions"),
    ],
)
def test_a_broken_record_is_refused_with_a_reason(path: tuple[Any, ...], value: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_json(set_in(PUBLISHED, path, value))


def test_a_bad_record_names_its_place_or_is_skipped(tmp_path: Path) -> None:
    file = tmp_path / "some.json"
    file.write_text(json.dumps([PUBLISHED, {**PUBLISHED, "height": -1}, PUBLISHED]))
    with pytest.raises(InputError, match="record 1: height"):
        list(load_records(file))
    assert len(list(load_records(file, on_bad="skip"))) == 2


@pytest.mark.parametrize(("text", "message"), [("{", "as JSON"), ("{}", "JSON list")])
def test_a_file_that_holds_no_records_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(InputError, match=message):
        list(load_records(tmp_path / "bad.json"))
    with pytest.raises(InputError, match="no file"):
        list(load_records(tmp_path / "none.json"))


def test_a_record_needs_a_mask() -> None:
    with pytest.raises(InputError, match="at least one mask"):
        record_from_sample("1", "a.png", [], [])


def test_descriptions_become_a_turn_for_each_region() -> None:
    item = {k: v for k, v in PUBLISHED.items() if k != "conversations"}
    record = from_json({**item, "description": ["<region1>: A red motorcycle.", "<region2>:  A wall: brick."]})
    assert [turn.answer for turn in record.turns] == ["A red motorcycle.", "A wall: brick."]
    assert all(f"<region{place}>" in turn.question for place, turn in enumerate(record.turns, start=1))
    again = from_json({**item, "description": ["<region1>: A red motorcycle.", "<region2>:  A wall: brick."]})
    assert again.turns == record.turns
    with pytest.raises(InputError, match="each of the 2 regions, not 1"):
        from_json({**item, "description": ["<region1>: A red motorcycle."]})
    with pytest.raises(InputError, match="region 2 is empty"):
        from_json({**item, "description": ["A red motorcycle.", "<region2>: "]})


def test_a_record_without_regions_needs_no_size() -> None:
    talk = [{"from": "human", "value": "What is this?\n<image>"}, {"from": "gpt", "value": "A dog."}]
    record = from_json({"id": "1", "image": "a/b.jpg", "conversations": talk})
    assert (record.file_name, record.size_hw, record.masks) == ("a/b.jpg", (0, 0), ())
    assert record.turns == (Turn("What is this?", "A dog."),)
    assert from_json(to_json(record)) == record


def entry_of(name: str, item: dict[str, Any], tmp_path: Path) -> Any:
    (tmp_path / name).write_text(json.dumps([item]))
    return read_entries(tmp_path / name)[0].record()


def test_regions_that_answers_call_by_name_are_introduced_by_name(tmp_path: Path) -> None:
    record = entry_of("some.json", PUBLISHED, tmp_path)
    assert [turn.question for turn in record.turns] == ["What is region1?", "How do region1 and region2 relate?"]
    assert record.turns[1].answer == "region2 is beside region1."


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("osprey_conversation.json", "What is region1?"),
        ("osprey_part_level.json", f"What is region1?{BRIEF}"),
        ("osprey_short_form.json", f"What is region1?{BRIEF}"),
        ("osprey_lvis_positive_negative.json", "What is <region1>?"),
        ("mine.json", "What is <region1>?"),
    ],
)
def test_published_files_are_worded_as_they_were_trained_on(tmp_path: Path, name: str, question: str) -> None:
    record = entry_of(name, {**PUBLISHED, "conversations": PUBLISHED["conversations"][:2]}, tmp_path)
    assert record.turns == (Turn(question, "A motorcycle."),)
