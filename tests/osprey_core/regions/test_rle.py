"""Run lengths: the inverse of each other, those of COCO's own tools, and values that can be compared and kept."""

from __future__ import annotations

import contextlib
import itertools
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from osprey_core.errors import InputError
from osprey_core.regions.rle import CodedMask, decode_rle, encode_rle

any_mask = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40))


def disc(size_hw: tuple[int, int], center_xy: tuple[float, float], radius: float) -> np.ndarray:
    y, x = np.mgrid[: size_hw[0], : size_hw[1]] + 0.5
    return (x - center_xy[0]) ** 2 + (y - center_xy[1]) ** 2 <= radius**2


@given(any_mask)
@settings(max_examples=200)
def test_run_lengths_decode_to_the_mask_they_encode(mask: np.ndarray) -> None:
    rle = json.loads(json.dumps(encode_rle(mask)))
    assert np.array_equal(decode_rle(rle), mask)


@given(any_mask)
def test_run_lengths_are_those_of_the_coco_tools(mask: np.ndarray) -> None:
    coco = pytest.importorskip("pycocotools.mask")
    theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert encode_rle(mask) == {"size": list(mask.shape), "counts": theirs["counts"].decode()}
    assert np.array_equal(decode_rle(theirs), mask)


def test_long_runs_and_large_pictures_survive_the_run_lengths() -> None:
    coco = pytest.importorskip("pycocotools.mask")
    mask = disc((2000, 3000), (1700.0, 900.0), 700)
    theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    assert encode_rle(mask)["counts"] == theirs
    assert np.array_equal(decode_rle(encode_rle(mask)), mask)


def test_uncompressed_run_lengths_run_down_the_columns() -> None:
    expected = np.array([[False, True, True], [True, True, False]])
    assert np.array_equal(decode_rle({"size": [2, 3], "counts": [1, 4, 1]}), expected)
    assert np.array_equal(decode_rle({"size": [1, 2], "counts": [0, 2]}), [[True, True]])


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
def test_damaged_run_lengths_are_refused(rle: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        decode_rle(rle)


@given(st.text(max_size=30), st.integers(0, 9), st.integers(0, 9))
def test_any_text_either_decodes_or_is_refused(text: str, height: int, width: int) -> None:
    with contextlib.suppress(InputError):
        assert decode_rle({"size": [height, width], "counts": text}).shape == (height, width)


@given(any_mask)
def test_coded_masks_are_values(mask: np.ndarray) -> None:
    coded = CodedMask.of(mask)
    assert np.array_equal(coded.mask(), mask)
    assert coded == CodedMask.of(mask.copy())
    assert hash(coded) == hash(CodedMask.of(mask.copy()))
    assert coded != CodedMask.of(~mask)
    assert coded.area == mask.sum()
    assert coded.size_hw == mask.shape
    if mask.any():
        assert CodedMask.read(coded.rle(), mask.shape) == coded


@given(st.lists(arrays(np.bool_, (2, 3)), min_size=2, max_size=6))
def test_masks_have_the_same_digest_exactly_if_they_have_the_same_pixels(several: Any) -> None:
    coded = [CodedMask.of(mask) for mask in several]
    assert len({each.digest for each in coded}) == len({mask.tobytes() for mask in several})
    assert CodedMask.of(several[0]).digest != CodedMask.of(several[0].reshape(3, 2)).digest


@given(any_mask, st.integers(0, 9))
def test_however_runs_are_cut_the_coded_mask_is_the_same(mask: np.ndarray, seed: int) -> None:
    if not mask.any():
        return
    rng = np.random.default_rng(seed)
    runs: list[int] = []
    pixels = mask.ravel(order="F").tolist()
    lengths = [len(list(run)) for _, run in itertools.groupby(pixels)]
    for run in ([0] if pixels[0] else []) + lengths:
        cut = int(rng.integers(0, run + 1))
        runs += [cut, 0, run - cut] if rng.random() < 0.5 else [run]
    rle = {"size": list(mask.shape), "counts": runs}
    assert CodedMask.read(rle, mask.shape) == CodedMask.of(mask)


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
def test_forged_run_lengths_are_refused_without_being_decoded(rle: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CodedMask.read(rle, (2, 3))
