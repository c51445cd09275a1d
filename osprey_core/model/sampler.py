"""The spatial-aware visual sampler of Ferret (You et al., ICLR 2024, section 3.2) as a mask extractor.

A region is read at points of its mask, and the points are joined step by step to one token. Beside it stays Osprey's
spatial token, which Ferret does not have (it writes coordinates in the prompt).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import nn

from osprey_core.config import ExtractorConfig, SamplerConfig
from osprey_core.model.extractor import MaskGrids, MaskLinear, RegionExtractor
from osprey_core.model.region_points import farthest_points, nearest_points

_COORDINATES = 2


class SamplingBlock(nn.Module):
    """Keeps some points as anchors, and gives each what its neighbours are and how they differ from it."""

    def __init__(self, width: int, anchors: int, neighbours: int, pool: str) -> None:
        super().__init__()
        self.difference = nn.Linear(width + _COORDINATES, width + _COORDINATES)
        self.join = nn.Linear(2 * (width + _COORDINATES), width)
        self.norm = nn.LayerNorm(width)
        self.anchors = anchors
        self.neighbours = neighbours
        self.pool = pool

    def forward(self, features: torch.Tensor, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """features (B, P, C) at points (B, P, 2) -> features (B, A, C) at the anchors (B, A, 2)."""
        kept = farthest_points(points, self.anchors)  # (B, A)
        anchors = _take(points, kept)
        near = nearest_points(points, anchors, self.neighbours)  # (B, A, K)
        placed = torch.cat([features, points.to(features.dtype)], -1)  # (B, P, C + 2)
        # Ferret computes join([difference(neighbour - anchor), anchor]). Both are linear, so what comes from the
        # neighbour is computed once for each point, not for each pair of point and anchor.
        of_difference, of_anchor = self.join.weight.split(placed.shape[-1], 1)
        from_point = F.linear(F.linear(placed, self.difference.weight), of_difference)  # (B, P, C)
        own = F.linear(_take(placed, kept), of_anchor) + F.linear(self.difference.bias, of_difference) + self.join.bias
        fixed = own - _take(from_point, kept)  # (B, A, C)
        pairs = _take(from_point, near.flatten(1)).unflatten(1, near.shape[1:])  # (B, A, K, C)
        joined = self.norm(torch.relu(pairs + fixed[:, :, None]))
        pooled = joined.amax(2) if self.pool == "max" else joined.mean(2)
        return pooled, anchors


class SamplingExtractor(RegionExtractor):
    """Mask tokens by points: features at the points of a region, two blocks, all that is left as one vector.

    One level is read as it is, as Ferret does; of several, projections of equal width are summed at each point.
    """

    def __init__(
        self, level_dims: Mapping[str, int], token_dim: int, config: ExtractorConfig, sampler: SamplerConfig
    ) -> None:
        super().__init__()
        self.level_names = sampler.levels
        width = config.level_width if len(sampler.levels) > 1 else level_dims[sampler.levels[0]]
        if len(sampler.levels) > 1:
            for name in sampler.levels:
                self.add_module(name, nn.Linear(level_dims[name], width))
        self.blocks = nn.ModuleList(
            SamplingBlock(width, anchors, sampler.neighbours, sampler.pool) for anchors in sampler.anchors
        )
        self.flat_linear = nn.Linear(sampler.anchors[-1] * width, width)
        self.feat_linear = nn.Linear(width, token_dim)
        self.mask_linear = MaskLinear(config.mask_size**2, config.spatial_width, token_dim)
        self.mask_size = config.mask_size
        self.point_count = sampler.points

    def mask_tokens(
        self,
        levels: Mapping[str, torch.Tensor],
        grids: MaskGrids,
        close_ups: Mapping[str, torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """Mask tokens (B, Q, D), see `extract`; zeros for a region without a pixel.

        Raises ValueError without points of the regions, or where close-ups are given, which it cannot use.
        """
        if grids.points is None or close_ups:
            raise ValueError("The sampler needs points of the regions, and takes no close-ups.")
        points = grids.points  # (B, Q, P, 2)
        features = self.features_at(levels, points).flatten(0, 1)  # (B * Q, P, C)
        places = points.flatten(0, 1)
        for block in self.blocks:
            features, places = block(features, places)
        tokens: torch.Tensor = self.feat_linear(self.flat_linear(features.flatten(1)))
        tokens = tokens.unflatten(0, points.shape[:2])
        return tokens * (points[:, :, :1, 0] >= 0)

    def features_at(self, levels: Mapping[str, torch.Tensor], points: torch.Tensor) -> torch.Tensor:
        """Features (B, Q, P, C) of the levels (B, C, h, w) at points (B, Q, P, 2)."""
        found = {name: sample(levels[name], points) for name in self.level_names}
        if len(found) == 1:
            return found[self.level_names[0]]
        return torch.stack([getattr(self, name)(features) for name, features in found.items()]).sum(0)


def sample(level: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """A feature map (B, C, h, w) at points (B, Q, P, 2) given as shares of width and height: (B, Q, P, C).

    Bilinear between the middles of cells; beyond the outermost middles their value stays. In at least fp32.
    """
    precise = torch.promote_types(level.dtype, torch.float32)
    grid = 2 * points.to(precise) - 1
    with torch.autocast(level.device.type, enabled=False):
        found = F.grid_sample(level.to(precise), grid, padding_mode="border", align_corners=False)
    return found.permute(0, 2, 3, 1).to(level.dtype)


def _take(values: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Rows (B, N, C) of values (B, P, C) at places (B, N)."""
    return values.gather(1, places[..., None].expand(-1, -1, values.shape[-1]))
