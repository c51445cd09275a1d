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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from osprey_core.cache.prefix_attention import CACHE_ARGUMENT, KeyValues
from osprey_core.cache.prefix_cache import cache_of, key_values_of
from osprey_core.config import PHOTO_PREFIX
from osprey_core.engine import Osprey
from osprey_core.model import OspreyNetwork, build_network
from osprey_core.runtime import checkpoint
from osprey_core.runtime.photo_levels import load_photo_tower
from osprey_core.training.batches import IGNORED
from osprey_core.training.frozen_batches import (
    FrozenBatch,
    NamedRegions,
    Pictures,
    Statistics,
    fold,
    make_batch,
    measure,
    name_batch,
    region_features,
)
from osprey_core.training.frozen_start import begin_photo_linears, grown
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
