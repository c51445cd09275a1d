"""Pictures, their varieties, and what is to be found in them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from osprey_core.errors import InputError
from osprey_core.regions.rle import encode_rle
from osprey_core.training.segmenter.tasks import (
    LabelledPicture,
    PictureVarieties,
    VarietyOptions,
    choose_targets,
    drawn_pictures,
    first_prompt,
    pasted,
    read_pictures,
)

RED, BLUE = (220, 30, 30), (30, 40, 220)


def two_discs() -> LabelledPicture:
    """A red disc (region 1) and a blue one (region 2) on grey (unknown)."""
    image = np.full((120, 200, 3), 128, np.uint8)
    labels = np.zeros((120, 200), np.int16)
    for number, (center, colour) in enumerate((((50, 60), RED), ((150, 60), BLUE)), start=1):
        disc = cv2.circle(np.zeros((120, 200), np.uint8), center, 35, (1,), -1) > 0
        image[disc], labels[disc] = colour, number
    return LabelledPicture(image, labels, ("thing", "thing"), (0, 1))


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    picture = two_discs()
    for number in (1, 2):
        Image.fromarray(picture.image).save(tmp_path / f"{number}.png")
    annotations = [
        {
            "id": 10 * number + place,
            "image_id": number,
            "category_id": 7 + place,
            "bbox": [0, 0, 200, 120],
            "segmentation": encode_rle(picture.labels == place + 1),
            "iscrowd": 0,
        }
        for number in (1, 2)
        for place in (0, 1)
    ]
    annotations.append({"id": 99, "image_id": 1, "category_id": 7, "bbox": [0, 0, 9, 9]})  # a box alone
    content = {
        "images": [{"id": n, "file_name": f"{n}.png", "width": 200, "height": 120} for n in (1, 2)],
        "annotations": annotations,
        "categories": [{"id": 7, "name": "red thing"}, {"id": 8, "name": "sea", "isthing": 0}],
    }
    (tmp_path / "some.json").write_text(json.dumps(content), "utf-8")
    return tmp_path


def test_outlined_regions_are_read_and_held_back_pictures_are_not(coco: Path) -> None:
    both = read_pictures(coco / "some.json", coco)
    assert len(both) == 2
    np.testing.assert_array_equal(both[0].labels, two_discs().labels)
    assert both[0].kinds == ("thing", "stuff")
    assert len(read_pictures(coco / "some.json", coco, left_out={1})) == 1
    with pytest.raises(InputError, match="no pictures with outlined"):
        PictureVarieties([(1.0, read_pictures(coco / "some.json", coco, left_out={1, 2}))], 64)


def colour_agrees(picture: LabelledPicture, number: int, channel: int) -> float:
    """The share of a region's pixels whose strongest channel is this one."""
    pixels = picture.image[picture.labels == number].astype(int)
    return float((pixels.argmax(1) == channel).mean()) if len(pixels) else 1.0


@pytest.mark.parametrize(
    "options",
    [
        VarietyOptions(composite=0, mosaic=0, crop=1, recolour=0),
        VarietyOptions(composite=0, mosaic=1, crop=0, recolour=0),
        VarietyOptions(composite=0, mosaic=0, crop=0, recolour=1),
        VarietyOptions(composite=0, mosaic=0, crop=0, recolour=0),
    ],
    ids=["cropped", "mosaic", "recoloured", "whole"],
)
def test_labels_stay_on_their_pixels(options: VarietyOptions) -> None:
    varieties = PictureVarieties([(1.0, [two_discs()])], 128, options)
    rng = np.random.default_rng(0)
    for _ in range(8):
        picture = varieties.make(rng)
        assert picture.image.shape == (128, 128, 3)
        assert picture.labels.shape == (128, 128)
        if picture.image.std(axis=2).max() < 3:
            continue  # recoloured to grey
        for number in np.unique(picture.labels[picture.labels > 0]):
            assert colour_agrees(picture, int(number), 0 if int(number) % 2 else 2) > 0.85


def test_a_pasted_thing_is_a_region_of_its_own_and_hides_what_is_below() -> None:
    picture = two_discs()
    other = LabelledPicture(
        np.full((80, 80, 3), (20, 200, 20), np.uint8), np.ones((80, 80), np.int16), ("thing",), (4,)
    )
    rng = np.random.default_rng(1)
    for _ in range(6):
        made = pasted(rng, picture, other)
        assert made.kinds == ("thing", "thing", "thing")
        assert colour_agrees(made, 3, 1) > 0.6
        unchanged = made.labels != 3
        np.testing.assert_array_equal(made.labels[unchanged], picture.labels[unchanged])
        far = cv2.erode(unchanged.astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
        np.testing.assert_array_equal(made.image[far], picture.image[far])


def test_drawn_scenes_bring_things_and_parts() -> None:
    pictures = drawn_pictures(range(12))
    assert all(picture.labels.max() == len(picture.kinds) for picture in pictures)
    with_parts = [p for p in pictures if p.parts is not None and p.parts.any()]
    assert with_parts
    kinds = {t.kind for p in with_parts for seed in range(9) for t in choose_targets(np.random.default_rng(seed), p, 4)}
    assert "part" in kinds


def test_targets_are_regions_parts_or_touching_namesakes() -> None:
    picture = two_discs()
    rng = np.random.default_rng(0)
    masks = [target.mask for _ in range(20) for target in choose_targets(rng, picture, 3)]
    assert {int(np.count_nonzero(mask)) for mask in masks} == {int((picture.labels == n).sum()) for n in (1, 2)}
    empty = LabelledPicture(picture.image, np.zeros((120, 200), np.int16), (), ())
    assert choose_targets(rng, empty, 3) == []


def test_first_prompts_point_at_the_target() -> None:
    target = two_discs().labels == 1
    rng = np.random.default_rng(0)
    prompts = [first_prompt(rng, target) for _ in range(60)]
    for prompt in prompts:
        assert prompt.point_xy or prompt.box_xyxy
        if prompt.point_xy:
            assert target[int(prompt.point_xy[1] * 120), int(prompt.point_xy[0] * 200)]
        if prompt.box_xyxy:
            x0, y0, x1, y1 = prompt.box_xyxy
            assert abs(x0 * 200 - 15) < 20
            assert abs(y1 * 120 - 96) < 20
            assert 0 <= x0 < x1 <= 1
            assert 0 <= y0 < y1 <= 1
    assert 20 < sum(prompt.box_xyxy is None for prompt in prompts) < 58
