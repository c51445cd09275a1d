"""Reading pictures: every form arrives upright, in RGB and in its true tones, or is refused with a clear sentence."""

import contextlib
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from osprey_core.errors import InputError
from osprey_core.io import pictures
from osprey_core.io.pictures import fit_within, read_picture


def as_bytes(image: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose header states a size, without the pixels to go with it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


@pytest.fixture
def tones() -> Image.Image:
    y, x = np.mgrid[:20, :30]
    return Image.fromarray(np.stack([x * 8, y * 12, 255 - x * 8], axis=-1).astype(np.uint8))


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF", "WEBP", "PPM", "TGA"])
def test_lossless_formats_keep_every_pixel(tones: Any, file_format: Any, tmp_path: Path) -> None:
    data = as_bytes(tones, file_format, **({"lossless": True} if file_format == "WEBP" else {}))
    path = tmp_path / "picture"
    path.write_bytes(data)
    for source in (data, path, str(path), tones, np.asarray(tones)):
        picture = read_picture(source)
        assert picture.mode == "RGB"
        assert np.array_equal(np.asarray(picture), np.asarray(tones))


def test_the_given_picture_is_not_shared(tones: Any) -> None:
    picture = read_picture(tones)
    picture.putpixel((0, 0), (1, 2, 3))
    assert tones.getpixel((0, 0)) == (0, 0, 255)
    array = np.zeros((4, 4, 3), np.uint8)
    picture = read_picture(array)
    array[:] = 9
    assert not np.asarray(picture).any()


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3), (5, 7, 4)])
def test_arrays_of_every_documented_shape_are_read(shape: Any) -> None:
    array = np.full(shape, 255, np.uint8)
    array[..., 0] = 30 if len(shape) == 3 else array[..., 0]
    picture = read_picture(array)
    assert (picture.mode, picture.size) == ("RGB", (7, 5))


def test_transparency_is_laid_over_white() -> None:
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0, :, 3] = 0, 128, 255
    expected = [[255] * 3, [127] * 3, [0] * 3]
    assert np.abs(np.asarray(read_picture(rgba))[0].astype(int) - expected).max() <= 1
    assert read_picture(as_bytes(Image.fromarray(rgba))).getpixel((0, 0)) == (255, 255, 255)
    grey_alpha = Image.merge("LA", [Image.new("L", (1, 1), 0), Image.new("L", (1, 1), 0)])
    assert read_picture(grey_alpha).getpixel((0, 0)) == (255, 255, 255)


def test_a_transparent_palette_entry_is_white_too() -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((1, 0), 1)
    assert read_picture(as_bytes(palette)).getpixel((1, 0)) == (40, 50, 60)
    picture = read_picture(as_bytes(palette, transparency=0))
    assert [picture.getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (40, 50, 60)]


@pytest.mark.parametrize(
    "mode", ["1", "L", "CMYK", "YCbCr", "HSV", "LA", "RGBA", "RGBX", "RGBa", "La", "I", "F", "I;16"]
)
def test_white_stays_white_and_black_stays_black_in_every_mode(mode: Any) -> None:
    values = np.array([[0, 255]], np.uint8)
    if mode == "I;16":
        image = Image.fromarray(values.astype(np.uint16) * 257)
    elif mode in ("RGBa", "La"):
        image = Image.fromarray(values).convert(mode.upper()).convert(mode)
    elif mode in ("HSV", "YCbCr", "CMYK", "RGBX"):
        image = Image.fromarray(values).convert("RGB").convert(mode)
    else:
        image = Image.fromarray(values).convert(mode)
    assert image.mode == mode
    assert np.asarray(read_picture(image)).tolist() == [[[0] * 3, [255] * 3]]


def test_sixteen_bit_tones_are_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None]
    expected = np.arange(256)
    for source in (
        as_bytes(Image.fromarray(ramp)),
        as_bytes(Image.fromarray(ramp), "TIFF"),
        Image.fromarray(ramp.astype(np.int32)),
    ):
        assert np.abs(np.asarray(read_picture(source))[0, :, 0].astype(int) - expected).max() <= 1
    unit = Image.fromarray(np.linspace(0, 1, 256, dtype=np.float32)[None])
    assert np.abs(np.asarray(read_picture(unit))[0, :, 0].astype(int) - expected).max() <= 1
    signed = Image.fromarray(np.array([[-1000, 0, 1000]], np.int32))
    assert np.asarray(read_picture(signed))[0, :, 0].tolist() in ([0, 127, 255], [0, 128, 255])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_rotated_photograph_is_set_upright(tones: Any, orientation: Any) -> None:
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = tones if undo is None else tones.transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = read_picture(as_bytes(stored, "PNG", exif=exif))
    assert np.array_equal(np.asarray(picture), np.asarray(tones))
    assert np.array_equal(np.asarray(read_picture(picture)), np.asarray(tones)), "reading twice must not turn it twice"


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "lime", "blue")]
    data = as_bytes(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert read_picture(data).getpixel((0, 0)) == (255, 0, 0)


def test_a_stripe_of_a_picture_is_no_bomb() -> None:
    assert read_picture(Image.new("RGB", (30_000, 200))).size == (30_000, 200)
    assert read_picture(np.zeros((1, 1), np.uint8)).size == (1, 1)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("size_wh", [(30_000, 30_000), (10_001, 10_000), (14_000, 10_000), (2**31 - 1, 2**31 - 1)])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(size_wh: Any) -> None:
    with pytest.raises(InputError, match=r"megapixels can be opened; shrink it") as caught:
        read_picture(png_claiming(*size_wh))
    assert f"{size_wh[0]} x {size_wh[1]} pixels" in str(caught.value)
    assert "at most 100 megapixels" in str(caught.value)


@pytest.mark.filterwarnings("error")
def test_the_bound_holds_even_if_warnings_are_errors() -> None:
    with pytest.raises(InputError, match="12000 x 12000"):
        read_picture(png_claiming(12_000, 12_000))


def test_the_bound_holds_for_arrays_and_images_alike() -> None:
    with pytest.raises(InputError, match="20000 x 20000 pixels"):
        read_picture(np.broadcast_to(np.uint8(0), (20_000, 20_000)))
    with pytest.raises(InputError, match="200000 x 1000 pixels"):
        read_picture(Image.new("1", (200_000, 1000)))


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (b"", "empty"),
        (b"hello, this is no picture", "not a picture that can be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture that can be read"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture that can be read"),
        (png_claiming(50, 50), "damaged or cut off"),
        (as_bytes(Image.effect_noise((99, 99), 90))[:2000], "damaged or cut off"),
        (as_bytes(Image.effect_noise((99, 99), 90), "JPEG")[:2000], "damaged or cut off"),
        (as_bytes(Image.effect_noise((99, 99), 90), "WEBP")[:2000], "cannot"),
        ("no/such/picture.png", r"no file “picture\.png”"),
        ("null\0byte", "cannot be read"),
        (np.zeros((5, 5, 3)), "uint8 values from 0 to 255, not float64"),
        (np.zeros((5, 5, 2), np.uint8), r"not \(5, 5, 2\)"),
        (np.zeros(5, np.uint8), r"not \(5,\)"),
        (np.zeros((0, 5, 3), np.uint8), r"no pixels \(5 x 0\)"),
        (Image.new("RGB", (0, 5)), r"no pixels \(0 x 5\)"),
        (42, "not int"),
        (None, "not NoneType"),
    ],
)
def test_what_is_no_picture_is_refused_with_the_reason(source: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) if sentence != "cannot" else pytest.raises(InputError):
        read_picture(source)


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="choose another file"):
        read_picture(tmp_path)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damage_anywhere_in_a_file_never_leaks_a_decoders_error(data: Any) -> None:
    file_format = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"]))
    original = as_bytes(Image.linear_gradient("L").resize((24, 24)).convert("RGB"), file_format)
    damaged = bytearray(original[: data.draw(st.integers(1, len(original)))])
    for _ in range(data.draw(st.integers(0, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):
        assert read_picture(bytes(damaged)).mode == "RGB"


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 300))
@settings(deadline=None)
def test_fitting_keeps_proportions_and_never_enlarges(width: int, height: int, max_side: Any) -> None:
    image = Image.new("RGB", (width, height))
    fitted = fit_within(image, max_side)
    assert max(fitted.size) == min(max(image.size), max_side)
    assert min(fitted.size) >= 1
    scale = min(1, max_side / max(image.size))
    assert abs(fitted.width - width * scale) <= 1
    assert abs(fitted.height - height * scale) <= 1


def test_fitting_into_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="at least 1 pixel, not 0"):
        fit_within(Image.new("RGB", (5, 5)), 0)
    assert pictures.MAX_PIXELS == 100_000_000
