"""The segmenter that ships with weights: a small network of clicks and boxes on the photo tower's levels.

Opening a picture runs the tower, which the embedded language model shares, and the network's neck. A click runs the
decoder and brings its masks to the edges of the picture. Nothing of a picture is kept on the network.
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from osprey_core.errors import CheckpointError, ModelNotFoundError
from osprey_core.language.core_shares import CORES
from osprey_core.regions.masks import Mask, area
from osprey_core.regions.morphology import fill_holes
from osprey_core.runtime.photo_levels import PhotoEncoder, photo_square, photo_values, shared_photo_encoder
from osprey_core.segment.classic import ClassicSegmenter
from osprey_core.segment.click_network import CANDIDATES, MASK_SIDE, ClickNetwork, EncodedPictures, PromptBatch
from osprey_core.segment.drawings import is_drawing
from osprey_core.segment.edges import GuidedFilter
from osprey_core.segment.protocol import (
    BoxXYXY,
    CheckedPrompt,
    OpenedPicture,
    PointXY,
    PromptedPicture,
    ScoredMask,
    Segmenter,
    check_picture,
    first_distinct,
)

WEIGHTS_FILE = Path(__file__).parent / "learned.safetensors"
"""The network's weights, fp16; `python -m osprey_core.training.segmenter` writes them."""

_SAME = 0.85  # candidates overlapping more than this are the same answer
_ANSWERS = 3
_GUIDE_PIXELS = 640 * 480  # masks are brought to the edges of the picture at this size at most
_KEPT_ANSWERS = 8  # of an opened picture, 0.3 MB each
_NEAR = 4  # places of the network's masks: a piece so near to a click belongs to it
_SURELY_NOT = np.float32(-4)
_ISLAND = 0.03  # pieces of a mask smaller than this share of it are dropped, and holes filled

Click = tuple[float, float, int]
_Key = tuple[tuple[Click, ...], BoxXYXY | None]


@dataclass(frozen=True)
class ClickGrid:
    """How "everything" is looked for: a grid of clicks, and what of their masks is kept."""

    points_per_side: int = 16
    points_per_batch: int = 32
    min_expected_iou: float = 0.35
    min_stability: float = 0.25
    max_overlap: float = 0.7
    min_area_share: float = 0.0006


SURVEY_GRID = ClickGrid(points_per_side=10)
"""Coarser, to tell what a picture shows: half the time, and large things are found all the same."""


class LearnedSegmenter:
    """Opens pictures with the network, which must be in eval mode. Safe to use from several threads."""

    name = "learned"

    def __init__(
        self,
        network: ClickNetwork,
        encoder: PhotoEncoder,
        grid: ClickGrid | None = None,
        for_drawings: Segmenter | None = None,
    ) -> None:
        """`for_drawings` opens flat drawings in the network's place; without it the network opens all pictures."""
        self._network = network
        self._encoder = encoder
        self._grid = grid or ClickGrid()
        self._for_drawings = for_drawings

    @torch.inference_mode()
    def open(self, image: NDArray[np.uint8]) -> OpenedPicture:
        """Encode a picture uint8 (H, W, 3): a few tenths of a second, nothing if the tower has just seen it."""
        check_picture(image)
        if self._for_drawings is not None and is_drawing(image):
            return self._for_drawings.open(image)
        square = photo_square(image)
        levels = self._encoder.levels_of_square(square)
        with CORES.computing():
            pixels = photo_values(square)[None].to(self._encoder.device)
            encoded = self._network.neck(levels, pixels)
        return _LearnedPicture(self._network, encoded, image, self._grid)


class _LearnedPicture(PromptedPicture):
    """An opened picture; nothing in it changes after construction but the memo of its last answers."""

    def __init__(
        self, network: ClickNetwork, encoded: EncodedPictures, image: NDArray[np.uint8], grid: ClickGrid
    ) -> None:
        height, width = image.shape[:2]
        super().__init__((height, width))
        self._network = network
        self._encoded = encoded
        self._grid = grid
        scale = min(1.0, math.sqrt(_GUIDE_PIXELS / (height * width)))
        self._guide_wh = max(1, round(width * scale)), max(1, round(height * scale))
        guide = image if scale == 1 else cv2.resize(image, self._guide_wh, interpolation=cv2.INTER_AREA)
        radius = max(1, round(max(self._guide_wh) / MASK_SIDE))
        self._edges = GuidedFilter(np.asarray(guide, np.uint8), radius)
        self._recent = _RecentAnswers()

    def _find(self, prompt: CheckedPrompt) -> list[ScoredMask]:
        logits, expected = self._answers(prompt.clicks, prompt.box_xyxy)
        if prompt.box_xyxy is None:
            logits = np.stack([connected(mask, self._on_grid(prompt.positive_xy)) for mask in logits])
        found = (
            ScoredMask(self._to_full(logits[place], prompt), float(np.clip(expected[place], 0, 1)))
            for place in _candidates(logits, expected)
        )
        return first_distinct(found, _SAME, _ANSWERS) or [ScoredMask(_marks(prompt, self._size_hw), 0.0)]

    @torch.inference_mode()
    def _answers(
        self, clicks: tuple[Click, ...], box_xyxy: BoxXYXY | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits (4, 128, 128) and expected IoUs (4,) after clicks, each of which corrects the answer before it."""
        first = 0 if box_xyxy is not None else 1
        previous: Tensor | None = None
        for count in range(first, len(clicks) + 1):
            key = (clicks[:count], box_xyxy)
            answer = self._recent.look_up(key)
            if answer is None:
                answer = self._decode([list(clicks[:count])], box_xyxy, previous)
                self._recent.keep(key, answer)
            previous = answer[0][:, :1]
        assert answer is not None
        return answer[0][0].cpu().numpy(), answer[1][0].cpu().numpy()

    @torch.inference_mode()
    def everything(self) -> list[ScoredMask]:
        """See OpenedPicture.everything. Clicks on a grid, in batches on the encoded picture."""
        grid = self._grid
        height, width = self._size_hw
        steps = (np.arange(grid.points_per_side) + 0.5) / grid.points_per_side
        clicks: list[list[Click]] = [[(float(x * width), float(y * height), 1)] for y in steps for x in steps]
        kept: list[NDArray[np.float32]] = []
        scores: list[Tensor] = []
        for start in range(0, len(clicks), grid.points_per_batch):
            logits, expected = self._decode(clicks[start : start + grid.points_per_batch], None, None)
            logits, expected = logits.flatten(0, 1), expected.flatten()  # (4 K, 128, 128), (4 K,)
            outer = (logits > -1).sum((1, 2))
            stable = (logits > 1).sum((1, 2)) / outer.clamp(min=1)
            good = (expected >= grid.min_expected_iou) & (stable >= grid.min_stability)
            good &= (logits > 0).sum((1, 2)) >= grid.min_area_share * MASK_SIDE**2
            places = good.nonzero()[:, 0].tolist()
            marks = [self._on_grid([clicks[start + place // CANDIDATES][0][:2]]) for place in places]
            kept += [connected(logits[place].cpu().numpy(), mark) for place, mark in zip(places, marks, strict=True)]
            scores.append((expected * stable)[good].cpu())
        if not kept:
            return []
        found, worth = torch.from_numpy(np.stack(kept)), torch.cat(scores)
        results = [
            ScoredMask(mask, float(worth[place].clamp(0, 1)))
            for place in distinct_masks(found > 0, worth, grid.max_overlap)
            if area(mask := self._to_full(found[place].numpy(), None)) >= grid.min_area_share * height * width
        ]
        return sorted(results, key=lambda item: -area(item.mask))

    def _decode(
        self, clicks: list[list[Click]], box_xyxy: BoxXYXY | None, previous: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Logits (K, 4, 128, 128) and expected IoUs (K, 4) for prompts with equally many clicks (x, y, label) each, in
        pixels; the box and the earlier logits (K, 1, 128, 128) are for all."""
        count = len(clicks)
        height, width = self._size_hw
        device = self._encoded.features[0].device
        marks = np.asarray(clicks, np.float32).reshape(count, -1, 3)
        box = np.divide(box_xyxy or (0, 0, 1, 1), (width, height, width, height)).astype(np.float32)
        batch = PromptBatch(
            points_xy=torch.from_numpy(marks[:, :, :2] / np.array([width, height], np.float32)).to(device),
            labels=torch.from_numpy(marks[:, :, 2].astype(np.int64)).to(device),
            box_xyxy=torch.from_numpy(box).to(device).expand(count, 4),
            has_box=torch.full((count,), box_xyxy is not None, device=device),
            previous=torch.zeros(count, 1, MASK_SIDE, MASK_SIDE, device=device) if previous is None else previous,
            has_previous=torch.full((count,), previous is not None, device=device),
        )
        with CORES.computing():
            logits, expected = self._network.decoder(self._encoded, batch)
        return logits, expected

    def _on_grid(self, points_xy: Sequence[PointXY]) -> list[tuple[int, int]]:
        """Points (x, y) of the picture as (row, column) of the network's masks."""
        height, width = self._size_hw
        last = MASK_SIDE - 1
        return [(min(last, int(y * MASK_SIDE / height)), min(last, int(x * MASK_SIDE / width))) for x, y in points_xy]

    def _to_full(self, logits: NDArray[np.float32], prompt: CheckedPrompt | None) -> Mask:
        """Mask bool (H, W) of the picture's own size from logits (128, 128), with the picture's edges."""
        large = cv2.resize(logits, self._guide_wh, interpolation=cv2.INTER_LINEAR)
        soft = self._edges(np.asarray(1 / (1 + np.exp(-np.clip(large, -15, 15))), np.float32))
        height, width = self._size_hw
        if soft.shape != (height, width):
            soft = np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR))
        mask = soft > 0.5
        if prompt and prompt.box_xyxy:
            mask = _clipped(mask, prompt.box_xyxy)
        return _without_islands(mask, prompt)


def connected(logits: NDArray[np.float32], places: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
    """The logits (h, w) of the pieces of a mask that hold a place (row, column), or lie near it; elsewhere they say no.

    A click asks for one thing: what looks alike elsewhere is another. Unchanged where no piece is near any place.
    """
    count, numbers = cv2.connectedComponents((logits > 0).astype(np.uint8), connectivity=4)
    wanted = np.zeros(count, np.bool_)
    for row, column in places:
        number = int(numbers[row, column])
        if not number:
            near = numbers[max(0, row - _NEAR) : row + _NEAR + 1, max(0, column - _NEAR) : column + _NEAR + 1]
            number = int(np.bincount(near[near > 0]).argmax()) if (near > 0).any() else 0
        wanted[number] = True
    wanted[0] = False
    if not wanted.any():
        return logits
    piece = cv2.dilate(wanted[numbers].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return np.where(piece & (wanted[numbers] | (numbers == 0)), logits, np.minimum(logits, _SURELY_NOT))


def distinct_masks(masks: Tensor, worth: Tensor, max_overlap: float) -> list[int]:
    """Places of the masks that are kept, best first: none overlaps a better one by more than an IoU of `max_overlap`.

    masks: bool (N, h, w); worth: float (N,).
    """
    flat = masks.flatten(1).float()
    sizes = flat.sum(1)
    shared = flat @ flat.T
    overlap = shared / (sizes[:, None] + sizes[None] - shared).clamp(min=1)
    kept: list[int] = []
    for place in torch.argsort(worth, descending=True, stable=True).tolist():
        if not kept or float(overlap[place, kept].max()) <= max_overlap:
            kept.append(place)
    return kept


class _RecentAnswers:
    """The answers to the last prompts, so that a further click costs one run of the decoder. Threads may share it."""

    def __init__(self) -> None:
        self._answers: OrderedDict[_Key, tuple[Tensor, Tensor]] = OrderedDict()
        self._lock = threading.Lock()

    def look_up(self, key: _Key) -> tuple[Tensor, Tensor] | None:
        """The answer to a prompt, if it is still here."""
        with self._lock:
            return self._answers.get(key)

    def keep(self, key: _Key, answer: tuple[Tensor, Tensor]) -> None:
        """Keep an answer; the oldest makes room."""
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > _KEPT_ANSWERS:
                self._answers.popitem(last=False)


def _candidates(logits: NDArray[np.float32], expected: NDArray[np.float32]) -> list[int]:
    """The masks to offer, best first: mask 0, which stands for the thing itself, then the guesses by what the network
    expects of them; the guess that resembles mask 0 most comes last."""
    masks = logits > 0
    shared = (masks & masks[0]).sum((1, 2)) / np.maximum((masks | masks[0]).sum((1, 2)), 1)
    rank = np.where(np.arange(len(masks)) == 1 + int(shared[1:].argmax()), expected - 2, expected)
    return [0, *(1 + int(place) for place in np.argsort(-rank[1:], kind="stable"))]


@lru_cache(maxsize=4)
def load_learned(device: str = "cpu", weights: Path = WEIGHTS_FILE, grid: ClickGrid | None = None) -> LearnedSegmenter:
    """Read the network from its file; the process has one per device and grid.

    Raises ModelNotFoundError if there is no such file, CheckpointError if it does not hold this network.
    """
    network = load_click_network(weights)
    chosen = "cpu" if device == "auto" else device
    return LearnedSegmenter(network.to(chosen), shared_photo_encoder(chosen), grid, for_drawings=ClassicSegmenter())


def load_click_network(weights: Path) -> ClickNetwork:
    """The network in eval mode, float32 on the CPU. Raises as `load_learned`."""
    if not weights.is_file():
        raise ModelNotFoundError("segmenter.weights_missing", path=str(weights))
    network = ClickNetwork()
    try:
        tensors = load_file(weights)
        counters = {name: value for name, value in network.state_dict().items() if not value.dtype.is_floating_point}
        network.load_state_dict({**{name: tensor.float() for name, tensor in tensors.items()}, **counters})
    except (SafetensorError, OSError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0][:120]
        raise CheckpointError("segmenter.weights_foreign", path=str(weights), reason=reason) from error
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _without_islands(mask: Mask, prompt: CheckedPrompt | None) -> Mask:
    """The mask without small pieces that no click lies in, and without small holes."""
    total = area(mask)
    if not total:
        return mask
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count > 2:
        keep = stats[:, cv2.CC_STAT_AREA] >= _ISLAND * total
        keep[0] = False
        for x, y in prompt.positive_xy if prompt else ():
            keep[numbers[int(y), int(x)]] = numbers[int(y), int(x)] > 0 or keep[numbers[int(y), int(x)]]
        mask = keep[numbers]
    return fill_holes(mask, max_area=_ISLAND * total)


def _clipped(mask: Mask, box_xyxy: BoxXYXY) -> Mask:
    """What of the mask lies in the box; the whole mask if nothing does."""
    x0, y0, x1, y1 = (round(side) for side in box_xyxy)
    inside = np.zeros_like(mask)
    window = np.s_[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    inside[window] = mask[window]
    return inside if inside.any() else mask


def _marks(prompt: CheckedPrompt, size_hw: tuple[int, int]) -> Mask:
    """The box, or the clicked pixels: the last resort when the network marks no pixel at all."""
    mask = np.zeros(size_hw, dtype=np.bool_)
    if prompt.box_xyxy:
        x0, y0, x1, y1 = prompt.box_xyxy
        mask[int(y0) : max(int(y0) + 1, round(y1)), int(x0) : max(int(x0) + 1, round(x1))] = True
    for x, y in prompt.positive_xy:
        mask[int(y), int(x)] = True
    return mask
