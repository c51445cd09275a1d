"""Find is measured as it says: right finds once each, crowds and tiny things left out, absent names not there."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from osprey_core.analysis.find import Finds
from osprey_core.evaluation import find_command
from osprey_core.evaluation.finding import (
    PhraseOutcome,
    SearchedPicture,
    WantedThing,
    drawn,
    finds_report,
    matched,
    photographed,
    search,
    summarise_finds,
    without_nan,
)
from osprey_core.training.scenes.photographs import read_photographs
from osprey_core.training.scenes.scene import make_scene
from tests import fakes


def box(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    mask = np.zeros((60, 100), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def test_each_thing_is_found_once_and_crowds_do_not_count() -> None:
    thing, same, wrong, in_crowd = box(0, 0, 20, 20), box(0, 0, 20, 16), box(60, 0, 80, 20), box(0, 40, 10, 50)
    segments = [thing, same, wrong, in_crowd]
    crowd = WantedThing(box(0, 35, 50, 60))
    # Segments that share most of the smaller one are one thing for `Finds`, so they are told apart here.
    finds = Finds("dog", [0.9, 0.0, 0.8, 0.7], segments)
    assert matched(finds, 0.5, segments, [WantedThing(thing)], [crowd]) == (2, 1)
    assert matched(finds, 0.85, segments, [WantedThing(thing)], [crowd]) == (1, 1)
    assert matched(finds, 0.5, segments, [], []) == (3, 0)
    twice = Finds("dog", [0.9, 0.8], [thing, wrong])
    assert matched(twice, 0.5, [thing, wrong], [WantedThing(thing), WantedThing(wrong)], []) == (2, 2)
    assert matched(twice, 0.5, [thing, wrong], [WantedThing(box(0, 0, 20, 39))], []) == (2, 1), "IoU 0.51"
    assert matched(twice, 0.5, [thing, wrong], [WantedThing(box(0, 0, 20, 41))], []) == (2, 0), "IoU 0.49"


def test_a_box_is_compared_with_boxes() -> None:
    cross = box(0, 8, 20, 10) | box(9, 0, 11, 20)
    assert WantedThing(box(0, 0, 20, 20), is_box=True).iou(cross) == 1
    assert WantedThing(box(0, 0, 20, 20)).iou(cross) == pytest.approx(cross.sum() / 400)


def test_pictures_are_searched_as_the_page_does() -> None:
    image = np.array(fakes.picture())
    there = {name: [WantedThing(fakes.shape(name))] for name in ("red", "blue", "green")}
    outcomes = list(
        search(fakes.FakeModel(), fakes.FakeSegmenter(), [SearchedPicture(7, image, there, {}, ("elephant",))])
    )
    chosen = {one.phrase: one for one in outcomes if one.threshold == 0.5}
    for name in ("red", "blue"):
        assert (chosen[name].things, chosen[name].outlined, chosen[name].finds, chosen[name].right) == (1, 1, 1, 1)
    assert (chosen["green"].outlined, chosen["green"].right) == (0, 0), "the fake segmenter does not outline it"
    assert (chosen["elephant"].is_there, chosen["elephant"].finds) == (False, 0)
    assert next(one.finds for one in outcomes if (one.phrase, one.threshold) == ("red", 0.95)) == 0
    figures = summarise_finds(outcomes)["figures"]
    assert figures["recall"]["value"] == pytest.approx(2 / 3)
    assert figures["recall of things with a fitting segment"]["value"] == 1
    assert figures["nothing found for absent phrases"]["value"] == 1


def outcome(picture: int, is_there: bool, things: int, finds: int, right: int) -> PhraseOutcome:
    return PhraseOutcome(picture, "dog", is_there, 0.5, things, things, finds, right)


def test_figures_are_shares_over_all_phrases() -> None:
    outcomes = [outcome(1, True, 2, 2, 1), outcome(1, False, 0, 1, 0), outcome(2, True, 1, 1, 1)]
    outcomes.append(outcome(2, False, 0, 0, 0))
    results = summarise_finds(outcomes)
    values = {name: score["value"] for name, score in results["figures"].items()}
    assert values == pytest.approx(
        {
            "precision, phrases for what is there": 2 / 3,
            "precision, absent phrases among them": 2 / 4,
            "recall": 2 / 3,
            "recall of things with a fitting segment": 2 / 3,
            "nothing found for absent phrases": 1 / 2,
        }
    )
    assert (results["pictures"], results["present phrases"], results["absent phrases"]) == (2, 2, 2)
    assert results["figures"]["recall"]["low"] == pytest.approx(0.5), "only the first picture drawn"
    assert results["figures"]["recall"]["high"] == pytest.approx(1.0), "only the second one"
    lines = finds_report({"photographs": results}).splitlines()
    assert "| photographs | recall | 66.7 % | 50.0 % – 100.0 % |" in lines
    nothing = summarise_finds([outcome(1, True, 1, 0, 0)])
    assert math.isnan(nothing["figures"]["precision, phrases for what is there"]["value"])
    assert "| x | precision, phrases for what is there | none |" in finds_report({"x": nothing})
    json.dumps(without_nan(nothing), allow_nan=False)


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """One photograph with a dog, a tiny dog and a crowd of cats; the file knows birds as well."""
    fakes.picture().save(tmp_path / "1.png")

    def entry(number: int, category: int, box_xywh: list[int], crowd: int = 0) -> dict[str, object]:
        x, y, w, h = box_xywh
        outline = [[x, y, x + w, y, x + w, y + h, x, y + h]]
        return {
            "id": number, "image_id": 1, "category_id": category, "bbox": box_xywh, "iscrowd": crowd,
            "segmentation": outline, "area": w * h,
        }  # fmt: skip

    content = {
        "images": [{"id": 1, "file_name": "1.png", "width": 360, "height": 270}],
        "categories": [{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}, {"id": 3, "name": "bird"}],
        "annotations": [entry(1, 1, [40, 50, 80, 100]), entry(2, 1, [0, 0, 10, 10]), entry(3, 2, [0, 200, 90, 60], 1)],
    }
    (tmp_path / "file.json").write_text(json.dumps(content))
    return tmp_path / "file.json"


def test_photographs_tell_what_is_there_and_what_is_not(coco: Path) -> None:
    (picture,) = photographed(read_photographs(coco, coco.parent))
    assert {name: len(things) for name, things in picture.there.items()} == {"dog": 1}
    assert {name: len(things) for name, things in picture.ignored.items()} == {"dog": 1, "cat": 1}
    assert picture.absent == ("bird",), "cats are there, though only as a crowd"
    assert picture.there["dog"][0].iou(fakes.shape("red")) > 0.95


def test_scenes_tell_what_is_there_and_what_is_not() -> None:
    scenes = [make_scene(seed) for seed in range(3)]
    pictures = list(drawn(scenes))
    assert pictures
    for picture in pictures:
        scene = next(one for one in scenes if one.seed == picture.number)
        names = {item.name for item in scene.objects}
        assert set(picture.there) | set(picture.ignored) == names
        assert names.isdisjoint(picture.absent)
        assert len(picture.absent) == len(picture.there)


def test_the_command_prints_a_card_and_writes_json(
    coco: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(find_command, "load_region_model", lambda *_: fakes.FakeModel())
    monkeypatch.setattr(find_command, "load_segmenter", lambda *_: fakes.FakeSegmenter())
    out = coco.parent / "new" / "out.json"
    with caplog.at_level("INFO"):
        code = find_command.main(
            ["fake", "--coco", str(coco), "--pictures", str(coco.parent), "--scenes", "2", "--out", str(out), "--json"]
        )
    assert code == 0
    assert "| photographs | recall |" in caplog.text
    assert "| drawn scenes | recall |" in caplog.text
    values = json.loads(out.read_text())
    assert json.loads(capsys.readouterr().out) == values
    assert values["photographs"]["present phrases"] == 1
    assert values["drawn scenes"]["pictures"] == 2
    assert find_command.main(["fake", "--coco", str(coco)]) == 2
