"""The training loop: stages in turn, resumable at any step to the same result.

It runs the optimiser, writes the log and saves the state. What a stage minimises is in `objectives`, how samples become
tensors in `batches`, which parameters learn in `optimiser`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from osprey_core.errors import InputError
from osprey_core.language.prompts import PromptWriter
from osprey_core.language.tokens import TextTokenizer
from osprey_core.model import OspreyNetwork, build_network
from osprey_core.runtime import checkpoint
from osprey_core.training import adapters
from osprey_core.training.batches import IGNORED, Batch, SampleSource, Scenes, collate, loader
from osprey_core.training.config import LOG_FILE, TrainingConfig
from osprey_core.training.objectives import ObjectiveOutcome, RegionNamer, dialogue_loss, region_loss, text_loss
from osprey_core.training.optimiser import initialise, learning_rate, make_optimizer, trainable
from osprey_core.training.recipes import Part, Stage

log = logging.getLogger(__name__)

STATE_FILE = "state.pt"
BEST_FOLDER = "best"
LOG_EVERY = 20
_HELD_OUT_ROWS = 8  # a batch of the held-out set


@dataclass
class Task:
    """What there is to learn: samples by seed, as each stage wants them, and the names of regions.

    `held_out` gives samples that no stage sees, from seed 0 on, to tell the best model by.
    """

    source: Callable[[Stage], SampleSource]
    region_names: tuple[str, ...]
    held_out: SampleSource | None = None


class Run:
    """One training run in one folder. `train` goes on from wherever the folder's state is."""

    def __init__(
        self,
        folder: Path,
        config: TrainingConfig,
        tokenizer: TextTokenizer,
        task: Task,
        device: torch.device,
        network: OspreyNetwork | None = None,
        lora_rank: int = 0,
    ) -> None:
        """Begin a run, or take up the one in the folder.

        Args:
            network: what to go on from, of `config.model`'s sizes; None: a new one with random weights.
            lora_rank: where above 0, the language model's own weights stay, and adapters of that rank learn for them.

        Raises:
            InputError: the folder's run was begun with other settings, or peft is missing.
        """
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(config.seed)
        self.folder = folder
        self.config = config
        self.task = task
        self.device = device
        self.tokenizer = tokenizer
        self.network: OspreyNetwork = build_network(config.model) if network is None else network
        if device.type == "cuda" and (lora_rank or not any("llm" in stage.trains for stage in config.stages)):
            llm: nn.Module = self.network.llm
            llm.to(torch.bfloat16)  # its own weights never learn: half the memory will do
        self.network.to(device).train()
        if network is None:
            initialise(self.network)
        if device.type == "cuda":
            torch.backends.cudnn.benchmark = True
            self.network.vision_tower.to(memory_format=torch.channels_last)
        self.has_adapters = lora_rank > 0
        if self.has_adapters:
            adapters.add(self.network.llm, lora_rank)
        if config.gradient_checkpointing:
            self.network.llm.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        self.namer = RegionNamer(config.model.language.hidden_size, len(task.region_names)).to(device)
        self.stage_index = 0
        self.step = 0
        self.best_score: float | None = None
        self._optimizer_state: dict[str, Any] | None = None
        self._held_out_batches: list[Batch] | None = None
        if (folder / STATE_FILE).is_file():
            self._load_state()

    def train(self, max_minutes: float = math.inf) -> bool:
        """Train until all stages are done, or until time is up. Returns whether all are done.

        The state is saved at every stage's end, every `save_every` steps and when time is up. With `score_every`, the
        model that does best on the held-out set is written to the folder `best`.
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

    def start_from(self, weights: OspreyNetwork, parts: tuple[Part, ...]) -> None:
        """Take over parts of a trained network. Raises InputError where a part has other sizes."""
        for part in parts:
            theirs = getattr(weights, part).state_dict()
            ours = {name: tensor.shape for name, tensor in getattr(self.network, part).state_dict().items()}
            if ours != {name: tensor.shape for name, tensor in theirs.items()}:
                raise InputError("training.part_mismatch", part=part)
            getattr(self.network, part).load_state_dict(theirs)

    def save_model(self, folder: Path, dtype: torch.dtype = torch.float16) -> None:
        """Write the model as it is now, in our own checkpoint layout; adapters are merged into its weights."""
        network = adapters.merged(self.network) if self.has_adapters else self.network
        checkpoint.save(folder, network, self.tokenizer, dtype)

    def held_out_score(self) -> float:
        """Share of the answers' ids in the held-out set that are predicted right, given the ids before them.

        Raises InputError without a held-out set.
        """
        if self.task.held_out is None:
            raise InputError("training.held_out_missing")
        if self._held_out_batches is None:
            self._held_out_batches = self._make_held_out(self.task.held_out)
        right, asked = 0.0, 0
        self.network.eval()
        with torch.inference_mode(), self.autocast():
            for batch in self._held_out_batches:
                learned = int((batch.labels != IGNORED).sum())
                right += float(dialogue_loss(self.network, batch.to(self.device)).token_accuracy) * learned
                asked += learned
        self.network.train()
        return right / max(1, asked)

    def batches(self, stage: Stage) -> Iterator[Batch]:
        """Batches of the stage from the current step on: every stage and step has seeds of its own."""
        config = self.config
        scenes_per_batch = config.scenes_per_batch(stage)
        per_step = scenes_per_batch * stage.accumulate
        before = sum(s.steps * config.scenes_per_batch(s) * s.accumulate for s in config.stages[: self.stage_index])
        first_seed = config.data_seed + before + self.step * per_step
        name_ids = {name: i for i, name in enumerate(self.task.region_names)}
        vision = config.model.vision
        shown_at = replace(vision, image_size=stage.image_size or vision.image_size)
        prompts = PromptWriter(replace(config.model, vision=shown_at), self.tokenizer)
        scenes = Scenes(
            self.task.source(stage),
            prompts,
            name_ids,
            config.max_tokens,
            first_seed,
            (stage.steps - self.step) * per_step,
        )
        return loader(scenes, scenes_per_batch, config.workers)

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """In it, products are computed in the run's precision."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.config.precision == "bfloat16")

    def _train_stage(self, stage: Stage, deadline: float) -> bool:
        groups = trainable(self.network, stage)
        if stage.names_regions:
            groups["namer"] = list(self.namer.parameters())
        learned = [parameter for group in groups.values() for parameter in group]
        optimizer = make_optimizer(groups, stage, self.config, fused=self.device.type == "cuda")
        if self._optimizer_state is not None:
            optimizer.load_state_dict(self._optimizer_state)
        batches = self.batches(stage)
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
            self._keep_best(stage)
            if time.monotonic() > deadline and self.step < stage.steps:
                self._save_state(optimizer)
                progress.close()
                return False
            if self.step % self.config.save_every == 0 and self.step < stage.steps:
                self._save_state(optimizer)
        progress.close()
        return True

    def _optimise(
        self, stage: Stage, batches: Iterator[Batch], optimizer: torch.optim.Optimizer, learned: list[Any]
    ) -> ObjectiveOutcome:
        outcomes = []
        for _ in range(stage.accumulate):
            batch = next(batches).to(self.device)
            with self.autocast():
                outcome = self._outcome(stage, batch)
            (outcome.loss / stage.accumulate).backward()
            outcomes.append(ObjectiveOutcome(*(value.detach() for value in outcome)))
        nn.utils.clip_grad_norm_(learned, self.config.clip_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return ObjectiveOutcome(*(torch.stack(values).float().mean() for values in zip(*outcomes, strict=True)))

    def _outcome(self, stage: Stage, batch: Batch) -> ObjectiveOutcome:
        if stage.objective == "regions":
            return region_loss(self.network, self.namer, batch)
        if stage.objective == "text":
            return text_loss(self.network, batch)
        namer = self.namer if stage.names_regions else None
        return dialogue_loss(
            self.network, batch, stage.image_tokens, stage.answer_start_weight, namer, stage.naming, stage.image_naming
        )

    def _make_held_out(self, source: SampleSource) -> list[Batch]:
        prompts = PromptWriter(self.config.model, self.tokenizer)
        scenes = Scenes(source, prompts, {}, self.config.max_tokens, 0, self.config.held_out)
        groups = [scenes[place] for place in range(len(scenes))]
        return [collate(groups[start : start + _HELD_OUT_ROWS]) for start in range(0, len(groups), _HELD_OUT_ROWS)]

    def _keep_best(self, stage: Stage) -> None:
        """Score the model if it is time to, and write it if it is the best so far."""
        every = self.config.score_every
        if not every or stage.objective != "dialogue" or (self.step % every and self.step != stage.steps):
            return
        score = self.held_out_score()
        self._append({"stage": stage.name, "step": self.step, "held_out": round(score, 4)})
        if self.best_score is None or score > self.best_score:
            self.best_score = score
            self.save_model(self.folder / BEST_FOLDER)

    def _log(self, stage: Stage, outcome: ObjectiveOutcome, rate: float, speed: float) -> None:
        figures = {name: round(float(value), 4) for name, value in outcome._asdict().items()}
        known = {name: value for name, value in figures.items() if not math.isnan(value)}
        self._append(
            {
                "stage": stage.name,
                "step": self.step,
                **known,
                "learning_rate": rate,
                "samples_per_second": round(speed, 1),
            }
        )

    def _append(self, entry: dict[str, Any]) -> None:
        with (self.folder / LOG_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def _save_state(self, optimizer: torch.optim.Optimizer | None) -> None:
        tensors = self.network.state_dict()
        if self.has_adapters:  # the language model's own weights are where they came from
            tensors = {name: tensor for name, tensor in tensors.items() if name not in self._never_learned()}
        state = {
            "network": tensors,
            "namer": self.namer.state_dict(),
            "optimizer": optimizer.state_dict() if optimizer else None,
            "stage_index": self.stage_index,
            "step": self.step,
            "stages": [stage.name for stage in self.config.stages],
            "best_score": self.best_score,
        }
        partial = self.folder / (STATE_FILE + ".partial")
        torch.save(state, partial)
        partial.replace(self.folder / STATE_FILE)

    def _load_state(self) -> None:
        state = torch.load(self.folder / STATE_FILE, map_location=self.device, weights_only=True)
        stages = [stage.name for stage in self.config.stages]
        if state.get("stages", stages) != stages:
            raise InputError(
                "training.stages_differ",
                folder=str(self.folder),
                begun=", ".join(state["stages"]),
                given=", ".join(stages),
            )
        try:
            left = self.network.load_state_dict(state["network"], strict=not self.has_adapters)
            self.namer.load_state_dict(state["namer"])
        except RuntimeError as error:
            raise self._other_settings() from error
        # Without the strictness above, names that are too many or too few are only listed.
        if set(left.missing_keys) - self._never_learned() or left.unexpected_keys:
            raise self._other_settings()
        self.stage_index, self.step = state["stage_index"], state["step"]
        self.best_score = state.get("best_score")
        self._optimizer_state = state["optimizer"]
        log.info("Going on at stage %d, step %d.", self.stage_index, self.step)

    def _never_learned(self) -> set[str]:
        return {f"llm.{name}" for name in adapters.base_names(self.network.llm)} if self.has_adapters else set()

    def _other_settings(self) -> InputError:
        return InputError("training.settings_differ", folder=str(self.folder))
