"""The network of the learned segmenter: from the photo tower's levels, clicks, boxes and an earlier mask to masks.

`PictureNeck` runs once per picture, `ClickDecoder` once per prompt. A prompt enters as maps (how far is each place from
the clicks and the box) and as likenesses (how much do a place's features resemble those at the clicks). It knows
neither files nor pictures; all coordinates are shares of the picture's width and height, 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from osprey_core.model.towers import PHOTO_LEVEL_DIMS, PHOTO_SIZE

_SIDE = PHOTO_SIZE // 8  # of the maps that prompts are drawn on

MASK_SIDE = PHOTO_SIZE // 4
"""Masks are logits of MASK_SIDE x MASK_SIDE."""

CANDIDATES = 4
"""Mask 0 answers for the thing itself, masks 1 to 3 are three guesses at what a click may have meant."""

_DIMS = (64, 64, 96, 128)  # channels: fine detail and stride 8, both on 64 x 64 places; strides 16, 32
_KEY_DIM = 64  # of the features that are compared, at strides 8 and 16
_HEADS = 8  # the comparisons are made in so many groups of channels
_SOURCES = 4  # what is compared with: clicks inside, clicks outside, the area so far, everything but it
_SIGMAS = (6 / 512, 24 / 512, 96 / 512)  # of the bumps that mark a click, as shares of the picture's side
_MAP_COUNT = 2 * len(_SIGMAS) + 7


@dataclass(frozen=True)
class EncodedPictures:
    """What the decoder needs of B pictures.

    features: (B, 96, 32, 32) of fine detail, (B, 96, 32, 32), (B, 128, 16, 16); keys, each group of
    channels of length 1: (B, 8, 8, 64 * 64), (B, 8, 8, 32 * 32).
    """

    features: tuple[Tensor, ...]
    keys: tuple[Tensor, ...]


@dataclass(frozen=True)
class PromptBatch:
    """K prompts, equally many for each of the B pictures, those of the first picture first. Values not used are free.

    points_xy: float (K, P, 2);
    labels: int64 (K, P), 1 inside, 0 outside, -1 no point; box_xyxy: float (K, 4); has_box: bool (K,);
    previous: float (K, 1, 128, 128), the logits of the mask so far; has_previous: bool (K,).
    """

    points_xy: Tensor
    labels: Tensor
    box_xyxy: Tensor
    has_box: Tensor
    previous: Tensor
    has_previous: Tensor

    def to(self, device: torch.device) -> PromptBatch:
        """The same prompts on a device."""
        return PromptBatch(**{name: value.to(device) for name, value in vars(self).items()})


class PictureNeck(nn.Module):
    """Brings the tower's levels and the picture's own pixels to few channels, coarse levels added to finer ones."""

    def __init__(self) -> None:
        super().__init__()
        dims = PHOTO_LEVEL_DIMS
        inputs = (4 * dims["res2"] + 192, dims["res3"], dims["res4"], dims["res5"] + dims["head"])
        self.norms = nn.ModuleList(nn.BatchNorm2d(count, affine=False) for count in inputs)
        self.laterals = nn.ModuleList(nn.Conv2d(count, dim, 1) for count, dim in zip(inputs, _DIMS, strict=True))
        self.tops = nn.ModuleList(nn.Conv2d(_DIMS[place + 1], _DIMS[place], 1) for place in range(3))
        self.blocks = nn.ModuleList(_Residual(dim) for dim in _DIMS)
        self.keys = nn.ModuleList(nn.Conv2d(dim, _KEY_DIM, 1) for dim in _DIMS[1:3])
        self.below = nn.Conv2d(_DIMS[1], _DIMS[2], 1)
        self.fine = nn.Conv2d(4 * _DIMS[0], _DIMS[2], 1)

    def forward(self, levels: dict[str, Tensor], pixel_values: Tensor) -> EncodedPictures:
        """From `PhotoTower`'s levels and its input (B, 3, 512, 512)."""
        pixels = functional.pixel_unshuffle(pixel_values, 8).to(levels["res2"].dtype)  # (B, 192, 64, 64)
        inputs = (
            torch.cat([functional.pixel_unshuffle(levels["res2"], 2), pixels], 1),
            levels["res3"],
            levels["res4"],
            torch.cat([levels["res5"], levels["head"]], 1),
        )
        features: list[Tensor] = []
        for place in (3, 2, 1, 0):
            level = self.laterals[place](self.norms[place](inputs[place]))
            if features:
                top = self.tops[place](features[0])
                level = level + (top if top.shape == level.shape else _doubled(top))
            features.insert(0, self.blocks[place](level))
        keys = tuple(
            functional.normalize(key(level).unflatten(1, (_HEADS, -1)).flatten(3), dim=2)
            for key, level in zip(self.keys, features[1:3], strict=True)
        )
        f4, f8, f16, f32 = features
        fine = self.fine(functional.pixel_unshuffle(f4, 2))  # (B, 96, 32, 32)
        return EncodedPictures((fine, f16 + self.below(functional.avg_pool2d(f8, 2)), f32), keys)


class ClickDecoder(nn.Module):
    """Masks and their expected quality for prompts on encoded pictures.

    It computes at strides 16 and 32 alone; a place of stride 16 draws its 4 x 4 places of each mask. What prompts and
    pictures show at finer strides comes in as further channels.
    """

    def __init__(self) -> None:
        super().__init__()
        coarse, wide = _DIMS[2:]
        told = _HEADS * _SOURCES + 4 * (_HEADS * _SOURCES + _MAP_COUNT)
        self.enter16 = nn.Conv2d(told, coarse, 1)
        self.norm16 = nn.BatchNorm2d(coarse)
        self.down16 = _Residual(coarse)
        self.enter32 = nn.Conv2d(coarse + _MAP_COUNT, wide, 1)
        self.norm32 = nn.BatchNorm2d(wide)
        self.down32 = nn.Sequential(_Residual(wide), _Overview(wide), _Residual(wide))
        self.up16 = nn.Conv2d(wide, coarse, 1)
        self.join16 = nn.Sequential(_Residual(coarse), _Residual(coarse), _Residual(coarse))
        self.masks = nn.Conv2d(coarse, 16 * CANDIDATES, 1)
        self.quality = nn.Sequential(nn.Linear(2 * coarse + 4, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, encoded: EncodedPictures, prompts: PromptBatch) -> tuple[Tensor, Tensor]:
        """Mask logits float (K, 4, 128, 128) and the expected IoU of each, float (K, 4), 0..1."""
        count = len(prompts.points_xy) // len(encoded.keys[0])
        fine, f16, f32 = (_repeated(level, count) for level in encoded.features)
        k8, k16 = (_repeated(level, count) for level in encoded.keys)
        so_far = _area_so_far(prompts)  # (K, 1, 64, 64)
        maps8 = prompt_maps(prompts).to(dtype=fine.dtype)
        told8 = functional.pixel_unshuffle(torch.cat([_likenesses(k8, prompts, so_far), maps8], 1), 2)
        told16 = torch.cat([_likenesses(k16, prompts, so_far), told8], 1)
        told16 = told16.contiguous(memory_format=torch.channels_last)
        x16 = self.down16(functional.relu(self.norm16(self.enter16(told16) + f16)))
        told32 = torch.cat([functional.avg_pool2d(x16, 2), functional.avg_pool2d(maps8, 4)], 1)
        x32 = self.down32(functional.relu(self.norm32(self.enter32(told32) + f32)))
        x16 = self.join16(x16 + _doubled(self.up16(x32)) + fine)
        logits = functional.pixel_shuffle(self.masks(x16).float(), 4)  # (K, 4, 128, 128)
        return logits, self._expected_iou(x16, logits)

    def _expected_iou(self, x16: Tensor, logits: Tensor) -> Tensor:
        """(K, 4) from features (K, C, 32, 32) inside and outside of each mask, its size and its doubtful part."""
        probability = functional.avg_pool2d(logits.detach().sigmoid(), 4)  # (K, 4, 32, 32)
        doubtful = 4 * probability * (1 - probability)
        values = x16.float().flatten(2)  # (K, C, N)
        weights = probability.flatten(2)  # (K, 4, N)
        size = weights.sum(-1, keepdim=True)
        inside = weights @ values.transpose(1, 2) / (size + 1e-3)
        border = doubtful.flatten(2) @ values.transpose(1, 2) / (doubtful.flatten(2).sum(-1, keepdim=True) + 1e-3)
        share = size / weights.shape[-1]
        doubt = doubtful.flatten(2).sum(-1, keepdim=True) / (size + 1e-3)
        peak = logits.detach().flatten(2).amax(-1, keepdim=True) / 8
        told = torch.cat([inside, border, share, share.clamp(min=1e-5).log() / 8, doubt, peak], -1)
        expected: Tensor = self.quality(told).squeeze(-1).float().sigmoid()
        return expected


class ClickNetwork(nn.Module):
    """Neck and decoder as one module, so that their weights lie in one file."""

    def __init__(self) -> None:
        super().__init__()
        self.neck = PictureNeck()
        self.decoder = ClickDecoder()

    def forward(self, levels: dict[str, Tensor], pixel_values: Tensor, prompts: PromptBatch) -> tuple[Tensor, Tensor]:
        """Both halves after each other; see `PictureNeck` and `ClickDecoder`."""
        logits, quality = self.decoder(self.neck(levels, pixel_values), prompts)
        return logits, quality


def prompt_maps(prompts: PromptBatch) -> Tensor:
    """The prompts drawn as maps, float (K, 13, 64, 64).

    Bumps of three widths at the clicks inside, the same at those outside, the box filled, the depth of each place in
    the box (1 in its middle, 0 on its border, down to -1 outside), the probability and the squashed logits of the mask
    so far, and three constant maps: is there a box, is there such a mask, how many clicks (4 or more: 1).
    """
    device, side = prompts.points_xy.device, _SIDE
    steps = (torch.arange(side, device=device) + 0.5) / side
    maps: list[Tensor] = []
    dx = steps[None, None] - prompts.points_xy[..., 0, None]  # (K, P, side)
    dy = steps[None, None] - prompts.points_xy[..., 1, None]
    for wanted in (1, 0):
        used = (prompts.labels == wanted)[..., None].float()
        for sigma in _SIGMAS:  # a bump is the product of one along x and one along y
            along_x = torch.exp(-0.5 * (dx / sigma) ** 2) * used
            along_y = torch.exp(-0.5 * (dy / sigma) ** 2)
            if dx.shape[1]:
                maps.append((along_y[:, :, :, None] * along_x[:, :, None, :]).amax(1))
            else:
                maps.append(torch.zeros((len(dx), side, side), device=device))
    x0, y0, x1, y1 = (value[:, None] for value in prompts.box_xyxy.unbind(1))
    has_box = prompts.has_box.float()[:, None, None]
    deep_x = torch.minimum(steps[None] - x0, x1 - steps[None]) / ((x1 - x0).clamp(min=1e-3) / 2)
    deep_y = torch.minimum(steps[None] - y0, y1 - steps[None]) / ((y1 - y0).clamp(min=1e-3) / 2)
    depth = torch.minimum(deep_y[:, :, None], deep_x[:, None, :])
    maps += [(depth > 0).float() * has_box, depth.clamp(min=-1) * has_box]
    has_previous = prompts.has_previous.float()[:, None, None]
    previous = functional.avg_pool2d(prompts.previous, 2)[:, 0]
    maps += [previous.sigmoid() * has_previous, torch.tanh(previous / 4) * has_previous]
    clicks = ((prompts.labels >= 0).float().sum(1) / 4).clamp(max=1)[:, None, None]
    maps += [flag.expand(-1, side, side) for flag in (has_box, has_previous, clicks)]
    return torch.stack(maps, 1)


def _area_so_far(prompts: PromptBatch) -> Tensor:
    """Where the thing is by what is known: the mask so far, else a bump in the box, else nothing; (K, 1, 64, 64)."""
    side = _SIDE
    steps = (torch.arange(side, device=prompts.previous.device) + 0.5) / side
    x0, y0, x1, y1 = (value[:, None] for value in prompts.box_xyxy.unbind(1))
    along_x = torch.exp(-0.5 * ((steps[None] - (x0 + x1) / 2) / ((x1 - x0).clamp(min=1e-3) / 4)) ** 2)
    along_y = torch.exp(-0.5 * ((steps[None] - (y0 + y1) / 2) / ((y1 - y0).clamp(min=1e-3) / 4)) ** 2)
    box = (along_y[:, :, None] * along_x[:, None, :] * prompts.has_box[:, None, None])[:, None]
    previous = functional.avg_pool2d(prompts.previous.sigmoid(), 2)
    return torch.where(prompts.has_previous[:, None, None, None], previous, box)


def _likenesses(keys: Tensor, prompts: PromptBatch, so_far: Tensor) -> Tensor:
    """How much each place resembles what the prompt shows: cosines (K, 4 * heads, h, w); 0 where it shows nothing.

    keys: (K, heads, c, h * w), of length 1. The places compared with: the mean of the clicks inside, of the clicks
    outside, of the area so far and of the rest, the latter two only if there is an area.
    """
    _, heads, channels, places = keys.shape
    side = round(places**0.5)
    column, row = ((prompts.points_xy * side).long().clamp(0, side - 1)).unbind(-1)  # (K, P)
    at_points = (row * side + column)[:, None, None].expand(-1, heads, channels, -1)
    points = keys.gather(3, at_points).float()  # (K, heads, c, P)
    sides = torch.stack([prompts.labels == 1, prompts.labels == 0], 2).float()  # (K, P, 2)
    clicked = points @ sides[:, None]  # (K, heads, c, 2)
    weight = functional.adaptive_avg_pool2d(so_far, side).flatten(2).to(keys.dtype)  # (K, 1, N)
    shares = torch.cat([weight, 1 - weight], 1).transpose(1, 2)  # (K, N, 2)
    means = (keys.flatten(1, 2) @ shares).unflatten(1, (heads, channels)).float()  # (K, heads, c, 2)
    means = means * (prompts.has_previous | prompts.has_box)[:, None, None, None]
    wanted = functional.normalize(torch.cat([clicked, means], 3), dim=2, eps=1e-3).to(keys.dtype)  # (K, heads, c, 4)
    alike = wanted.transpose(2, 3) @ keys  # (K, heads, 4, N)
    return alike.flatten(1, 2).unflatten(2, (side, side))


def _repeated(level: Tensor, count: int) -> Tensor:
    """A level (B, ...) with every picture `count` times, (B * count, ...)."""
    return level[:, None].expand(-1, count, *level.shape[1:]).flatten(0, 1)


def _doubled(level: Tensor) -> Tensor:
    """A level at twice its side."""
    return functional.interpolate(level, scale_factor=2.0, mode="bilinear", align_corners=False)


class _Unit(nn.Sequential):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
        )


class _Residual(nn.Module):
    """What a 3 x 3 convolution finds, added to what comes in."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.unit = _Unit(dim, dim, 3)

    def forward(self, level: Tensor) -> Tensor:
        """(B, dim, h, w) -> the same shape."""
        found: Tensor = self.unit(level)
        return level + found


class _Overview(nn.Module):
    """Adds to every place what the whole map holds on average and at most."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(2 * dim, dim), nn.ReLU(), nn.Linear(dim, dim))

    def forward(self, level: Tensor) -> Tensor:
        """(B, dim, h, w) -> the same shape."""
        told = torch.cat([level.mean((2, 3)), level.amax((2, 3))], 1)
        return level + self.inner(told)[:, :, None, None]
