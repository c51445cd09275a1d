"""The vision encoder: a network of timm or open_clip, giving its four levels as a dict.

ConvNeXts give the levels that the published models were trained with; other networks with four levels give theirs,
and a ViT is given a simple pyramid. It knows neither regions nor language, and loads no weights.
"""

from __future__ import annotations

from typing import Any

import timm
import torch
from timm.models.convnext import ConvNeXt
from timm.models.vision_transformer import VisionTransformer
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


class PyramidEncoder(nn.Module):
    """Any timm network with features at strides 4, 8, 16 and 32."""

    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, pixel_values: torch.Tensor) -> dict[str, torch.Tensor]:
        """As `VisionEncoder.forward`."""
        return dict(zip(LEVEL_NAMES, self.trunk(pixel_values), strict=True))


class SimplePyramidEncoder(nn.Module):
    """A plain ViT with a simple feature pyramid (Li et al., ViTDet, 2022) on its last map, of stride 16.

    Stride 8 and 4 come from one and two transposed convolutions, stride 32 from max pooling.
    """

    def __init__(self, trunk: VisionTransformer, level_dims: tuple[int, ...]) -> None:
        super().__init__()
        self.trunk = trunk
        width = trunk.embed_dim
        fine, middle, same, coarse = level_dims
        self.res2 = nn.Sequential(
            nn.ConvTranspose2d(width, width // 2, 2, 2), nn.GELU(), nn.ConvTranspose2d(width // 2, fine, 2, 2)
        )
        self.res3 = nn.ConvTranspose2d(width, middle, 2, 2)
        self.res4 = nn.Conv2d(width, same, 1)
        self.res5 = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(width, coarse, 1))

    def forward(self, pixel_values: torch.Tensor) -> dict[str, torch.Tensor]:
        """As `VisionEncoder.forward`."""
        maps = self.trunk.forward_intermediates(pixel_values, indices=1, norm=True, intermediates_only=True)
        last = maps[0]  # type: ignore[index]
        return {name: getattr(self, name)(last) for name in LEVEL_NAMES}  # (B, C, S/16, S/16) to the four levels


def build_vision_encoder(config: VisionConfig) -> nn.Module:
    """Build the encoder with timm's own network, randomly initialised.

    Raises CheckpointError when the name is unknown, its widths differ from `config.level_dims`, or it has not the four
    strides 4, 8, 16 and 32 (for a ViT: not patches of 16 pixels).
    """
    name = _timm_name(config.name)
    if not name.startswith("convnext"):
        return _other_encoder(name, config)
    try:
        trunk = timm.create_model(name, pretrained=False, num_classes=0, global_pool="")
    except (RuntimeError, ValueError) as error:  # such as a tag after the name that timm does not know
        raise CheckpointError("encoder.unknown", name=repr(config.name)) from error
    if not isinstance(trunk, ConvNeXt):
        raise CheckpointError("encoder.not_convnext", name=config.name)
    _check_dims(config, tuple(int(info["num_chs"]) for info in trunk.feature_info))  # type: ignore[call-overload]
    # Osprey does not use CLIP's pooled head.
    trunk.head = nn.Identity()  # type: ignore[assignment]
    trunk.norm_pre = nn.Identity()
    return VisionEncoder(trunk)


def _other_encoder(name: str, config: VisionConfig) -> nn.Module:
    if name.startswith("vit_"):
        try:
            vit = timm.create_model(name, pretrained=False, num_classes=0, img_size=config.image_size)
        except (RuntimeError, ValueError, AssertionError) as error:
            raise CheckpointError("encoder.unknown", name=repr(config.name)) from error
        patch = vit.patch_embed.patch_size if isinstance(vit, VisionTransformer) else None
        if not isinstance(vit, VisionTransformer) or patch != (16, 16):
            raise CheckpointError("encoder.not_vit", name=config.name)
        return SimplePyramidEncoder(vit, config.level_dims)
    try:
        every: Any = timm.create_model(name, pretrained=False, features_only=True)
        strides = every.feature_info.reduction()
        places = tuple(strides.index(stride) for stride in (4, 8, 16, 32))
        trunk: Any = timm.create_model(name, pretrained=False, features_only=True, out_indices=places)
    except (RuntimeError, ValueError, AttributeError) as error:
        raise CheckpointError("encoder.levels_missing", name=config.name) from error
    _check_dims(config, tuple(trunk.feature_info.channels()))
    return PyramidEncoder(trunk)


def _check_dims(config: VisionConfig, dims: tuple[int, ...]) -> None:
    if dims != tuple(config.level_dims):
        raise CheckpointError(
            "encoder.widths_mismatch", name=config.name, widths=str(dims), expected=str(config.level_dims)
        )


def _timm_name(name: str) -> str:
    if timm.is_model(name):
        return name
    import open_clip  # deferred: it takes seconds to import and is needed for CLIP's names alone

    clip_config = open_clip.get_model_config(name) or {}
    timm_name = clip_config.get("vision_cfg", {}).get("timm_model_name")
    if not timm_name:
        raise CheckpointError("encoder.unknown", name=repr(name))
    return str(timm_name)
