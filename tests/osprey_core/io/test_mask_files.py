"""Mask files of other programs become the masks that were meant, or one sentence says why not."""

from __future__ import annotations

import base64
import contextlib
import io
import itertools
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from osprey_core.errors import InputError
from osprey_core.io.mask_files import read_masks, shapes
from osprey_core.regions import morphology
from osprey_core.regions.masks import intersection_over_union
from osprey_core.regions.raster import polygon_to_mask
from osprey_core.regions.rle import encode_rle

SIZE_HW = (40, 60)


def column_runs(mask: np.ndarray) -> list[int]:
    """COCO's uncompressed counts: lengths of runs down the columns, of outside pixels first."""
    pixels = mask.ravel(order="F").tolist()
    lengths = [len(list(run)) for _, run in itertools.groupby(pixels)]
    return [0, *lengths] if pixels[0] else lengths


BLOCK = np.zeros(SIZE_HW, bool)
BLOCK[10:30, 20:50] = True
SQUARE = [20, 10, 50, 10, 50, 30, 20, 30]
CORNERS = [[20, 10], [50, 10], [50, 30], [20, 30]]


def file_of(pixels: np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=kind, **options)
    return buffer.getvalue()


def as_json(values: Any) -> bytes:
    return json.dumps(values).encode()


def only(data: bytes, **options: Any) -> np.ndarray:
    (found,) = read_masks(data, SIZE_HW, **options)
    return found.mask.mask()


def rgba() -> np.ndarray:
    pixels = np.random.default_rng(0).integers(0, 255, (*SIZE_HW, 4), dtype=np.uint8)
    pixels[..., 3] = BLOCK * 255
    return pixels


@pytest.mark.parametrize(
    "data",
    [
        file_of(BLOCK),
        file_of(BLOCK.astype(np.uint8)),
        file_of(BLOCK.astype(np.uint8) * 255),
        file_of(np.where(BLOCK, 200, 90).astype(np.uint8)),
        file_of(np.repeat(BLOCK[..., None], 3, 2).astype(np.uint8) * 255),
        file_of(rgba()),
        file_of(np.dstack([np.repeat(BLOCK[..., None], 3, 2), np.ones(SIZE_HW)]).astype(np.uint8) * 255),
        file_of(BLOCK.astype(np.uint16) * 60000),
        file_of(BLOCK.astype(np.uint8) * 255, "BMP"),
        file_of(BLOCK.astype(np.float32), "TIFF"),
        file_of(rgba(), "WEBP", lossless=True),
    ],
    ids=["1 bit", "0/1", "0/255", "grey", "rgb", "alpha", "opaque rgba", "16 bit", "bmp", "float", "webp"],
)
def test_pictures_of_masks_mean_what_is_bright_or_opaque(data: bytes) -> None:
    assert np.array_equal(only(data), BLOCK)


def coco(segmentation: Any, **more: Any) -> dict[str, Any]:
    return {
        "images": [{"id": 7, "file_name": "a.png", "height": 40, "width": 60}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "segmentation": segmentation, **more}],
        "categories": [{"id": 3, "name": "boat"}],
    }


@pytest.mark.parametrize(
    "values",
    [
        coco([SQUARE]),
        coco(SQUARE),
        coco(encode_rle(BLOCK)),
        coco({"size": [40, 60], "counts": column_runs(BLOCK)}),
        coco([[20, 10, 35, 10, 35, 30, 20, 30], [30, 10, 50, 10, 50, 30, 30, 30]]),
        [{"segmentation": [SQUARE], "name": "boat"}],
        {"segmentation": [SQUARE], "name": "boat"},
        encode_rle(BLOCK) | {"name": "boat"},
        {"shapes": [{"label": "boat", "points": CORNERS}], "imageHeight": 40, "imageWidth": 60},
        {"shapes": [{"label": "boat", "points": [[50, 30], [20, 10]], "shape_type": "rectangle"}]},
        {
            "shapes": [
                {"label": "boat", "points": [[20, 10], [35, 30]], "shape_type": "rectangle", "group_id": 1},
                {"label": "boat", "points": [[1, 1], [2, 2]], "shape_type": "line"},
                {"label": "boat", "points": [[35, 10], [50, 30]], "shape_type": "rectangle", "group_id": 1},
            ]
        },
        {
            "shapes": [
                {
                    "label": "boat",
                    "points": [[20, 10], [49, 29]],
                    "shape_type": "mask",
                    "mask": base64.b64encode(file_of(np.full((20, 30), 1, np.uint8))).decode(),
                }
            ]
        },
    ],
    ids=[
        "polygons", "flat polygon", "rle", "plain runs", "two parts", "list", "annotation", "bare rle",
        "labelme polygon", "labelme rectangle", "labelme group", "labelme mask",
    ],
)  # fmt: skip
def test_json_of_masks_is_read_with_the_name(values: Any) -> None:
    (found,) = read_masks(b"\xef\xbb\xbf " + as_json(values), SIZE_HW)
    assert np.array_equal(found.mask.mask(), BLOCK)
    assert found.name == "boat"


def test_a_labelme_circle_is_a_centre_and_a_point_on_its_rim() -> None:
    shape = {"label": "", "points": [[30, 20], [30, 32]], "shape_type": "circle"}
    y, x = np.mgrid[:40, :60] + 0.5
    assert intersection_over_union(only(as_json({"shapes": [shape]})), np.hypot(x - 30, y - 20) <= 12) > 0.98


def test_polygons_are_drawn_as_the_coco_tools_draw_them_but_for_their_rim() -> None:
    coco_mask = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(1)
    for _ in range(20):
        turns = np.sort(rng.uniform(0, 2 * np.pi, 9))
        points = np.stack([30 + 25 * np.cos(turns), 20 + 15 * np.sin(turns)], 1)
        theirs = coco_mask.decode(coco_mask.frPyObjects([points.ravel().tolist()], *SIZE_HW)[0]).astype(bool)
        ours = only(as_json(coco([points.ravel().tolist()])))
        assert np.array_equal(ours, polygon_to_mask(points, SIZE_HW))
        rim = morphology.grow(theirs) & ~morphology.shrink(theirs)
        assert not ((ours != theirs) & ~rim).any()


def test_a_dataset_gives_the_masks_of_the_picture_that_is_meant() -> None:
    values = coco([SQUARE])
    values["images"].insert(0, {"id": 1, "file_name": "other/b.png", "height": 5, "width": 5})
    values["annotations"].insert(0, {"id": 9, "image_id": 1, "segmentation": [[0, 0, 3, 0, 3, 3]]})
    assert np.array_equal(only(as_json(values), picture_name="a.png"), BLOCK)
    assert np.array_equal(only(as_json(values), picture_name="folder/a.png"), BLOCK)
    for name in (None, "c.png"):
        with pytest.raises(InputError, match=r"about 2 pictures(,| and)"):
            read_masks(as_json(values), SIZE_HW, name)


def test_files_are_read_by_path(tmp_path: Path) -> None:
    (tmp_path / "m.png").write_bytes(file_of(BLOCK))
    assert np.array_equal(read_masks(tmp_path / "m.png", SIZE_HW)[0].mask.mask(), BLOCK)
    with pytest.raises(InputError, match=r"no file “.*n\.png”"):
        read_masks(str(tmp_path / "n.png"), SIZE_HW)
    with pytest.raises(InputError, match="cannot be read"):
        read_masks(tmp_path, SIZE_HW)


WHOLE = base64.b64encode(file_of(BLOCK)).decode()
TALL = base64.b64encode(file_of(np.ones((99, 9), bool))).decode()


def shape(**values: Any) -> bytes:
    return as_json({"shapes": [{"label": "x", "points": CORNERS, "shape_type": "polygon"} | values]})


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "file is empty"),
        (b"hello", "no picture or JSON"),
        (file_of(BLOCK)[:60], "no picture or JSON"),
        (file_of(BLOCK[:20]), "for a picture of 60 x 20 pixels, but this one is 60 x 40"),
        (file_of(np.zeros(SIZE_HW, np.uint8)), "black all over"),
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"{}", "holds no masks"),
        (b"[]", "holds no masks"),
        (b"[1]", "holds no masks"),
        (as_json({"images": [], "annotations": []}), "holds no masks"),
        (as_json({"images": [{"id": 7}], "annotations": []}), "holds no masks"),
        (as_json({"images": [{"id": 7, "height": 1, "width": 2}], "annotations": []}), "picture of 2 x 1 pixels"),
        (as_json([{"segmentation": [SQUARE]}] * 1001), "1001 masks"),
        (as_json(coco(None)), "Mask 1 of the mask file cannot be used: it has neither"),
        (as_json(coco([])), "neither run lengths nor polygons"),
        (as_json(coco([[1, 2, 3]])), "list x, y, x, y"),
        (as_json(coco([["a", "b"] * 3])), "pairs of numbers"),
        (as_json(coco([[1e300] * 6])), "pairs of numbers"),
        (as_json(coco([[]])), "pairs of numbers"),
        (as_json(coco([[1, 1, 2, 2]])), "at least three corners"),
        (as_json(coco([[-9, -9, -5, -9, -5, -5]])), "covers no pixel"),
        (as_json(coco([[0, 0] * 200_001])), "too many corners"),
        (as_json(coco([[0, 0, 5, 0] * 15_000] * 7)), "too many shapes"),
        (as_json(coco({"size": [1, 1], "counts": [0, 1]})), "Mask 1 .* mask is 1 x 1 pixels"),
        (as_json({"shapes": []}), "no shape with an area"),
        (as_json({"shapes": [1]}), "holds no masks"),
        (as_json({"shapes": [{}] * 1001}), "1001 shapes"),
        (as_json({"shapes": [], "imageHeight": 3, "imageWidth": 4}), "picture of 4 x 3"),
        (shape(points=None), "Shape 1 of the mask file cannot be used: its points"),
        (shape(shape_type="rectangle", points=CORNERS[:3]), "points are not those"),
        (shape(shape_type="ellipse", points=[[1, 1], [5, 5]]), "kind 'ellipse' cannot be read"),
        (shape(shape_type="mask", points=[[1, 1], [5, 5]], mask="%"), "mask is damaged"),
        (shape(shape_type="mask", points=[[99, 1], [5, 5]], mask=WHOLE), "outside"),
        (
            shape(shape_type="mask", points=[[1, 1], [5, 5]], mask=TALL),
            "larger than the picture",
        ),
    ],
)  # fmt: skip
def test_what_is_no_mask_file_is_refused_with_the_reason(data: bytes, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        read_masks(data, SIZE_HW)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", [b"[]", b"{}", b'{"segmentation":[]}'])
def test_many_empty_parts_are_refused_before_they_are_parsed(part: bytes) -> None:
    data = b"[" + part + (b"," + part) * (30_000_000 // (len(part) + 1)) + b"]"
    began = time.process_time()
    with pytest.raises(InputError, match="too many parts"):
        read_masks(data, SIZE_HW)
    assert time.process_time() - began < 2


def test_too_much_to_draw_is_refused_before_it_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "MAX_PIXELS_IN_ALL", 3 * 40 * 60)
    assert len(read_masks(as_json([{"segmentation": [SQUARE]}] * 3), SIZE_HW)) == 3
    with pytest.raises(InputError, match=r"Mask 4 .* too many shapes for so large a picture"):
        read_masks(as_json([{"segmentation": [SQUARE]}] * 4), SIZE_HW)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "shapes",
                    "points",
                    "shape_type",
                    "annotations",
                    "images",
                    "id",
                    "image_id",
                    "segmentation",
                    "size",
                    "counts",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(json_values)
@settings(max_examples=300, deadline=None)
def test_any_json_is_masks_or_one_sentence(values: Any) -> None:
    for data in (values, {"shapes": [values]}, coco(values), [values]):
        with contextlib.suppress(InputError):
            assert read_masks(as_json(data), SIZE_HW)
