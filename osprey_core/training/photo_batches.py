"""Raw pictures as batches on the training's device: encoded by both towers, pooled over regions, normalised, stacked.

It knows neither where pictures come from nor what is learned from them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import nn

from osprey_core.config import CLOSE_UP_PREFIX, IMAGE_PLACEHOLDER_ID, PHOTO_PREFIX, PhotoTowerConfig
from osprey_core.errors import InputError
from osprey_core.language.prompts import QUESTIONS, PromptWriter, Turn
from osprey_core.model import OspreyNetwork
from osprey_core.model.extractor import MaskExtractor
from osprey_core.model.mask_pooling import mask_pooling
from osprey_core.model.osprey import resample
from osprey_core.model.towers import PhotoTower
from osprey_core.runtime.close_ups import pooled_levels
from osprey_core.training.batches import IGNORED, of_next_id
from osprey_core.training.dialogues.phrasings import WORDINGS
from osprey_core.training.photo_stream import RawPicture, Talk


@dataclass
class Statistics:
    """Mean and deviation of the photo tower's channels: pooled (D,) over regions and over close-ups, in the
    extractor's order, and of the maps that image tokens are made of (C,)."""

    pooled_mean: torch.Tensor
    pooled_std: torch.Tensor
    map_mean: torch.Tensor
    map_std: torch.Tensor


def tower_dims(photo: PhotoTowerConfig) -> dict[str, int]:
    """Names and widths of the extractor's linears that read the photo tower, in its order."""
    prefixes = (PHOTO_PREFIX, CLOSE_UP_PREFIX) if photo.close_up_size else (PHOTO_PREFIX,)
    return {prefix + name: dim for prefix in prefixes for name, dim in photo.channels.items()}


def pooling_of(network: OspreyNetwork) -> MaskExtractor:
    """The network's extractor. Raises InputError for one that does not pool features over masks."""
    if not isinstance(network.mask_extractor, MaskExtractor):
        raise InputError("training.extractor_not_pooling")
    return network.mask_extractor


def fold(network: OspreyNetwork, statistics: Statistics, inverse: bool = False) -> None:
    """Bring the photo tower's linears from normalised features to raw ones, in place; or back with `inverse`."""
    photo = network.config.vision.photo
    assert photo is not None
    with torch.no_grad():
        start = 0
        for name, dim in tower_dims(photo).items():
            linear = pooling_of(network).get_submodule(name)
            mean, std = (t[start : start + dim] for t in (statistics.pooled_mean, statistics.pooled_std))
            _fold_linear(linear.weight, linear.bias, mean, std, inverse)  # type: ignore[arg-type]
            start += dim
        prototypes = pooling_of(network).prototypes
        if prototypes is not None:
            for linear in (prototypes.scores, prototypes.drawn):
                _fold_linear(linear.weight, linear.bias, statistics.pooled_mean, statistics.pooled_std, inverse)
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
class Encoded:
    """What both towers see of P pictures with R regions in all. Of the photo tower, nothing is normalised yet."""

    own_res4: torch.Tensor
    """float32 (P, C, h, w)."""
    tower_maps: torch.Tensor
    """float32 (P, C', h, w): the photo tower's levels that image tokens are made of, on the same grid."""
    pooled: torch.Tensor
    """float32 (R, D): of the own encoder's levels, the photo tower's, its close-ups'."""
    shapes: torch.Tensor
    """float32 (R, S²)."""
    regions_of: torch.Tensor
    """int64 (R,): which picture each region lies in."""
    cells: torch.Tensor
    """bool (R, N): the image tokens that it touches."""


def encode(network: OspreyNetwork, tower: PhotoTower, pictures: Sequence[RawPicture], learns: bool) -> Encoded:
    """Encode a batch on the network's device. learns: whether gradients reach the network's own encoder."""
    photo = network.config.vision.photo
    assert photo is not None
    device = next(network.parameters()).device
    half = torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")

    def stacked(tensors: Sequence[torch.Tensor], by_region: bool = False) -> torch.Tensor:
        together = torch.cat(list(tensors)) if by_region else torch.stack(list(tensors))
        return (together.pin_memory() if device.type == "cuda" else together).to(device, non_blocking=True)

    def as_input(pixels: torch.Tensor) -> torch.Tensor:
        values = pixels.permute(0, 3, 1, 2).float() / 255
        mean, std = (torch.tensor(v, device=device).view(3, 1, 1) for v in (photo.mean, photo.std))
        return ((values - mean) / std).contiguous(memory_format=torch.channels_last)

    counts = [len(picture.names) for picture in pictures]
    regions_of = torch.repeat_interleave(torch.arange(len(pictures)), torch.tensor(counts)).to(device)
    pixel_values = stacked([picture.pixel_values for picture in pictures]).float()
    with half, torch.set_grad_enabled(learns):
        own = network.vision_tower(pixel_values.contiguous(memory_format=torch.channels_last))
    with half, torch.no_grad():
        seen = tower(as_input(stacked([picture.photo_square for picture in pictures])))
        near = tower(as_input(stacked([picture.close_ups for picture in pictures], True)))
        closest = pooled_levels(
            {name: level.float() for name, level in near.items()},
            stacked([picture.covers for picture in pictures], True).float() / 255,
        )
    levels = {name: level.float() for name, level in own.items()}
    levels |= {PHOTO_PREFIX + name: level.float() for name, level in seen.items()}
    pooled = []
    for name, level in levels.items():
        cells = stacked([picture.grids.cells[name] for picture in pictures], True)
        pooled.append(_pooled(level, cells, regions_of))
    pooled += [closest[CLOSE_UP_PREFIX + name] for name in photo.channels] if photo.close_up_size else []
    grid = levels["res4"].shape[-2:]
    maps = torch.cat([resample(levels[PHOTO_PREFIX + name], grid) for name in photo.image_levels], 1)
    own_cells = stacked([picture.grids.cells["res4"] for picture in pictures], True)
    shapes = stacked([picture.grids.shape for picture in pictures], True).float().flatten(1)
    return Encoded(levels["res4"], maps, torch.cat(pooled, 1), shapes, regions_of, own_cells.flatten(1))


def _pooled(level: torch.Tensor, cells: torch.Tensor, regions_of: torch.Tensor) -> torch.Tensor:
    """Averages (R, C) of each region's own picture: level (P, C, h, w), cells (R, h, w)."""
    counts = torch.bincount(regions_of, minlength=len(level))
    padded = cells.new_zeros(len(level), int(counts.max()), *cells.shape[1:])
    first = torch.cumsum(counts, 0) - counts
    place = torch.arange(len(cells), device=cells.device) - first[regions_of]
    padded[regions_of, place] = cells
    return mask_pooling(level, padded)[regions_of, place]


@dataclass
class PhotoBatch:
    """Pictures with all their talks; regions of all pictures one after another."""

    joined: torch.Tensor
    """float32 (P, C, h, w): maps of the encoder and, normalised, of the photo tower; (1, 0) of a batch of names."""
    pooled: torch.Tensor
    """float32 (R, D), the photo tower's part normalised."""
    shapes: torch.Tensor
    """float32 (R, S²)."""
    names: torch.Tensor
    """int64 (R,), or IGNORED."""
    rows: torch.Tensor
    """int64 (B,): the picture of each talk."""
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
    token_names: torch.Tensor
    """int64 (P, N): the name of the one thing that an image token shows, or IGNORED."""


class TalkedAbout(Protocol):
    """A picture as far as its text goes."""

    @property
    def kind(self) -> str: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def talks(self) -> tuple[Talk, ...]: ...


def make_batch(
    encoded: Encoded, pictures: Sequence[TalkedAbout], statistics: Statistics, name_ids: Mapping[str, int]
) -> PhotoBatch:
    """Stack encoded pictures and their talks."""
    device = encoded.pooled.device
    ids, labels, shown, rows, first = [], [], [], [], 0
    before = torch.zeros(0, dtype=torch.long)
    for place, picture in enumerate(pictures):
        for talk in picture.talks:
            end = talk.picture_place
            before = talk.ids[:end]
            ids.append(talk.ids[end + 1 :])
            labels.append(talk.labels[end + 1 :])
            shown.append(talk.shown + first)
            rows.append(place)
        first += len(picture.names)
    names = torch.tensor([name_ids.get(name, IGNORED) for picture in pictures for name in picture.names]).to(device)
    padded, starts, stacked_ids = _padded(ids, labels)
    maps = (encoded.tower_maps - statistics.map_mean[:, None, None]) / statistics.map_std[:, None, None]
    return PhotoBatch(
        torch.cat([encoded.own_res4, maps], 1),
        normalised(encoded.pooled, statistics),
        encoded.shapes,
        names,
        torch.tensor(rows).to(device),
        before.to(device),
        stacked_ids.to(device),
        padded.to(device),
        torch.cat(shown).to(device),
        starts.to(device),
        token_names(encoded, names, len(pictures)),
    )


def normalised(pooled: torch.Tensor, statistics: Statistics) -> torch.Tensor:
    """Pooled features (R, D) with those of the photo tower, the last ones, at mean 0 and deviation 1."""
    width = len(statistics.pooled_mean)
    tower = (pooled[:, -width:] - statistics.pooled_mean) / statistics.pooled_std
    return torch.cat([pooled[:, :-width], tower], 1)


def token_names(encoded: Encoded, names: torch.Tensor, pictures: int) -> torch.Tensor:
    """The name of every image token, int64 (P, N): that of all regions that touch it, where they have the same."""
    known = (names != IGNORED)[:, None] & encoded.cells
    rows = encoded.regions_of[:, None].expand_as(encoded.cells)
    far = int(names.max()) + 1 if len(names) else 1
    spread = names[:, None].expand_as(encoded.cells)
    size = (pictures, encoded.cells.shape[1])
    lowest = torch.full(size, far, device=names.device).scatter_reduce(0, rows, spread.where(known, far), "amin")
    highest = torch.full(size, -1, device=names.device).scatter_reduce(0, rows, spread.where(known, -1), "amax")
    return torch.where((lowest == highest) & (highest >= 0), highest, IGNORED)


def _padded(
    ids: Sequence[torch.Tensor], labels: Sequence[torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Labels, where answers begin, and ids, each (B, T)."""
    padded = nn.utils.rnn.pad_sequence(list(labels), batch_first=True, padding_value=IGNORED)
    known = padded != IGNORED
    return padded, known & ~F.pad(known, (1, 0))[:, :-1], nn.utils.rnn.pad_sequence(list(ids), batch_first=True)


class SeenRegions:
    """Pooled features of the regions that were seen last, to be drawn by name for questions about single regions."""

    def __init__(self, prompts: PromptWriter, kept: int) -> None:
        self._prompts, self._kept = prompts, kept
        self._questions: dict[tuple[str, str], tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = {}
        self._pooled: list[torch.Tensor] = []
        self._shapes: list[torch.Tensor] = []
        self._names: list[str] = []
        self._kinds: list[str] = []
        self._next = 0

    @property
    def count(self) -> int:
        """How many regions there are."""
        return len(self._names)

    def add(self, encoded: Encoded, pictures: Sequence[TalkedAbout]) -> None:
        """Keep the named regions of a batch; the oldest ones make room."""
        row = 0
        pooled, shapes = encoded.pooled.detach().half(), encoded.shapes.half()
        for picture in pictures:
            for name in picture.names:
                if name:
                    self._keep(pooled[row], shapes[row], name, picture.kind)
                row += 1

    def _keep(self, pooled: torch.Tensor, shape: torch.Tensor, name: str, kind: str) -> None:
        if len(self._names) < self._kept:
            self._pooled.append(pooled)
            self._shapes.append(shape)
            self._names.append(name)
            self._kinds.append(kind)
            return
        place = self._next
        self._pooled[place], self._shapes[place], self._names[place], self._kinds[place] = pooled, shape, name, kind
        self._next = (place + 1) % self._kept

    def draw(self, rng: random.Random, count: int) -> list[int]:
        """Places of regions, as many in photographs as in made scenes where there are both; a name's chance grows with
        the root of its count."""
        by_name: dict[str, dict[str, list[int]]] = {"photo": {}, "scene": {}}
        for place, (name, kind) in enumerate(zip(self._names, self._kinds, strict=True)):
            by_name[kind].setdefault(name, []).append(place)
        kinds = [names for names in by_name.values() if names]
        drawn: list[int] = []
        for names in kinds:
            weights = [math.sqrt(len(places)) for places in names.values()]
            drawn += [rng.choice(names[name]) for name in rng.choices(list(names), weights, k=count // len(kinds))]
        return drawn

    def batch(
        self, places: Sequence[int], statistics: Statistics, name_ids: Mapping[str, int], rng: random.Random
    ) -> PhotoBatch:
        """Questions for the names of these regions, without their pictures."""
        pooled = normalised(torch.stack([self._pooled[place] for place in places]).float(), statistics)
        device = pooled.device
        ids, labels = [], []
        before = torch.zeros(0, dtype=torch.long)
        for place in places:
            question = rng.choice((QUESTIONS["category"], *WORDINGS["category"].templates))
            before, following_ids, following_labels = self._question(question, self._names[place])
            ids.append(following_ids)
            labels.append(following_labels)
        padded, starts, stacked_ids = _padded(ids, labels)
        return PhotoBatch(
            torch.zeros(1, 0, device=device),
            pooled,
            torch.stack([self._shapes[place] for place in places]).float(),
            torch.tensor([name_ids.get(self._names[place], IGNORED) for place in places]).to(device),
            torch.zeros(len(places), dtype=torch.long, device=device),
            before.to(device),
            stacked_ids.to(device),
            padded.to(device),
            torch.arange(len(places), device=device),
            starts.to(device),
            torch.zeros(0, 0, dtype=torch.long, device=device),
        )

    def _question(self, question: str, name: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Ids before the picture, ids behind it, and their labels."""
        if (question, name) not in self._questions:
            turn = Turn(question.replace("{r}", "<region1>"), name, 1)
            prompt, learned = self._prompts.transcript([turn], 1)
            whole = torch.tensor(prompt.ids)
            following = torch.where(torch.tensor(learned), whole, IGNORED)
            following = of_next_id(following)
            end = prompt.ids.index(IMAGE_PLACEHOLDER_ID)
            self._questions[question, name] = whole[:end], whole[end + 1 :], following[end + 1 :]
        return self._questions[question, name]


def region_features(network: OspreyNetwork, pooled: torch.Tensor) -> dict[str, torch.Tensor]:
    """Pooled features (R, D) by level, in the extractor's order."""
    dims = network.config.vision.pooled_dims
    return dict(zip(dims, pooled.split(list(dims.values()), 1), strict=True))
