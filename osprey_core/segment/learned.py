"""The segmenter that ships with weights: a small network of clicks and boxes on the photo tower's levels.

Opening a picture runs the tower, which the embedded language model shares, and the network's neck. A click runs the
decoder and brings its masks to the edges of the picture. Nothing of a picture is kept on the network.
"""

import math
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
from osprey_core.regions.masks import Mask, area, fill_holes
from osprey_core.runtime.photo_levels import PhotoEncoder, photo_square, photo_values, shared_photo_encoder
from osprey_core.segment.click_network import MASK_SIDE, ClickNetwork, EncodedPictures, PromptBatch
from osprey_core.segment.edges import GuidedFilter
from osprey_core.segment.protocol import (
    OpenedPicture,
    Prompt,
    PromptedPicture,
    ScoredMask,
    check_picture,
    first_distinct,
)

WEIGHTS_FILE = Path(__file__).parent / "learned.safetensors"
"""The network's weights, fp16; `python -m osprey_core.training.segmenter` writes them."""

_SAME = 0.85  # candidates overlapping more than this are the same answer
_ANSWERS = 3
_GUIDE_PIXELS = 640 * 480  # masks are brought to the edges of the picture at this size at most
_ISLAND = 0.03  # pieces of a mask smaller than this share of it are dropped, and holes filled


@dataclass(frozen=True)
class GridOptions:
    """How "everything" is looked for: a grid of clicks, and what of their masks is kept."""

    points_per_side: int = 16
    points_per_batch: int = 32
    min_expected_iou: float = 0.5
    min_stability: float = 0.7
    max_overlap: float = 0.7
    min_area_share: float = 0.0006


class LearnedSegmenter:
    """Opens pictures with the network, which must be in eval mode. Safe to use from several threads."""

    name = "learned"

    def __init__(self, network: ClickNetwork, encoder: PhotoEncoder, grid: GridOptions | None = None) -> None:
        self._network = network
        self._encoder = encoder
        self._grid = grid or GridOptions()

    @torch.inference_mode()
    def open(self, image: NDArray[np.uint8]) -> OpenedPicture:
        """Encode a picture uint8 (H, W, 3): a few tenths of a second, nothing if the tower has just seen it."""
        check_picture(image)
        square = photo_square(image)
        levels = self._encoder.levels_of_square(square)
        pixels = photo_values(square)[None].to(self._encoder.device)
        return _LearnedPicture(self._network, self._network.neck(levels, pixels), image, self._grid)


class _LearnedPicture(PromptedPicture):
    """An opened picture; nothing in it changes after construction."""

    def __init__(
        self, network: ClickNetwork, encoded: EncodedPictures, image: NDArray[np.uint8], grid: GridOptions
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

    def _find(self, prompt: Prompt) -> list[ScoredMask]:
        logits, expected = self._answers(prompt)
        # Mask 0 stands for the thing itself; the guesses follow by what the network expects of them.
        order = [0, *(1 + int(place) for place in np.argsort(-expected[1:], kind="stable"))]
        found = (
            ScoredMask(self._to_full(logits[place], prompt), float(np.clip(expected[place], 0, 1))) for place in order
        )
        return first_distinct(found, _SAME, _ANSWERS) or [ScoredMask(_marks(prompt, self._size_hw), 0.0)]

    @torch.inference_mode()
    def _answers(self, prompt: Prompt) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits (4, 128, 128) and expected IoUs (4,) for a prompt; several marks are gone over a second time."""
        clicks = [(*point, 1) for point in prompt.positive_xy] + [(*point, 0) for point in prompt.negative_xy]
        batch = self._batch([clicks], prompt.box_xyxy, None)
        logits, expected = self._network.decoder(self._encoded, batch)
        if len(clicks) + (prompt.box_xyxy is not None) > 1:
            batch = self._batch([clicks], prompt.box_xyxy, logits[:, :1])
            logits, expected = self._network.decoder(self._encoded, batch)
        return logits[0].cpu().numpy(), expected[0].cpu().numpy()

    @torch.inference_mode()
    def everything(self) -> list[ScoredMask]:
        """See OpenedPicture.everything. Clicks on a grid, in batches on the encoded picture."""
        grid = self._grid
        height, width = self._size_hw
        steps = (np.arange(grid.points_per_side) + 0.5) / grid.points_per_side
        clicks = [[(x * width, y * height, 1)] for y in steps for x in steps]
        kept: list[Tensor] = []
        scores: list[Tensor] = []
        for start in range(0, len(clicks), grid.points_per_batch):
            batch = self._batch(clicks[start : start + grid.points_per_batch], None, None)
            logits, expected = self._network.decoder(self._encoded, batch)
            logits, expected = logits.flatten(0, 1), expected.flatten()  # (4 K, 128, 128), (4 K,)
            outer = (logits > -1).sum((1, 2))
            stable = (logits > 1).sum((1, 2)) / outer.clamp(min=1)
            good = (expected >= grid.min_expected_iou) & (stable >= grid.min_stability)
            good &= (logits > 0).sum((1, 2)) >= grid.min_area_share * MASK_SIDE**2
            kept.append(logits[good].cpu())
            scores.append((expected * stable)[good].cpu())
        found, worth = torch.cat(kept), torch.cat(scores)
        results = [
            ScoredMask(mask, float(worth[place].clamp(0, 1)))
            for place in distinct_masks(found > 0, worth, grid.max_overlap)
            if area(mask := self._to_full(found[place].numpy(), None)) >= grid.min_area_share * height * width
        ]
        return sorted(results, key=lambda item: -area(item.mask))

    def _batch(
        self,
        clicks: list[list[tuple[float, float, int]]],
        box_xyxy: tuple[float, float, float, float] | None,
        previous: Tensor | None,
    ) -> PromptBatch:
        """Prompts with equally many clicks (x, y, label) each, in pixels; the box and earlier logits are for all."""
        count = len(clicks)
        height, width = self._size_hw
        device = self._encoded.features[0].device
        marks = np.asarray(clicks, np.float32).reshape(count, -1, 3)
        box = np.divide(box_xyxy or (0, 0, 1, 1), (width, height, width, height)).astype(np.float32)
        return PromptBatch(
            points_xy=torch.from_numpy(marks[:, :, :2] / np.array([width, height], np.float32)).to(device),
            labels=torch.from_numpy(marks[:, :, 2].astype(np.int64)).to(device),
            box_xyxy=torch.from_numpy(box).to(device).expand(count, 4),
            has_box=torch.full((count,), box_xyxy is not None, device=device),
            previous=torch.zeros(count, 1, MASK_SIDE, MASK_SIDE, device=device) if previous is None else previous,
            has_previous=torch.full((count,), previous is not None, device=device),
        )

    def _to_full(self, logits: NDArray[np.float32], prompt: Prompt | None) -> Mask:
        """Mask bool (H, W) of the picture's own size from logits (128, 128), with the picture's edges."""
        large = cv2.resize(logits, self._guide_wh, interpolation=cv2.INTER_LINEAR)
        soft = self._edges(1 / (1 + np.exp(-np.clip(large, -15, 15))).astype(np.float32))
        height, width = self._size_hw
        if soft.shape != (height, width):
            soft = np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR))
        return _without_islands(soft > 0.5, prompt)


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


@lru_cache(maxsize=4)
def load_learned(device: str = "cpu", weights: Path = WEIGHTS_FILE) -> LearnedSegmenter:
    """Read the network from its file; the process has one per device.

    Raises ModelNotFoundError if there is no such file, CheckpointError if it does not hold this network.
    """
    network = load_click_network(weights)
    chosen = "cpu" if device == "auto" else device
    return LearnedSegmenter(network.to(chosen), shared_photo_encoder(chosen))


def load_click_network(weights: Path) -> ClickNetwork:
    """The network in eval mode, float32 on the CPU. Raises as `load_learned`."""
    if not weights.is_file():
        raise ModelNotFoundError(f"The segmenter's weights {weights} are missing; install the program again.")
    network = ClickNetwork()
    try:
        tensors = load_file(weights)
        counters = {name: value for name, value in network.state_dict().items() if not value.dtype.is_floating_point}
        network.load_state_dict({**{name: tensor.float() for name, tensor in tensors.items()}, **counters})
    except (SafetensorError, OSError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0][:120]
        raise CheckpointError(f"{weights} does not hold the segmenter's weights ({reason}).") from error
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _without_islands(mask: Mask, prompt: Prompt | None) -> Mask:
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


def _marks(prompt: Prompt, size_hw: tuple[int, int]) -> Mask:
    """The box, or the clicked pixels: the last resort when the network marks no pixel at all."""
    mask = np.zeros(size_hw, dtype=np.bool_)
    if prompt.box_xyxy:
        x0, y0, x1, y1 = prompt.box_xyxy
        mask[int(y0) : max(int(y0) + 1, round(y1)), int(x0) : max(int(x0) + 1, round(x1))] = True
    for x, y in prompt.positive_xy:
        mask[int(y), int(x)] = True
    return mask
