"""Annotations in their original layouts: put together by picture and region, without what cannot be told."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from osprey_core.datagen.annotation_files import read_paco, read_pictures, read_texts, read_things
from osprey_core.errors import InputError
from tests.osprey_core.datagen.annotation_layouts import INSTANCES, PACO, write_sources
from tests.osprey_core.evaluation.papers.benchmark_files import write


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    return write_sources(tmp_path)


def test_llavas_description_stands_before_cocos_captions(files: dict[str, Path]) -> None:
    texts = read_texts([files["llava"], files["captions"]])
    assert texts == {
        "391895": ("A brown dog sits beside a man in a blue shirt.",),
        "9": ("A bowl on a table.", "Some soup."),
    }


def test_things_are_listed_without_crowds(files: dict[str, Path]) -> None:
    things = read_things(files["things"])
    assert things["391895"] == [("dog", (6, 4, 30, 20)), ("person", (40, 8, 15, 28))]
    assert things["9"] == [("bowl", (12, 10, 30, 20))]


def test_phrases_of_several_files_meet_at_their_region(files: dict[str, Path]) -> None:
    dogs, soup = read_pictures([files["refcoco"], files["with_mask"]])
    assert [(region.name, region.phrases) for region in dogs.regions] == [
        ("dog", ("brown dog", "the dog on the left")),
        ("person", ("man in blue",)),
    ]
    assert [region.phrases for region in soup.regions] == [("soup bowl", "bowl")], "no phrase of the test set"
    assert dogs.box_shares(dogs.regions[0].bbox) == "[0.100, 0.100, 0.600, 0.600]"
    assert soup.file_name == "000000000009.png"


def test_the_order_of_files_decides_no_names(files: dict[str, Path], tmp_path: Path) -> None:
    dogs, _ = read_pictures([files["with_mask"], files["refcoco"]])
    assert (dogs.regions[0].name, dogs.regions[0].phrases) == ("dog", ("the dog on the left", "brown dog"))


def test_broken_entries_are_passed_over(tmp_path: Path) -> None:
    entries = [
        {**INSTANCES["annotations"][0], "bbox": [6, 4, math.inf, 20]},
        {**INSTANCES["annotations"][0], "image_id": [9]},
        INSTANCES["annotations"][4],
    ]
    (soup,) = read_pictures([write(tmp_path / "odd.json", {**INSTANCES, "annotations": entries})])
    assert [region.name for region in soup.regions] == ["bowl"]
    listed = [{"id": 9, "conversations": None}, {"id": 9, "conversations": ["?", {"from": "gpt", "value": "A bowl."}]}]
    assert read_texts([write(tmp_path / "texts.json", listed)]) == {"9": ("A bowl.",)}


def test_files_without_phrases_give_regions_with_names(files: dict[str, Path]) -> None:
    dogs, _ = read_pictures([files["things"]])
    assert [(region.name, region.phrases) for region in dogs.regions] == [("dog", ()), ("person", ())]


def test_parts_have_their_attributes_by_type(files: dict[str, Path]) -> None:
    bowls, dogs = read_paco([files["paco"]])
    bowl, inside = bowls.regions
    assert (bowl.name, bowl.part) == ("bowl", "")
    assert bowl.attributes == {"colour": ("black", "white"), "pattern": ("striped",), "reflectance": ("opaque",)}
    assert (inside.name, inside.part, inside.full_name) == ("bowl", "inner body", "bowl inner body")
    assert inside.attributes == {"material": ("ceramic",)}, "other(color) tells nothing"
    assert [(region.part, region.attributes) for region in dogs.regions] == [("ear", {})]


def test_other_files_are_told(files: dict[str, Path], tmp_path: Path) -> None:
    listed, odd = write(tmp_path / "list.json", [1]), write(tmp_path / "odd.json", {"a": 1})
    with pytest.raises(InputError, match=r"instances.json must lie beside it"):
        read_pictures([files["bare"]])
    with pytest.raises(InputError, match="neither in COCO's shape nor"):
        read_pictures([listed])
    with pytest.raises(InputError, match="not in COCO's shape"):
        read_things(listed)
    with pytest.raises(InputError, match="neither COCO's captions nor"):
        read_texts([odd])
    with pytest.raises(InputError, match="no file of PACO"):
        read_paco([files["things"]])
    sizeless = {**INSTANCES, "images": [{"id": 9, "file_name": "a.png"}]}
    with pytest.raises(InputError, match="picture 9 has no file name, or no height"):
        read_pictures([write(tmp_path / "sizeless.json", sizeless)])
    unnamed = {**PACO, "attr_type_to_attr_idxs": []}
    with pytest.raises(InputError, match="types of attributes"):
        read_paco([write(tmp_path / "unnamed.json", unnamed)])
