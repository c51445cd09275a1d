"""The segmenter that ships with weights: a small network of clicks and boxes on the photo tower's levels.

Opening a picture runs the tower, which the embedded language model shares, and the network's neck. A click runs the
decoder and brings its masks to the edges of the picture. Nothing of a picture is kept on the network.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from osprey_core.errors import CheckpointError, ModelNotFoundError
from osprey_core.regions.masks import area
from osprey_core.runtime.photo_levels import PhotoEncoder, shared_photo_encoder
from osprey_core.runtime.picture_precision import multiplies_bfloat16
from osprey_core.segment.classic import ClassicSegmenter
from osprey_core.segment.click_network import CANDIDATES, MASK_SIDE, ClickNetwork
from osprey_core.segment.closer_window import closer_window, is_large
from osprey_core.segment.drawings import is_drawing
from osprey_core.segment.network_look import Click, Look, connected, look_at, prompt_of
from osprey_core.segment.parts import KeptParts, Window
from osprey_core.segment.protocol import (
    CheckedPrompt,
    OpenedPicture,
    PromptedPicture,
    ScoredMask,
    Segmenter,
    check_picture,
)

WEIGHTS_FILE = Path(__file__).parent / "learned.safetensors"
"""The network's weights, fp16; `python -m osprey_core.training.segmenter` writes them."""

_KEPT_WINDOWS = 2  # of an opened picture, up to 17 MB each


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
        return _LearnedPicture(self._network, self._encoder, image, self._grid)

    @torch.inference_mode()
    def open_part(self, part: NDArray[np.uint8], whole: OpenedPicture) -> OpenedPicture:
        """See `Segmenter.open_part`: by the network or as a drawing, as the whole was; a sky alone looks drawn."""
        check_picture(part)
        if self._for_drawings is not None and not isinstance(whole, _LearnedPicture):
            return self._for_drawings.open_part(part, whole)
        return _LearnedPicture(self._network, self._encoder, part, self._grid, shared=False)


class _LearnedPicture(PromptedPicture):
    """An opened picture. What a prompt gives depends on the prompt alone; the last windows are kept, for speed."""

    def __init__(
        self,
        network: ClickNetwork,
        encoder: PhotoEncoder,
        image: NDArray[np.uint8],
        grid: ClickGrid,
        shared: bool = True,
    ) -> None:
        """`shared`: see `look_at`."""
        super().__init__(image.shape[:2])
        self._network = network
        self._encoder = encoder
        self._image = image
        self._grid = grid
        self._whole = look_at(network, encoder, image, shared=shared)
        self._windows = KeptParts[Look](_KEPT_WINDOWS)

    @property
    def memory_bytes(self) -> int:
        """Bytes of what is kept of the picture, without its pixels, which are the caller's."""
        return sum(look.memory_bytes for look in (self._whole, *self._windows.opened()))

    def _find(self, prompt: CheckedPrompt) -> list[ScoredMask]:
        window = self._window(prompt)
        if window is None:
            return self._whole.find(prompt)
        look = self._windows.get(
            window, lambda: look_at(self._network, self._encoder, window.cut(self._image), shared=False)
        )
        return [
            ScoredMask(window.laid(item.mask, self._size_hw), item.score) for item in look.find(_moved(prompt, window))
        ]

    def _glance(self, prompt: CheckedPrompt) -> list[ScoredMask]:
        return self._whole.find(prompt)

    def _window(self, prompt: CheckedPrompt) -> Window | None:
        """The part of the picture that shows what was marked, if it is small in the whole picture."""
        height, width = self._size_hw
        if not is_large(self._size_hw):  # without looking for the mask's extent at every click
            return None
        if prompt.box_xyxy is not None:
            return closer_window(prompt.box_xyxy, self._size_hw)
        rows, columns = np.nonzero(self._whole.answers(prompt)[0][0] > 0)
        xs, ys = (list(values) for values in zip(*prompt.positive_xy, strict=True))
        if len(rows):
            xs += [columns.min() * (width / MASK_SIDE), (columns.max() + 1) * (width / MASK_SIDE)]
            ys += [rows.min() * (height / MASK_SIDE), (rows.max() + 1) * (height / MASK_SIDE)]
        return closer_window((float(min(xs)), float(min(ys)), float(max(xs)), float(max(ys))), self._size_hw)

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
            logits, expected = self._whole.decode(clicks[start : start + grid.points_per_batch], None, None)
            logits, expected = logits.flatten(0, 1), expected.flatten()  # (4 K, 128, 128), (4 K,)
            outer = (logits > -1).sum((1, 2))
            stable = (logits > 1).sum((1, 2)) / outer.clamp(min=1)
            good = (expected >= grid.min_expected_iou) & (stable >= grid.min_stability)
            good &= (logits > 0).sum((1, 2)) >= grid.min_area_share * MASK_SIDE**2
            places = good.nonzero()[:, 0].tolist()
            marks = [self._whole.on_grid([clicks[start + place // CANDIDATES][0][:2]]) for place in places]
            kept += [connected(logits[place].cpu().numpy(), mark) for place, mark in zip(places, marks, strict=True)]
            scores.append((expected * stable)[good].cpu())
        if not kept:
            return []
        found, worth = torch.from_numpy(np.stack(kept)), torch.cat(scores)
        results = [
            ScoredMask(mask, float(worth[place].clamp(0, 1)))
            for place in distinct_masks(found > 0, worth, grid.max_overlap)
            if area(mask := self._whole.to_full(found[place].numpy(), None)) >= grid.min_area_share * height * width
        ]
        return sorted(results, key=lambda item: -area(item.mask))


def _moved(prompt: CheckedPrompt, window: Window) -> CheckedPrompt:
    """The prompt in pixels of the window. Clicks outside of it, which can only be on what does not belong, are left."""
    width, height = window.x1 - window.x0, window.y1 - window.y0
    clicks = tuple((x - window.x0, y - window.y0, label) for x, y, label in prompt.clicks)
    inside = tuple(click for click in clicks if 0 <= click[0] < width and 0 <= click[1] < height)
    box = prompt.box_xyxy
    moved = None if box is None else (box[0] - window.x0, box[1] - window.y0, box[2] - window.x0, box[3] - window.y0)
    return prompt_of(inside, moved)


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


def load_learned(
    device: str = "cpu",
    in_bfloat16: bool | None = None,
    weights: Path = WEIGHTS_FILE,
    grid: ClickGrid | None = None,
) -> LearnedSegmenter:
    """Read the network from its file; the process has one per device, precision and grid.

    in_bfloat16: of the photo tower, as for `shared_photo_encoder`.

    Raises ModelNotFoundError if there is no such file, CheckpointError if it does not hold this network.
    """
    chosen = "cpu" if device == "auto" else device
    return _learned(chosen, multiplies_bfloat16(chosen) if in_bfloat16 is None else in_bfloat16, weights, grid)


@lru_cache(maxsize=8)
def _learned(device: str, in_bfloat16: bool, weights: Path, grid: ClickGrid | None) -> LearnedSegmenter:
    network = load_click_network(weights).to(device)
    return LearnedSegmenter(network, shared_photo_encoder(device, in_bfloat16), grid, for_drawings=ClassicSegmenter())


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
