"""The connector: projects res4's positions to the language model's width, as image tokens."""

from __future__ import annotations

import torch
from torch import nn


class Connector(nn.Sequential):
    """LLaVA's `mlp2x_gelu`: linear, GELU, linear. Submodules are named 0 and 2, as in the published checkpoints."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(nn.Linear(in_features, out_features), nn.GELU(), nn.Linear(out_features, out_features))

    def forward(self, level: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> (B, h*w, D), row by row from the top left."""
        positions = level.flatten(2).transpose(1, 2)  # (B, h*w, C)
        return super().forward(positions)
