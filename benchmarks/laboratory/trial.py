"""One run: a network is trained from nothing on pictures that lie on the device, and tested on others."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.laboratory.networks import NamingNetwork, build, encoder_flops, parameters
from benchmarks.laboratory.pictures import MASKS
from benchmarks.laboratory.stock import CHANCES, SMALLEST_CUT, Shown, Stock, joined
from benchmarks.laboratory.table import Run
from osprey_core.training.batches import IGNORED

log = logging.getLogger("benchmarks.laboratory")

WEIGHT_DECAY, BETAS, CLIP_NORM = 0.02, (0.9, 0.98), 1.0
SMALL, LARGE = 0.02, 0.05
"""Things are small below, large above these shares of a picture."""
_WARM_UP_SHARE = 0.1
_TESTED_AT_ONCE = 64
_LOGGED_EVERY = 50


class OutOfTimeError(Exception):
    """The run would have ended too late."""


@dataclass(frozen=True)
class Bench:
    """What all runs of one process share."""

    scenes: Stock
    photographs: Stock | None
    tests: Mapping[str, Stock]
    classes: int
    steps: int
    scenes_per_step: int
    photographs_per_step: int
    test_sizes: tuple[int, ...]
    graphs: bool = False
    """Whether a training step is recorded once as a CUDA graph."""

    @property
    def device(self) -> torch.device:
        """Where everything lies."""
        return self.scenes.device


def perform(run: Run, bench: Bench, in_time: Callable[[], bool] = lambda: True) -> dict[str, Any]:
    """Train and test one run; its result as JSON-ready values. Raises OutOfTimeError where `in_time` says no."""
    begin = time.monotonic()
    torch.backends.cudnn.benchmark = True
    network = build(run, bench.classes)
    network = network.to(bench.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    losses = train(network, run, bench, in_time)
    trained = time.monotonic()
    # To search the best kernels for every size of picture would take longer than the tests.
    torch.backends.cudnn.benchmark = False
    tests = [
        tested
        for name, stock in bench.tests.items()
        for size in dict.fromkeys((run.size, *bench.test_sizes))
        for tested in test(network.eval(), stock, name, size, size == run.size)
    ]
    return {
        "run": run.name,
        "condition": run.condition,
        "tower": run.tower,
        "size": run.size,
        "levels": list(run.levels),
        "extractor": run.extractor,
        "rate": run.rate,
        "seed": run.seed,
        "steps": bench.steps,
        "parameters": {"encoder": parameters(network.encoder), "extractor": parameters(network.reader)},
        "encoder_flops": encoder_flops(run, run.size),
        "losses": losses,
        "seconds": {"training": round(trained - begin, 2), "tests": round(time.monotonic() - trained, 2)},
        "tests": tests,
    }


class Trainer:
    """A network with its optimiser, and the step that a batch's numbers lead to."""

    def __init__(self, network: NamingNetwork, run: Run, bench: Bench) -> None:
        self.network, self.run, self.bench = network.train(), run, bench
        matrices = [p for p in network.parameters() if p.ndim >= 2]
        vectors = [p for p in network.parameters() if p.ndim < 2]
        on_gpu = bench.device.type == "cuda"
        self.rate = torch.zeros((), device=bench.device)
        self.optimizer = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": vectors, "weight_decay": 0.0}],
            lr=self.rate if on_gpu else run.rate,
            betas=BETAS,
            fused=on_gpu,
            capturable=on_gpu,
        )
        if on_gpu:
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate  # filled anew before every step, recorded or not
        self.scene_picks = torch.zeros(bench.scenes_per_step, dtype=torch.long, device=bench.device)
        photographs = bench.photographs_per_step if bench.photographs is not None else 0
        self.photo_picks = torch.zeros(photographs, dtype=torch.long, device=bench.device)
        self.chances = torch.full((bench.scenes_per_step + photographs, CHANCES), 0.5, device=bench.device)
        self.loss = torch.zeros((), device=bench.device)
        self._graph: torch.cuda.CUDAGraph | None = None
        bench.scenes.images(run.size)  # made before anything is recorded
        if bench.photographs is not None:
            bench.photographs.images(run.size)

    def record(self) -> None:
        """Record the step as a CUDA graph; weights and the optimiser's state stay as they are."""
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):  # at a rate of 0; the optimiser's state is made here
                self._compute()
        torch.cuda.current_stream().wait_stream(side)
        self.optimizer.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._compute()
        self._graph = graph
        for state in self.optimizer.state.values():
            for value in state.values():
                value.zero_()

    def step(self, rate: float) -> None:
        """One step on the pictures that `scene_picks`, `photo_picks` and `chances` name."""
        self.rate.fill_(rate)
        if self.bench.device.type != "cuda":
            for group in self.optimizer.param_groups:
                group["lr"] = rate
        if self._graph is not None:
            self._graph.replay()
        else:
            self._compute()

    def _compute(self) -> None:
        batch = self._batch()
        on_gpu = self.bench.device.type == "cuda"
        # The cache of casts would outlive what a graph records.
        with torch.autocast(self.bench.device.type, torch.bfloat16, enabled=on_gpu, cache_enabled=False):
            scores = self.network(batch.pixel_values, batch.covers)
        loss = F.cross_entropy(scores.flatten(0, 1).float(), batch.names.flatten(), ignore_index=IGNORED)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), CLIP_NORM, foreach=True)
        self.optimizer.step()
        self.loss.copy_(loss.detach())

    def _batch(self) -> Shown:
        count = len(self.scene_picks)
        with torch.no_grad():
            parts = [self.bench.scenes.changed(self.scene_picks, self.run.size, self.chances[:count], 1.0)]
            if self.bench.photographs is not None and len(self.photo_picks):
                chances = self.chances[count:]
                parts.append(self.bench.photographs.changed(self.photo_picks, self.run.size, chances, SMALLEST_CUT))
            return joined(parts)


def train(network: NamingNetwork, run: Run, bench: Bench, in_time: Callable[[], bool]) -> list[float]:
    """Train a network; the losses of every 50th step."""
    trainer = Trainer(network, run, bench)
    if bench.graphs:
        trainer.record()
    scenes = _order(bench.scenes.count, (bench.steps, bench.scenes_per_step), run.seed).to(bench.device)
    photographs = len(trainer.photo_picks)
    photos = _order(bench.photographs.count if bench.photographs else 1, (bench.steps, photographs), run.seed)
    photos = photos.to(bench.device)
    generator = torch.Generator().manual_seed(run.seed)
    chances = torch.rand(bench.steps, bench.scenes_per_step + photographs, CHANCES, generator=generator)
    chances = chances.to(bench.device)
    losses = []
    for step in range(bench.steps):
        trainer.scene_picks.copy_(scenes[step])
        trainer.photo_picks.copy_(photos[step])
        trainer.chances.copy_(chances[step])
        trainer.step(rate_at(step, bench.steps, run.rate))
        if step % _LOGGED_EVERY == _LOGGED_EVERY - 1 or step == bench.steps - 1:
            losses.append(round(float(trainer.loss), 4))
            if not in_time():
                raise OutOfTimeError(run.name)
    return losses


def rate_at(step: int, steps: int, highest: float) -> float:
    """Learning rate of a step: linear warm-up over a tenth, then a cosine down to a hundredth."""
    warm_up = max(1, round(steps * _WARM_UP_SHARE))
    if step < warm_up:
        return highest * (step + 1) / warm_up
    progress = (step - warm_up) / max(1, steps - warm_up)
    return highest * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def _order(count: int, shape: tuple[int, int], seed: int) -> torch.Tensor:
    """int64 of a shape: numbers below `count`, each once before any comes again."""
    generator = torch.Generator().manual_seed(seed)
    needed = shape[0] * shape[1]
    rounds = [torch.randperm(count, generator=generator) for _ in range(-(-needed // count))]
    return torch.cat([*rounds, torch.empty(0, dtype=torch.long)])[:needed].reshape(shape)


@torch.no_grad()
def test(network: NamingNetwork, stock: Stock, name: str, size: int, in_detail: bool) -> list[dict[str, Any]]:
    """How many regions of each picture are named right at a size of picture.

    Regions without a mask of their own are asked about by their box alone. In detail: by all MASKS, small and large
    things apart as well.
    """
    kinds = range(len(MASKS)) if in_detail else (0,)
    right: dict[int, list[torch.Tensor]] = {kind: [] for kind in kinds}
    every = torch.arange(stock.count, device=stock.device)
    places = stock.places(every, stock.most_regions)
    on_gpu = stock.device.type == "cuda"
    for picks in every.split(_TESTED_AT_ONCE):
        values = stock.as_it_is(picks, size).contiguous(memory_format=torch.channels_last)
        with torch.autocast(stock.device.type, torch.bfloat16, enabled=on_gpu):
            levels = network.encoder(values)
            for kind in kinds:
                named = network.named(levels, stock.masks(places[picks], kind)).argmax(-1)
                right[kind].append(named == stock.names[places[picks].clamp(min=0)])
    there = places >= 0
    areas = stock.areas[places.clamp(min=0)]
    parts = {"all": there, "small": there & (areas < SMALL), "large": there & (areas > LARGE)}
    found = []
    for kind in kinds:
        asked = there if MASKS[kind] == "box" else there & stock.exact[places.clamp(min=0)]
        whole = torch.cat(right[kind])
        for part, chosen in parts.items() if in_detail else [("all", there)]:
            counted = asked & chosen
            found.append({
                "set": name, "size": size, "masks": MASKS[kind], "things": part,
                "right": (whole & counted).sum(1).tolist(), "asked": counted.sum(1).tolist(),
            })  # fmt: skip
    return found


def seconds_per_step(run: Run, bench: Bench, repeats: int = 20) -> float:
    """Time of one training step, measured on the device after some steps."""
    torch.backends.cudnn.benchmark = True
    network = build(run, bench.classes).to(bench.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    trainer = Trainer(network, run, bench)
    if bench.graphs:
        trainer.record()
    for _ in range(3):
        trainer.step(0.0)
    _wait(bench.device)
    begin = time.perf_counter()
    for _ in range(repeats):
        trainer.step(0.0)
    _wait(bench.device)
    return (time.perf_counter() - begin) / repeats


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def fitting_steps(runs: Sequence[Run], seconds: Mapping[str, float], available: float, bounds: tuple[int, int]) -> int:
    """How many steps each of some runs can have in a time, in whole fifties within bounds.

    seconds: those of one step by the run's condition.
    """
    each = sum(seconds[run.condition] for run in runs)
    return int(np.clip(available / max(each, 1e-9) // 50 * 50, *bounds))
