"""Tells photographs from drawings by what the photo tower sees in a whole picture."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from osprey_core.config import PhotoTowerConfig


class PhotographGate(nn.Module):
    """A linear classifier of the averages of the tower's levels that image tokens are made of."""

    def __init__(self, config: PhotoTowerConfig) -> None:
        super().__init__()
        self.level_names = config.image_levels
        self.score = nn.Linear(sum(config.channels[name] for name in config.image_levels), 1)

    def forward(self, levels: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The tower's levels {"res4": (B, C, h, w), …} -> float (B,), above 0 for photographs."""
        means = torch.cat([levels[name].mean((2, 3)) for name in self.level_names], 1)
        scores: torch.Tensor = self.score(means)
        return scores[:, 0]
