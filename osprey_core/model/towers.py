"""The photo tower: an EfficientNet-Lite that has seen photographs, as one module with five levels.

It knows neither files nor regions. Its batch norms are folded into the convolutions before them, so that all of its
state is parameters; `fold_norms` does that to a trained network of timm, `build_photo_tower` builds the folded form.
"""

from __future__ import annotations

import timm
import torch
import torch.nn.functional as F
from timm.layers.conv2d_same import Conv2dSame
from timm.models.efficientnet import EfficientNet
from torch import nn
from torch.nn.utils import fuse_conv_bn_weights

from osprey_core.config import PHOTO_TOWER_NAME

PHOTO_SIZE = 512
"""Side in pixels of the square that every picture is stretched to before the tower sees it."""

PHOTO_MEAN = PHOTO_STD = (0.5, 0.5, 0.5)
"""Normalisation of RGB in [0, 1]: the same as RGB / 127.5 - 1."""

PHOTO_LEVEL_DIMS = {"res2": 24, "res3": 48, "res4": 120, "res5": 352, "head": 1280}
"""Channels of the levels; their strides are 4, 8, 16, 32 and, for the head convolution, 32 again."""

IMAGENET_CLASSES = 1000

_STAGES = {"res2": 1, "res3": 2, "res4": 4, "res5": 6}  # level -> the block of timm's network that ends it
_NORMS = {
    "DepthwiseSeparableConv": (("conv_dw", "bn1"), ("conv_pw", "bn2")),
    "InvertedResidual": (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3")),
}  # block -> its convolutions and the norm behind each


class HalvingConv2d(Conv2dSame):
    """TensorFlow's "same" convolution of stride 2, without a padded copy of its input where the sides are even.

    There "same" pads one place more at the end than at the beginning. A kernel with a row and a column of zeros in
    front gives the same sums with equal padding, which torch's convolution does by itself.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) to (B, C', ⌈H / 2⌉, ⌈W / 2⌉)."""
        height, width = x.shape[-2:]
        if height % 2 or width % 2:
            padded: torch.Tensor = super().forward(x)
            return padded
        kernel = F.pad(self.weight, (1, 0, 1, 0))
        layout = torch.channels_last if x.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
        return F.conv2d(
            x,
            kernel.contiguous(memory_format=layout),
            self.bias,
            self.stride,
            (self.kernel_size[0] // 2, self.kernel_size[1] // 2),
            1,
            self.groups,
        )


class PhotoTower(nn.Module):
    """EfficientNet-Lite2 trained on ImageNet (Tan and Le, 2019), as a feature pyramid. It is never trained here."""

    def __init__(self, trunk: EfficientNet) -> None:
        super().__init__()
        for module in list(trunk.modules()):
            if isinstance(module, nn.ReLU6):
                module.inplace = True  # nothing else reads what goes in
            for name, child in module.named_children():
                if type(child) is Conv2dSame and child.stride == (2, 2) and child.dilation == (1, 1):
                    setattr(module, name, _halving(child))
        self.trunk = trunk

    def forward(self, pixel_values: torch.Tensor) -> dict[str, torch.Tensor]:
        """Encode pictures.

        Args:
            pixel_values: float (B, 3, 512, 512), RGB / 127.5 - 1.

        Returns:
            {"res2": (B, 24, 128, 128), "res3": (B, 48, 64, 64), "res4": (B, 120, 32, 32), "res5": (B, 352, 16, 16),
            "head": (B, 1280, 16, 16)}; the first four are raw outputs of stages, the last is the head convolution
            after its activation, which ImageNet's classifier averages.
        """
        features = self.trunk.bn1(self.trunk.conv_stem(pixel_values))
        levels: dict[str, torch.Tensor] = {}
        ends = {place: name for name, place in _STAGES.items()}
        for place, block in enumerate(self.trunk.blocks):
            features = block(features)
            if place in ends:
                levels[ends[place]] = features
        levels["head"] = self.trunk.bn2(self.trunk.conv_head(features))
        return levels

    def classify(self, pooled: torch.Tensor) -> torch.Tensor:
        """ImageNet's 1,000 class scores (…, 1000), before the softmax, of pooled features (…, 1280) of the head."""
        scores: torch.Tensor = self.trunk.classifier(pooled)
        return scores


def _halving(convolution: Conv2dSame) -> HalvingConv2d:
    """The same convolution with the same parameters."""
    with torch.device("meta"):
        found = HalvingConv2d(
            convolution.in_channels,
            convolution.out_channels,
            convolution.kernel_size,  # type: ignore[arg-type]
            2,
            groups=convolution.groups,
            bias=convolution.bias is not None,
        )
    found.weight, found.bias = convolution.weight, convolution.bias
    return found


def build_photo_tower() -> PhotoTower:
    """The tower with random weights, on torch's current default device (`meta` included)."""
    trunk = timm.create_model(PHOTO_TOWER_NAME, pretrained=False)
    assert isinstance(trunk, EfficientNet)
    for owner, convolution, norm in _normed_convolutions(trunk):
        conv = getattr(owner, convolution)
        conv.bias = nn.Parameter(torch.zeros_like(conv.weight[:, 0, 0, 0]))
        setattr(owner, norm, getattr(owner, norm).act)
    return PhotoTower(trunk).eval().requires_grad_(False)


def fold_norms(trunk: EfficientNet) -> PhotoTower:
    """The tower with the weights of a trained `tf_efficientnet_lite2`, which is changed: batch norms are folded in."""
    for owner, convolution, norm in _normed_convolutions(trunk):
        conv, batch_norm = getattr(owner, convolution), getattr(owner, norm)
        conv.weight, conv.bias = fuse_conv_bn_weights(
            conv.weight,
            conv.bias,
            batch_norm.running_mean,
            batch_norm.running_var,
            batch_norm.eps,
            batch_norm.weight,
            batch_norm.bias,
        )
        setattr(owner, norm, batch_norm.act)
    return PhotoTower(trunk).eval().requires_grad_(False)


def _normed_convolutions(trunk: EfficientNet) -> list[tuple[nn.Module, str, str]]:
    """Every (owner, convolution's name, norm's name) of the network."""
    found: list[tuple[nn.Module, str, str]] = [(trunk, "conv_stem", "bn1"), (trunk, "conv_head", "bn2")]
    for block in trunk.blocks.modules():
        found += [(block, *names) for names in _NORMS.get(type(block).__name__, ())]
    return found
