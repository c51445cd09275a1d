"""Formats of other programs: read back by their own libraries or by our reader, they give the same pixels."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import numpy as np
from PIL import Image, ImageDraw
from pycocotools import mask as coco_mask

from osprey_core.io import annotation_formats, export
from osprey_core.io.mask_files import read_masks
from osprey_core.io.record import Record, RecordedPicture, RecordedRegion
from osprey_core.regions.rle import CodedMask

HEIGHT, WIDTH = 40, 60


def masks() -> list[np.ndarray]:
    """A ring, two pieces, and a small block on the ring."""
    ring = np.zeros((HEIGHT, WIDTH), bool)
    ring[5:25, 5:25] = True
    ring[10:15, 10:20] = False
    pieces = np.zeros((HEIGHT, WIDTH), bool)
    pieces[30:38, 2:9] = pieces[3:9, 40:55] = True
    block = np.zeros((HEIGHT, WIDTH), bool)
    block[6:9, 6:9] = True
    return [ring, pieces, block]


def record() -> Record:
    pixels = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    names = ("ring", "=two pieces", "ring")
    regions = tuple(
        RecordedRegion(number, CodedMask.of(mask), name)
        for number, (mask, name) in enumerate(zip(masks(), names, strict=True), 1)
    )
    return Record(RecordedPicture(buffer.getvalue(), "noise.png", WIDTH, HEIGHT), regions, (), (), "", "")


def test_coco_polygons_are_the_same_pixels_to_pycocotools_and_holes_stay_run_lengths() -> None:
    ring, pieces, _ = masks()
    assert annotation_formats.coco_polygons(ring) is None
    polygons = annotation_formats.coco_polygons(pieces)
    assert polygons is not None
    encoded = coco_mask.merge(coco_mask.frPyObjects(polygons, HEIGHT, WIDTH))
    assert (coco_mask.decode(encoded).astype(bool) == pieces).all()


def test_a_ragged_region_is_told_without_polygons() -> None:
    noise = np.random.default_rng(0).random((700, 700)) < 0.5
    assert annotation_formats.coco_polygons(noise) is None


def test_labelme_comes_back_through_the_reader_of_mask_files() -> None:
    made = annotation_formats.to_labelme(record(), "noise.png")
    kinds = [shape["shape_type"] for shape in made["shapes"]]
    assert kinds == ["mask", "polygon", "polygon", "polygon"]
    polygons = {**made, "shapes": [shape for shape in made["shapes"] if shape["shape_type"] == "polygon"]}
    read = read_masks(json.dumps(polygons).encode(), (HEIGHT, WIDTH), "noise.png")
    union = np.any([named.mask.mask() for named in read], axis=0)
    assert (union == masks()[1] | masks()[2]).all()


def test_yolo_lines_have_a_class_and_corners_as_shares() -> None:
    lines = annotation_formats.to_yolo(record()).splitlines()
    assert [line.split()[0] for line in lines] == ["0", "1", "1", "0"]
    corners = np.array([float(value) for value in lines[-1].split()[1:]]).reshape(-1, 2)
    assert (corners * [WIDTH, HEIGHT]).round(3).tolist() == [[6, 6], [9, 6], [9, 9], [6, 9]]
    assert annotation_formats.class_names(record()) == ["ring", "=two pieces"]


def test_a_hole_stays_one_when_yolo_lines_are_filled_by_the_even_odd_rule() -> None:
    ring, pieces, _ = masks()
    drawings = []
    for line in annotation_formats.to_yolo(record()).splitlines():
        corners = np.array([float(value) for value in line.split()[1:]]).reshape(-1, 2) * [WIDTH, HEIGHT]
        # Pillow fills by the even-odd rule; at eight times the size, its own width of an edge counts little.
        canvas = Image.new("1", (WIDTH * 8, HEIGHT * 8))
        ImageDraw.Draw(canvas).polygon([(x * 8, y * 8) for x, y in corners], fill=1)
        drawings.append(np.array(canvas)[4::8, 4::8])
    assert (drawings[0] == ring).all()
    assert (drawings[1] | drawings[2] == pieces).all()


def test_the_label_map_has_the_numbers_and_the_smaller_region_on_top() -> None:
    ring, pieces, block = masks()
    labels = np.array(Image.open(io.BytesIO(annotation_formats.label_map_png(record()))))
    assert ((labels == 3) == block).all()
    assert ((labels == 2) == pieces).all()
    assert ((labels == 1) == (ring & ~block)).all()


def test_the_table_has_boxes_and_captions_and_no_formulas() -> None:
    rows = list(csv.DictReader(io.StringIO(annotation_formats.to_csv(record(), {1: "a ring, in red"}))))
    assert [row["number"] for row in rows] == ["1", "2", "3"]
    assert rows[0]["caption"] == "a ring, in red"
    assert rows[1]["name"] == "'=two pieces"
    assert [rows[2][key] for key in ("pixels", "x", "y", "width", "height")] == ["9", "6", "6", "3", "3"]


def test_the_zip_holds_all_formats_and_cut_outs_with_transparency() -> None:
    made = record()
    with zipfile.ZipFile(io.BytesIO(export.write_zip(made))) as archive:
        names = set(archive.namelist())
        cutout = np.array(Image.open(io.BytesIO(archive.read("cutouts/region-1.png"))))
        polygons = json.loads(archive.read("annotations-polygons.json"))
    wanted = {"labelme.json", "yolo/picture.txt", "yolo/classes.txt", "regions.csv", "labels.png"}
    assert wanted | {"annotations-polygons.json"} <= names
    assert cutout.shape == (20, 20, 4)
    assert ((cutout[..., 3] == 255) == masks()[0][5:25, 5:25]).all()
    assert isinstance(polygons["annotations"][0]["segmentation"], dict)
    assert len(polygons["annotations"][1]["segmentation"]) == 2
