"""The laboratory's networks: a vision encoder, what reads regions from its levels, and a linear classifier of names.

Encoders are those of `osprey_core.model.vision`, cut down to the levels that are read; it knows neither files nor runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from timm.models import register_model
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.laboratory.table import Run
from osprey_core.config import LEVEL_NAMES, ExtractorConfig, SamplerConfig, VisionConfig
from osprey_core.model.extractor import MaskExtractor, MaskGrids
from osprey_core.model.mask_pooling import cover_grid, mask_pooling
from osprey_core.model.region_points import NO_POINT
from osprey_core.model.sampler import SamplingExtractor
from osprey_core.model.vision import SimplePyramidEncoder, VisionEncoder, build_vision_encoder
from osprey_core.training.objectives import RegionNamer

TOKEN_DIM = 256
LEVEL_DIMS = (40, 80, 160, 320)
"""ConvNeXt-atto's widths, and those of the ViT's pyramid."""
_NAMES = {
    "convnext": "convnext_atto",
    "vit": "vit_laboratory_six_blocks",
    "vit of equal parameters": "vit_laboratory_four_blocks",
}


@register_model
def vit_laboratory_six_blocks(pretrained: bool = False, **options: Any) -> VisionTransformer:
    """A ViT as wide and deep as ConvNeXt-atto's third stage: about equal computation."""
    return _vit(6, options)


@register_model
def vit_laboratory_four_blocks(pretrained: bool = False, **options: Any) -> VisionTransformer:
    """The same with four blocks: about as many parameters as ConvNeXt-atto has up to its third stage."""
    return _vit(4, options)


def _vit(depth: int, options: Mapping[str, Any]) -> VisionTransformer:
    # Position embeddings are interpolated for pictures of another size.
    return VisionTransformer(
        img_size=options["img_size"], patch_size=16, embed_dim=160, depth=depth, num_heads=5, num_classes=0,
        dynamic_img_size=True,
    )  # fmt: skip


class LevelEncoder(nn.Module):
    """A vision encoder of which only some levels are computed; parts that these do not need are dropped."""

    def __init__(self, encoder: nn.Module, levels: Sequence[str]) -> None:
        super().__init__()
        if isinstance(encoder, VisionEncoder):
            last = max(LEVEL_NAMES.index(name) for name in levels)
            encoder.trunk.stages = encoder.trunk.stages[: last + 1]
        elif isinstance(encoder, SimplePyramidEncoder):
            for name in set(LEVEL_NAMES) - set(levels):
                setattr(encoder, name, nn.Identity())
        else:
            raise TypeError(f"only ConvNeXts and plain ViTs are compared, not {type(encoder).__name__}")
        self.encoder = encoder
        self.levels = tuple(levels)

    def forward(self, pixel_values: torch.Tensor) -> dict[str, torch.Tensor]:
        """The wanted levels of pictures (B, 3, S, S), as `VisionEncoder` gives them."""
        found: dict[str, torch.Tensor] = {}
        if isinstance(self.encoder, VisionEncoder):
            features = self.encoder.trunk.stem(pixel_values)
            for name, stage in zip(LEVEL_NAMES, self.encoder.trunk.stages, strict=False):
                found[name] = features = stage(features)
            return {name: found[name] for name in self.levels}
        trunk = self.encoder.trunk
        maps: Any = trunk.forward_intermediates(pixel_values, indices=1, norm=True, intermediates_only=True)
        last = maps[0]
        return {name: getattr(self.encoder, name)(last) for name in self.levels}


class Pooling(nn.Module):
    """Osprey's mask pooling (equation 1). Cells count by how much of them is covered, or, as published, all alike."""

    def __init__(self, level_dims: Mapping[str, int], published: bool) -> None:
        super().__init__()
        self.extractor = MaskExtractor(level_dims, TOKEN_DIM, ExtractorConfig(TOKEN_DIM, 1, 1))
        self.extractor.mask_linear = nn.Identity()  # type: ignore[assignment]  # places and shapes are not asked about
        self.published = published

    def forward(self, levels: Mapping[str, torch.Tensor], covers: torch.Tensor) -> torch.Tensor:
        """Levels (B, C, h, w) and masks float (B, Q, 96, 96) in [0, 1] -> tokens (B, Q, D)."""
        pooled = {name: mask_pooling(level, self._cells(covers, level)) for name, level in levels.items()}
        return self.extractor.project(pooled)

    def _cells(self, covers: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        size_hw = (level.shape[-2], level.shape[-1])
        if self.published:
            return cover_grid((covers > 0.5).flatten(0, 1), size_hw).unflatten(0, covers.shape[:2])
        return F.interpolate(covers, size=size_hw, mode="area")


class Sampler(nn.Module):
    """Ferret's sampler, with points drawn from the cover maps on the device.

    The same random numbers choose the points of every mask, so that answers repeat. A point is drawn from a cell with
    the share of it that is covered; Ferret draws pixels.
    """

    config = SamplerConfig(points=128, anchors=(64, 16), neighbours=16)
    chances: torch.Tensor

    def __init__(self, level_dims: Mapping[str, int]) -> None:
        super().__init__()
        config = replace(self.config, levels=tuple(level_dims))
        self.extractor = SamplingExtractor(level_dims, TOKEN_DIM, ExtractorConfig(TOKEN_DIM, 1, 1), config)
        self.extractor.mask_linear = nn.Identity()  # type: ignore[assignment]
        chances = torch.rand(3, config.points, generator=torch.Generator().manual_seed(0))
        self.register_buffer("chances", chances, persistent=False)

    def forward(self, levels: Mapping[str, torch.Tensor], covers: torch.Tensor) -> torch.Tensor:
        """As `Pooling.forward`."""
        return self.extractor.mask_tokens(levels, MaskGrids({}, covers, drawn_points(covers, self.chances)))


def drawn_points(covers: torch.Tensor, chances: torch.Tensor) -> torch.Tensor:
    """Points float (B, Q, P, 2) in masks (B, Q, n, n), x and y as shares of the sides; NO_POINT for empty masks.

    chances: float (3, P) in [0, 1): which cell, and where in it.
    """
    side = covers.shape[-1]
    sums = covers.flatten(2).cumsum(-1)  # (B, Q, n²)
    wanted = (chances[0] * sums[..., -1:]).contiguous()  # (B, Q, P)
    cells = torch.searchsorted(sums, wanted, right=True).clamp(max=side * side - 1)
    points = torch.stack([(cells % side + chances[1]) / side, (cells // side + chances[2]) / side], -1)
    return torch.where(sums[..., -1, None, None] > 0, points, float(NO_POINT))


class BoxReader(nn.Module):
    """RoI-align of a region's bounding box (He et al., Mask R-CNN, 2017): 7 × 7 bins of 2 × 2 points, then a linear."""

    bins, points_per_bin = 7, 2

    def __init__(self, level_dims: Mapping[str, int]) -> None:
        super().__init__()
        self.levels = nn.ModuleDict(
            {name: nn.Linear(dim * self.bins**2, TOKEN_DIM) for name, dim in level_dims.items()}
        )
        self.feat_linear = nn.Linear(TOKEN_DIM, TOKEN_DIM)

    def forward(self, levels: Mapping[str, torch.Tensor], covers: torch.Tensor) -> torch.Tensor:
        """As `Pooling.forward`."""
        boxes = boxes_of(covers)
        read = [
            linear(aligned(levels[name], boxes, self.bins, self.points_per_bin).flatten(2))
            for name, linear in self.levels.items()
        ]
        tokens: torch.Tensor = self.feat_linear(torch.stack(read).sum(0))
        return tokens


def boxes_of(covers: torch.Tensor) -> torch.Tensor:
    """Bounding boxes float (B, Q, 4) of masks (B, Q, n, n): x0, y0, x1, y1 as shares of the picture's sides.

    A cell belongs to a mask that covers half of it, or, where it covers half of none, all that it touches.
    """
    full = covers > 0.5
    inside = torch.where(full.flatten(2).any(-1)[..., None, None], full, covers > 0)
    side = covers.shape[-1]
    places = torch.arange(side, device=covers.device)
    sides = []
    for axis in (-2, -1):  # what is left is columns, then rows
        line = inside.any(axis)
        sides.append(torch.where(line, places, side).amin(-1))
        sides.append(torch.where(line, places + 1, 0).amax(-1))
    x0, x1, y0, y1 = sides
    return torch.stack([x0, y0, x1, y1], -1).float() / side


def aligned(level: torch.Tensor, boxes: torch.Tensor, bins: int, points: int) -> torch.Tensor:
    """RoI-align: a map (B, C, h, w) in boxes (B, Q, 4) -> (B, Q, C, bins, bins), means of points² points a bin."""
    count = bins * points
    steps = (torch.arange(count, device=level.device) + 0.5) / count
    x = boxes[..., 0:1] + (boxes[..., 2:3] - boxes[..., 0:1]) * steps  # (B, Q, count)
    y = boxes[..., 1:2] + (boxes[..., 3:4] - boxes[..., 1:2]) * steps
    grid = torch.stack([x[:, :, None, :].expand(-1, -1, count, -1), y[..., None].expand(-1, -1, -1, count)], -1)
    batch, queries = boxes.shape[:2]
    found = F.grid_sample(
        level.float(), 2 * grid.flatten(1, 2) - 1, padding_mode="border", align_corners=False
    )  # (B, C, Q * count, count)
    found = found.unflatten(2, (queries, count)).transpose(1, 2)  # (B, Q, C, count, count)
    return F.avg_pool2d(found.flatten(0, 1), points).unflatten(0, (batch, queries))


class NamingNetwork(nn.Module):
    """Names regions of pictures."""

    def __init__(self, encoder: LevelEncoder, reader: nn.Module, classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.reader = reader
        self.namer = RegionNamer(TOKEN_DIM, classes)

    def forward(self, pixel_values: torch.Tensor, covers: torch.Tensor) -> torch.Tensor:
        """Pictures (B, 3, S, S) and masks (B, Q, 96, 96) -> class scores (B, Q, classes)."""
        return self.named(self.encoder(pixel_values), covers)

    def named(self, levels: Mapping[str, torch.Tensor], covers: torch.Tensor) -> torch.Tensor:
        """Class scores of regions of pictures whose levels are known."""
        scores: torch.Tensor = self.namer(self.reader(levels, covers))
        return scores


def build(run: Run, classes: int) -> NamingNetwork:
    """The network of a run, with starting weights by its seed."""
    torch.manual_seed(run.seed)
    config = VisionConfig(_NAMES[run.tower], run.size, LEVEL_DIMS)
    encoder = LevelEncoder(build_vision_encoder(config), run.levels)
    dims = {name: LEVEL_DIMS[LEVEL_NAMES.index(name)] for name in run.levels}
    network = NamingNetwork(encoder, _reader(run, dims), classes)
    for name, parameter in network.encoder.named_parameters():
        if name.endswith("gamma"):  # as `training.optimiser.initialise` does, and for its reason
            nn.init.constant_(parameter, 0.1)
    for module in network.reader.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            nn.init.zeros_(module.bias)
    return network


def _reader(run: Run, dims: Mapping[str, int]) -> nn.Module:
    if run.extractor == "box":
        return BoxReader(dims)
    if run.extractor == "sampler":
        return Sampler(dims)
    return Pooling(dims, run.extractor == "published pooling")


def parameters(module: nn.Module) -> int:
    """How many parameters it has."""
    return sum(parameter.numel() for parameter in module.parameters())


def encoder_flops(run: Run, size: int) -> int:
    """Floating-point operations of the encoder for one picture of a size, counted while one is encoded on the CPU."""
    encoder = build(run, 2).encoder.eval()
    for module in encoder.modules():
        if hasattr(module, "fused_attn"):  # products inside the fused kernel are not counted
            setattr(module, "fused_attn", False)  # noqa: B010 - modules declare tensors and modules alone
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        encoder(torch.zeros(1, 3, size, size))
    return int(counter.get_total_flops())
