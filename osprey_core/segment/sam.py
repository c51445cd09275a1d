"""Segment Anything (Kirillov et al., 2023) as a segmenter, on Meta's segment_anything package and weights.

The image encoder runs once, in open(); the opened picture stores its features, and every click runs only the prompt
encoder and mask decoder on them. The model itself has no state, so that people can share it. The package's SamPredictor
stores the current picture in itself, so it is not used.
"""

import logging
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torchvision.ops import nms

from osprey_core.errors import CheckpointError, InputError, ModelNotFoundError
from osprey_core.i18n import Listing, Message
from osprey_core.language.core_shares import CORES
from osprey_core.language.onednn import use_onednn
from osprey_core.regions.masks import Mask, area
from osprey_core.regions.morphology import fill_holes
from osprey_core.segment.protocol import (
    CheckedPrompt,
    OpenedPicture,
    PromptedPicture,
    ScoredMask,
    check_picture,
    first_distinct,
)

log = logging.getLogger(__name__)

#: Hub repository of the published weights.
REPO_ID = "ybelkada/segment-anything"
FILES = {
    "vit_b": "checkpoints/sam_vit_b_01ec64.pth",
    "vit_l": "checkpoints/sam_vit_l_0b3195.pth",
    "vit_h": "checkpoints/sam_vit_h_4b8939.pth",
}

_SAME = 0.9  # candidates overlapping more than this are the same answer
_CANDIDATES = 3


class _Sam(Protocol):
    """The parts of segment_anything's Sam that are used."""

    image_encoder: Any
    prompt_encoder: Any
    mask_decoder: Any
    mask_threshold: float

    @property
    def device(self) -> torch.device: ...

    def preprocess(self, x: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class GridOptions:
    """Options of "everything": a grid of clicks, and thresholds for their masks."""

    points_per_side: int = 32
    points_per_batch: int = 64
    min_predicted_iou: float = 0.88
    min_stability: float = 0.95
    max_box_overlap: float = 0.7
    min_area_share: float = 0.0004

    def __post_init__(self) -> None:
        if self.points_per_side < 1 or self.points_per_batch < 1:
            raise InputError("sam.grid_empty")


class SamSegmenter:
    """Opens pictures with one SAM model, which must be in eval mode. Safe to use from several threads."""

    def __init__(self, model: _Sam, name: str, grid: GridOptions | None = None) -> None:
        self._model = model
        self._name = name
        use_onednn(model.image_encoder)
        # On a CPU a grid of 32 x 32 takes minutes; half as many points a side still find all but the smallest things.
        self._grid = grid or GridOptions(points_per_side=16 if model.device.type == "cpu" else 32)

    @property
    def name(self) -> str:
        """ "sam:vit_b", "sam:vit_l" or "sam:vit_h"."""
        return self._name

    @torch.no_grad()
    def open(self, image: NDArray[np.uint8]) -> OpenedPicture:
        """Encode a picture uint8 (H, W, 3): seconds on a CPU, a fraction of one on a GPU."""
        check_picture(image)
        height, width = image.shape[:2]
        side = int(self._model.image_encoder.img_size)
        scale = side / max(height, width)
        # Rounded as segment_anything does, but never to nothing: a picture may be one pixel high.
        input_hw = max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))
        resized = np.array(Image.fromarray(image).resize(input_hw[::-1], Image.Resampling.BILINEAR))
        pixels = torch.from_numpy(resized).to(self._model.device).permute(2, 0, 1)[None]  # (1, 3, h, w)
        with CORES.computing():
            features = self._model.image_encoder(self._model.preprocess(pixels.float()))  # (1, C, side/16, side/16)
        return _SamPicture(self._model, features, (height, width), input_hw, self._grid)

    def open_part(self, part: NDArray[np.uint8], whole: OpenedPicture) -> OpenedPicture:
        """See `Segmenter.open_part`: as a picture of its own."""
        return self.open(part)


class _SamPicture(PromptedPicture):
    """A picture with its features (1, C, h, w); immutable."""

    def __init__(
        self, model: _Sam, features: Tensor, size_hw: tuple[int, int], input_hw: tuple[int, int], grid: GridOptions
    ) -> None:
        super().__init__(size_hw)
        self._model = model
        self._features = features
        self._input_hw = input_hw
        self._grid = grid

    @torch.no_grad()
    def _find(self, prompt: CheckedPrompt) -> list[ScoredMask]:
        points = [*prompt.positive_xy, *prompt.negative_xy]
        sides = [1] * len(prompt.positive_xy) + [0] * len(prompt.negative_xy)
        logits, scores = self._decode(
            self._to_input(points)[None] if points else None,
            torch.tensor([sides], dtype=torch.int, device=self._model.device) if points else None,
            self._to_input(np.reshape(prompt.box_xyxy, (2, 2))).reshape(1, 4) if prompt.box_xyxy else None,
        )
        # Mask 0 is for unambiguous prompts, masks 1 to 3 are for a single click: part, object, whole.
        first = 1 if len(points) == 1 and prompt.box_xyxy is None else 0
        order = [first + int(i) for i in torch.argsort(scores[0, first:], descending=True, stable=True)]
        found = (ScoredMask(self._to_full(logits[0, i]), float(scores[0, i].clamp(0, 1))) for i in order)
        return first_distinct(found, _SAME, _CANDIDATES) or [ScoredMask(_box_mask(prompt, self._size_hw), 0.0)]

    @torch.no_grad()
    def everything(self) -> list[ScoredMask]:
        """See OpenedPicture.everything. Clicks on a grid, in batches on the stored features."""
        grid, device = self._grid, self._model.device
        height, width = self._size_hw
        steps = (np.arange(grid.points_per_side) + 0.5) / grid.points_per_side
        clicks = self._to_input(np.stack(np.meshgrid(steps * width, steps * height), axis=-1).reshape(-1, 2))
        logits_kept: list[Tensor] = []
        scores_kept: list[Tensor] = []
        for batch in clicks.split(grid.points_per_batch):
            labels = torch.ones((len(batch), 1), dtype=torch.int, device=device)
            logits, scores = self._decode(batch[:, None], labels, None)
            flat, flat_scores = logits[:, 1:].flatten(0, 1), scores[:, 1:].flatten()  # (3B, s, s), (3B,)
            seen = self._inside_picture(flat)
            good = (flat_scores > grid.min_predicted_iou) & (self._stability(seen) >= grid.min_stability)
            good &= (seen > self._model.mask_threshold).flatten(1).any(dim=1)
            logits_kept.append(flat[good])
            scores_kept.append(flat_scores[good])
        found, certainty = torch.cat(logits_kept), torch.cat(scores_kept)
        if not len(found):
            return []
        keep = nms(_boxes(self._inside_picture(found) > self._model.mask_threshold), certainty, grid.max_box_overlap)
        results: list[ScoredMask] = []
        for index in keep.tolist():
            mask = fill_holes(self._to_full(found[index]), max_area=grid.min_area_share * height * width)
            if area(mask) > grid.min_area_share * height * width:
                results.append(ScoredMask(mask, float(certainty[index].clamp(0, 1))))
        return sorted(results, key=lambda item: -area(item.mask))

    def _decode(self, points: Tensor | None, labels: Tensor | None, boxes: Tensor | None) -> tuple[Tensor, Tensor]:
        """All four mask logits (B, 4, s, s) and predicted IoUs (B, 4) for B prompts: points (B, N, 2), boxes (B, 4)."""
        encoder = self._model.prompt_encoder
        sparse, dense = encoder(
            points=None if points is None or labels is None else (points, labels), boxes=boxes, masks=None
        )
        logits, scores = self._model.mask_decoder.predict_masks(
            image_embeddings=self._features,
            image_pe=encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
        )
        return logits, scores

    def _to_input(self, points_xy: Any) -> Tensor:
        """Points (N, 2) of the picture in the encoder's frame."""
        scale = np.array([self._input_hw[1] / self._size_hw[1], self._input_hw[0] / self._size_hw[0]])
        return torch.as_tensor(np.asarray(points_xy) * scale, dtype=torch.float32, device=self._model.device)

    def _inside_picture(self, logits: Tensor) -> Tensor:
        """The part (N, h, w) of low-resolution logits (N, s, s) that lies on the picture, not on its padding."""
        per_pixel = logits.shape[-1] / self._model.image_encoder.img_size
        height, width = (max(1, round(side * per_pixel)) for side in self._input_hw)
        return logits[:, :height, :width]

    def _stability(self, logits: Tensor) -> Tensor:
        """(N,): overlap of each mask thresholded a little higher with itself thresholded a little lower."""
        inner = (logits > self._model.mask_threshold + 1).flatten(1).sum(dim=1)
        outer = (logits > self._model.mask_threshold - 1).flatten(1).sum(dim=1)
        return inner / outer.clamp(min=1)

    def _to_full(self, logits: Tensor) -> Mask:
        """Mask bool (H, W) of the picture's own size from low-resolution logits (s, s)."""
        side = int(self._model.image_encoder.img_size)
        large = functional.interpolate(logits[None, None], (side, side), mode="bilinear", align_corners=False)
        cut = large[:, :, : self._input_hw[0], : self._input_hw[1]]  # without the padding
        full = functional.interpolate(cut, self._size_hw, mode="bilinear", align_corners=False)
        return np.array((full[0, 0] > self._model.mask_threshold).cpu().numpy())


def load_sam(variant: str, path: str | None, device: str) -> SamSegmenter:
    """Load a SAM ("vit_b", "vit_l", "vit_h") from a local weights file, or from the Hub if `path` is None.

    Raises ModelNotFoundError if there is no such file, CheckpointError if it does not hold this model.
    """
    from segment_anything import sam_model_registry

    if path is None:
        from osprey_core.runtime import hub

        file = Path(hub.fetch_file(REPO_ID, FILES[variant]))
    else:
        file = Path(path).expanduser()
        if not file.is_file():
            raise ModelNotFoundError("sam.file_missing", path=str(path), variant=variant)
    state = _read_weights(file, variant)
    model = sam_model_registry[variant](checkpoint=None)
    _load_strictly(model, state, file, variant)
    model.eval().requires_grad_(False).to(device)
    log.info("loaded SAM %s from %s on %s", variant, file, device)
    return SamSegmenter(model, f"sam:{variant}")


def _read_weights(file: Path, variant: str) -> dict[str, Tensor]:
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except (RuntimeError, ValueError, EOFError, OSError, KeyError, AttributeError, pickle.UnpicklingError):
        raise CheckpointError("sam.file_damaged", name=file.name, needed=FILES[variant].split("/")[-1]) from None
    if not isinstance(state, dict) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(
            "sam.weights_missing", name=file.name, variant=variant, needed=FILES[variant].split("/")[-1]
        )
    return state


def _load_strictly(model: torch.nn.Module, state: dict[str, Tensor], file: Path, variant: str) -> None:
    wanted = model.state_dict()
    problems = []
    for code, names in (
        ("sam.tensors_missing", sorted(wanted.keys() - state.keys())),
        ("sam.tensors_unexpected", sorted(state.keys() - wanted.keys())),
        ("sam.tensors_misshaped", sorted(n for n in wanted.keys() & state.keys() if wanted[n].shape != state[n].shape)),
    ):
        if names:
            problems.append(Message(code, {"count": len(names), "name": names[0]}))
    if problems:
        raise CheckpointError(
            "sam.weights_mismatch",
            name=file.name,
            variant=variant,
            problems=Listing(tuple(problems)),
            needed=FILES[variant].split("/")[-1],
        )
    model.load_state_dict(state)


def _boxes(masks: Tensor) -> Tensor:
    """Boxes (N, 4) as x0, y0, x1, y1 (float, half-open) around masks bool (N, h, w), none of them empty."""
    columns, rows = masks.any(dim=1).int(), masks.any(dim=2).int()
    low = torch.stack([columns.argmax(dim=1), rows.argmax(dim=1)], dim=1)
    high_x = columns.shape[1] - columns.flip(1).argmax(dim=1)
    high_y = rows.shape[1] - rows.flip(1).argmax(dim=1)
    return torch.cat([low, torch.stack([high_x, high_y], dim=1)], dim=1).float()


def _box_mask(prompt: CheckedPrompt, size_hw: tuple[int, int]) -> Mask:
    """The prompt's box as a mask, empty without a box: the fallback if the model marks no pixel."""
    mask = np.zeros(size_hw, dtype=np.bool_)
    if prompt.box_xyxy:
        x0, y0, x1, y1 = prompt.box_xyxy
        mask[int(y0) : max(int(y0) + 1, round(y1)), int(x0) : max(int(x0) + 1, round(x1))] = True
    return mask
