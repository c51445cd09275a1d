"""Questions with yes and no: balanced, wrong where they say so, the same for the same seed, and read by training."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osprey_core.datagen import __main__ as command
from osprey_core.datagen.positive_negative import ALIKE, CLASS_AWARE, SPATIAL, alike_names, make_records
from osprey_core.training.records.record_source import RecordSource
from tests.osprey_core.evaluation.papers.benchmark_files import picture, write

NAMES = ["calf", "cow", "bull", "fence", "tree", "car:wheel", "bow_(weapon)", "cup", "mug", "hat", "cap"]


def place_encoder(texts: Sequence[str]) -> np.ndarray:
    """Names that are near in the list of NAMES are alike."""
    plain = ["calf", "cow", "bull", "fence", "tree", "car wheel", "bow", "cup", "mug", "hat", "cap"]
    angles = np.array([plain.index(text) * 0.1 for text in texts])
    return np.stack([np.cos(angles), np.sin(angles)], 1)


def annotated(*regions: tuple[int, str, tuple[float, float, float, float]]) -> dict[str, Any]:
    """A file in LVIS' shape of (picture, category, box)."""
    annotations = []
    for number, (image, name, (x, y, w, h)) in enumerate(regions, 1):
        outline = [[x, y, x + w, y, x + w, y + h, x, y + h]]
        place = NAMES.index(name) + 1
        annotations.append(
            {"id": number, "image_id": image, "category_id": place, "bbox": [x, y, w, h], "segmentation": outline}
        )
    images = [
        {"id": n, "coco_url": f"http://x/val2017/{n}.png", "height": 40, "width": 60} for n in {r[0] for r in regions}
    ]
    categories = [{"id": number, "name": name} for number, name in enumerate(NAMES, 1)]
    return {"images": images, "annotations": annotations, "categories": categories}


FARM = annotated(
    (1, "calf", (2, 2, 12, 12)),
    (1, "cow", (45, 2, 12, 12)),
    (1, "fence", (4, 16, 12, 12)),
    (1, "cow", (30, 26, 12, 12)),
    (1, "tree", (50, 30, 2, 2)),
    (2, "cup", (5, 5, 20, 20)),
)
ALIKE_NAMES = alike_names([name.replace(":", " ").replace("_(weapon)", "") for name in NAMES], place_encoder)


def asked(record: dict[str, Any]) -> list[tuple[int, str, str]]:
    """(region from 0, name, answer) of every question."""
    found = []
    for question, answer in zip(record["conversations"][::2], record["conversations"][1::2], strict=True):
        match = re.fullmatch(r"Is the category of <region(\d+)> (.+)\?", question["value"])
        assert match is not None
        assert (question["from"], answer["from"]) == ("human", "gpt")
        found.append((int(match[1]) - 1, match[2], answer["value"]))
    return found


def test_the_names_most_alike_come_first_and_never_the_name_itself() -> None:
    assert ALIKE_NAMES["cow"][:2] in (["bull", "calf"], ["calf", "bull"])
    assert all(len(others) == ALIKE and name not in others for name, others in ALIKE_NAMES.items())


def test_every_region_is_asked_about_once_with_yes_and_once_with_no() -> None:
    (farm, kinds), (lone, lone_kinds) = make_records(FARM, ALIKE_NAMES, per_picture=10)
    boxes = {tuple(entry["bbox"]): place for place, entry in enumerate(farm["annotation"])}
    assert len(boxes) == 4, "the tree is too small to be told"
    truth = {
        boxes[2, 2, 12, 12]: "calf",
        boxes[45, 2, 12, 12]: "cow",
        boxes[4, 16, 12, 12]: "fence",
        boxes[30, 26, 12, 12]: "cow",
    }
    answers = asked(farm)
    assert sorted((place, answer) for place, _, answer in answers) == sorted(
        (place, answer) for place in range(4) for answer in ("Yes", "No")
    )
    for place, name, answer in answers:
        assert (name == truth[place]) == (answer == "Yes")
    assert kinds == {SPATIAL: 2, CLASS_AWARE: 2}
    # The first region is asked about spatially: of the calf the nearest other thing is the fence.
    first = [name for place, name, answer in answers if place == 0 and answer == "No"]
    assert first == ["fence"]
    # A class-aware name is none of the picture's own.
    second = [name for place, name, answer in answers if place == 1 and answer == "No"]
    assert second[0] in set(ALIKE_NAMES[truth[1]]) - {"calf", "cow", "fence", "tree"}
    # Alone in its picture, a thing has no neighbour: its wrong name is one that is alike.
    assert lone_kinds == {CLASS_AWARE: 1}
    assert [name for _, name, answer in asked(lone) if answer == "Yes"] == ["cup"]


def test_the_same_seed_gives_the_same_records() -> None:
    once, again = (list(make_records(FARM, ALIKE_NAMES, 2, seed=5)) for _ in range(2))
    assert once == again
    assert [len(record["annotation"]) for record, _ in once] == [2, 1]
    others = [list(make_records(FARM, ALIKE_NAMES, 2, seed=seed)) for seed in range(6, 12)]
    assert any(other != once for other in others)


def test_the_command_writes_records_that_training_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(command, "load_sentence_encoder", lambda name: place_encoder)
    lvis, out = write(tmp_path / "lvis.json", FARM), tmp_path / "records.json"
    words = ["positive-negative", "--lvis", str(lvis), "--out", str(out)]
    assert command.main(words) == 0
    statistics = json.loads((tmp_path / "records.json.statistics.json").read_text())
    assert (statistics["records"], statistics["regions"], statistics["yes"], statistics["no"]) == (2, 5, 5, 5)
    for number in (1, 2):
        picture(tmp_path / "val2017" / f"{number}.png", number)
    source = RecordSource.read([out], [tmp_path])
    for seed in range(2):
        (sample,) = source(seed)
        assert all(turn.answer in ("Yes", "No") for turn in sample.dialogue)
        assert len(sample.masks) in (1, 4)
    assert command.main([*words, "--limit", "1"]) == 0
    assert len(json.loads(out.read_text())) == 1
    assert command.main([*words, "--per-picture", "0"]) == 2
    assert "--per-picture must be at least 1" in caplog.text
    monkeypatch.setattr(command, "load_sentence_encoder", lambda name: None)
    assert command.main(words) == 2
    assert "needs a sentence encoder" in caplog.text
