"""Trains the embedded model on photographs and made scenes: `python -m osprey_core.training.photo_run --out RUN …`.

The photo tower stays as it is; encoder, connector, mask extractor and language model learn. The model that it starts
from is given the tower's linears, which a ridge regression sets, so that it names photographed things from the first
step on. On a GPU worker processes make the pictures, and both towers see them there. On a CPU the pictures come out of
a folder that `photo_pool` fills (`--pool`), and the encoder stays as it is.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from osprey_core.cache.prefix_attention import CACHE_ARGUMENT, KeyValues
from osprey_core.cache.prefix_cache import cache_of, key_values_of
from osprey_core.config import CLOSE_UP_PREFIX, PHOTO_PREFIX, PhotoTowerConfig
from osprey_core.engine import Osprey
from osprey_core.model import OspreyNetwork, build_network
from osprey_core.runtime import checkpoint
from osprey_core.runtime.devices import resolve_device
from osprey_core.runtime.photo_levels import load_photo_tower
from osprey_core.training.batches import IGNORED
from osprey_core.training.endless import endless_batches
from osprey_core.training.objectives import RegionNamer, named_loss
from osprey_core.training.photo_batches import (
    Encoded,
    PhotoBatch,
    SeenRegions,
    Statistics,
    TalkedAbout,
    encode,
    fold,
    make_batch,
    pooling_of,
    region_features,
    tower_dims,
)
from osprey_core.training.photo_pool import EncodedPool, PooledPicture, together
from osprey_core.training.photo_start import KnownRegions, begin_photo_linears, grown
from osprey_core.training.photo_stream import PictureSource, PictureStream

log = logging.getLogger(__name__)

STATE_FILE = "state.pt"

LOG_FILE = "log.jsonl"


@dataclass(frozen=True)
class PhotoTraining:
    """One run. Rates are AdamW's at their highest; the defaults are those of the weights that ship."""

    steps: int = 2000
    photos_per_step: int = 20
    scenes_per_step: int = 28
    surveyed: int = 2400
    """Pictures that statistics and the ridge regression are taken from, before the first step."""
    rate: float = 6e-4
    encoder_rate: float = 1.5e-4
    tower_rate: float = 1e-4
    """Of the photo tower's linears, which the ridge regression has set."""
    weight_decay: float = 0.03
    warmup: int = 60
    start_weight: float = 2.5
    """Weight of an answer's first id in the loss."""
    naming: float = 0.4
    """Weight of naming regions from their mask tokens alone."""
    image_naming: float = 0.3
    """Weight of naming things from the image tokens inside them."""
    noise: float = 0.2
    """Standard deviation of the noise on pooled features of the photo tower, of which each has the deviation 1."""
    dropped: float = 0.1
    """Share of these features that a step does not see."""
    names_per_step: int = 256
    """Regions asked for by themselves, without their picture, beside a step's conversations."""
    picture_share: float = 1.0
    """Share of steps with conversations about pictures; the others ask for names alone, which costs a CPU a third."""
    picture_gradient: float = 1.0
    """Share of those steps in which the gradient reaches the image tokens and what reads them."""
    kept_regions: int = 20_000
    """Regions that these are drawn from: those that were seen last."""
    average_from: float = 0.6
    """Share of the steps after which weights are averaged."""
    close_up_size: int = 256
    seed: int = 9_000_000
    """Of the first picture."""


def answer_loss(
    network: OspreyNetwork,
    batch: PhotoBatch,
    options: PhotoTraining,
    namer: RegionNamer,
    train: bool,
    picture_learns: bool = True,
) -> dict[str, torch.Tensor]:
    """Loss of a batch and what it was made of: "loss", "answers", "names", "token_accuracy", "name_accuracy".

    picture_learns: whether the gradient reaches what is computed of the picture's tokens.
    """
    photo = network.config.vision.photo
    assert photo is not None
    pooled = batch.pooled
    width = sum(tower_dims(photo).values())
    if train and options.noise:
        noisy = pooled[:, -width:] + options.noise * torch.randn_like(pooled[:, -width:])
        pooled = torch.cat([pooled[:, :-width], F.dropout(noisy, options.dropped)], 1)
    mask_tokens = pooling_of(network).project(region_features(network, pooled))
    spatial_tokens = network.mask_extractor.mask_linear(batch.shapes)
    with_picture = batch.joined.ndim == 4
    with torch.set_grad_enabled(train and picture_learns):
        image_tokens = network.mm_projector(batch.joined) if with_picture else None
        prefix = _prefix(network, batch.before, image_tokens)
    cache = cache_of(network.llm.config)
    for layer, (keys, values) in enumerate(prefix):
        cache.update(keys[batch.rows], values[batch.rows], layer)
    none = mask_tokens.new_zeros(len(batch.ids), 0, mask_tokens.shape[1])
    embeds = network.splice(batch.ids, none, mask_tokens[batch.shown], spatial_tokens[batch.shown])
    hidden = network.llm.model(inputs_embeds=embeds, use_cache=True, **{CACHE_ARGUMENT: cache}).last_hidden_state
    learned = batch.labels != IGNORED
    logits = network.llm.lm_head(hidden[learned]).float()
    targets = batch.labels[learned]
    starts = batch.starts[learned]
    weights = torch.where(starts, options.start_weight, 1.0)
    answers = (F.cross_entropy(logits, targets, reduction="none") * weights).sum() / weights.sum()
    names, name_accuracy = named_loss(namer(mask_tokens), batch.names)
    loss = answers + options.naming * names
    right = logits.argmax(1) == targets
    told = {
        "answers": answers,
        "names": names,
        "token_accuracy": right.float().mean(),
        "start_accuracy": right[starts].float().mean(),
        "name_accuracy": name_accuracy,
    }
    if image_tokens is not None and options.image_naming and picture_learns:
        shown, told["image_token_accuracy"] = named_loss(namer(image_tokens), batch.token_names)
        loss = loss + options.image_naming * shown
    return {"loss": loss, **told}


def _prefix(network: OspreyNetwork, before: torch.Tensor, image_tokens: torch.Tensor | None) -> KeyValues:
    """Keys and values (P, heads, L + N, d) of each layer, of the ids before the picture and of its tokens."""
    embeds = network.llm.get_input_embeddings()(before)[None]
    if image_tokens is not None:
        embeds = torch.cat([embeds.expand(len(image_tokens), -1, -1).to(image_tokens.dtype), image_tokens], 1)
    cache = cache_of(network.llm.config)
    network.llm.model(inputs_embeds=embeds, use_cache=True, **{CACHE_ARGUMENT: cache})
    return key_values_of(cache)


def rate_share(step: int, progress: float, options: PhotoTraining) -> float:
    """Linear warm-up over the first steps, then a cosine of the run's progress, 0 to 1, down to a hundredth."""
    if step < options.warmup:
        return (step + 1) / options.warmup
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))


def make_optimizer(network: OspreyNetwork, namer: RegionNamer, options: PhotoTraining) -> torch.optim.Optimizer:
    """AdamW with a rate for the encoder, one for the photo tower's linears, one for the rest; vectors do not decay."""
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        rate = options.rate
        if name.startswith("vision_tower."):
            rate = options.encoder_rate
        elif f".{PHOTO_PREFIX}" in name or f".{CLOSE_UP_PREFIX}" in name:
            rate = options.tower_rate
        elif ".prototypes." in name and ".tokens." not in name:
            rate = 0.0  # the classifiers are fitted to be right about pictures never seen
        parameter.requires_grad_(rate > 0)
        if rate:
            groups.setdefault((rate, parameter.ndim >= 2), []).append(parameter)
    for parameter in namer.parameters():
        groups.setdefault((options.rate, parameter.ndim >= 2), []).append(parameter)
    settings: list[dict[str, Any]] = [
        {"params": parameters, "highest": rate, "weight_decay": options.weight_decay if matrix else 0.0}
        for (rate, matrix), parameters in groups.items()
    ]
    return torch.optim.AdamW(settings, lr=options.rate, betas=(0.9, 0.98))


class PhotoRun:
    """One run in one folder, which it goes on with where it stopped."""

    def __init__(
        self,
        folder: Path,
        start: Osprey,
        source: PictureSource,
        options: PhotoTraining,
        device: torch.device,
        workers: int = 0,
        pool: EncodedPool | None = None,
    ) -> None:
        """pool: where pictures come from that are encoded already; else they are made and encoded for every step."""
        if pool is not None:
            options = replace(options, encoder_rate=0.0)
        self.pool = pool
        self.folder, self.options, self.device = folder, options, device
        self.tokenizer = start.prompts.tokenizer
        photo = PhotoTowerConfig(close_up_size=options.close_up_size)
        begins = start.network.config.vision.photo is None
        self.network = grown(start.network, photo).float().train().requires_grad_(True).to(device)
        self.network.vision_tower.to(memory_format=torch.channels_last)
        self.tower = load_photo_tower().to(device).to(memory_format=torch.channels_last)
        config = self.network.config
        stream = PictureStream(
            source, start.prompts, config, options.photos_per_step, options.scenes_per_step, options.seed
        )
        pictures_per_step = options.photos_per_step + options.scenes_per_step
        self.regions = SeenRegions(start.prompts, options.kept_regions)
        folder.mkdir(parents=True, exist_ok=True)
        self.step, self.averaged = 0, 0
        self.minutes = 0.0
        self.average: dict[str, torch.Tensor] | None = None
        state_path = folder / STATE_FILE
        if state_path.is_file():
            state = torch.load(state_path, weights_only=True, map_location=device)
            done = -(-options.surveyed // pictures_per_step) + state["step"]
            self.pictures = endless_batches(stream, done * pictures_per_step, pictures_per_step, workers)
            self.statistics, names = Statistics(*state["statistics"]), state["names"]
        else:
            state = None
            self.pictures = endless_batches(stream, 0, pictures_per_step, workers)
            names = self._survey(begins)
        self.name_ids = {name: place for place, name in enumerate(names)}
        self.namer = RegionNamer(config.language.hidden_size, len(names)).to(device)
        self.optimizer = make_optimizer(self.network, self.namer, options)
        if state is not None:
            self.network.load_state_dict(state["network"])
            self.namer.load_state_dict(state["namer"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.average, self.averaged = state["average"], state["averaged"]
            self.step, self.minutes = state["step"], state["minutes"]

    def train(self, minutes: float) -> None:
        """Train until all steps are done or `minutes` of training are over, in however many sittings."""
        sitting = time.monotonic() - 60 * self.minutes
        sums: dict[str, list[torch.Tensor]] = {}
        began, count = time.monotonic(), 0
        while self.step < self.options.steps and self.minutes < minutes:
            progress = min(1.0, max(self.step / self.options.steps, self.minutes / minutes))
            told = self._one_step(progress)
            self.step += 1
            count += 1
            for name, value in told.items():
                sums.setdefault(name, []).append(value.detach())
            if self.step % 20 == 0:
                figures = {name: round(float(torch.stack(found).mean()), 4) for name, found in sums.items()}
                rate = round((time.monotonic() - began) / count, 3)
                entry = {"step": self.step, "minutes": round(self.minutes, 2), **figures, "seconds_per_step": rate}
                with (self.folder / LOG_FILE).open("a") as file:
                    file.write(json.dumps(entry) + "\n")
                sums, began, count = {}, time.monotonic(), 0
            self.minutes = (time.monotonic() - sitting) / 60
            if progress >= self.options.average_from and self.step % 2 == 0:
                self._average()
            if self.step % 100 == 0:
                self.save()
        self.save()

    def _one_step(self, progress: float) -> dict[str, torch.Tensor]:
        torch.manual_seed(self.step)
        rng = random.Random(self.step)
        with_picture = rng.random() < self.options.picture_share or not self.options.names_per_step
        encoded, pictures = self._batch(rng)
        for group in self.optimizer.param_groups:
            group["lr"] = group["highest"] * rate_share(self.step, progress, self.options)
        told: dict[str, torch.Tensor] = {}
        if with_picture:
            batch = make_batch(encoded, pictures, self.statistics, self.name_ids)
            learns = rng.random() < self.options.picture_gradient
            with self._precision():
                told = answer_loss(self.network, batch, self.options, self.namer, True, learns)
            told["loss"].backward()
        if self.options.names_per_step:
            places = self.regions.draw(rng, self.options.names_per_step)
            regions = self.regions.batch(places, self.statistics, self.name_ids, rng)
            with self._precision():
                single = answer_loss(self.network, regions, self.options, self.namer, True)
            (0.5 * single["loss"]).backward()
            told |= {f"single_{name}": value for name, value in single.items()}
        nn.utils.clip_grad_norm_([p for group in self.optimizer.param_groups for p in group["params"]], 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return told

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16)

    def _batch(self, rng: random.Random) -> tuple[Encoded, Sequence[TalkedAbout]]:
        """The next pictures, encoded; their regions are kept for questions about single ones."""
        options = self.options
        if self.pool is None:
            raw = next(self.pictures)
            encoded = encode(self.network, self.tower, raw, options.encoder_rate > 0)
            self.regions.add(encoded, raw)
            return encoded, raw
        if self.step % 20 == 0 or not self.regions.count:
            self._take(self.pool.refresh() if self.regions.count else self.pool.all())
        drawn = self.pool.draw(rng, options.photos_per_step, options.scenes_per_step)
        return together(drawn, self.device), drawn

    def _take(self, pictures: Sequence[PooledPicture]) -> None:
        """Keep the regions of pictures of the pool."""
        if pictures:
            self.regions.add(together(pictures, self.device), pictures)

    @torch.no_grad()
    def _survey(self, begins: bool) -> list[str]:
        """Measure features of some pictures and, for a model that begins, set the tower's linears; their names."""
        pooled: dict[str, list[torch.Tensor]] = {"photo": [], "scene": []}
        names: dict[str, list[str]] = {"photo": [], "scene": []}
        means, spreads, seen = [], [], 0
        ready = [] if self.pool is None else self.pool.all()
        while seen < (self.options.surveyed if self.pool is None else len(ready)):
            pictures: Sequence[TalkedAbout] = ready[seen : seen + 50]
            if self.pool is None:
                raw = next(self.pictures)
                encoded, pictures = encode(self.network, self.tower, raw, False), raw
            else:
                encoded = together(ready[seen : seen + 50], self.device)
            means.append(encoded.tower_maps.mean((2, 3)))
            spreads.append(encoded.tower_maps.std((2, 3)))
            self._sort(encoded, pictures, pooled, names)
            seen += len(pictures)
        features = {kind: torch.cat(found) for kind, found in pooled.items() if found}
        config = self.network.config.vision
        assert config.photo is not None
        width = sum(tower_dims(config.photo).values())
        tower = torch.cat([found[:, -width:] for found in features.values()])
        map_mean, map_std = torch.cat(means).mean(0), torch.cat(spreads).mean(0) + 1e-3
        self.statistics = Statistics(tower.mean(0), tower.std(0) + 1e-3, map_mean, map_std)
        fold(self.network, self.statistics, inverse=True)
        if begins and len(features) == len(pooled):
            photographed, drawn = (KnownRegions(features[kind], tuple(names[kind])) for kind in ("photo", "scene"))
            begin_photo_linears(self.network, photographed, drawn, self.statistics, self.tower)
        return sorted({name for found in names.values() for name in found})

    @staticmethod
    def _sort(
        encoded: Encoded,
        pictures: Sequence[TalkedAbout],
        pooled: dict[str, list[torch.Tensor]],
        names: dict[str, list[str]],
    ) -> None:
        """Add a batch's named regions to those of their kind."""
        row = 0
        for picture in pictures:
            rows = [row + place for place, name in enumerate(picture.names) if name]
            if rows:
                pooled[picture.kind].append(encoded.pooled[rows])
                names[picture.kind] += [name for name in picture.names if name]
            row += len(picture.names)

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
            "statistics": tuple(vars(self.statistics).values()),
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
        network.load_state_dict({name: tensor.cpu() for name, tensor in tensors.items()})
        fold(network, Statistics(*(tensor.cpu() for tensor in vars(self.statistics).values())))
        checkpoint.save(folder, network, self.tokenizer, torch.float16)


def main(argv: Sequence[str] | None = None) -> int:
    """Train; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.training.photo_run", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the run's folder")
    parser.add_argument("--photos", type=Path, required=True, help="folder with coco100.json, images, voc497.json, …")
    parser.add_argument("--atlas", type=Path, help="sprites of made scenes")
    parser.add_argument("--start", default="nano", help="model to start from")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=1, help="processes that make pictures")
    parser.add_argument("--pool", type=Path, help="folder of `photo_pool`, to train on a CPU")
    parser.add_argument("--minutes", type=float, default=math.inf)
    for name, value in vars(PhotoTraining()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    options = vars(parser.parse_args(argv))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("high")
    settings = PhotoTraining(**{name: options[name] for name in vars(PhotoTraining())})
    start = Osprey.from_pretrained(options["start"], "cpu", "float32")
    source = PictureSource(options["photos"], options["atlas"])
    kinds = ("photo", "scene") if settings.scenes_per_step else ("photo",)
    pool = EncodedPool(options["pool"], kinds) if options["pool"] else None
    if pool is None:
        source.prepare()
    run = PhotoRun(options["out"], start, source, settings, resolve_device(options["device"]), options["workers"], pool)
    log.info("%d names", len(run.name_ids))
    run.train(options["minutes"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
