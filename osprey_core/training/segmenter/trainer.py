"""The run that trains the learned segmenter's network. The photo tower stays as it is; only `ClickNetwork` learns.

Every step takes a few varied pictures, several things in each, a first click or box for each thing, and some rounds of
corrections where the averaged network still errs. On a CPU the pictures come out of a growing pool, whose levels the
tower computed once; on a GPU they are always new. A run that was stopped goes on from its last checkpoint when it is
started with the same folder again.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from osprey_core.errors import InputError
from osprey_core.model.towers import PhotoTower
from osprey_core.segment.click_network import CANDIDATES, MASK_SIDE, ClickNetwork
from osprey_core.segment.clicks import next_click
from osprey_core.training.endless import endless_batches
from osprey_core.training.segmenter.click_tasks import MAX_CLICKS, ClickTask, first_task, prompt_batch
from osprey_core.training.segmenter.pool import EncodedPicture, PicturePool
from osprey_core.training.segmenter.stream import PictureTasks, TaskStream
from osprey_core.training.segmenter.tasks import PictureVarieties, choose_targets


@dataclass(frozen=True)
class SegmenterTraining:
    """How the segmenter is trained; the defaults are those of the weights that ship."""

    steps: int = 4000
    minutes: float | None = None
    """If given, the learning rate falls with the clock instead, and the run ends after so many minutes."""
    pictures: int = 3
    targets: int = 8
    """Per picture."""
    pool: int = 800
    """Varied pictures that are encoded in all; every third step may add one, and each takes any of those there are."""
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warm_up: int = 60
    averaging: float = 0.995
    corrections: tuple[float, ...] = (0.58, 0.18, 0.12, 0.12)
    """Chances of 0, 1, 2, 3 rounds of corrections before the round that is learned from."""
    seed: int = 0
    checkpoint_every: int = 100
    bfloat16: bool = True

    def __post_init__(self) -> None:
        if self.steps < 1 or self.pictures < 1 or self.targets < 1 or self.checkpoint_every < 1:
            raise InputError("segmenter_training.counts_too_small")
        if self.minutes is not None and self.minutes <= 0:
            raise InputError("segmenter_training.minutes_too_small", value=self.minutes)
        if len(self.corrections) > MAX_CLICKS or not math.isclose(sum(self.corrections), 1, abs_tol=1e-6):
            raise InputError("segmenter_training.corrections_invalid", limit=MAX_CLICKS)


class SegmenterTrainer:
    """The state of a run: network, its average, optimiser, random numbers."""

    def __init__(
        self,
        tower: PhotoTower,
        varieties: PictureVarieties,
        config: SegmenterTraining,
        out: Path,
        device: torch.device | None = None,
        workers: int = 0,
    ) -> None:
        """device: where to train, by default the CPU; workers: processes that make a GPU's pictures."""
        self.config = config
        self.out = out
        self.device = device or torch.device("cpu")
        self.tower = tower.to(self.device).to(memory_format=torch.channels_last)
        self.pool = PicturePool(tower, varieties, config.seed, out / "pictures")
        self.stream = TaskStream(varieties, config.seed, config.targets)
        self._workers = workers
        self._fresh: Iterator[list[PictureTasks]] | None = None
        torch.manual_seed(config.seed)
        self.network = ClickNetwork().to(self.device).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, betas=(0.9, 0.98)
        )
        self.step = 0
        self.seconds = 0.0
        self._checkpoint = (out / "checkpoint").with_suffix(".pt")
        self._record: dict[str, float] = {}

    @property
    def progress(self) -> float:
        """How much of the run is done, 0..1."""
        if self.config.minutes is not None:
            return min(1.0, self.seconds / 60 / self.config.minutes)
        return min(1.0, self.step / self.config.steps)

    def run(self) -> None:
        """Train to the end, with a checkpoint now and then; the averaged weights are in `learned.safetensors`."""
        self.out.mkdir(parents=True, exist_ok=True)
        while self.progress < 1:
            began = time.monotonic()
            losses = self.train_step()
            self.seconds += time.monotonic() - began
            for name, value in losses.items():
                self._record[name] = 0.98 * self._record.get(name, value) + 0.02 * value
            if self.step % 20 == 0 or self.progress >= 1:
                told = {name: round(value, 4) for name, value in self._record.items()}
                entry = {"step": self.step, "seconds": round(self.seconds, 1), "progress": round(self.progress, 4)}
                with (self.out / "log.jsonl").open("a", encoding="utf-8") as file:
                    file.write(json.dumps({**entry, **told}) + "\n")
            if self.step % self.config.checkpoint_every == 0 or self.progress >= 1:
                self.save()

    def train_step(self) -> dict[str, float]:
        """One step of the optimiser. Depends on the seed and the number of the step alone, not on the steps before."""
        rng = np.random.default_rng((self.config.seed, self.step))
        levels, pixels, tasks = self._pooled(rng) if self.device.type == "cpu" else self._new()
        rounds = int(rng.choice(len(self.config.corrections), p=self.config.corrections))
        keep_previous = rng.random(len(tasks)) < 0.8
        with self._precision(), torch.no_grad():
            previous: Tensor | None = None
            if rounds:
                encoded = self.average.neck(levels, pixels)
                for _ in range(rounds):
                    prompts = prompt_batch(tasks, previous).to(self.device)
                    logits, quality = self.average.decoder(encoded, prompts)
                    previous = _main_answer(logits, quality, tasks)
                    for task, answer in zip(tasks, (previous[:, 0] > 0).cpu().numpy(), strict=True):
                        if rng.random() < 0.8:  # else the answer is only gone over once more
                            click = next_click(task.goal > 0.5, answer)
                            if click is not None:
                                x, y = click.point_xy
                                task.points.append((x / MASK_SIDE, y / MASK_SIDE, click.label))
        prompts = prompt_batch(tasks, previous, keep_previous).to(self.device)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * self._schedule()
        self.network.train()
        with self._precision():
            logits, quality = self.network(levels, pixels, prompts)
        goals = torch.from_numpy(np.stack([task.goal for task in tasks])).to(self.device)
        unsure = torch.tensor([len(task.points) == 1 and task.box is None for task in tasks])
        other = torch.tensor([task.kind in ("part", "group") for task in tasks])
        loss, told = segmenter_loss(logits, quality, goals, ~(unsure & other).to(self.device))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self._average()
        self.step += 1
        return told

    def start_from(self, network: ClickNetwork) -> None:
        """Begin with the weights of a trained network."""
        for mine in (self.network, self.average):
            mine.load_state_dict(network.state_dict())

    def save(self) -> None:
        """Write the checkpoint and, in fp16, the averaged weights."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        unfinished = self._checkpoint.with_suffix(".tmp")
        torch.save(state, unfinished)
        unfinished.replace(self._checkpoint)
        save_network(self.average, self.out / "learned.safetensors")

    def resume(self) -> bool:
        """Go on from the folder's checkpoint, if it has one; whether it has."""
        if not self._checkpoint.is_file():
            return False
        state = torch.load(self._checkpoint, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["seconds"]
        return True

    def _schedule(self) -> float:
        warm = min(1.0, (self.step + 1) / self.config.warm_up)
        return warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self.progress)))

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.bfloat16)

    def _average(self) -> None:
        keep = min(self.config.averaging, (1 + self.step) / (10 + self.step))
        mine, theirs = self.average.state_dict(), self.network.state_dict()
        for name, value in theirs.items():
            if value.dtype.is_floating_point:
                mine[name].lerp_(value, 1 - keep)
            else:
                mine[name].copy_(value)

    def _pooled(self, rng: np.random.Generator) -> tuple[dict[str, Tensor], Tensor, list[ClickTask]]:
        """Levels, pixels and tasks of pictures of the pool."""
        pictures, tasks = self._tasks(rng)
        return *stacked(pictures, torch.bfloat16 if self.config.bfloat16 else torch.float32), tasks

    def _new(self) -> tuple[dict[str, Tensor], Tensor, list[ClickTask]]:
        """Levels, pixels and tasks of pictures that were never seen before."""
        count = self.config.pictures
        if self._fresh is None:
            self._fresh = endless_batches(self.stream, self.step * count, count, self._workers)
        made = next(self._fresh)
        images = torch.from_numpy(np.stack([picture.image for picture in made])).to(self.device)
        pixels = images.permute(0, 3, 1, 2).float() / 127.5 - 1
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        with torch.no_grad(), self._precision():
            levels = self.tower(pixels)
        tasks = [task for picture in made for task in picture.tasks]
        return {name: level.detach() for name, level in levels.items()}, pixels, tasks

    def _tasks(self, rng: np.random.Generator) -> tuple[list[EncodedPicture], list[ClickTask]]:
        """Pictures of the pool and the tasks on them."""
        there = min(self.config.pool, 8 * self.config.pictures + self.step // 3)
        pictures: list[EncodedPicture] = []
        tasks: list[ClickTask] = []
        while len(pictures) < self.config.pictures:
            picture = self.pool.picture(int(rng.integers(there)))
            targets = choose_targets(rng, picture.labelled, self.config.targets)
            if targets:
                tasks += [first_task(rng, target) for target in targets]
                pictures.append(picture)
        return pictures, tasks


def stacked(pictures: Sequence[EncodedPicture], dtype: torch.dtype) -> tuple[dict[str, Tensor], Tensor]:
    """The levels of some pictures as one batch in a precision, and their pixels float32 (B, 3, 512, 512)."""
    levels = {
        name: torch.stack([picture.levels[name] for picture in pictures])
        .to(dtype)
        .contiguous(memory_format=torch.channels_last)
        for name in pictures[0].levels
    }
    images = torch.from_numpy(np.stack([picture.labelled.image for picture in pictures]))
    pixels = images.permute(0, 3, 1, 2).float() / 127.5 - 1
    return levels, pixels.contiguous(memory_format=torch.channels_last)


def segmenter_loss(logits: Tensor, quality: Tensor, goals: Tensor, clear: Tensor) -> tuple[Tensor, dict[str, float]]:
    """What is minimised, and its parts by name.

    logits: (K, 4, 128, 128); quality: (K, 4), the expected IoU; goals: (K, 128, 128), shares 0..1; clear: bool (K,),
    whether the prompt leaves no doubt that mask 0 is to be the goal. Masks 1 to 3 are guesses: only the best of them
    learns the goal (Kirillov et al., 2023), the others a little of it, so that none falls silent.
    """
    each = _mask_loss(logits, goals[:, None].expand_as(logits))  # (K, 4)
    main = (each[:, 0] * clear).sum() / clear.sum().clamp(min=1)
    guesses = each[:, 1:]
    best = (0.95 * guesses.amin(1) + 0.05 * guesses.mean(1)).mean()
    with torch.no_grad():
        found, wanted = logits > 0, goals[:, None] > 0.5
        iou = (found & wanted).sum((2, 3)) / (found | wanted).sum((2, 3)).clamp(min=1)
    judging = functional.mse_loss(quality, iou)
    told = {
        "main": float(main.detach()),
        "best": float(best.detach()),
        "quality": float(judging.detach()),
        "iou": float(iou[clear, 0].mean()) if bool(clear.any()) else 0.0,
        "best_iou": float(iou[:, 1:].amax(1).mean()),
    }
    return main + 0.7 * best + 2 * judging, told


def _mask_loss(logits: Tensor, goals: Tensor) -> Tensor:
    """(K, M) of (K, M, h, w): cross entropy weighted towards what is still wrong (normalised focal loss), and dice."""
    entropy = functional.binary_cross_entropy_with_logits(logits, goals, reduction="none")
    probability = logits.sigmoid()
    with torch.no_grad():
        weight = (probability - goals).abs() ** 2
        weight = weight / weight.sum((2, 3), keepdim=True).clamp(min=1e-3 * weight[0, 0].numel())
    focal = (entropy * weight).sum((2, 3))
    overlap = (probability * goals).sum((2, 3))
    dice = 1 - (2 * overlap + 1) / (probability.sum((2, 3)) + goals.sum((2, 3)) + 1)
    return 0.5 * focal + dice


def _main_answer(logits: Tensor, quality: Tensor, tasks: Sequence[ClickTask]) -> Tensor:
    """What goes into the next round (K, 1, 128, 128): mask 0, for a lone click on a part or group the best guess."""
    chosen = torch.zeros(len(tasks), dtype=torch.long, device=logits.device)
    for row, task in enumerate(tasks):
        if task.kind in ("part", "group") and len(task.points) == 1 and task.box is None:
            goal = torch.from_numpy(task.goal).to(logits.device) > 0.5
            found = logits[row] > 0
            chosen[row] = ((found & goal).sum((1, 2)) / (found | goal).sum((1, 2)).clamp(min=1)).argmax()
    return logits[torch.arange(len(tasks), device=logits.device), chosen][:, None].float()


def save_network(network: ClickNetwork, file: Path) -> None:
    """Write the weights in fp16 as safetensors; counters of batch norms are left out."""
    floats = {name: value for name, value in network.state_dict().items() if value.dtype.is_floating_point}
    tensors = {name: value.half().cpu().contiguous() for name, value in floats.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".tmp")
    save_file(tensors, unfinished, metadata={"format": "pt", "candidates": str(CANDIDATES)})
    unfinished.replace(file)
