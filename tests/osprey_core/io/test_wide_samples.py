"""Pictures of other sample formats keep their tones: never wrapped, never black, or refused with a sentence."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from osprey_core.errors import InputError
from osprey_core.io.pictures import read_picture

CASES = Path(__file__).parents[2] / "data" / "cases" / "pictures"
RAMP = np.linspace(0, 1, 256)[None].repeat(4, axis=0)


def tiff(values: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.asarray(values), **options)
    return buffer.getvalue()


def tones(data: bytes) -> np.ndarray:
    return np.asarray(read_picture(data))[0, :, 0].astype(int)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("kind", [np.uint16, np.int16, np.uint32, np.int32])
def test_the_bits_that_are_used_become_eight(kind: Any, bits: int) -> None:
    if kind is np.int16 and bits == 16:
        return
    values = np.rint(RAMP * (2**bits - 1)).astype(kind)
    assert np.abs(tones(tiff(values)) - np.arange(256)).max() <= 1


@pytest.mark.parametrize(
    "values",
    [
        np.rint(RAMP * (2**32 - 1)).astype(np.uint32),
        np.rint(RAMP * 255 - 128).astype(np.int8),
        np.rint(RAMP * 60000 - 30000).astype(np.int16),
        RAMP.astype(np.float32),
        (RAMP * 1.3).astype(np.float32),
        (RAMP * 4 - 2).astype(np.float32),
        np.rint(RAMP * 255).astype(np.float32),
        (RAMP * 65535).astype(np.float32),
    ],
    ids=["uint32", "int8", "int16", "0..1", "0..1.3", "-2..2", "0..255", "0..65535"],
)
def test_every_range_keeps_its_order(values: np.ndarray) -> None:
    assert np.abs(tones(tiff(values)) - np.arange(256)).max() <= 1


def test_marks_for_missing_pixels_do_not_flatten_the_others() -> None:
    for mark in (np.nan, np.inf, -np.inf, -3.4e38):
        values = RAMP.astype(np.float32)
        values[1, :40] = mark
        assert np.abs(tones(tiff(values)) - np.arange(256)).max() <= 1


def test_white_is_zero_turns_the_tones_round() -> None:
    values = np.rint(RAMP * 65535).astype(np.uint16)
    assert np.abs(tones(tiff(values, photometric="miniswhite")) - np.arange(256)[::-1]).max() <= 1


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ((CASES / "f32_negconst.tif").read_bytes(), "only the value -5, which is no tone"),
        (tiff(np.full((4, 4), np.nan, np.float32)), "no numbers that could be tones"),
        (tiff(np.full((4, 4), -7, np.int32)), "only the value -7"),
    ],
)
def test_what_says_no_tone_is_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_picture(data)


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_colours_of_few_of_sixteen_bits_are_refused_and_not_black(bits: int) -> None:
    values = np.rint(RAMP * (2**bits - 1)).astype(np.uint16)[..., None].repeat(3, axis=2)
    with pytest.raises(InputError, match="16 bits for each colour"):
        read_picture(tiff(values))
    full = np.rint(RAMP * 65535).astype(np.uint16)[..., None].repeat(3, axis=2)
    assert np.abs(tones(tiff(full)) - np.arange(256)).max() <= 1


# --- PNGs with odd side notes ----------------------------------------------------------------------------------------


def chunk(kind: bytes, body: bytes, checksum: int | None = None) -> bytes:
    crc = zlib.crc32(kind + body) if checksum is None else checksum
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


def png_with(before: bytes, after: bytes = b"") -> bytes:
    """A PNG with more chunks before and after its pixels."""
    buffer = io.BytesIO()
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(buffer, "PNG")
    data = buffer.getvalue()
    pixels, end = data.index(b"IDAT") - 4, data.index(b"IEND") - 4
    return data[:pixels] + before + data[pixels:end] + after + data[end:]


BOMB = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"x" * 3_000_000))


@pytest.mark.parametrize(
    "note",
    [
        BOMB,
        chunk(b"iTXt", b"XML\0\1\0\0\0" + zlib.compress(b"x" * 3_000_000)),
        chunk(b"tEXt", b"Comment\0hello", checksum=1),
        chunk(b"zTXt", b"Comment\0\0no zlib"),
        chunk(b"iCCP", b"profile\0\0no zlib", checksum=7),
        chunk(b"tEXt", b"no zero byte") * 500,
        struct.pack(">I", 99_999) + b"tEXtwrong length",
    ],
    ids=["large", "large utf-8", "checksum", "no zlib", "profile", "many", "length"],
)
def test_texts_in_a_png_do_not_hide_its_pixels(note: bytes) -> None:
    expected = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert np.array_equal(np.asarray(read_picture(png_with(note))), expected)
    assert np.array_equal(np.asarray(read_picture(png_with(b"", note))), expected)


def test_the_case_of_a_large_text_opens() -> None:
    assert read_picture(CASES / "bigztxt.png").size[0] > 1


def test_what_says_how_a_png_looks_stays() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    image = Image.new("P", (3, 2), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.save(buffer, "PNG", exif=exif, transparency=1)
    data = buffer.getvalue()
    with_text = data[:33] + BOMB + data[33:]
    picture = read_picture(with_text)
    assert picture.size == (2, 3)
    assert picture.getpixel((0, 0)) == (255, 255, 255)
