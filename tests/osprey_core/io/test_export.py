"""Export: the zip holds what other programs need, comes back whole, and a forged one costs nothing but a sentence."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import struct
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from osprey_core.draw.overlays import overlay
from osprey_core.errors import InputError
from osprey_core.io import export, record_json
from osprey_core.io.pictures import read_picture
from osprey_core.io.record import Record, RecordedPicture, RecordedRegion, RecordedTurn
from osprey_core.regions.region import NumberedMask
from osprey_core.regions.rle import CodedMask
from tests.osprey_core.io.test_record import example, png, records


def entries(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@given(records())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=30)
def test_the_zip_gives_back_the_record_and_is_always_the_same(given_record: Record) -> None:
    data = export.write_zip(given_record)
    assert export.read_conversation(data) == given_record
    assert export.write_zip(export.read_conversation(data)) == data


def test_zip_and_json_are_read_from_files_too(tmp_path: Path) -> None:
    (tmp_path / "talk.zip").write_bytes(export.write_zip(example()))
    (tmp_path / "talk.json").write_text(record_json.to_json(example()), encoding="utf-8")
    assert export.read_conversation(tmp_path / "talk.zip") == example()
    assert export.read_conversation(str(tmp_path / "talk.json")) == example()
    with pytest.raises(InputError, match=r"no file “.*gone\.zip”"):
        export.read_conversation(tmp_path / "gone.zip")
    with pytest.raises(InputError, match="cannot be read"):
        export.read_conversation(tmp_path)


def test_the_picture_comes_back_byte_for_byte_in_any_format() -> None:
    for kind, name in (
        ("JPEG", "picture.jpg"),
        ("WEBP", "picture.webp"),
        ("GIF", "picture.gif"),
        ("TIFF", "picture.tif"),
    ):
        buffer = io.BytesIO()
        Image.open(io.BytesIO(png(12, 16))).save(buffer, format=kind)
        made = dataclasses.replace(example(), picture=RecordedPicture.read(buffer.getvalue(), "x"))
        data = export.write_zip(made)
        assert entries(data)[name] == buffer.getvalue()
        assert export.read_conversation(data).picture == made.picture


def test_masks_and_overlay_are_pictures_of_the_regions() -> None:
    made = example()
    files = entries(export.write_zip(made))
    assert set(files) == {
        "conversation.json",
        "conversation.md",
        "annotations.json",
        "overlay.png",
        "picture.png",
        "masks/region-3.png",
        "masks/region-4.png",
        "annotations-polygons.json",
        "labelme.json",
        "yolo/picture.txt",
        "yolo/classes.txt",
        "labels.png",
        "regions.csv",
        "cutouts/region-3.png",
        "cutouts/region-4.png",
    }
    for region in made.regions:
        pixels = np.asarray(Image.open(io.BytesIO(files[f"masks/region-{region.number}.png"])))
        assert np.array_equal(pixels, region.mask.mask() * 255)
    drawn = np.asarray(Image.open(io.BytesIO(files["overlay.png"])))
    image = np.asarray(read_picture(made.picture.data))
    assert np.array_equal(drawn, overlay(image, [region.region() for region in made.regions]))


def test_the_overlay_says_what_a_region_is_called_or_described_as() -> None:
    image = Image.new("RGB", (400, 300), (90, 120, 150))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    masks = np.zeros((2, 300, 400), bool)
    masks[0, 40:200, 20:180], masks[1, 60:260, 220:390] = True, True
    regions = tuple(
        RecordedRegion.of(NumberedMask(n, mask, name))
        for n, mask, name in zip((1, 2), masks, ("pond", ""), strict=True)
    )
    said = (
        RecordedTurn("What is the category of <region1>? Using only one word or phrase.", "boat", 1, ()),
        RecordedTurn("Is it alive?", "No.", 1, (1,)),
    )
    made = Record(RecordedPicture.read(buffer.getvalue(), "x"), regions, (regions[1],), said)
    drawn = np.asarray(Image.open(io.BytesIO(export.overlay_png(made))))
    wanted = overlay(image, [region.region() for region in regions], captions={1: "pond", 2: "boat"})
    assert np.array_equal(drawn, wanted)


def test_the_coco_tools_load_the_annotations(tmp_path: Path) -> None:
    coco_tools = pytest.importorskip("pycocotools.coco")
    caption = RecordedTurn("What is <region1>?", "The region.", 1, ())
    made = dataclasses.replace(
        example(), spoken=(example().regions[1],), turns=(caption, dataclasses.replace(caption, answer="A bird."))
    )
    path = tmp_path / "annotations.json"
    path.write_bytes(entries(export.write_zip(made))["annotations.json"])
    coco = coco_tools.COCO(str(path))
    assert coco.loadImgs(1)[0]["file_name"] == "picture.png"
    assert (coco.imgs[1]["width"], coco.imgs[1]["height"]) == (16, 12)
    for annotation, region in zip(coco.loadAnns(coco.getAnnIds(imgIds=1)), made.regions, strict=True):
        mask = region.mask.mask()
        assert np.array_equal(coco.annToMask(annotation), mask)
        assert annotation["area"] == mask.sum()
        x, y, width, height = annotation["bbox"]
        assert mask[y : y + height, x : x + width].sum() == mask.sum()
        assert coco.loadCats(annotation["category_id"])[0]["name"] == (region.name or "region")
    assert "caption" not in coco.anns[1]
    assert coco.anns[2]["caption"] == "A bird."
    assert coco.anns[2]["captions"] == ["The region.", "A bird."]


def test_an_answer_about_other_pixels_is_no_caption() -> None:
    annotations = export.to_coco(example())["annotations"]
    assert [annotation.get("caption") for annotation in annotations] == [None, None]


def test_markdown_shows_what_was_said_as_it_was_said() -> None:
    text = export.to_markdown(example())
    assert "# A conversation about meadow.png" in text
    assert "| 3 | tree |" in text
    assert "### 1. About region 3 (tree)" in text
    assert "> How does @7 relate to @3?" in text
    assert "region 7 sits on region 3." in text
    assert r"About region 7 (bird \| \*x\*)" in text
    assert "*cut off at the length limit, model other, temperature 0.7, seed 5, 9 tokens, marked as liked*" in text
    assert "*(no answer)*" in text


def test_markdown_does_not_take_words_for_markup() -> None:
    said = RecordedTurn("?", "# not a heading\n- no list\n1. none\n---\n<b>*x*</b> [a](b) `c`\n\n> q", 0, ())
    text = export.to_markdown(dataclasses.replace(example(), turns=(said,)))
    written = text[text.index("not a heading") - 3 :]
    assert written.startswith(
        "\\# not a heading  \n\\- no list  \n1\\. none  \n\\---  \n\\<b\\>\\*x\\*\\</b\\> \\[a\\](b) \\`c\\`"
    )


def forged(**files: bytes) -> bytes:
    whole = entries(export.write_zip(example()))
    return zipped({**whole, **{name.replace("__", "."): data for name, data in files.items()}})


def with_picture_at(name: str) -> bytes:
    files = entries(export.write_zip(example()))
    values = json.loads(files["conversation.json"])
    values["picture"]["file"] = name
    return zipped({**files, "conversation.json": json.dumps(values).encode(), name: files["picture.png"]})


def with_end_record(**fields: int) -> bytes:
    data = bytearray(export.write_zip(example()))
    offsets = {"count": (10, "<H"), "length": (12, "<I"), "comment": (20, "<H")}
    for name, value in fields.items():
        place, kind = offsets[name]
        struct.pack_into(kind, data, len(data) - 22 + place, value)
    return bytes(data)


def encrypted() -> bytes:
    data = bytearray(zipped({"conversation.json": b"{}"}, zipfile.ZIP_STORED))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"PK", "damaged"),
        (b"PK\x03\x04" + bytes(100), "damaged"),
        (export.write_zip(example())[:-30], "damaged"),
        (zipped({}), "no conversation.json"),
        (zipped({"masks/region-1.png": b""}), "no conversation.json"),
        (zipped({"conversation.json": b"{}"}), "no conversation"),
        (zipped({"conversation.json": b'{"format": 1}'}, zipfile.ZIP_BZIP2), "unusual kind"),
        (zipped({"conversation.json": b'{"format": 1}'}, zipfile.ZIP_LZMA), "unusual kind"),
        (encrypted(), "unusual kind"),
        (with_picture_at("../../etc/passwd"), "lacks the picture"),
        (with_picture_at("/picture.png"), "lacks the picture"),
        (with_picture_at("C:\\picture.png"), "lacks the picture"),
        (with_picture_at("masks/picture.png"), "lacks the picture"),
        (forged(picture__png=b"x"), "not a picture"),
        (with_end_record(count=5000), "more than 4000 entries"),
        (with_end_record(length=2**31), "more than 4000 entries"),
        (with_end_record(comment=3), "damaged"),
    ],
)
def test_what_is_no_exported_zip_is_refused_with_the_reason(data: bytes, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        export.read_conversation(data)


def test_an_entry_twice_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("conversation.json", b"{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("conversation.json", b"{}")
    with pytest.raises(InputError, match="damaged"):
        export.read_conversation(buffer.getvalue())


@pytest.mark.parametrize("name", ["conversation.json", "picture.png"])
def test_a_bomb_is_never_unpacked_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MAX_RECORD_BYTES", 2**20)
    monkeypatch.setattr(export, "MAX_PICTURE_BYTES", 2**20)
    bomb = zipped({**entries(export.write_zip(example())), name: bytes(64 * 2**20)})
    assert len(bomb) < 2**20
    tracemalloc.start()
    with pytest.raises(InputError, match=f"“{name}” in this zip file is larger than 1 MB"):
        export.read_conversation(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 2**20


def test_a_mask_of_a_great_many_pixels_is_not_decoded() -> None:
    values = json.loads(record_json.to_json(example()))
    values["regions"] = [
        {"number": number, "rle": {"size": [12, 16], "counts": [0, 192]}, "name": ""} for number in range(1, 1001)
    ]
    began = time.process_time()
    assert len(export.read_conversation(json.dumps(values).encode()).regions) == 1000
    assert time.process_time() - began < 5


WHOLE = export.write_zip(example())


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=6))
@settings(deadline=None, max_examples=300)
def test_any_damage_is_either_harmless_or_one_sentence(changes: list[tuple[int, int]]) -> None:
    data = bytearray(WHOLE)
    for place, value in changes:
        data[place] = value
    with contextlib.suppress(InputError):
        export.read_conversation(bytes(data))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_a_sentence(data: bytes) -> None:
    for start in (b"", b"PK\x03\x04", b'{"format": "osprey-conversation-1", '):
        with pytest.raises(InputError):
            export.read_conversation(start + data)


def test_the_overlay_of_a_huge_picture_is_reduced_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    mask = np.zeros((300, 400), bool)
    mask[100:150, 200:300] = True
    dot = np.zeros_like(mask)
    dot[7, 9] = True
    buffer = io.BytesIO()
    Image.new("RGB", (400, 300), (90, 90, 90)).save(buffer, "PNG")
    regions = tuple(RecordedRegion(number, CodedMask.of(each)) for number, each in enumerate((mask, dot), 1))
    record = Record(RecordedPicture(buffer.getvalue(), "a.png", 400, 300), regions, (), ())
    whole = entries(export.write_zip(record))
    monkeypatch.setattr(export, "MAX_OVERLAY_PIXELS", 400 * 300 // 4)
    reduced = entries(export.write_zip(record))
    assert Image.open(io.BytesIO(whole["overlay.png"])).size == (400, 300)
    small = np.asarray(Image.open(io.BytesIO(reduced["overlay.png"])))
    assert small.shape == (150, 200, 3)
    assert "overlay.png is reduced to 200 × 150 pixels." in reduced["conversation.md"].decode()
    assert b"reduced" not in whole["conversation.md"]
    assert (small[3, 4] != 90).any()  # the region of one pixel is still seen
    assert (small[140, 10] == 90).all()
    for name in set(whole) - {"overlay.png", "conversation.md"}:
        assert whole[name] == reduced[name]
    assert export.read_conversation(export.write_zip(record)) == record
