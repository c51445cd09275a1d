"""The mask extractor: for each region one mask token (what is there) and one spatial token (position and shape).

Here is what every extractor has, and the one that pools features over masks; `sampler` has the other one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import nn

from osprey_core.config import LEVEL_NAMES, PHOTO_PREFIX, ExtractorConfig
from osprey_core.model.mask_pooling import area_weights, cover_grid, mask_pooling, resize_masks
from osprey_core.model.region_points import region_points


class MaskGrids(NamedTuple):
    """Masks of Q regions on every grid that the extractor uses."""

    cells: dict[str, torch.Tensor]
    """Per level (…, Q, h, w): bool, the cells that belong to the region, or on the photo tower's levels float32, the
    share of each cell that does."""
    shape: torch.Tensor
    """float32 (…, Q, mask_size, mask_size) in [0, 1]: the resized mask, for the spatial token."""
    points: torch.Tensor | None = None
    """float32 (…, Q, P, 2), points of each region as `region_points` gives them, for extractors that sample."""

    def each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> MaskGrids:
        """The grids with every tensor changed."""
        cells = {name: change(level) for name, level in self.cells.items()}
        return MaskGrids(cells, change(self.shape), None if self.points is None else change(self.points))


class MaskLinear(nn.Module):
    """ReLU MLP over the flattened mask; named as in the published checkpoints."""

    def __init__(self, in_features: int, width: int, out_features: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [nn.Linear(in_features, width), nn.Linear(width, width), nn.Linear(width, out_features)]
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(…, in_features) -> (…, out_features)."""
        x = torch.relu(self.layers[0](x))
        x = torch.relu(self.layers[1](x))
        return self.layers[2](x)


NAME_DIRECTIONS = 28
"""Directions, at most, in which a photographed thing's sum is exchanged for its names' token: those in which the tokens
of names differ most. In all others, where its colours are, the sum stays."""


class Prototypes(nn.Module):
    """Tokens of names, mixed by how likely a linear classifier of the photo tower's features finds each name.

    What is pooled of a photographed thing is scattered more than the language model can read; the classifier, which
    is fitted to be right about pictures never seen, brings it to where the tokens of its likely names lie. A second
    one tells drawings from photographs: what is drawn keeps the sum as it is.
    """

    def __init__(self, features: int, count: int, width: int) -> None:
        super().__init__()
        self.scores = nn.Linear(features, count)
        self.drawn = nn.Linear(features, 1)
        self.tokens = nn.Linear(count, width, bias=False)
        self.directions = nn.Linear(width, min(NAME_DIRECTIONS, count, width), bias=False)
        """Its rows are orthonormal."""

    def forward(self, summed: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """summed: (…, W), the levels' projections; features: (…, D) of the tower -> (…, W)."""
        shares = self.scores(features).float().softmax(-1).to(summed.dtype)
        photographed = (-self.drawn(features)).float().sigmoid().to(summed.dtype)
        exchanged = self.directions(self.tokens(shares) - summed) @ self.directions.weight
        return summed + photographed * exchanged


def main_directions(tokens: torch.Tensor, count: int) -> torch.Tensor:
    """Orthonormal directions (count, W) in which tokens (N, W) differ most: their principal components."""
    directions: torch.Tensor = torch.linalg.svd(tokens - tokens.mean(0), full_matrices=False)[2]
    return directions[:count]


class RegionExtractor(nn.Module, ABC):
    """Tokens of regions. The spatial token is s = MLP(flattened mask); the mask token is the subclass's matter."""

    feat_linear: nn.Linear
    """The last one before the mask token."""
    mask_linear: MaskLinear
    mask_size: int
    point_count: int = 0
    """Points that are drawn from every region."""

    @abstractmethod
    def mask_tokens(
        self,
        levels: Mapping[str, torch.Tensor],
        grids: MaskGrids,
        close_ups: Mapping[str, torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """Mask tokens (B, Q, D), see `extract`."""

    def forward(
        self,
        levels: Mapping[str, torch.Tensor],
        masks: Sequence[torch.Tensor],
        close_ups: Sequence[Mapping[str, torch.Tensor]] | None = None,
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Tokens of the regions of each picture.

        Args:
            levels: {"res2": (B, C, h, w), …} from the vision encoder.
            masks: per picture bool or {0, 1} (Q, H, W), at that picture's own size; Q may differ and may be 0.
            close_ups: per picture {"close_up_res2": (Q, C), …}, pooled already; for models that look at close-ups.

        Returns:
            (mask_tokens, spatial_tokens): each a list of B tensors (Q, D).

        Raises:
            ValueError: the number of mask stacks is not the number of pictures.
        """
        batch = levels[LEVEL_NAMES[0]].shape[0]
        if len(masks) != batch:
            raise ValueError(f"{batch} pictures were encoded, but masks were given for {len(masks)}.")
        sizes_hw = {name: (level.shape[-2], level.shape[-1]) for name, level in levels.items()}
        mask_tokens, spatial_tokens = [], []
        for index, picture_masks in enumerate(masks):
            grids = self.rasterize(picture_masks, sizes_hw)
            one = {name: level[index : index + 1] for name, level in levels.items()}
            batched = grids.each(lambda tensor: tensor[None])
            near = None if close_ups is None else {name: level[None] for name, level in close_ups[index].items()}
            tokens, spatial = self.extract(one, batched, near)
            mask_tokens.append(tokens[0])
            spatial_tokens.append(spatial[0])
        return mask_tokens, spatial_tokens

    def rasterize(self, masks: torch.Tensor, sizes_hw: Mapping[str, tuple[int, int]]) -> MaskGrids:
        """Resize masks (Q, H, W) to the grids of all levels and of the spatial token."""
        return rasterize_masks(masks, sizes_hw, self.mask_size, self.point_count)

    def extract(
        self,
        levels: Mapping[str, torch.Tensor],
        grids: MaskGrids,
        close_ups: Mapping[str, torch.Tensor] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens from rasterised masks: grids (B, Q, …) -> mask tokens (B, Q, D), spatial tokens (B, Q, D).

        close_ups: what is pooled of the regions' close-ups, {"close_up_res2": (B, Q, C), …}, for models that have them.
        """
        mask_tokens = self.mask_tokens(levels, grids, close_ups)
        flattened = grids.shape.flatten(2).to(mask_tokens.dtype)  # (B, Q, mask_size²)
        return mask_tokens, self.mask_linear(flattened)


class MaskExtractor(RegionExtractor):
    """Osprey's mask-aware visual extractor (section 3.2).

    Mask token: t = σ(Σⱼ Pⱼ(MP(R, Zⱼ))), with σ the single linear `feat_linear` of the published weights. Levels of a
    photo tower beside the encoder, and what it sees in close-ups of single regions, are further summands.
    """

    def __init__(
        self,
        level_dims: Sequence[int] | Mapping[str, int],
        token_dim: int,
        config: ExtractorConfig,
        prototypes: int = 0,
    ) -> None:
        super().__init__()
        dims = level_dims if isinstance(level_dims, Mapping) else dict(zip(LEVEL_NAMES, level_dims, strict=True))
        self.level_names = tuple(dims)
        for name, dim in dims.items():
            self.add_module(name, nn.Linear(dim, config.level_width))
        self.feat_linear = nn.Linear(config.level_width, token_dim)
        self.mask_linear = MaskLinear(config.mask_size**2, config.spatial_width, token_dim)
        self.mask_size = config.mask_size
        self.prototypes: Prototypes | None = None
        if prototypes:
            features = sum(dim for name, dim in dims.items() if name not in LEVEL_NAMES)
            self.prototypes = Prototypes(features, prototypes, config.level_width)

    def mask_tokens(
        self,
        levels: Mapping[str, torch.Tensor],
        grids: MaskGrids,
        close_ups: Mapping[str, torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """Mask tokens (B, Q, D) of features pooled over the regions, see `extract`."""
        pooled = {name: mask_pooling(levels[name], cells) for name, cells in grids.cells.items()}
        for name, near in (close_ups or {}).items():
            pooled[name] = near.to(pooled[LEVEL_NAMES[0]].dtype)
        return self.project(pooled)

    def project(self, pooled: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Mask tokens (…, D) of regions' pooled features {"res2": (…, C), …}."""
        summed: torch.Tensor | None = None
        for name in self.level_names:
            projected = getattr(self, name)(pooled[name])  # (…, level_width)
            summed = projected if summed is None else summed + projected
        if self.prototypes is not None:
            features = torch.cat([pooled[name] for name in self.level_names if name not in LEVEL_NAMES], -1)
            summed = self.prototypes(summed, features)
        tokens: torch.Tensor = self.feat_linear(summed)
        return tokens


def rasterize_masks(
    masks: torch.Tensor, sizes_hw: Mapping[str, tuple[int, int]], mask_size: int, point_count: int = 0
) -> MaskGrids:
    """Masks (Q, H, W) on every grid; needs no weights, so that data loaders can do it ahead of the model.

    point_count: points of each region, for extractors that sample; 0: none.
    """
    points = region_points(masks, point_count) if point_count else None
    if masks.shape[0] == 0:  # interpolation refuses empty batches
        cells = {
            name: torch.zeros(
                (0, *hw), dtype=torch.float if name.startswith(PHOTO_PREFIX) else torch.bool, device=masks.device
            )
            for name, hw in sizes_hw.items()
        }
        return MaskGrids(cells, torch.zeros((0, mask_size, mask_size), device=masks.device), points)
    masks = masks.float()  # once for all grids
    cells = {
        name: area_weights(masks, hw) if name.startswith(PHOTO_PREFIX) else cover_grid(masks, hw)
        for name, hw in sizes_hw.items()
    }
    return MaskGrids(cells, resize_masks(masks, (mask_size, mask_size)), points)
