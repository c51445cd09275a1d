"""The training loop: stages in turn, resumable at any step to the same result.

It knows stages, optimiser and log; what a stage minimises is in `objectives`, what it sees in `batches`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from .. import checkpoint
from ..model import OspreyNetwork, build_network
from ..prompts import Prompts
from ..tokens import TextTokenizer
from .batches import Batch, SampleSource, Scenes, loader
from .config import ALL_PARTS, Stage, TrainingConfig
from .objectives import Outcome, RegionNamer, dialogue_loss, region_loss, text_loss

log = logging.getLogger(__name__)

STATE_FILE = "state.pt"
LOG_FILE = "log.jsonl"
LOG_EVERY = 20


@dataclass
class Task:
    """What there is to learn: samples by seed, as each stage wants them, and the names of regions."""

    source: Callable[[Stage], SampleSource]
    region_names: tuple[str, ...]


class Run:
    """One training run in one folder. `train` goes on from wherever the folder's state is."""

    def __init__(
        self, folder: Path, config: TrainingConfig, tokenizer: TextTokenizer, task: Task, device: torch.device
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(config.seed)
        self.folder = folder
        self.config = config
        self.task = task
        self.device = device
        self.tokenizer = tokenizer
        self.network: OspreyNetwork = build_network(config.model).to(device)
        initialise(self.network)
        self.namer = RegionNamer(config.model.language.hidden_size, len(task.region_names)).to(device)
        if device.type == "cuda":
            torch.backends.cudnn.benchmark = True
            self.network.vision_tower.to(memory_format=torch.channels_last)
        self.stage_index = 0
        self.step = 0
        self._optimizer_state: dict[str, Any] | None = None
        if (folder / STATE_FILE).is_file():
            self._load_state()

    def train(self, max_minutes: float = math.inf) -> bool:
        """Train until all stages are done, or until time is up. Returns whether all are done.

        The state is saved at every stage's end, every `save_every` steps and when time is up.
        """
        deadline = time.monotonic() + 60 * max_minutes
        while self.stage_index < len(self.config.stages):
            stage = self.config.stages[self.stage_index]
            if not self._train_stage(stage, deadline):
                return False
            self.stage_index += 1
            self.step = 0
            self._optimizer_state = None
            self._save_state(None)
        return True

    @property
    def is_new(self) -> bool:
        """Whether nothing has been trained yet."""
        return self.stage_index == 0 and self.step == 0

    def start_from(self, folder: Path) -> None:
        """Take over the weights of a trained model, part by part where all of a part's shapes agree."""
        files = checkpoint.inspect_folder(folder)
        weights = checkpoint.load_network(files, self.device, torch.float32)
        for part in ("vision_tower", "mm_projector", "mask_extractor", "llm"):
            ours, theirs = (getattr(network, part).state_dict() for network in (self.network, weights))
            if {n: t.shape for n, t in ours.items()} == {n: t.shape for n, t in theirs.items()}:
                getattr(self.network, part).load_state_dict(theirs)

    def save_model(self, folder: Path, dtype: torch.dtype = torch.float16) -> None:
        """Write the model as it is now, in our own checkpoint layout."""
        checkpoint.save(folder, self.network, self.tokenizer, dtype)

    def _train_stage(self, stage: Stage, deadline: float) -> bool:
        groups = trainable(self.network, stage)
        if stage.objective == "regions":
            groups["namer"] = list(self.namer.parameters())
        learned = [parameter for group in groups.values() for parameter in group]
        optimizer = make_optimizer(groups, stage, self.config, fused=self.device.type == "cuda")
        if self._optimizer_state is not None:
            optimizer.load_state_dict(self._optimizer_state)
        batches = self._batches(stage)
        progress = tqdm(total=stage.steps, initial=self.step, desc=stage.name, unit="step", mininterval=10)
        began, began_step = time.monotonic(), self.step
        while self.step < stage.steps:
            rate = learning_rate(stage, self.step)
            for group in optimizer.param_groups:
                group["lr"] = rate * group["lr_share"]
            outcome = self._optimise(stage, batches, optimizer, learned)
            self.step += 1
            progress.update()
            if self.step % LOG_EVERY == 0 or self.step == stage.steps:
                speed = (self.step - began_step) * stage.batch_size / (time.monotonic() - began)
                self._log(stage, outcome, rate, speed)
                progress.set_postfix(loss=f"{outcome.loss:.3f}", row=f"{outcome.row_accuracy:.3f}")
            if time.monotonic() > deadline and self.step < stage.steps:
                self._save_state(optimizer)
                progress.close()
                return False
            if self.step % self.config.save_every == 0 and self.step < stage.steps:
                self._save_state(optimizer)
        progress.close()
        return True

    def _optimise(self, stage: Stage, batches: Any, optimizer: torch.optim.Optimizer, learned: list[Any]) -> Outcome:
        outcomes = []
        for _ in range(stage.accumulate):
            batch = next(batches).to(self.device)
            with self._autocast():
                outcome = self._outcome(stage, batch)
            (outcome.loss / stage.accumulate).backward()
            outcomes.append(Outcome(*(value.detach() for value in outcome)))
        nn.utils.clip_grad_norm_(learned, self.config.clip_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return Outcome(*(torch.stack(values).float().mean() for values in zip(*outcomes, strict=True)))

    def _outcome(self, stage: Stage, batch: Batch) -> Outcome:
        if stage.objective == "regions":
            return region_loss(self.network, self.namer, batch)
        if stage.objective == "text":
            return text_loss(self.network, batch)
        return dialogue_loss(self.network, batch, stage.image_tokens)

    def _batches(self, stage: Stage) -> Any:
        """Batches of the stage from the current step on: every stage and step has seeds of its own."""
        config = self.config
        micro = stage.batch_size // stage.accumulate
        scenes_per_batch = max(1, micro // config.dialogues_per_scene)
        per_step = scenes_per_batch * stage.accumulate
        before = sum(
            s.steps * max(1, s.batch_size // config.dialogues_per_scene) for s in config.stages[: self.stage_index]
        )
        first_seed = config.data_seed + before + self.step * per_step
        name_ids = {name: i for i, name in enumerate(self.task.region_names)}
        prompts = Prompts(config.model, self.tokenizer)
        scenes = Scenes(
            self.task.source(stage),
            prompts,
            name_ids,
            config.max_tokens,
            first_seed,
            (stage.steps - self.step) * per_step,
        )
        return iter(loader(scenes, scenes_per_batch, config.workers))

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def _log(self, stage: Stage, outcome: Outcome, rate: float, speed: float) -> None:
        entry = {
            "stage": stage.name,
            "step": self.step,
            "loss": round(float(outcome.loss), 4),
            "token_accuracy": round(float(outcome.token_accuracy), 4),
            "row_accuracy": round(float(outcome.row_accuracy), 4),
            "learning_rate": rate,
            "samples_per_second": round(speed, 1),
        }
        with (self.folder / LOG_FILE).open("a") as file:
            file.write(json.dumps(entry) + "\n")

    def _save_state(self, optimizer: torch.optim.Optimizer | None) -> None:
        state = {
            "network": self.network.state_dict(),
            "namer": self.namer.state_dict(),
            "optimizer": optimizer.state_dict() if optimizer else None,
            "stage_index": self.stage_index,
            "step": self.step,
        }
        partial = self.folder / (STATE_FILE + ".partial")
        torch.save(state, partial)
        partial.replace(self.folder / STATE_FILE)

    def _load_state(self) -> None:
        state = torch.load(self.folder / STATE_FILE, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.namer.load_state_dict(state["namer"])
        self.stage_index, self.step = state["stage_index"], state["step"]
        self._optimizer_state = state["optimizer"]
        log.info("Going on at stage %d, step %d.", self.stage_index, self.step)


def trainable(network: OspreyNetwork, stage: Stage) -> dict[str, list[nn.Parameter]]:
    """Freeze everything but the stage's parts; returns the parameters that learn, by part."""
    learned: dict[str, list[nn.Parameter]] = {}
    for part in ALL_PARTS:
        module: nn.Module = getattr(network, part)
        module.requires_grad_(part in stage.trains)
        if part in stage.trains:
            learned[part] = list(module.parameters())
    return learned


def make_optimizer(
    groups: dict[str, list[nn.Parameter]], stage: Stage, config: TrainingConfig, fused: bool = False
) -> torch.optim.Optimizer:
    """AdamW over parts; norms, biases and other vectors are not decayed, the encoder may learn more slowly."""
    settings = []
    for part, parameters in groups.items():
        share = stage.encoder_rate if part == "vision_tower" else 1.0
        matrices = [p for p in parameters if p.ndim >= 2]
        vectors = [p for p in parameters if p.ndim < 2]
        settings.append({"params": matrices, "weight_decay": config.weight_decay, "lr_share": share})
        settings.append({"params": vectors, "weight_decay": 0.0, "lr_share": share})
    return torch.optim.AdamW(settings, lr=stage.learning_rate, betas=config.betas, fused=fused)


def learning_rate(stage: Stage, step: int) -> float:
    """Linear warm-up, then a cosine down to a hundredth."""
    warmup = min(stage.warmup_steps, stage.steps // 2)
    if step < warmup:
        return stage.learning_rate * (step + 1) / warmup
    progress = (step - warmup) / max(1, stage.steps - warmup)
    return stage.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def initialise(network: OspreyNetwork) -> None:
    """Starting weights for training from nothing.

    Connector and extractor get small normal weights. ConvNeXt's layer scale starts at 0.1: its usual 1e-6 is meant for
    far longer runs and would leave the blocks silent for most of a short one.
    """
    for name, parameter in network.vision_tower.named_parameters():
        if name.endswith("gamma"):
            nn.init.constant_(parameter, 0.1)
    for part in (network.mm_projector, network.mask_extractor):
        for module in part.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
