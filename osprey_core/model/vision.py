"""The vision encoder: a ConvNeXt of timm or open_clip that returns its four levels as a dict. Loads no weights."""

from __future__ import annotations

import timm
import torch
from timm.models.convnext import ConvNeXt
from torch import nn

from osprey_core.config import LEVEL_NAMES, VisionConfig
from osprey_core.errors import CheckpointError


class VisionEncoder(nn.Module):
    """ConvNeXt trunk whose stage outputs are the levels res2 … res5 (Osprey, section 3.2)."""

    def __init__(self, trunk: ConvNeXt) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, pixel_values: torch.Tensor) -> dict[str, torch.Tensor]:
        """Encode pictures.

        Args:
            pixel_values: float (B, 3, S, S), normalised as `preprocess.image_to_tensor` does.

        Returns:
            {"res2": (B, C2, S/4, S/4), "res3": (B, C3, S/8, S/8), "res4": …/16, "res5": …/32}. These are the stages'
            raw outputs: CLIP's final norm and head are not applied.
        """
        features = self.trunk.stem(pixel_values)
        levels = {}
        for name, stage in zip(LEVEL_NAMES, self.trunk.stages, strict=True):
            features = stage(features)
            levels[name] = features
        return levels


def build_vision_encoder(config: VisionConfig) -> VisionEncoder:
    """Build the encoder with timm's own ConvNeXt, randomly initialised.

    Raises CheckpointError when the name is unknown or its widths differ from `config.level_dims`.
    """
    name = _timm_name(config.name)
    trunk = timm.create_model(name, pretrained=False, num_classes=0, global_pool="")
    if not isinstance(trunk, ConvNeXt):
        raise CheckpointError("encoder.not_convnext", name=config.name)
    dims = tuple(info["num_chs"] for info in trunk.feature_info)
    if dims != tuple(config.level_dims):
        raise CheckpointError(
            "encoder.widths_mismatch", name=config.name, widths=str(dims), expected=str(config.level_dims)
        )
    # Osprey does not use CLIP's pooled head.
    trunk.head = nn.Identity()  # type: ignore[assignment]
    trunk.norm_pre = nn.Identity()
    return VisionEncoder(trunk)


def _timm_name(name: str) -> str:
    if timm.is_model(name):
        return name
    import open_clip  # deferred: it takes seconds to import and is needed for CLIP's names alone

    clip_config = open_clip.get_model_config(name) or {}
    timm_name = clip_config.get("vision_cfg", {}).get("timm_model_name")
    if not timm_name:
        raise CheckpointError("encoder.unknown", name=repr(name))
    return str(timm_name)
