"""Frozen pictures as batches: normalised, stacked, drawn by chance, as conversations or as single regions to name.

It knows neither what is learned from them nor how.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from osprey_core.config import IMAGE_PLACEHOLDER_ID, PHOTO_PREFIX, PhotoTowerConfig
from osprey_core.language.prompts import QUESTIONS, PromptWriter, Turn
from osprey_core.model import OspreyNetwork
from osprey_core.training.batches import IGNORED
from osprey_core.training.dialogues.phrasings import WORDINGS
from osprey_core.training.frozen_features import FrozenPicture, image_token_ids, load_shard


@dataclass
class Statistics:
    """Mean and deviation of the photo tower's channels: pooled (D,), and of the maps that image tokens are made of."""

    pooled_mean: torch.Tensor
    pooled_std: torch.Tensor
    map_mean: torch.Tensor
    map_std: torch.Tensor


def measure(pictures: Sequence[FrozenPicture], photo: PhotoTowerConfig) -> Statistics:
    """Statistics of some pictures' features."""
    width = sum(photo.level_dims)
    pooled = torch.cat([p.pooled[:, -width:].float() for p in pictures if len(p.pooled)])
    maps = torch.cat(
        [torch.cat([p.maps[PHOTO_PREFIX + name].float().mean((1, 2)) for name in photo.image_levels])[None]
         for p in pictures]
    )  # fmt: skip
    spread = torch.cat(
        [torch.cat([p.maps[PHOTO_PREFIX + name].float().std((1, 2)) for name in photo.image_levels])[None]
         for p in pictures]
    )  # fmt: skip
    return Statistics(pooled.mean(0), pooled.std(0) + 1e-3, maps.mean(0), spread.mean(0) + 1e-3)


def fold(network: OspreyNetwork, statistics: Statistics, inverse: bool = False) -> None:
    """Bring the photo tower's linears from normalised features to raw ones, in place; or back with `inverse`."""
    photo = network.config.vision.photo
    assert photo is not None
    with torch.no_grad():
        start = 0
        for name, dim in photo.channels.items():
            linear = network.mask_extractor.get_submodule(PHOTO_PREFIX + name)
            mean, std = (t[start : start + dim] for t in (statistics.pooled_mean, statistics.pooled_std))
            _fold_linear(linear.weight, linear.bias, mean, std, inverse)  # type: ignore[arg-type]
            start += dim
        first = network.mm_projector[0]
        assert isinstance(first, nn.Linear)
        columns = first.weight[:, network.config.vision.level_dims[2] :]
        _fold_linear(columns, first.bias, statistics.map_mean, statistics.map_std, inverse)


def _fold_linear(
    weight: torch.Tensor, bias: torch.Tensor, mean: torch.Tensor, std: torch.Tensor, inverse: bool
) -> None:
    if inverse:
        bias += weight @ mean
        weight *= std
    else:
        weight /= std
        bias -= weight @ mean


@dataclass
class FrozenBatch:
    """Pictures with all their talks. rows: talk -> picture (B,); regions of all pictures one after another."""

    joined: torch.Tensor
    """float32 (P, C, h, w): normalised maps of the encoder and the photo tower on the encoder's grid."""
    pooled: torch.Tensor
    """float32 (R, D), the photo tower's part normalised."""
    shapes: torch.Tensor
    """float32 (R, S²)."""
    names: torch.Tensor
    """int64 (R,), or IGNORED."""
    rows: torch.Tensor
    before: torch.Tensor
    """int64 (L,): ids before the picture, the same in all talks."""
    ids: torch.Tensor
    """int64 (B, T): ids behind the picture, padded with 0."""
    labels: torch.Tensor
    """int64 (B, T)."""
    shown: torch.Tensor
    """int64 (M,): region row of every mark, in the order of the rows' ids."""
    starts: torch.Tensor
    """bool (B, T): labels that are an answer's first id."""


def make_batch(
    pictures: Sequence[FrozenPicture], statistics: Statistics, photo: PhotoTowerConfig, name_ids: dict[str, int]
) -> FrozenBatch:
    """Stack pictures and their talks."""
    width = sum(photo.level_dims)
    joined, pooled, shapes, names, rows, shown, ids, labels = [], [], [], [], [], [], [], []
    first = 0
    before = torch.zeros(0, dtype=torch.long)
    for place, picture in enumerate(pictures):
        own = picture.maps["res4"].float()
        further = [
            F.interpolate(
                picture.maps[PHOTO_PREFIX + n].float()[None], size=own.shape[-2:], mode="bilinear", align_corners=False
            )[0]
            for n in photo.image_levels
        ]
        tower = (torch.cat(further) - statistics.map_mean[:, None, None]) / statistics.map_std[:, None, None]
        joined.append(torch.cat([own, tower]))
        if len(picture.pooled):
            features = picture.pooled.float()
            features[:, -width:] = (features[:, -width:] - statistics.pooled_mean) / statistics.pooled_std
            pooled.append(features)
            shapes.append(picture.shapes.float() / 255)
            names += [name_ids.get(name, IGNORED) for name in picture.names]
        for talk in picture.talks:
            end = image_token_ids(talk)
            before = talk.ids[:end]
            ids.append(talk.ids[end + 1 :])
            labels.append(talk.labels[end + 1 :])
            shown.append(talk.shown + first)
            rows.append(place)
        first += len(picture.pooled)
    padded = nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=IGNORED)
    learned = padded != IGNORED
    return FrozenBatch(
        torch.stack(joined),
        torch.cat(pooled),
        torch.cat(shapes),
        torch.tensor(names),
        torch.tensor(rows),
        before,
        nn.utils.rnn.pad_sequence(ids, batch_first=True),
        padded,
        torch.cat(shown),
        learned & ~F.pad(learned, (1, 0))[:, :-1],
    )


def name_batch(
    regions: NamedRegions, prompts: PromptWriter, statistics: Statistics, count: int, rng: random.Random
) -> FrozenBatch:
    """Single regions with the question for their name; rarer names come more often than by chance."""
    chosen = regions.draw(rng, count)
    pooled = torch.stack([picture.pooled[row] for picture, row in chosen]).float()
    width = len(statistics.pooled_mean)
    pooled[:, -width:] = (pooled[:, -width:] - statistics.pooled_mean) / statistics.pooled_std
    ids, labels = [], []
    before = torch.zeros(0, dtype=torch.long)
    for picture, row in chosen:
        question = rng.choice((QUESTIONS["category"], *WORDINGS["category"].templates)).replace("{r}", "<region1>")
        prompt, learned = prompts.transcript([Turn(question, picture.names[row], 1)], 1)
        whole = torch.tensor(prompt.ids)
        following = torch.where(torch.tensor(learned), whole, IGNORED)
        following = torch.cat([following[1:], following.new_full((1,), IGNORED)])
        end = prompt.ids.index(IMAGE_PLACEHOLDER_ID)
        before = whole[:end]
        ids.append(whole[end + 1 :])
        labels.append(following[end + 1 :])
    padded = nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=IGNORED)
    known = padded != IGNORED
    return FrozenBatch(
        torch.zeros(1, 0),
        pooled,
        torch.stack([picture.shapes[row] for picture, row in chosen]).float() / 255,
        torch.tensor([regions.name_ids.get(picture.names[row], IGNORED) for picture, row in chosen]),
        torch.zeros(len(chosen), dtype=torch.long),
        before,
        nn.utils.rnn.pad_sequence(ids, batch_first=True),
        padded,
        torch.arange(len(chosen)),
        known & ~F.pad(known, (1, 0))[:, :-1],
    )


class NamedRegions:
    """All regions with a name, to be drawn by name: the chance of a name grows with the root of its count."""

    def __init__(self, pictures: Mapping[str, Sequence[FrozenPicture]], name_ids: Mapping[str, int]) -> None:
        self.name_ids = name_ids
        self._regions: dict[str, dict[str, list[tuple[FrozenPicture, int]]]] = {}
        for kind, found in pictures.items():
            names = self._regions.setdefault(kind, {})
            for picture in found:
                for row, name in enumerate(picture.names):
                    names.setdefault(name, []).append((picture, row))

    def draw(self, rng: random.Random, count: int) -> list[tuple[FrozenPicture, int]]:
        """Regions as (picture, row), three of four in photographs."""
        drawn: list[tuple[FrozenPicture, int]] = []
        for kind, share in (("photo", 0.75), ("scene", 0.25)):
            names = self._regions.get(kind, {})
            weights = [math.sqrt(len(found)) for found in names.values()]
            picked = rng.choices(list(names), weights, k=round(count * share)) if names else []
            drawn += [rng.choice(names[name]) for name in picked]
        return drawn


def region_features(network: OspreyNetwork, pooled: torch.Tensor) -> dict[str, torch.Tensor]:
    """Pooled features (R, D) by level, in the extractor's order."""
    dims = network.config.vision.pooled_dims
    return dict(zip(dims, pooled.split(list(dims.values()), 1), strict=True))


class Pictures:
    """All shards of a folder, looked up again as new ones arrive; photographs and scenes apart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.by_kind: dict[str, list[FrozenPicture]] = {"photo": [], "scene": []}
        self._read: set[str] = set()

    def refresh(self) -> bool:
        """Read shards that are new. Returns whether there were any."""
        new = [path for path in sorted(self.folder.glob("*.pt")) if path.name not in self._read]
        for path in new:
            for picture in load_shard(path):
                if len(picture.pooled):
                    self.by_kind[picture.kind].append(picture)
            self._read.add(path.name)
        return bool(new)

    def draw(self, rng: random.Random, photos: int, scenes: int) -> list[FrozenPicture]:
        """Pictures of both kinds by chance."""
        chosen = rng.sample(self.by_kind["photo"], min(photos, len(self.by_kind["photo"])))
        return chosen + rng.sample(self.by_kind["scene"], min(scenes, len(self.by_kind["scene"])))
