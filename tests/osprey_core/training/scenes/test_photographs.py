"""Photographs become scenes: what is annotated is there, moved as the picture is, and nothing held back is read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_masks

from osprey_core.errors import InputError
from osprey_core.language.tokens import TextTokenizer
from osprey_core.runtime import hub
from osprey_core.training.dialogues.photo_talks import photo_sample
from osprey_core.training.scenes.photographs import (
    PhotoOptions,
    absent_things,
    countable,
    held_back,
    only_pictures,
    photo_names,
    photo_scene,
    read_photographs,
)
from osprey_core.view import MAX_NAME_TOKENS

HEIGHT, WIDTH = 120, 160


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """One picture with a red thing (a mask), a blue one (a box) and sky."""
    image = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    image[40:100, 10:60] = (220, 20, 20)
    image[50:110, 90:150] = (20, 20, 220)
    Image.fromarray(image).save(tmp_path / "a.png")
    red, sky = np.zeros((HEIGHT, WIDTH), np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8)
    red[40:100, 10:60] = 1
    sky[:30] = 1

    def rle(mask: np.ndarray) -> dict:
        coded = coco_masks.encode(np.asfortranarray(mask))
        return {"size": coded["size"], "counts": coded["counts"].decode()}

    content = {
        "images": [{"id": 7, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}],
        "categories": [
            {"id": 1, "name": "tvmonitor"},
            {"id": 2, "name": "dog", "isthing": 1},
            {"id": 3, "name": "sky-other-merged", "isthing": 0},
            {"id": 4, "name": "cat", "isthing": 1},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 2, "segmentation": rle(red), "bbox": [10, 40, 50, 60]},
            {"id": 2, "image_id": 7, "category_id": 1, "bbox": [90, 50, 60, 60]},
            {"id": 3, "image_id": 7, "category_id": 3, "segmentation": rle(sky), "bbox": [0, 0, WIDTH, 30]},
        ],
    }
    path = tmp_path / "set.json"
    path.write_text(json.dumps(content))
    return path


def test_what_is_annotated_is_in_the_scene(file: Path) -> None:
    (photograph,) = read_photographs(file, file.parent)
    scene = photo_scene(photograph, np.random.default_rng(0))
    assert [item.name for item in scene.objects] == ["dog", "tv"]
    assert [region.name for region in scene.regions] == ["sky"]
    assert scene.objects[0].full_box_xyxy == (10, 40, 60, 100)
    assert next(iter(scene.objects[0].color_shares)) == "red"
    assert scene.objects[1].color_shares == {}  # a box is not only the thing
    assert [item.name for item in absent_things(photograph, scene)] == ["cat"]
    assert countable(photograph, scene)


def test_a_mirrored_picture_has_mirrored_regions(file: Path) -> None:
    (photograph,) = read_photographs(file, file.parent)
    options = PhotoOptions(mirrored=1, cropped=0, recoloured=0, pasted=0)
    dog = photo_scene(photograph, np.random.default_rng(0), options).objects[0]
    assert dog.full_box_xyxy == (WIDTH - 60, 40, WIDTH - 10, 100)
    assert next(iter(dog.color_shares)) == "red"


def test_a_pasted_thing_hides_what_is_below_it(file: Path) -> None:
    (photograph,) = read_photographs(file, file.parent)
    options = PhotoOptions(mirrored=0, cropped=0, recoloured=0, pasted=1)
    for seed in range(12):
        scene = photo_scene(photograph, np.random.default_rng(seed), options, [photograph])
        masks = [item.mask for item in scene.objects if item.style != "photo box"] + [r.mask for r in scene.regions]
        assert int(np.sum(masks, axis=0).max()) == 1


@pytest.mark.parametrize("seed", range(4))
def test_conversations_say_what_is_annotated(file: Path, seed: int) -> None:
    (photograph,) = read_photographs(file, file.parent)
    scene = photo_scene(photograph, np.random.default_rng(0))
    made = photo_sample(scene, absent_things(photograph, scene), (seed,), 10, True)
    assert made is not None
    for turn in made.dialogue:
        if turn.kind == "category":
            assert turn.answer == made.region_names[turn.regions[0]]
        if turn.kind == "presence" and turn.answer.startswith("No"):
            assert "cat" in turn.question.lower()


def test_the_split_holds_back_whole_pictures(file: Path) -> None:
    photographs = read_photographs(file, file.parent)
    assert only_pictures(photographs, {7}, True) == photographs
    assert only_pictures(photographs, {7}, False) == []
    assert (len(held_back("coco100")), len(held_back("voc497"))) == (25, 100)
    assert held_back("another set") == frozenset()


def test_every_word_of_the_table_is_plain() -> None:
    names = photo_names()
    assert len(names.things) == 80
    assert len(names.stuff) == 53
    assert set(names.aliases.values()) <= set(names.things)
    assert names.name("wall-other-merged") == "wall"
    assert names.thing("sofa").name == "couch"


def test_files_that_are_no_annotations_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(InputError, match="COCO"):
        read_photographs(tmp_path / "x.json", tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        read_photographs(tmp_path / "y.json", tmp_path)


def test_the_embedded_model_can_spell_every_name() -> None:
    tokenizer = TextTokenizer.from_folder(hub.EMBEDDED_FOLDER)
    names = photo_names()
    for name in (*names.things, *names.stuff.values()):
        ids = tokenizer.encode_continuation(f" {name}")
        assert b"".join(tokenizer.piece_bytes(token) for token in ids).decode() == f" {name}"
        assert len(ids) <= MAX_NAME_TOKENS
