"""Sets of pictures on the device that trains: gathering, resizing and changing whole batches there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F

from benchmarks.laboratory.pictures import SIDE_PX, Pictures
from osprey_core.config import CLIP_MEAN, CLIP_STD
from osprey_core.training.batches import IGNORED

REGIONS = 16
"""Most regions that a training picture shows."""
CHANCES = 7
"""Random numbers that decide how one picture is shown."""
SMALLEST_CUT = 0.6
"""Smallest side of what is cut out of a photograph, as a share of it."""
_LEAST_CELLS = 4.0
"""What of a region must be left in a picture for it to be asked about, in cells of its cover map."""
_AT_ONCE = 256


@dataclass(frozen=True)
class Shown:
    """A batch: pixels float (B, 3, S, S), covers float (B, Q, 96, 96) in [0, 1], names int64 (B, Q) or IGNORED."""

    pixel_values: torch.Tensor
    covers: torch.Tensor
    names: torch.Tensor


class Stock:
    """A set of pictures on a device. Sizes are made when first asked for, and kept."""

    def __init__(self, pictures: Pictures, device: torch.device) -> None:
        self.device = device
        self._pictures = pictures
        self._sized: dict[int, torch.Tensor] = {}
        self.count = len(pictures.images)
        self.first = torch.from_numpy(pictures.first).to(device)
        self.names = torch.from_numpy(pictures.names).to(device)
        self.exact = torch.from_numpy(pictures.exact).to(device)
        self.areas = torch.from_numpy(pictures.areas).to(device)
        self.covers = torch.from_numpy(pictures.covers).to(device)
        self.most_regions = int(self.first.diff().max()) if self.count else 0

    def images(self, size: int) -> torch.Tensor:
        """All pictures at a size: uint8 (N, S, S, 3)."""
        if size not in self._sized:
            sized = torch.empty((self.count, size, size, 3), dtype=torch.uint8, device=self.device)
            whole = torch.from_numpy(self._pictures.images) if size == SIDE_PX else self.images(SIDE_PX)
            for start in range(0, self.count, _AT_ONCE):
                part = whole[start : start + _AT_ONCE].to(self.device)
                if size != SIDE_PX:
                    values = part.permute(0, 3, 1, 2).float()
                    values = F.interpolate(values, size=(size, size), mode="bilinear", antialias=True)
                    part = values.round().clamp(0, 255).byte().permute(0, 2, 3, 1)
                sized[start : start + _AT_ONCE] = part
            self._sized[size] = sized
        return self._sized[size]

    def places(self, picks: torch.Tensor, slots: int, offsets: torch.Tensor | None = None) -> torch.Tensor:
        """Places int64 (B, slots) of the regions of pictures (B,), -1 where there are no more.

        offsets: float (B,) in [0, 1), at which region of each picture to begin; matters where there are too many.
        """
        first, counts = self.first[picks], (self.first[picks + 1] - self.first[picks]).clamp(min=1)
        turn = torch.zeros_like(first) if offsets is None else (offsets * counts).long()
        slot = torch.arange(slots, device=self.device)
        places = first[:, None] + (turn[:, None] + slot) % counts[:, None]
        there = slot < (self.first[picks + 1] - first)[:, None]
        return torch.where(there, places, -1)

    def masks(self, places: torch.Tensor, kind: int = 0) -> torch.Tensor:
        """Covers float (B, Q, 96, 96) of regions (B, Q), empty where -1; kind: place in MASKS."""
        covers = self.covers[kind][places.clamp(min=0)].float() / 255
        return covers * (places >= 0)[..., None, None]

    def as_it_is(self, picks: torch.Tensor, size: int) -> torch.Tensor:
        """Pixel values (B, 3, S, S) of pictures (B,), unchanged."""
        return normalised(self.images(size)[picks].permute(0, 3, 1, 2).float())

    def changed(self, picks: torch.Tensor, size: int, chances: torch.Tensor, cut: float) -> Shown:
        """Pictures (B,) for training: mirrored by chance, cut out, and in other light.

        Args:
            picks: int64 (B,).
            chances: float (B, CHANCES) in [0, 1).
            cut: smallest side of what is cut out, as a share; 1: nothing is cut away.
        """
        places = self.places(picks, REGIONS, chances[:, 0])
        theta = cut_out(chances[:, 1:5], cut)
        pixels = _sampled(self.images(size)[picks].permute(0, 3, 1, 2).float(), theta)
        brightness, contrast = (0.8 + 0.4 * chances[:, 5:7]).unbind(1)
        mean = pixels.mean((1, 2, 3), keepdim=True)
        pixels = (pixels - mean) * contrast[:, None, None, None] + mean * brightness[:, None, None, None]
        covers = _sampled(self.masks(places), theta)
        seen = covers.sum((-2, -1)) >= _LEAST_CELLS
        names = torch.where((places >= 0) & seen, self.names[places.clamp(min=0)], IGNORED)
        return Shown(normalised(pixels.clamp(0, 255)), covers, names)


def joined(parts: list[Shown]) -> Shown:
    """One batch of several."""
    return Shown(
        torch.cat([part.pixel_values for part in parts]).contiguous(memory_format=torch.channels_last),
        torch.cat([part.covers for part in parts]),
        torch.cat([part.names for part in parts]),
    )


def cut_out(chances: torch.Tensor, smallest: float) -> torch.Tensor:
    """Affine maps (B, 2, 3) from the shown picture's coordinates to the whole one's, of chances (B, 4) in [0, 1).

    A window of the picture, at least `smallest` of its side, by chance mirrored.
    """
    side = smallest + (1 - smallest) * chances[:, 1]
    shift = (1 - side)[:, None] * (2 * chances[:, 2:4] - 1)  # (B, 2): x, y
    mirrored = torch.where(chances[:, 0] < 0.5, -1.0, 1.0)
    zero = torch.zeros_like(side)
    across = torch.stack([side * mirrored, zero, shift[:, 0]], -1)
    down = torch.stack([zero, side, shift[:, 1]], -1)
    return torch.stack([across, down], 1)


def normalised(pixels: torch.Tensor) -> torch.Tensor:
    """Pixel values of RGB (B, 3, S, S) in [0, 255], as encoders take them."""
    mean, std = _statistics(pixels.device)
    return (pixels / 255 - mean) / std


@cache
def _statistics(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation (3, 1, 1); kept, since a CUDA graph cannot record their way to the device."""
    return torch.tensor(CLIP_MEAN, device=device)[:, None, None], torch.tensor(CLIP_STD, device=device)[:, None, None]


def _sampled(maps: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
    grid = F.affine_grid(theta, [len(maps), 1, maps.shape[-2], maps.shape[-1]], align_corners=False)
    return F.grid_sample(maps, grid, padding_mode="border", align_corners=False)
