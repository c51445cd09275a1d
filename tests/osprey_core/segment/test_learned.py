"""The segmenter that ships: what it promises for any weights, and what the shipped weights can do."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from osprey_core.errors import CheckpointError, InputError, ModelNotFoundError
from osprey_core.regions.masks import area, box_xyxy, intersection_over_union
from osprey_core.runtime.photo_levels import PhotoEncoder, load_photo_tower
from osprey_core.segment import OpenedPicture, load_segmenter
from osprey_core.segment.classic import ClassicSegmenter
from osprey_core.segment.click_network import ClickNetwork, PromptBatch, prompt_maps
from osprey_core.segment.clicks import middle_of_largest_piece
from osprey_core.segment.drawings import is_drawing
from osprey_core.segment.learned import (
    WEIGHTS_FILE,
    ClickGrid,
    LearnedSegmenter,
    distinct_masks,
    load_click_network,
)
from osprey_core.segment.network_look import connected
from osprey_core.training.scenes.scene import SceneOptions, make_scene
from osprey_core.training.segmenter.trainer import save_network

ROOT = Path(__file__).parents[3]


class CountingEncoder(PhotoEncoder):
    """Counts the pictures that it really encodes."""

    def __init__(self) -> None:
        super().__init__(load_photo_tower(), torch.device("cpu"))
        self.encoded = 0

    def encode(self, pixel_values: torch.Tensor) -> dict[str, torch.Tensor]:
        self.encoded += 1
        return super().encode(pixel_values)


@pytest.fixture(scope="module")
def encoder() -> CountingEncoder:
    return CountingEncoder()


@pytest.fixture(scope="module")
def untrained(encoder: CountingEncoder) -> LearnedSegmenter:
    torch.manual_seed(5)
    grid = ClickGrid(points_per_side=3, points_per_batch=4, min_expected_iou=0, min_stability=0)
    return LearnedSegmenter(ClickNetwork().eval().requires_grad_(False), encoder, grid)


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (90, 131, 3)).astype(np.uint8)


def prompts(**changed: torch.Tensor) -> PromptBatch:
    values = {
        "points_xy": torch.tensor([[[0.25, 0.5]]]),
        "labels": torch.tensor([[1]]),
        "box_xyxy": torch.zeros(1, 4),
        "has_box": torch.tensor([False]),
        "previous": torch.zeros(1, 1, 128, 128),
        "has_previous": torch.tensor([False]),
    }
    return PromptBatch(**{**values, **changed})


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 40), (300, 7), (90, 131)])
def test_pictures_of_any_shape_are_answered_in_their_own_size(
    untrained: LearnedSegmenter, size_hw: tuple[int, int]
) -> None:
    image = np.full((*size_hw, 3), 90, np.uint8)
    opened = untrained.open(image)
    for answers in (opened.segment([(0.5, 0.5)], [1]), opened.segment((), (), (0, 0, size_hw[1], size_hw[0]))):
        assert 1 <= len(answers) <= 3
        assert all(item.mask.shape == size_hw and item.mask.dtype == bool for item in answers)
        assert all(0 <= item.score <= 1 for item in answers)


def test_clicks_are_obeyed_and_answers_differ(untrained: LearnedSegmenter, noise: np.ndarray) -> None:
    opened = untrained.open(noise)
    answers = opened.segment([(20, 30), (100, 70), (60, 10)], [1, 1, 0])
    for item in answers:
        assert item.mask[30, 20]
        assert item.mask[70, 100]
        assert not item.mask[10, 60]
    assert [np.array_equal(a.mask, b.mask) for a in answers for b in answers].count(True) == len(answers)


def test_an_opened_picture_never_changes(untrained: LearnedSegmenter, noise: np.ndarray) -> None:
    opened = untrained.open(noise)

    def ask(_: int) -> np.ndarray:
        return opened.segment([(20, 30)], [1])[0].mask

    first = ask(0)
    opened.segment([(90, 80)], [1])
    with ThreadPoolExecutor(4) as pool:
        assert all(np.array_equal(first, mask) for mask in pool.map(ask, range(8)))


def test_the_tower_sees_a_picture_once(encoder: CountingEncoder, untrained: LearnedSegmenter) -> None:
    image = np.random.default_rng(2).integers(0, 256, (50, 60, 3)).astype(np.uint8)
    before = encoder.encoded
    untrained.open(image)
    encoder.levels(image)  # as the language model asks
    untrained.open(image.copy())
    assert encoder.encoded == before + 1


def test_everything_is_sorted_and_does_not_repeat_itself(untrained: LearnedSegmenter, noise: np.ndarray) -> None:
    masks = [item.mask for item in untrained.open(noise).everything()]
    areas = [area(mask) for mask in masks]
    assert areas == sorted(areas, reverse=True)
    overlaps = [intersection_over_union(a, b) for i, a in enumerate(masks) for b in masks[:i]]
    assert max(overlaps, default=0) <= 0.8  # 0.7 on the network's grid


def test_a_click_asks_for_the_piece_it_lies_in() -> None:
    logits = np.full((20, 20), -3, np.float32)
    logits[2:6, 2:6], logits[12:16, 12:16] = 5, 7
    logits[2:6, 6] = -0.5  # soft to the right
    answer = connected(logits, [(3, 3)])
    np.testing.assert_array_equal(answer[1:7, 1:7], logits[1:7, 1:7])
    assert answer[12:16, 12:16].max() == -4
    assert (connected(logits, [(3, 3), (13, 13)]) > 0).sum() == 32
    assert (connected(logits, [(8, 4)]) > 0).sum() == 16  # near enough
    np.testing.assert_array_equal(connected(logits, [(2, 15)]), logits)


def test_distinct_masks_keep_the_worthiest() -> None:
    masks = torch.zeros(4, 4, 4, dtype=torch.bool)
    masks[0, :2], masks[1, :2, :3], masks[2, 3:], masks[3] = True, True, True, True
    assert distinct_masks(masks, torch.tensor([0.2, 0.9, 0.5, 0.1]), 0.7) == [1, 2, 3]
    assert distinct_masks(masks, torch.tensor([0.2, 0.9, 0.5, 0.1]), 0.8) == [1, 2, 0, 3]
    assert distinct_masks(masks[:0], torch.zeros(0), 0.5) == []


def test_prompt_maps_show_where_the_marks_are() -> None:
    maps = prompt_maps(prompts(box_xyxy=torch.tensor([[0.5, 0.25, 1.0, 0.75]]), has_box=torch.tensor([True])))[0]
    assert maps.shape == (13, 64, 64)
    y, x = divmod(int(maps[0].argmax()), 64)
    assert (y in (31, 32), x in (15, 16)) == (True, True)
    assert float(maps[3:6].abs().max()) == 0  # no click outside
    inside = torch.zeros(64, 64)
    inside[16:48, 32:] = 1
    assert torch.equal(maps[6], inside)


def test_marks_that_are_not_there_change_nothing() -> None:
    torch.manual_seed(0)
    network = ClickNetwork().eval()
    dims = {"res2": (24, 128), "res3": (48, 64), "res4": (120, 32), "res5": (352, 16), "head": (1280, 16)}
    levels = {name: torch.randn(1, count, side, side) for name, (count, side) in dims.items()}
    with torch.inference_mode():
        encoded = network.neck(levels, torch.randn(1, 3, 512, 512))
        plain, _ = network.decoder(encoded, prompts())
        padded = prompts(
            points_xy=torch.tensor([[[0.25, 0.5], [0.9, 0.9]]]),
            labels=torch.tensor([[1, -1]]),
            box_xyxy=torch.tensor([[0.1, 0.1, 0.4, 0.4]]),
            previous=torch.randn(1, 1, 128, 128),
        )
        same, _ = network.decoder(encoded, padded)
        other, _ = network.decoder(encoded, prompts(points_xy=torch.tensor([[[0.75, 0.5]]])))
    torch.testing.assert_close(plain, same)
    assert not torch.allclose(plain, other, atol=1e-3)


def test_weights_come_back_from_their_file(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = ClickNetwork()
    save_network(network, tmp_path / "w.safetensors")
    again = load_click_network(tmp_path / "w.safetensors")
    for name, value in network.state_dict().items():
        if value.dtype.is_floating_point:
            torch.testing.assert_close(again.state_dict()[name], value, atol=1e-3, rtol=1e-3)
    with pytest.raises(ModelNotFoundError, match="missing"):
        load_click_network(tmp_path / "none.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"no weights")
    with pytest.raises(CheckpointError, match="does not hold"):
        load_click_network(tmp_path / "bad.safetensors")


# --- the weights that ship ------------------------------------------------------------------------------------------


def test_the_default_segmenter_is_the_learned_one() -> None:
    assert load_segmenter().name == "learned"
    assert load_segmenter("learned") is load_segmenter()
    with pytest.raises(InputError, match="uint8 array"):
        load_segmenter().open(np.zeros((4, 4), np.uint8))


def test_it_segments_what_it_was_not_trained_on(encoder: CountingEncoder) -> None:
    """Made scenes whose seeds no training has used; the thresholds leave room below what was measured."""
    clicked, boxed = [], []
    segmenter = LearnedSegmenter(load_click_network(WEIGHTS_FILE), encoder)
    for seed in range(900_001, 900_007):
        scene = make_scene(seed, SceneOptions(max_objects=4))
        opened: OpenedPicture = segmenter.open(np.asarray(scene.image))
        for thing in scene.objects:
            clicked.append(
                max(
                    intersection_over_union(item.mask, thing.mask)
                    for item in opened.segment([middle_of_largest_piece(thing.mask)], [1])
                )
            )
            x0, y0, x1, y1 = (float(side) for side in box_xyxy(thing.mask))
            boxed.append(intersection_over_union(opened.segment((), (), (x0, y0, x1, y1))[0].mask, thing.mask))
    assert np.mean(clicked) > 0.5
    assert np.mean(boxed) > 0.6


def test_a_small_thing_in_a_large_picture_is_seen_as_well_as_alone(encoder: CountingEncoder) -> None:
    """Four times four photographs make one; what is boxed in one of them has the mask that it has there alone."""
    segmenter = LearnedSegmenter(load_click_network(WEIGHTS_FILE), encoder)
    photograph = Image.open(ROOT / "examples" / "12-pizza.jpg").convert("RGB").resize((480, 360))
    alone = np.asarray(photograph)
    box = next(
        (float(x0), float(y0), float(x1), float(y1))
        for item in segmenter.open(alone).everything()
        for x0, y0, x1, y1 in [box_xyxy(item.mask)]
        if max(x1 - x0, y1 - y0) < 200
    )
    expected = segmenter.open(alone).segment((), (), box)[0].mask
    large = segmenter.open(np.tile(alone, (4, 4, 1)))
    moved = (box[0] + 480, box[1] + 720, box[2] + 480, box[3] + 720)
    found = large.segment((), (), moved)[0].mask
    assert intersection_over_union(found[720:1080, 480:960], expected) > 0.7
    assert area(found[720:1080, 480:960]) == area(found)
    x, y = middle_of_largest_piece(expected)
    clicked = large.segment([(x + 480, y + 720), (5, 5)], [1, 0])[0].mask  # the second is far outside of what is seen
    assert clicked[720 + int(y), 480 + int(x)]
    assert not clicked[5, 5]
    preview = large.preview(x + 480, y + 720)
    assert preview.shape == found.shape
    assert preview[720 + int(y), 480 + int(x)]


def test_flat_drawings_are_left_to_classic(encoder: CountingEncoder) -> None:
    network, before = load_click_network(WEIGHTS_FILE), encoder.encoded
    segmenter = LearnedSegmenter(network, encoder, for_drawings=ClassicSegmenter())
    drawing = np.full((96, 128, 3), 250, np.uint8)
    drawing[20:60, 30:90] = (200, 30, 40)
    click = [(50.0, 40.0)], [1]
    mine, classic = segmenter.open(drawing).segment(*click), ClassicSegmenter().open(drawing).segment(*click)
    assert [answer.mask.tolist() for answer in mine] == [answer.mask.tolist() for answer in classic]
    assert encoder.encoded == before
    photograph = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    segmenter.open(photograph)
    assert encoder.encoded == before + 1


def test_a_part_is_looked_at_as_its_picture_was(encoder: CountingEncoder) -> None:
    """A photograph's even sky alone looks like a flat drawing."""
    segmenter = LearnedSegmenter(load_click_network(WEIGHTS_FILE), encoder, for_drawings=ClassicSegmenter())
    photograph = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    sky = np.full((64, 64, 3), (90, 140, 220), np.uint8)
    assert is_drawing(sky)
    drawing = np.full((96, 128, 3), 250, np.uint8)
    drawing[20:60, 30:90] = (200, 30, 40)
    of_photograph, of_drawing = segmenter.open(photograph), segmenter.open(drawing)
    assert type(segmenter.open_part(sky, of_photograph)) is type(of_photograph)
    assert type(segmenter.open_part(photograph, of_drawing)) is type(of_drawing)


def test_loading_it_does_not_import_the_language_model() -> None:
    """The page loads both in threads of their own, and transformers cannot be imported by two at once."""
    program = (
        "import sys; from osprey_core.segment import load_segmenter; load_segmenter(); print(*sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "osprey_core.segment.learned" in done.stdout.split()
    assert "transformers" not in done.stdout.split()


def test_what_a_picture_keeps_is_counted(encoder: CountingEncoder) -> None:
    opened: Any = LearnedSegmenter(load_click_network(WEIGHTS_FILE), encoder).open(
        np.random.default_rng(3).integers(0, 256, (1200, 1600, 3), dtype=np.uint8)
    )
    before = opened.memory_bytes
    assert before > 4 * 3 * 640 * 480  # a filter's planes alone
    opened.segment((), (), (100, 100, 140, 130))
    assert opened.memory_bytes > before + 2**21  # a part of the picture, encoded
