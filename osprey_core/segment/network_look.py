"""One look of the click network at a picture or at a part of it: prompts in, masks of the part's own size out."""

import math
import threading
from collections import OrderedDict
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from osprey_core.language.core_shares import CORES
from osprey_core.regions.masks import Mask, area
from osprey_core.regions.morphology import fill_holes
from osprey_core.runtime.photo_levels import PhotoEncoder, photo_square, photo_values
from osprey_core.segment.click_network import MASK_SIDE, ClickNetwork, EncodedPictures, PromptBatch
from osprey_core.segment.edges import GuidedFilter
from osprey_core.segment.protocol import BoxXYXY, CheckedPrompt, PointXY, ScoredMask, first_distinct

Click = tuple[float, float, int]
"""x, y in pixels, and 1 (belongs to it) or 0."""

Logits = NDArray[np.float32]

_SAME = 0.85  # candidates overlapping more than this are the same answer
_ANSWERS = 3
_GUIDE_PIXELS = 640 * 480  # masks are brought to the edges of the picture at this size at most
_KEPT_ANSWERS = 8  # of a look, 0.3 MB each
_NEAR = 4  # places of the network's masks: a piece so near to a click belongs to it
_SURELY_NOT = np.float32(-4)
_ISLAND = 0.03  # pieces of a mask smaller than this share of it are dropped, and holes filled


def look_at(network: ClickNetwork, encoder: PhotoEncoder, image: NDArray[np.uint8], shared: bool) -> "Look":
    """Encode a picture, or a part of one, uint8 (H, W, 3).

    shared: whether others may ask the encoder for the same pixels, so that it keeps their levels for them.
    """
    square = photo_square(image)
    with torch.inference_mode():
        pixels = photo_values(square)[None]
        levels = encoder.levels_of_square(square) if shared else encoder.encode(pixels)
        with CORES.computing():
            encoded = network.neck(levels, pixels.to(encoder.device))
    return Look(network, encoded, image)


class Look:
    """Pixels that the network has encoded. Nothing changes after construction but the memo of the last answers."""

    def __init__(self, network: ClickNetwork, encoded: EncodedPictures, image: NDArray[np.uint8]) -> None:
        height, width = self.size_hw = image.shape[0], image.shape[1]
        self._network = network
        self._encoded = encoded
        scale = min(1.0, math.sqrt(_GUIDE_PIXELS / (height * width)))
        self._guide_wh = max(1, round(width * scale)), max(1, round(height * scale))
        guide = image if scale == 1 else cv2.resize(image, self._guide_wh, interpolation=cv2.INTER_AREA)
        radius = max(1, round(max(self._guide_wh) / MASK_SIDE))
        self._edges = GuidedFilter(np.asarray(guide, np.uint8), radius)
        self._recent = _RecentAnswers()

    @property
    def memory_bytes(self) -> int:
        """Bytes of what is kept of the pixels, without the pixels themselves."""
        encoded = sum(tensor.nbytes for tensor in (*self._encoded.features, *self._encoded.keys))
        return encoded + self._edges.memory_bytes + self._recent.memory_bytes

    def answers(self, prompt: CheckedPrompt) -> tuple[Logits, Logits]:
        """Logits (4, 128, 128) and expected IoUs (4,) after clicks, each of which corrects the answer before it."""
        box_xyxy = prompt.box_xyxy
        previous: Tensor | None = None
        for count in range(0 if box_xyxy is not None else 1, len(prompt.clicks) + 1):
            key = (prompt.clicks[:count], box_xyxy)
            answer = self._recent.look_up(key)
            if answer is None:
                answer = self.decode([list(prompt.clicks[:count])], box_xyxy, previous)
                self._recent.keep(key, answer)
            previous = answer[0][:, :1]
        assert answer is not None
        logits, expected = answer[0][0].cpu().numpy(), answer[1][0].cpu().numpy()
        if prompt.box_xyxy is None:
            logits = np.stack([connected(mask, self.on_grid(prompt.positive_xy)) for mask in logits])
        return logits, expected

    def find(self, prompt: CheckedPrompt) -> list[ScoredMask]:
        """One to three masks bool (H, W), best first."""
        logits, expected = self.answers(prompt)
        found = (
            ScoredMask(self.to_full(logits[place], prompt), float(np.clip(expected[place], 0, 1)))
            for place in _candidates(logits, expected)
        )
        return first_distinct(found, _SAME, _ANSWERS) or [ScoredMask(_marks(prompt, self.size_hw), 0.0)]

    @torch.inference_mode()
    def decode(
        self, clicks: list[list[Click]], box_xyxy: BoxXYXY | None, previous: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Logits (K, 4, 128, 128) and expected IoUs (K, 4) for prompts with equally many clicks (x, y, label) each, in
        pixels; the box and the earlier logits (K, 1, 128, 128) are for all."""
        count = len(clicks)
        height, width = self.size_hw
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

    def on_grid(self, points_xy: Sequence[PointXY]) -> list[tuple[int, int]]:
        """Points (x, y) in pixels as (row, column) of the network's masks."""
        height, width = self.size_hw
        last = MASK_SIDE - 1
        return [(min(last, int(y * MASK_SIDE / height)), min(last, int(x * MASK_SIDE / width))) for x, y in points_xy]

    def to_full(self, logits: Logits, prompt: CheckedPrompt | None) -> Mask:
        """Mask bool (H, W) of the look's own size from logits (128, 128), with the picture's edges."""
        large = cv2.resize(logits, self._guide_wh, interpolation=cv2.INTER_LINEAR)
        soft = self._edges(np.asarray(1 / (1 + np.exp(-np.clip(large, -15, 15))), np.float32))
        height, width = self.size_hw
        if soft.shape != (height, width):
            soft = np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR))
        mask = soft > 0.5
        if prompt and prompt.box_xyxy:
            mask = _clipped(mask, prompt.box_xyxy)
        return _without_islands(mask, prompt)


def prompt_of(clicks: tuple[Click, ...], box_xyxy: BoxXYXY | None) -> CheckedPrompt:
    """A prompt of clicks that are known to be good, in their order."""
    positive, negative = (tuple((x, y) for x, y, label in clicks if label == wanted) for wanted in (1, 0))
    return CheckedPrompt(positive, negative, box_xyxy, clicks)


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


_Step = tuple[tuple[Click, ...], BoxXYXY | None]


class _RecentAnswers:
    """The answers to the last prompts, so that a further click costs one run of the decoder. Threads may share it."""

    def __init__(self) -> None:
        self._answers: OrderedDict[_Step, tuple[Tensor, Tensor]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def memory_bytes(self) -> int:
        """Bytes of the answers that are kept."""
        with self._lock:
            return sum(tensor.nbytes for answer in self._answers.values() for tensor in answer)

    def look_up(self, key: _Step) -> tuple[Tensor, Tensor] | None:
        """The answer to a prompt, if it is still here."""
        with self._lock:
            return self._answers.get(key)

    def keep(self, key: _Step, answer: tuple[Tensor, Tensor]) -> None:
        """Keep an answer; the oldest makes room."""
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > _KEPT_ANSWERS:
                self._answers.popitem(last=False)


def _candidates(logits: NDArray[np.float32], expected: Logits) -> list[int]:
    """The masks to offer, best first: mask 0, which stands for the thing itself, then the guesses by what the network
    expects of them; the guess that resembles mask 0 most comes last."""
    masks = logits > 0
    shared = (masks & masks[0]).sum((1, 2)) / np.maximum((masks | masks[0]).sum((1, 2)), 1)
    rank = np.where(np.arange(len(masks)) == 1 + int(shared[1:].argmax()), expected - 2, expected)
    return [0, *(1 + int(place) for place in np.argsort(-rank[1:], kind="stable"))]


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
