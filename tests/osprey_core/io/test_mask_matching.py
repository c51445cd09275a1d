"""A mask file is laid on the picture that it speaks of, and on no other; what is odd in it does not spoil the rest."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osprey_core.errors import InputError
from osprey_core.io.mask_files import MaskSource, read_mask_file, read_masks
from osprey_core.regions.rle import encode_rle

CASES = Path(__file__).parents[2] / "data" / "cases" / "masks"
SIZE_HW = (40, 60)
BOX = np.zeros(SIZE_HW, bool)
BOX[5:25, 10:30] = True
"""The region of most cases: x from 10 to 30, y from 5 to 25."""


def coco(*file_names: str, **more: Any) -> bytes:
    """A dataset with one region on each picture, that of the first picture one pixel wide, the next two and so on."""
    images = [{"id": 5 + place, "file_name": name} for place, name in enumerate(file_names)]
    annotations = [
        {"image_id": image["id"], "segmentation": [[0, 0, width, 0, width, 1, 0, 1]]}
        for width, image in enumerate(images, 1)
    ]
    return json.dumps({"images": images, "annotations": annotations} | more).encode()


def width_of(data: bytes, name: str, others: tuple[str, ...] = ()) -> int:
    """The area of the only mask for this picture."""
    (mask,) = MaskSource.read(data, others).required(SIZE_HW, name).masks
    return mask.mask.area


@pytest.mark.parametrize(
    ("case", "name"),
    [
        ("coco_backslash.json", "a.png"),
        ("coco_lsprefix.json", "a.png"),
        ("coco_none_for_picture.json", "a.png"),
        ("coco_onepoint_part.json", "a.png"),
        ("coco_seg_empty_bbox.json", "a.png"),
        ("lm_rect4_xany.json", "a.png"),
        ("lm_rotation_xany.json", "a.png"),
        ("results_filename_list.json", "a.png"),
        ("sa1b.json", "sa_1.jpg"),
    ],
)
def test_the_cases_give_their_box_to_the_picture_that_they_name(case: str, name: str) -> None:
    (mask,) = read_masks(CASES / case, SIZE_HW, name)
    assert np.array_equal(mask.mask.mask(), BOX)
    with pytest.raises(InputError, match=r"“c\.png”"):
        read_masks(CASES / case, SIZE_HW, "c.png")


def test_numbers_alone_do_not_tell_which_picture_is_meant() -> None:
    with pytest.raises(InputError, match=r"names its 2 pictures by numbers only"):
        read_masks(CASES / "results_list_two_images.json", SIZE_HW, "a.png")
    two = read_masks(CASES / "results_list_two_images.json", SIZE_HW, "000000000002.jpg")
    assert len(two) == 1
    assert not np.array_equal(two[0].mask.mask(), BOX)


def test_a_picture_that_is_listed_without_annotations_has_none() -> None:
    source = MaskSource.read(CASES / "coco_none_for_picture.json")
    assert source.masks(SIZE_HW, "b.png").masks == ()
    with pytest.raises(InputError, match=r"no mask for “b\.png”"):
        source.required(SIZE_HW, "b.png")


@pytest.mark.parametrize(
    ("listed", "name"),
    [
        ("images\\a.png", "a.png"),
        ("C:\\photos\\train\\a.png", "train/a.png"),
        ("/data/upload/1/90fbb0c7-a.png", "a.png"),
        ("/data/local-files/?d=photos%2Fa%20b.png", "a b.png"),
        ("https://host/photos/a.png?size=9#x", "a.png"),
        (unicodedata.normalize("NFD", "ü 사진.png"), unicodedata.normalize("NFC", "ü 사진.png")),
        (unicodedata.normalize("NFC", "é.png"), unicodedata.normalize("NFD", "é.png")),
        ("photo (1).png", "photo 1.png"),  # as an upload strips it
        ("A.PNG", "a.png"),
    ],
)
def test_names_are_compared_as_people_would(listed: str, name: str) -> None:
    assert width_of(coco(listed), name) == 1
    assert width_of(coco("other.png", listed), name) == 2


@pytest.mark.parametrize(
    ("listed", "name"),
    [
        ("a.jpg", "a.png"),
        ("ba.png", "a.png"),
        ("20240101-a.png", "a.png"),
        ("1234abcd-a.png", "5678abcd-a.png"),
        ("a", "a.png"),
        ("a.png", "90fbb0c7-a.png"),
    ],
)
def test_other_names_are_other_pictures(listed: str, name: str) -> None:
    with pytest.raises(InputError, match="is for “"):
        read_masks(coco(listed), SIZE_HW, name)


def test_the_nearest_of_several_names_is_meant() -> None:
    data = coco("a.png", "train/a.png", "val/a.png", "val/deep/a.png")
    assert width_of(data, "val/a.png") == 3
    assert width_of(data, "set/val/deep/a.png") == 4
    assert width_of(data, "a.png") == 1
    with pytest.raises(InputError, match="about 2 pictures and"):
        read_masks(coco("train/a.png", "val/a.png"), SIZE_HW, "a.png")


def test_a_picture_does_not_take_what_another_of_the_folder_fits_better() -> None:
    folder = ("a.png", "sub/a.png", "b.png")
    assert width_of(coco("a.png"), "a.png", folder) == 1
    with pytest.raises(InputError, match="is for “"):
        width_of(coco("a.png"), "sub/a.png", folder)
    assert width_of(coco("a.png", "sub\\a.png"), "sub/a.png", folder) == 2
    assert width_of(coco("folder/a.png"), "sub/a.png", ("sub/a.png", "b.png")) == 1


def result(**about: Any) -> dict[str, Any]:
    return {"segmentation": encode_rle(BOX)} | about


@pytest.mark.parametrize(
    ("entries", "name", "count"),
    [
        ([result(image_id=139), result(image_id=140)], "000000000139.jpg", 1),
        ([result(image_id="139"), result(image_id=140.0)], "139.jpg", 1),
        ([result(image_id=139), result(image_id=140)], "COCO_val2014_000000000140.jpg", 1),
        ([result(image_id="a"), result(image_id="b")], "b.png", 1),
        ([result(image_id="x/a.png"), result(image_id="x/b.png")], "a.png", 1),
        ([result(file_name="a.png"), result(file_name="a.png"), result(file_name="b.png")], "a.png", 2),
        ([result(image_id=7), result(image_id=7)], "any.png", 2),
        ([result(), result()], "any.png", 2),
    ],
)
def test_lists_of_results_are_matched_by_id_or_name(entries: list[Any], name: str, count: int) -> None:
    assert len(read_masks(json.dumps(entries).encode(), SIZE_HW, name)) == count


def test_a_single_number_means_the_only_picture_and_none_of_several() -> None:
    source = json.dumps([result(image_id=7)]).encode()
    assert len(MaskSource.read(source, ("any.png",)).masks(SIZE_HW, "any.png").masks) == 1
    with pytest.raises(InputError, match="by numbers only"):
        MaskSource.read(source, ("any.png", "other.png")).masks(SIZE_HW, "any.png")
    assert MaskSource.read(source, ("6.png", "7.png")).masks(SIZE_HW, "6.png").masks == ()
    assert len(MaskSource.read(source, ("6.png", "7.png")).masks(SIZE_HW, "7.png").masks) == 1
    with pytest.raises(InputError, match="by numbers only"):  # 7.png or 7.jpg?
        MaskSource.read(json.dumps([result(image_id="x7")]).encode(), ("x7.png", "x7.jpg")).masks(SIZE_HW, "x7.png")


@pytest.mark.parametrize("ids", [(7, "7"), ("7", 7), (7.0, 7), ("x", "x")])
def test_ids_are_the_same_as_text_and_as_number(ids: tuple[Any, Any]) -> None:
    data = {
        "images": [{"id": 1, "file_name": "b.png"}, {"id": ids[0], "file_name": "a.png"}],
        "annotations": [
            {"image_id": ids[1], "category_id": str(ids[1]), "segmentation": encode_rle(BOX)},
            {"image_id": 1, "segmentation": encode_rle(~BOX)},
        ],
        "categories": [{"id": ids[0], "name": "cat"}],
    }
    (mask,) = read_masks(json.dumps(data).encode(), SIZE_HW, "a.png")
    assert (mask.mask.area, mask.name) == (BOX.sum(), "cat")


def test_a_labelme_file_of_another_picture_is_refused() -> None:
    shape = {"label": "x", "points": [[10, 5], [30, 25]], "shape_type": "rectangle"}
    data = json.dumps({"shapes": [shape], "imagePath": "..\\images\\a.png"}).encode()
    assert len(read_masks(data, SIZE_HW, "a.png")) == 1
    assert len(read_masks(data, SIZE_HW)) == 1
    with pytest.raises(InputError, match=r"is for “..\\images\\a.png” and not for “b.png”"):
        read_masks(data, SIZE_HW, "b.png")


# --- odd parts -------------------------------------------------------------------------------------------------------

SQUARE = [10, 5, 30, 5, 30, 25, 10, 25]


def notes_of(*entries: dict[str, Any]) -> tuple[int, list[str]]:
    """Number of masks and the notes of a list of annotations."""
    mask_file = read_mask_file(json.dumps(list(entries)).encode(), SIZE_HW)
    for mask in mask_file.masks:
        assert np.array_equal(mask.mask.mask(), BOX)
    return len(mask_file.masks), [str(note) for note in mask_file.notes]


def test_one_unusable_mask_does_not_spoil_the_others() -> None:
    mask_file = read_mask_file(CASES / "coco_mixed_one_bad.json", SIZE_HW, "a.png")
    assert [str(note) for note in mask_file.notes] == [
        "Masks that are only their box, because the file has no outline: 1."
    ]
    assert [mask.source_id for mask in mask_file.masks] == [1, 2, 3]
    assert all(np.array_equal(mask.mask.mask(), BOX) for mask in mask_file.masks)
    count, notes = notes_of(
        {"segmentation": [SQUARE]}, {"segmentation": []}, {"segmentation": [[-9, -9, -5, -9, -5, -5]]}
    )
    assert count == 1
    assert notes == [
        "Left out of the mask file: 2. The first: Mask 2 of the mask file cannot be used: it has neither run lengths "
        "nor polygons."
    ]


@pytest.mark.parametrize("part", [[40, 10], [40, 10, 41, 11], [], [1, 2, 3], ["x"] * 6, [1e300] * 6, "abc", None])
def test_a_part_that_is_no_polygon_is_left_out(part: Any) -> None:
    assert notes_of({"segmentation": [SQUARE, part]}) == (
        1,
        ["Parts of masks left out because they are no polygon: 1."],
    )


@pytest.mark.parametrize("segmentation", [None, [], {}, [[]], [[10, 5]], [[10, 5, 30, 25]], [[9, 9, 9, 9, 9, 9]]])
def test_an_annotation_without_an_outline_is_its_box(segmentation: Any) -> None:
    told = ["Masks that are only their box, because the file has no outline: 1."]
    assert notes_of({"segmentation": segmentation, "bbox": [10, 5, 20, 20]}) == (1, told)
    assert notes_of({"bbox": [10, 5, 30, 25], "bbox_mode": 0}) == (1, told)


def test_shapes_of_labelme_that_cannot_be_used_are_told() -> None:
    good = {"label": "x", "points": [[10, 5], [30, 25]], "shape_type": "rectangle"}
    flat = {"label": "x", "points": [[10, 5], [10, 5]], "shape_type": "rectangle"}
    data = {"shapes": [good, flat, {"label": "p", "points": [[1, 1]], "shape_type": "point"}]}
    mask_file = read_mask_file(json.dumps(data).encode(), SIZE_HW)
    assert len(mask_file.masks) == 1
    assert str(mask_file.notes[0]).startswith("Left out of the mask file: 1. The first: Shape 2 of the mask file")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-32"])
def test_json_in_every_unicode_encoding_is_read(encoding: str) -> None:
    text = json.dumps([{"segmentation": [SQUARE], "name": "고양이"}], ensure_ascii=False)
    (mask,) = read_masks(text.encode(encoding), SIZE_HW)
    assert (mask.name, mask.mask.area) == ("고양이", BOX.sum())


def test_json_of_another_code_page_loses_names_only() -> None:
    text = json.dumps([{"segmentation": [SQUARE], "name": "고양이"}], ensure_ascii=False)
    (mask,) = read_masks(text.encode("cp949"), SIZE_HW)
    assert mask.mask.area == BOX.sum()


@pytest.mark.parametrize(
    "segmentation",
    [
        [[10, 5, 30, 5, 30, 25, 10, 25]],
        [[10, 5], [30, 5], [30, 25], [10, 25]],
        [[[10, 5], [30, 5], [30, 25], [10, 25]]],
    ],
)
def test_corners_may_be_pairs(segmentation: list[Any]) -> None:
    data = coco("a.png", annotations=[{"image_id": 5, "segmentation": segmentation}])
    (mask,) = read_masks(data, SIZE_HW, "a.png")
    assert np.array_equal(mask.mask.mask(), BOX)


def test_a_picture_without_a_name_is_told_that_it_has_none() -> None:
    data = json.dumps([{"image_id": n, "bbox": [10, 5, 20, 20]} for n in (1, 2)]).encode()
    with pytest.raises(InputError, match="this picture has no file name"):
        read_masks(data, SIZE_HW)
