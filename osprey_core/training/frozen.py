"""Training on frozen towers: `python -m osprey_core.training.frozen --shards FOLDER --out RUN`.

Connector, mask extractor and language model learn from `frozen_features`; no picture is encoded here. The model that
it starts from is given the photo tower's linears as zeros, so that it answers as before on the first step. It knows
neither scenes nor photographs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import math
import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from osprey_core.cache.prefix_attention import CACHE_ARGUMENT, KeyValues
from osprey_core.cache.prefix_cache import cache_of, key_values_of
from osprey_core.config import IMAGE_PLACEHOLDER_ID, LEVEL_NAMES, PHOTO_PREFIX, PhotoTowerConfig
from osprey_core.engine import Osprey
from osprey_core.language.prompts import QUESTIONS, PromptWriter, Turn
from osprey_core.model import OspreyNetwork, build_network
from osprey_core.model.towers import PhotoTower
from osprey_core.runtime import checkpoint
from osprey_core.runtime.photo_levels import load_photo_tower
from osprey_core.training.batches import IGNORED
from osprey_core.training.dialogues.phrasings import WORDINGS
from osprey_core.training.frozen_features import FrozenPicture, image_token_ids, load_shard
from osprey_core.training.objectives import RegionNamer

log = logging.getLogger(__name__)

STATE_FILE = "state.pt"
LOG_FILE = "log.jsonl"


@dataclass(frozen=True)
class FrozenOptions:
    """One run. Rates are AdamW's at their highest; `fresh` is for the photo tower's own linears."""

    steps: int = 4000
    photos_per_step: int = 4
    scenes_per_step: int = 3
    rate: float = 3e-4
    fresh: float = 1e-3
    weight_decay: float = 0.03
    warmup: int = 10
    start_weight: float = 3.0
    """Weight of an answer's first id in the loss."""
    naming: float = 0.5
    """Weight of naming regions from their mask tokens alone."""
    noise: float = 0.15
    """Standard deviation of the noise on pooled features of the photo tower, of which each has the deviation 1."""
    dropped: float = 0.1
    """Share of these features that a step does not see."""
    picture_share: float = 0.4
    """Share of steps with whole conversations about pictures; the others ask for the names of single regions, which
    are seen by their tokens alone, without image tokens."""
    names_per_step: int = 128
    """Regions that such a step asks for, three of four of them in photographs."""
    picture_gradient: float = 0.5
    """Share of those steps in which the gradient reaches the image tokens and what reads them."""
    average_from: float = 0.5
    """Share of the steps after which weights are averaged."""


def grown(network: OspreyNetwork) -> OspreyNetwork:
    """The network with a photo tower beside its encoder; answers as before. One that has it is returned itself."""
    config = network.config
    if config.vision.photo is not None:
        return network
    wider = build_network(replace(config, vision=replace(config.vision, photo=PhotoTowerConfig())))
    ours, theirs = wider.state_dict(), network.state_dict()
    for name, tensor in ours.items():
        if name in theirs and tensor.shape == theirs[name].shape:
            tensor.copy_(theirs[name])
        elif name in theirs:  # the connector's first linear: the photo tower's columns are zeros
            tensor.zero_()
            tensor[:, : theirs[name].shape[1]].copy_(theirs[name])
        else:
            tensor.zero_()
    return wider


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


IMAGENET_FILE = Path(__file__).parent / "imagenet_classes.json"
"""For names of photographs, the classes of ImageNet that show such a thing."""

DRAWN_NAMES = {
    "donut": "doughnut", "cell phone": "phone", "tv": "television", "mouse": "computer mouse", "clock": "alarm clock",
    "refrigerator": "door", "dining table": "table", "boat": "sailboat",
}  # fmt: skip
"""Names of photographs whose drawn counterpart is called otherwise."""


def begin_photo_linears(
    network: OspreyNetwork,
    pictures: Sequence[FrozenPicture],
    statistics: Statistics,
    tower: PhotoTower,
    ridge: float = 1.0,
    prior: float = 0.1,
    balance: float = 0.3,
) -> None:
    """Set the photo tower's linears (in normalised features) so that photographed things get tokens of their name.

    A ridge regression from the tower's pooled features to what is missing between the encoder's own sum and the name's:
    that of drawn things of the name, or a direction of its own. Drawn things are to miss nothing. Weights are drawn
    towards what ImageNet's classifier says of the name's classes, so that rare names begin with what it knows.

    Args:
        ridge: strength, per thousand regions and feature of deviation 1.
        prior: how many of a name's directions one deviation of ImageNet's score is worth.
        balance: regions of a name weigh by its count to the power of minus this.
    """
    extractor, photo = network.mask_extractor, network.config.vision.photo
    assert photo is not None
    width, generator = sum(photo.level_dims), torch.Generator().manual_seed(0)
    own_dims = network.config.vision.level_dims
    pooled = {kind: [p for p in pictures if p.kind == kind] for kind in ("photo", "scene")}
    names = {kind: [name for p in found for name in p.names] for kind, found in pooled.items()}
    rows = {kind: torch.cat([p.pooled for p in found]).float() for kind, found in pooled.items()}
    with torch.no_grad():
        own = {
            kind: sum(
                getattr(extractor, name)(part)
                for name, part in zip(LEVEL_NAMES, found[:, :-width].split(own_dims, 1), strict=True)
            )
            for kind, found in rows.items()
        }
        features = {kind: found[:, -width:] for kind, found in rows.items()}
        drawn: dict[str, torch.Tensor] = {}
        for name in set(names["scene"]):
            places = [place for place, other in enumerate(names["scene"]) if other == name]
            drawn[name] = own["scene"][places].mean(0)
        middle = own["scene"].mean(0)
        length = torch.stack([token - middle for token in drawn.values()]).norm(dim=1).mean()
        classes = sorted(set(names["photo"]) | set(json.loads(IMAGENET_FILE.read_text("utf-8"))))
        targets = []
        for name in classes:
            known = drawn.get(DRAWN_NAMES.get(name, name))
            direction = torch.randn(len(middle), generator=generator)
            targets.append(known if known is not None else middle + length * direction / direction.norm())
        target = torch.stack(targets)  # (K, W)
        place_of = {name: place for place, name in enumerate(classes)}
        truth = torch.tensor([place_of[name] for name in names["photo"]])
        normal = {kind: (found - statistics.pooled_mean) / statistics.pooled_std for kind, found in features.items()}
        slope, offset = _imagenet_scores(classes, features["photo"][:, -photo.level_dims[-1] :], tower)
        head = slice(width - photo.level_dims[-1], width)
        # Both parts of the prior as a map from normalised features to the extractor's width.
        prior_weight = torch.zeros(width, len(middle))
        prior_weight[head] = prior * (slope * statistics.pooled_std[head, None]) @ (target - middle)
        prior_bias = prior * (offset + statistics.pooled_mean[head] @ slope) @ (target - middle)
        counts = torch.bincount(truth, minlength=len(classes)).float()
        weights = counts[truth] ** -balance
        weights = torch.cat([weights / weights.mean(), torch.ones(len(names["scene"]))])
        inputs = torch.cat([normal["photo"], normal["scene"]])
        missing = torch.cat([target[truth] - own["photo"], torch.zeros_like(own["scene"])])
        missing = missing - inputs @ prior_weight - prior_bias
        bias = (missing * weights[:, None]).sum(0) / weights.sum()
        weighted = inputs * weights[:, None]
        square = weighted.T @ inputs + ridge * len(inputs) * torch.eye(width)
        weight = torch.linalg.solve(square, weighted.T @ (missing - bias)) + prior_weight  # (D, W)
        start = 0
        for name, dim in photo.channels.items():
            linear = extractor.get_submodule(PHOTO_PREFIX + name)
            linear.weight.copy_(weight[start : start + dim].T)  # type: ignore[operator]
            start += dim
        linear.bias.copy_(bias + prior_bias)  # type: ignore[operator]
        _log_nearest(own["photo"] + normal["photo"] @ weight + bias + prior_bias, target, truth)


def _imagenet_scores(
    classes: Sequence[str], heads: torch.Tensor, tower: PhotoTower
) -> tuple[torch.Tensor, torch.Tensor]:
    """Linear map (1280, K) and offset (K,) from pooled heads to each name's ImageNet score, of mean 0 and deviation 1.

    Names without a class of ImageNet get zeros.
    """
    table = json.loads(IMAGENET_FILE.read_text("utf-8"))
    classifier = tower.trunk.classifier
    scores = tower.classify(heads)
    mean, std = scores.mean(0), scores.std(0) + 1e-6
    slope, offset = torch.zeros(heads.shape[1], len(classes)), torch.zeros(len(classes))
    for place, name in enumerate(classes):
        if chosen := table.get(name):
            slope[:, place] = (classifier.weight[chosen] / std[chosen, None]).mean(0)
            offset[place] = ((classifier.bias[chosen] - mean[chosen]) / std[chosen]).mean()
            spread = (heads @ slope[:, place]).std() + 1e-6
            slope[:, place] /= spread
            offset[place] /= spread
    return slope, offset


def _log_nearest(tokens: torch.Tensor, target: torch.Tensor, truth: torch.Tensor) -> None:
    nearest = torch.cdist(tokens, target).argmin(1)
    log.info("nearest name of photographed regions right: %.3f", float((nearest == truth).float().mean()))


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


def answer_loss(
    network: OspreyNetwork,
    batch: FrozenBatch,
    options: FrozenOptions,
    namer: RegionNamer,
    train: bool,
    with_picture: bool = True,
) -> dict[str, torch.Tensor]:
    """Loss of a batch and what it was made of: "loss", "answers", "names", "token_accuracy", "name_accuracy"."""
    photo = network.config.vision.photo
    assert photo is not None
    pooled = batch.pooled
    width = sum(photo.level_dims)
    if train and options.noise:
        noisy = pooled[:, -width:] + options.noise * torch.randn_like(pooled[:, -width:])
        noisy = F.dropout(noisy, options.dropped)
        pooled = torch.cat([pooled[:, :-width], noisy], 1)
    mask_tokens = network.mask_extractor.project(region_features(network, pooled))
    spatial_tokens = network.mask_extractor.mask_linear(batch.shapes)
    with torch.set_grad_enabled(train and (not with_picture or random.random() < options.picture_gradient)):
        prefix = _prefix(network, batch, with_picture)
    cache = cache_of(network.llm.config)
    for layer, (keys, values) in enumerate(prefix):
        cache.update(keys[batch.rows], values[batch.rows], layer)
    none = mask_tokens.new_zeros(len(batch.ids), 0, mask_tokens.shape[1])
    embeds = network.splice(batch.ids, none, mask_tokens[batch.shown], spatial_tokens[batch.shown])
    hidden = network.llm.model(inputs_embeds=embeds, use_cache=True, **{CACHE_ARGUMENT: cache}).last_hidden_state
    learned = batch.labels != IGNORED
    logits = network.llm.lm_head(hidden[learned]).float()
    targets = batch.labels[learned]
    weights = torch.where(batch.starts[learned], options.start_weight, 1.0)
    answers = (F.cross_entropy(logits, targets, reduction="none") * weights).sum() / weights.sum()
    scores = namer(mask_tokens).float()
    named = batch.names != IGNORED
    names = F.cross_entropy(scores[named], batch.names[named]) if bool(named.any()) else answers.new_zeros(())
    starts = batch.starts[learned]
    right = logits.argmax(1) == targets
    return {
        "loss": answers + options.naming * names,
        "answers": answers,
        "names": names,
        "token_accuracy": right.float().mean(),
        "start_accuracy": right[starts].float().mean(),
        "name_accuracy": (scores[named].argmax(1) == batch.names[named]).float().mean(),
    }


def _prefix(network: OspreyNetwork, batch: FrozenBatch, with_picture: bool) -> KeyValues:
    """Keys and values (P, heads, L + N, d) of each layer, of the ids before the picture and of its tokens."""
    embeds = network.llm.get_input_embeddings()(batch.before)[None].expand(len(batch.joined), -1, -1)
    if with_picture:
        image_tokens = network.mm_projector(batch.joined)  # (P, N, D)
        embeds = torch.cat([embeds.to(image_tokens.dtype), image_tokens], 1)
    cache = cache_of(network.llm.config)
    network.llm.model(inputs_embeds=embeds, use_cache=True, **{CACHE_ARGUMENT: cache})
    return key_values_of(cache)


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


def rate_share(step: int, progress: float, options: FrozenOptions) -> float:
    """Linear warm-up over the first steps, then a cosine of the run's progress, 0 to 1, down to a hundredth."""
    if step < options.warmup:
        return (step + 1) / options.warmup
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))


def make_optimizer(network: OspreyNetwork, namer: RegionNamer, options: FrozenOptions) -> torch.optim.Optimizer:
    """AdamW: the photo tower's linears and the namer learn at the higher rate, vectors are not decayed."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if name.startswith("vision_tower."):
            parameter.requires_grad_(False)
            continue
        groups.setdefault((f".{PHOTO_PREFIX}" in name, parameter.ndim >= 2), []).append(parameter)
    for parameter in namer.parameters():
        groups.setdefault((True, parameter.ndim >= 2), []).append(parameter)
    settings: list[dict[str, Any]] = [
        {
            "params": parameters,
            "highest": options.fresh if fresh else options.rate,
            "weight_decay": options.weight_decay if matrix else 0.0,
        }
        for (fresh, matrix), parameters in groups.items()
    ]
    return torch.optim.AdamW(settings, lr=options.rate, betas=(0.9, 0.98))


class FrozenRun:
    """One run in one folder, which it goes on with where it stopped."""

    def __init__(self, folder: Path, start: Osprey, shards: Path, options: FrozenOptions) -> None:
        self.folder, self.options = folder, options
        self.prompts, self.tokenizer = start.prompts, start.prompts.tokenizer
        self.network = grown(start.network).float().train().requires_grad_(True)
        photo = self.network.config.vision.photo
        assert photo is not None
        self.photo = photo
        self.pictures = Pictures(shards)
        self.pictures.refresh()
        folder.mkdir(parents=True, exist_ok=True)
        self.step = 0
        self.minutes = 0.0
        state_path = folder / STATE_FILE
        state = torch.load(state_path, weights_only=True) if state_path.is_file() else None
        if state is None:
            everything = self.pictures.by_kind["photo"] + self.pictures.by_kind["scene"]
            self.statistics = measure(everything, photo)
            names = sorted({name for picture in everything for name in picture.names})
            begins = start.network.config.vision.photo is None
            fold(self.network, self.statistics, inverse=True)
            if begins:
                begin_photo_linears(self.network, everything, self.statistics, load_photo_tower())
        else:
            self.statistics = Statistics(*state["statistics"])
            names = state["names"]
        self.name_ids = {name: place for place, name in enumerate(names)}
        self.regions = NamedRegions(self.pictures.by_kind, self.name_ids)
        self.namer = RegionNamer(self.network.config.language.hidden_size, len(names))
        self.optimizer = make_optimizer(self.network, self.namer, options)
        self.average: dict[str, torch.Tensor] | None = None
        self.averaged = 0
        if state is not None:
            self.network.load_state_dict(state["network"])
            self.namer.load_state_dict(state["namer"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.average, self.averaged, self.step = state["average"], state["averaged"], state["step"]
            self.minutes = state["minutes"]

    def train(self, minutes: float) -> None:
        """Train until all steps are done or `minutes` of training are over, in however many sittings."""
        sitting = time.monotonic() - 60 * self.minutes
        sums: dict[str, list[float]] = {}
        began, count = time.monotonic(), 0
        while self.step < self.options.steps and self.minutes < minutes:
            progress = min(1.0, max(self.step / self.options.steps, self.minutes / minutes))
            if self.step % 25 == 0 and self.pictures.refresh():
                self.regions = NamedRegions(self.pictures.by_kind, self.name_ids)
            random.seed(self.step)
            torch.manual_seed(self.step)
            rng = random.Random(self.step)
            with_picture = rng.random() < self.options.picture_share
            batch = self._talks(rng) if with_picture else self._names(rng)
            for group in self.optimizer.param_groups:
                group["lr"] = group["highest"] * rate_share(self.step, progress, self.options)
            with torch.autocast("cpu", torch.bfloat16):
                outcome = answer_loss(self.network, batch, self.options, self.namer, True, with_picture)
            outcome["loss"].backward()
            nn.utils.clip_grad_norm_([p for group in self.optimizer.param_groups for p in group["params"]], 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.step += 1
            count += 1
            for name, value in outcome.items():
                key = name if with_picture else f"single_{name}"
                sums.setdefault(key, []).append(float(value.detach()))
            if self.step % 10 == 0:
                figures = {name: round(sum(found) / len(found), 4) for name, found in sums.items()}
                rate = round((time.monotonic() - began) / count, 2)
                sizes = {kind: len(found) for kind, found in self.pictures.by_kind.items()}
                with (self.folder / LOG_FILE).open("a") as file:
                    file.write(json.dumps({"step": self.step, **figures, "seconds_per_step": rate, **sizes}) + "\n")
                sums, began, count = {}, time.monotonic(), 0
            self.minutes = (time.monotonic() - sitting) / 60
            if progress >= self.options.average_from and self.step % 2 == 0:
                self._average()
            if self.step % 20 == 0:
                self.save()
        self.save()

    def _talks(self, rng: random.Random) -> FrozenBatch:
        chosen = self.pictures.draw(rng, self.options.photos_per_step, self.options.scenes_per_step)
        return make_batch(chosen, self.statistics, self.photo, self.name_ids)

    def _names(self, rng: random.Random) -> FrozenBatch:
        return name_batch(self.regions, self.prompts, self.statistics, self.options.names_per_step, rng)

    def _average(self) -> None:
        self.averaged += 1
        state = self.network.state_dict()
        if self.average is None:
            self.average = {name: tensor.clone() for name, tensor in state.items()}
            return
        for name, tensor in state.items():
            self.average[name].lerp_(tensor, 1 / self.averaged)

    def save(self) -> None:
        """Write the state, and the models: "last", and "mean" of the later steps once there is one."""
        state = {
            "network": self.network.state_dict(),
            "namer": self.namer.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
            "averaged": self.averaged,
            "step": self.step,
            "minutes": self.minutes,
            "names": list(self.name_ids),
            "statistics": (
                self.statistics.pooled_mean,
                self.statistics.pooled_std,
                self.statistics.map_mean,
                self.statistics.map_std,
            ),
        }
        partial = self.folder / (STATE_FILE + ".partial")
        torch.save(state, partial)
        partial.replace(self.folder / STATE_FILE)
        self.write_model(self.folder / "last", self.network.state_dict())
        if self.average is not None:
            self.write_model(self.folder / "mean", self.average)

    def write_model(self, folder: Path, tensors: dict[str, torch.Tensor]) -> None:
        """Write weights, whose linears take normalised features, as a model that takes raw ones."""
        network = build_network(self.network.config)
        network.load_state_dict(tensors)
        fold(network, self.statistics)
        checkpoint.save(folder, network, self.tokenizer, torch.float16)


def main(argv: Sequence[str] | None = None) -> int:
    """Train; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.training.frozen", description=__doc__)
    parser.add_argument("--shards", type=Path, required=True, help="folder that frozen_features writes")
    parser.add_argument("--out", type=Path, required=True, help="the run's folder")
    parser.add_argument("--start", default="nano", help="model to start from")
    parser.add_argument("--minutes", type=float, default=math.inf)
    for name, value in vars(FrozenOptions()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    options = vars(parser.parse_args(argv))
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    np.random.seed(0)
    settings = FrozenOptions(**{name: options[name] for name in vars(FrozenOptions())})
    with contextlib.suppress(KeyboardInterrupt):
        start = Osprey.from_pretrained(options["start"], "cpu", "float32")
        run = FrozenRun(options["out"], start, options["shards"], settings)
        log.info("%d photographs, %d scenes", *(len(found) for found in run.pictures.by_kind.values()))
        run.train(options["minutes"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
