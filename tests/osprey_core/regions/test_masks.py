"""Masks: what is accepted, what is refused with which sentence, and that every conversion has its inverse."""

import contextlib
import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from osprey_core.errors import InputError
from osprey_core.regions import masks

any_mask = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40))


def disc(size_hw: tuple[int, int], center_xy: tuple[float, float], radius: float) -> masks.Mask:
    y, x = np.mgrid[: size_hw[0], : size_hw[1]] + 0.5
    return (x - center_xy[0]) ** 2 + (y - center_xy[1]) ** 2 <= radius**2


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int64, np.float32, np.float16])
def test_zeros_and_ones_of_any_number_type_become_bool(dtype):
    given_mask = np.eye(3, 4, dtype=dtype)
    mask = masks.as_mask(given_mask, (3, 4))
    assert mask.dtype == np.bool_
    assert np.array_equal(mask, np.eye(3, 4) > 0)
    given_mask[:] = 0
    assert mask.any(), "the result must not change with the caller's array"


def test_one_pixel_and_the_whole_picture_are_masks():
    one = np.zeros((5, 7))
    one[4, 6] = 1
    assert masks.area(masks.as_mask(one, (5, 7))) == 1
    assert masks.as_mask(np.ones((5, 7), bool), (5, 7)).all()


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        ([[1, 0]], "must be a NumPy array, not list"),
        (None, "must be a NumPy array, not NoneType"),
        (np.ones(6), r"two dimensions \(height, width\), but this one has the shape \(6,\)"),
        (np.ones((2, 3, 1)), r"shape \(2, 3, 1\)"),
        (np.ones((3, 2)), "The mask is 2 x 3 pixels, but the picture is 3 x 2"),
        (np.ones((0, 0)), "The mask is 0 x 0 pixels, but the picture is 3 x 2"),
        (np.full((2, 3), 255, np.uint8), "only 0 and 1, but this one holds 255"),
        (np.full((2, 3), 0.5), "holds 0.5"),
        (np.full((2, 3), -1), "holds -1"),
        (np.full((2, 3), np.nan), "holds nan"),
        (np.full((2, 3), "x"), "not values of the type"),
        (np.ones((2, 3), complex), "not values of the type complex128"),
        (np.full((2, 3), None), "not values of the type object"),
        (np.zeros((2, 3), bool), "The mask is empty"),
    ],
)
def test_what_is_no_mask_is_refused_with_the_reason(mask, sentence):
    with pytest.raises(InputError, match=sentence):
        masks.as_mask(mask, (2, 3))


@given(any_mask)
def test_the_box_is_the_smallest_half_open_one(mask):
    if not mask.any():
        with pytest.raises(InputError, match="empty mask has no box"):
            masks.box_xyxy(mask)
        return
    x0, y0, x1, y1 = masks.box_xyxy(mask)
    assert masks.area(mask[y0:y1, x0:x1]) == masks.area(mask)
    assert mask[y0].any()
    assert mask[y1 - 1].any()
    assert mask[:, x0].any()
    assert mask[:, x1 - 1].any()


def test_intersection_over_union():
    one = np.array([[True, True, False, False]])
    assert masks.intersection_over_union(one, np.roll(one, 1, 1)) == pytest.approx(1 / 3)
    assert masks.intersection_over_union(one, ~one) == 0
    assert masks.intersection_over_union(one & False, one & False) == 1


@given(any_mask)
@settings(max_examples=200)
def test_run_lengths_decode_to_the_mask_they_encode(mask):
    rle = json.loads(json.dumps(masks.encode_rle(mask)))
    assert np.array_equal(masks.decode_rle(rle), mask)


@given(any_mask)
def test_run_lengths_are_those_of_the_coco_tools(mask):
    coco = pytest.importorskip("pycocotools.mask")
    theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert masks.encode_rle(mask) == {"size": list(mask.shape), "counts": theirs["counts"].decode()}
    assert np.array_equal(masks.decode_rle(theirs), mask)


def test_long_runs_and_large_pictures_survive_the_run_lengths():
    coco = pytest.importorskip("pycocotools.mask")
    mask = disc((2000, 3000), (1700.0, 900.0), 700)
    theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    assert masks.encode_rle(mask)["counts"] == theirs
    assert np.array_equal(masks.decode_rle(masks.encode_rle(mask)), mask)


def test_uncompressed_run_lengths_run_down_the_columns():
    expected = np.array([[False, True, True], [True, True, False]])
    assert np.array_equal(masks.decode_rle({"size": [2, 3], "counts": [1, 4, 1]}), expected)
    assert np.array_equal(masks.decode_rle({"size": [1, 2], "counts": [0, 2]}), [[True, True]])


@pytest.mark.parametrize(
    ("rle", "sentence"),
    [
        ({}, "needs"),
        ({"size": [2], "counts": []}, "needs"),
        ({"size": 7, "counts": []}, "needs"),
        ({"size": [2, 3], "counts": [1, 4]}, "do not fill a mask of 2 x 3"),
        ({"size": [2, 3], "counts": [-1, 7]}, "do not fill"),
        ({"size": [10**9, 10**9], "counts": [6]}, "do not fill"),
        ({"size": [-2, 3], "counts": []}, "cannot have the size"),
        ({"size": [2, 3], "counts": [0.5, 5.5]}, "string or a list of whole numbers"),
        ({"size": [2, 3], "counts": None}, "string or a list of whole numbers"),
        ({"size": [2, 3], "counts": "~~~ ü"}, "damaged"),
        ({"size": [2, 3], "counts": "!!"}, "damaged"),
        ({"size": [2, 3], "counts": "PPP"}, "damaged"),
        ({"size": [2, 3], "counts": "PPPPPPPPPPPPPPP0"}, "damaged"),
    ],
)
def test_damaged_run_lengths_are_refused(rle, sentence):
    with pytest.raises(InputError, match=sentence):
        masks.decode_rle(rle)


@given(st.text(max_size=30), st.integers(0, 9), st.integers(0, 9))
def test_any_text_either_decodes_or_is_refused(text, height, width):
    with contextlib.suppress(InputError):
        assert masks.decode_rle({"size": [height, width], "counts": text}).shape == (height, width)


def test_a_polygon_covers_the_pixels_whose_centre_is_inside():
    assert np.array_equal(
        masks.polygon_to_mask([(1, 1), (4, 1), (4, 3), (1, 3)], (4, 6)), np.pad(np.ones((2, 3), bool), ((1, 1), (1, 2)))
    )
    assert masks.polygon_to_mask([(-50, -50), (90, -50), (90, 90), (-50, 90)], (4, 6)).all()
    assert not masks.polygon_to_mask([(-5, 0), (-1, 0), (-1, 9)], (4, 6)).any()
    angles = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    circle = np.stack([50 + 30 * np.cos(angles), 40 + 30 * np.sin(angles)], axis=1)
    assert masks.intersection_over_union(masks.polygon_to_mask(circle, (80, 100)), disc((80, 100), (50, 40), 30)) > 0.98


@given(arrays(np.float64, (5, 2), elements=st.floats(-20, 20)))
def test_the_direction_and_start_of_a_polygon_do_not_matter(points):
    first = masks.polygon_to_mask(points, (12, 15))
    assert np.array_equal(first, masks.polygon_to_mask(np.roll(points, 2, axis=0), (12, 15)))
    assert np.array_equal(first, masks.polygon_to_mask(points[::-1], (12, 15)))


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        ([(1, 1), (2, 2)], "at least three corners"),
        ([], "list of pairs"),
        ([1, 2, 3], "list of pairs"),
        ([(1, 2), (3, 4), (5,)], "pairs of numbers"),
        ([(1, 2), (3, 4), (5, np.inf)], "finite"),
    ],
)
def test_what_is_no_polygon_is_refused(points, sentence):
    with pytest.raises(InputError, match=sentence):
        masks.polygon_to_mask(points, (9, 9))


def test_strokes_are_as_thick_as_the_brush():
    dot = masks.strokes_to_mask([[(20.0, 15.0)]], 8, (30, 40))
    assert np.array_equal(dot, disc((30, 40), (20, 15), 8))
    line = masks.strokes_to_mask([[(10, 15), (30, 15)]], 3, (30, 40))
    assert masks.box_xyxy(line) == (7, 12, 33, 18)
    assert masks.area(masks.strokes_to_mask([[(2.2, 3.9)]], 0.1, (30, 40))) == 1, "a hair-thin brush still marks"
    assert not masks.strokes_to_mask([[(-50, -50), (-20, -90)]], 5, (30, 40)).any()
    with pytest.raises(InputError, match="greater than 0, but it is 0"):
        masks.strokes_to_mask([[(1, 1)]], 0, (30, 40))


@given(
    arrays(np.float64, st.tuples(st.integers(1, 6), st.just(2)), elements=st.floats(-30, 60, width=32)),
    st.floats(0.05, 40),
)
def test_a_stroke_is_everything_near_it(points, radius):
    got = masks.strokes_to_mask([points], radius, (30, 40))
    ys, xs = np.mgrid[0:30, 0:40] + 0.5
    distance = np.full((30, 40), np.inf)
    for (ax, ay), (bx, by) in zip(points, points[1:] if len(points) > 1 else points, strict=False):
        length2 = (bx - ax) ** 2 + (by - ay) ** 2
        t = np.clip(((xs - ax) * (bx - ax) + (ys - ay) * (by - ay)) / length2, 0, 1) if length2 > 1e-12 else 0.0
        distance = np.minimum(distance, np.hypot(xs - ax - t * (bx - ax), ys - ay - t * (by - ay)))
    under = np.zeros((30, 40), bool)
    for x, y in points:
        if 0 <= x < 40 and 0 <= y < 30:
            under[int(y), int(x)] = True
    assert not ((distance <= radius - 1e-4) & ~got).any()
    assert not (got & ~under & (distance > radius + 1e-4)).any()


def test_a_wide_brush_and_a_long_stroke_take_little_time():
    turns = np.linspace(0, 300, 20_000)
    spiral = np.stack([1500 + 4 * turns * np.cos(turns), 1500 + 4 * turns * np.sin(turns)], axis=1)
    began = time.process_time()
    mask = masks.strokes_to_mask([spiral], 400, (3000, 3000))
    assert time.process_time() - began < 20
    assert mask[1500, 1500]
    assert not mask[0, 0]
    with pytest.raises(InputError, match="in several strokes"):
        masks.strokes_to_mask([spiral], 5000, (3000, 3000))


def test_points_far_outside_cost_nothing_and_overflow_nothing():
    assert masks.strokes_to_mask([[(-1e300, 15), (1e300, 15)]], 2, (30, 40))[13:17].all()


@given(any_mask)
def test_filling_holes_only_adds_and_settles_at_once(mask):
    filled = masks.fill_holes(mask)
    assert not (mask & ~filled).any()
    assert np.array_equal(masks.fill_holes(filled), filled)
    assert np.array_equal(masks.fill_holes(mask, max_area=0), mask)


def test_holes_are_filled_up_to_the_given_area():
    ring = disc((60, 60), (30, 30), 25) & ~disc((60, 60), (30, 30), 10) & ~disc((60, 60), (12, 30), 2)
    assert np.array_equal(masks.fill_holes(ring), disc((60, 60), (30, 30), 25))
    assert np.array_equal(masks.fill_holes(ring, max_area=50), ring | disc((60, 60), (12, 30), 2))


@given(any_mask)
def test_the_largest_component_is_a_part_of_the_mask(mask):
    part = masks.largest_component(mask)
    assert not (part & ~mask).any()
    assert part.any() == mask.any()
    assert np.array_equal(masks.largest_component(part), part)


def test_the_largest_component_drops_specks():
    blob = disc((40, 40), (20, 20), 10)
    specks = blob.copy()
    specks[0, 0] = specks[39, 39] = True
    assert np.array_equal(masks.largest_component(specks), blob)


# --- growing, shrinking and the rest -------------------------------------------------------------------------------


def round_footprint(radius: int) -> np.ndarray:
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return x**2 + y**2 <= radius**2


@given(any_mask, st.integers(1, 9))
def test_growing_is_dilation_by_a_disc_and_shrinking_its_counterpart(mask, pixels):
    ndimage = pytest.importorskip("scipy.ndimage")
    disc_shape = round_footprint(pixels)
    assert np.array_equal(masks.grow(mask, pixels), ndimage.binary_dilation(mask, disc_shape))
    assert np.array_equal(masks.shrink(mask, pixels), ndimage.binary_erosion(mask, disc_shape, border_value=1))


@pytest.mark.parametrize("pixels", [50, 333, 1000])
def test_growing_far_stays_exact(pixels):
    mask = np.zeros((30, 2100), bool)
    mask[17, 1040] = True
    y, x = np.mgrid[:30, :2100]
    assert np.array_equal(masks.grow(mask, pixels), (x - 1040) ** 2 + (y - 17) ** 2 <= pixels**2)


def test_growing_by_a_pixel_adds_the_four_neighbours_and_shrinking_takes_them_back():
    one = np.zeros((5, 5), bool)
    one[2, 2] = True
    cross = one | np.roll(one, 1, 0) | np.roll(one, -1, 0) | np.roll(one, 1, 1) | np.roll(one, -1, 1)
    assert np.array_equal(masks.grow(one), cross)
    assert np.array_equal(masks.shrink(cross), one)
    assert not masks.shrink(one).any()
    assert masks.shrink(np.ones((5, 5), bool)).all(), "the picture's border eats nothing"
    assert not masks.grow(np.zeros((5, 5), bool)).any()


@pytest.mark.parametrize("pixels", [0, -1, 1001, 1.5, True, None])
def test_only_sensible_distances_are_grown(pixels):
    for change in (masks.grow, masks.shrink):
        with pytest.raises(InputError, match="by 1 to 1000 pixels"):
            change(np.ones((3, 3), bool), pixels)


@given(any_mask, st.data())
def test_masks_are_sets_of_pixels(mask, data):
    other = data.draw(arrays(np.bool_, mask.shape))
    assert np.array_equal(masks.union([mask, other]), mask | other)
    assert np.array_equal(masks.union([mask]), mask)
    assert np.array_equal(masks.subtract(mask, other), mask & ~other)
    assert np.array_equal(masks.invert(masks.invert(mask)), mask)


def test_masks_of_different_pictures_do_not_mix():
    small, large = np.ones((2, 2), bool), np.ones((3, 2), bool)
    with pytest.raises(InputError, match="same picture"):
        masks.union([small, large])
    with pytest.raises(InputError, match="at least one"):
        masks.union([])
    with pytest.raises(InputError, match="same picture"):
        masks.subtract(small, large)


@given(any_mask)
def test_holes_and_components_are_those_of_scipy(mask):
    ndimage = pytest.importorskip("scipy.ndimage")
    assert np.array_equal(masks.fill_holes(mask), ndimage.binary_fill_holes(mask))
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel())[1:]
    part = masks.largest_component(mask)
    assert part.sum() == (sizes.max() if count else 0)
    if count:
        assert np.array_equal(part, labels == labels[part][0])


# --- coded masks ---------------------------------------------------------------------------------------------------


@given(any_mask)
def test_coded_masks_are_values(mask):
    coded = masks.CodedMask.of(mask)
    assert np.array_equal(coded.mask(), mask)
    assert coded == masks.CodedMask.of(mask.copy())
    assert hash(coded) == hash(masks.CodedMask.of(mask.copy()))
    assert coded != masks.CodedMask.of(~mask)
    assert coded.area == mask.sum()
    assert coded.size_hw == mask.shape
    if mask.any():
        assert masks.CodedMask.read(coded.rle(), mask.shape) == coded


@given(any_mask, st.integers(0, 9))
def test_however_runs_are_cut_the_coded_mask_is_the_same(mask, seed):
    if not mask.any():
        return
    rng = np.random.default_rng(seed)
    runs: list[int] = []
    for run in masks._unpack_counts(masks.encode_rle(mask)["counts"]).tolist():
        cut = int(rng.integers(0, run + 1))
        runs += [cut, 0, run - cut] if rng.random() < 0.5 else [run]
    rle = {"size": list(mask.shape), "counts": runs}
    assert masks.CodedMask.read(rle, mask.shape) == masks.CodedMask.of(mask)


@pytest.mark.parametrize(
    ("rle", "sentence"),
    [
        (None, "needs"),
        ({"size": [2, 3], "counts": [6]}, "mask is empty"),
        ({"size": [3, 2], "counts": [0, 6]}, "mask is 2 x 3 pixels, but the picture is 3 x 2"),
        ({"size": [10**5, 10**5], "counts": [0, 10**10]}, "mask is 100000 x 100000"),
        ({"size": [2, 3], "counts": "0" * 4_000_001}, "too ragged"),
        ({"size": [float("inf"), 3], "counts": []}, "needs"),
    ],
)
def test_forged_run_lengths_are_refused_without_being_decoded(rle, sentence):
    with pytest.raises(InputError, match=sentence):
        masks.CodedMask.read(rle, (2, 3))
