"""Every value of a label map is a region; a mask with smooth edges is one region."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from osprey_core.io.mask_files import read_mask_file, read_masks

CASES = Path(__file__).parents[2] / "data" / "cases" / "masks"
SIZE_HW = (120, 160)
PALETTE = [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0] + [9, 9, 200] * 251 + [224, 224, 192]


def file_of(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def labels(*values: int, dtype: Any = np.uint8) -> NDArray[Any]:
    """A map of discs that touch and overlap, one for each value, over 0."""
    y, x = np.mgrid[: SIZE_HW[0], : SIZE_HW[1]]
    picture = np.zeros(SIZE_HW, dtype)
    for place, value in enumerate(values):
        picture[np.hypot(x - 30 - 22 * place, y - 50 - 5 * place) < 25] = value
    return picture


def check(data: bytes, expected: NDArray[Any], values: list[int]) -> None:
    """The regions of the file are those of the map's values, in order, with the values as ids."""
    masks = read_masks(data, expected.shape)
    assert [mask.source_id for mask in masks] == values
    for mask, value in zip(masks, values, strict=True):
        assert np.array_equal(mask.mask.mask(), expected == value)


@pytest.mark.parametrize("case", ["m_labels.png", "m_voc_palette.png"])
def test_the_cases_have_two_regions(case: str) -> None:
    check((CASES / case).read_bytes(), np.asarray(Image.open(CASES / case)), [1, 2])


@pytest.mark.parametrize("values", [(1, 2), (1, 2, 3, 4, 5), (85, 170, 255), (127, 255), (3, 200), (10, 20, 250)])
def test_grey_label_maps(values: tuple[int, ...]) -> None:
    check(file_of(Image.fromarray(labels(*values))), labels(*values), sorted(values))


def test_label_maps_of_sixteen_bits_of_floats_and_in_tiffs() -> None:
    wide = labels(300, 301, 7000, dtype=np.uint16)
    check(file_of(Image.fromarray(wide)), wide, [300, 301, 7000])
    check(file_of(Image.fromarray(wide.astype(np.int32)), "TIFF"), wide, [300, 301, 7000])
    check(file_of(Image.fromarray(labels(1, 2).astype(np.float32)), "TIFF"), labels(1, 2), [1, 2])


@pytest.mark.parametrize("values", [(1,), (1, 2), (2, 3)])
def test_palettes_and_their_void(values: tuple[int, ...]) -> None:
    picture = labels(*values)
    rim = np.asarray(Image.fromarray((picture > 0).astype(np.uint8) * 255).filter(ImageFilter.FIND_EDGES)) > 0
    with_void = np.where(rim, 255, picture).astype(np.uint8)
    image = Image.fromarray(with_void).convert("L")
    image.putpalette(PALETTE)
    assert image.mode == "P"
    check(file_of(image), with_void, list(values))
    (note,) = read_mask_file(file_of(image), SIZE_HW).notes
    assert "255" in str(note)


def test_a_palette_that_says_nothing_leaves_the_numbers() -> None:
    image = Image.fromarray(labels(1, 2))
    image.putpalette([0] * 768)
    check(file_of(image), labels(1, 2), [1, 2])


def test_colours_are_labels_too() -> None:
    colors = np.array([[0, 0, 0], [220, 20, 60], [0, 128, 0], [255, 255, 255]], np.uint8)
    masks = read_masks(file_of(Image.fromarray(colors[labels(1, 2, 3)])), SIZE_HW)
    areas = sorted(int((labels(1, 2, 3) == value).sum()) for value in (1, 2, 3))
    assert sorted(mask.mask.area for mask in masks) == areas
    transparent = np.dstack([colors[labels(1, 2)], np.where(labels(1, 2) > 0, 255, 0)]).astype(np.uint8)
    assert len(read_masks(file_of(Image.fromarray(transparent)), SIZE_HW)) == 2


def test_many_touching_labels_stay_apart() -> None:
    """A grid of 12 x 16 labels in reading order, whose numbers differ by one from cell to cell."""
    rows, columns = np.mgrid[: SIZE_HW[0], : SIZE_HW[1]] // 10
    grid = (1 + rows * 16 + columns).astype(np.uint8)
    check(file_of(Image.fromarray(grid)), grid, list(range(1, 193)))


def smooth_masks() -> dict[str, Image.Image]:
    """White shapes on black whose edges are grey in several ways."""
    large = Image.new("L", (SIZE_HW[1] * 8, SIZE_HW[0] * 8))
    draw = ImageDraw.Draw(large)
    draw.ellipse((200, 150, 900, 800), fill=255)
    draw.polygon([(950, 100), (1200, 300), (980, 500)], fill=255)
    small = large.resize((SIZE_HW[1], SIZE_HW[0]), Image.Resampling.BOX)
    ramp = np.clip(np.hypot(*(np.mgrid[:120, :160] - np.array([60, 80])[:, None, None])), 0, 80)
    jpeg = Image.open(io.BytesIO(file_of(small, "JPEG", quality=40)))
    square = Image.new("L", (SIZE_HW[1], SIZE_HW[0]))
    ImageDraw.Draw(square).rectangle((40, 30, 110, 90), fill=255)
    return {
        "antialiased": small,
        "antialiased colour": small.convert("RGB"),
        "antialiased palette": small.convert("P"),
        "dim": small.point(lambda value: value // 5),
        "blurred": square.filter(ImageFilter.GaussianBlur(3)),
        "much blurred": square.filter(ImageFilter.GaussianBlur(9)),
        "probability": Image.fromarray(np.rint(255 - ramp * 255 / 80).astype(np.uint8)),
        "slow probability": Image.fromarray(np.rint(64 - ramp * 64 / 80).astype(np.uint8)),
        "float": Image.fromarray((1 - ramp / 80).astype(np.float32)),
        "once a JPEG": jpeg.convert("L"),
    }


@pytest.mark.parametrize("kind", smooth_masks())
def test_a_mask_with_smooth_edges_is_one_region(kind: str) -> None:
    image = smooth_masks()[kind]
    data = file_of(image, "TIFF" if image.mode == "F" else "PNG")
    (mask,) = read_masks(data, SIZE_HW)
    grey = np.asarray(image if image.mode == "F" else image.convert("L"))
    assert np.array_equal(mask.mask.mask(), grey > grey.max() / 2)
    assert mask.source_id is None


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize("color", [False, True])
def test_labels_are_found_again_in_a_lossy_picture(kind: str, color: bool) -> None:
    expected = np.kron(labels(1, 2, 3), np.ones((4, 4), np.uint8))
    colors = np.array([(0, 0, 0), (200, 30, 30), (20, 160, 40), (40, 60, 220)], np.uint8)
    image = Image.fromarray(colors[expected] if color else expected * 70)
    found = read_mask_file(file_of(image, kind, quality=90), expected.shape)
    assert [note.code for note in found.notes] == ["mask_file.lossy_labels"]
    assert len(found.masks) == 3
    for value in (1, 2, 3):
        exact = expected == value
        shares = [(mask.mask.mask() & exact).sum() / (mask.mask.mask() | exact).sum() for mask in found.masks]
        assert max(shares) > 0.96


def test_a_lossy_picture_without_clear_levels_is_told_to_be_one_mask() -> None:
    for image in (smooth_masks()["probability"], Image.fromarray(labels(1, 2, 3))):
        found = read_mask_file(file_of(image, "JPEG"), SIZE_HW)
        assert len(found.masks) == 1
        assert [note.code for note in found.notes] == ["mask_file.lossy_one_mask"]


def test_a_jpeg_is_a_mask_and_never_a_label_map() -> None:
    disc = labels(255) > 0
    (mask,) = read_masks(file_of(Image.fromarray(disc.astype(np.uint8) * 255), "JPEG"), SIZE_HW)
    assert (mask.mask.mask() != disc).mean() < 0.005
