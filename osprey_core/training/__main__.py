"""Train a model, from nothing or from a trained one, on made scenes or on files of records.

    python -m osprey_core.training --out runs/nano --atlas art-cache/atlas-train.npz
    python -m osprey_core.training --out runs/mine --start nano --records data/records.json
    python -m osprey_core.training --out runs/7b --start sunshine-lwt/Osprey-7b --lora 16 --checkpointing \
        --records osprey_conversation.json --pictures coco/train2017 --only end-to-end

Run it again with the same arguments to go on where it was stopped. The finished model is written to OUT/model, the one
that did best on held-out samples to OUT/best.
"""

from __future__ import annotations

import argparse
import logging
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from osprey_core.engine import Osprey
from osprey_core.errors import InputError, OspreyError
from osprey_core.io.streams import tolerate_any_encoding
from osprey_core.runtime.devices import resolve_device
from osprey_core.training.config import SAMPLER, Precision, TrainingConfig
from osprey_core.training.loop import Run, Task
from osprey_core.training.recipes import ALL_PARTS, RECIPES, Stage, read_recipe
from osprey_core.training.records.record_source import RecordSource
from osprey_core.training.sources import SceneSource, Survey, prepare

log = logging.getLogger(__name__)

MAX_CONTEXT = 2048
"""Longest prompt in training, picture included, where the model's own context is not shorter."""


def main(argv: Sequence[str] | None = None) -> int:
    """Train; returns the process's exit code: 0 when all stages are done, 3 when time ran out first."""
    parser = argparse.ArgumentParser(
        prog="python -m osprey_core.training",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the run: state, log, vocabulary, model")
    data = parser.add_argument_group("data")
    data.add_argument("--atlas", type=Path, help="sprites, from `python -m osprey_core.training.art`")
    data.add_argument(
        "--records", type=Path, nargs="+", help="train on these files (Osprey-724K, COCO, LVIS, RefCOCO, LLaVA)"
    )
    data.add_argument("--pictures", type=Path, nargs="*", default=[], help="folders of the records' pictures")
    data.add_argument("--workers", type=int, default=2, help="processes that make or read samples")
    data.add_argument("--seed", type=int, default=0, help="of what is random in the model")
    data.add_argument("--data-seed", type=int, default=TrainingConfig.data_seed, help="seed of the first made scene")
    model = parser.add_argument_group("model")
    model.add_argument("--start", help='"nano", a folder or a Hub name to go on from; without it, all is new')
    model.add_argument("--parts", nargs="+", choices=ALL_PARTS, help="take only these parts from it, the rest is new")
    model.add_argument(
        "--extractor",
        choices=("pooling", "sampler"),
        help="how a new model reads regions: mask pooling as Osprey (default), or points as Ferret",
    )
    model.add_argument("--lora", type=int, default=0, metavar="RANK", help="let adapters learn for the language model")
    model.add_argument("--device", default="auto")
    stages = parser.add_argument_group("stages")
    stages.add_argument(
        "--recipe", help=f"{', '.join(RECIPES)} or a TOML or JSON file; default: nano, with records published"
    )
    stages.add_argument("--only", nargs="+", default=[], metavar="STAGE", help="only these stages of the recipe")
    stages.add_argument("--scale", type=float, default=1.0, help="multiply every stage's steps")
    stages.add_argument("--accumulate", type=int, help="make every step of so many smaller batches, to save memory")
    stages.add_argument(
        "--precision",
        choices=get_args(Precision),
        default=TrainingConfig.precision,
        help="float32 is several times faster on a CPU without bfloat16 instructions (see lscpu)",
    )
    stages.add_argument("--checkpointing", action="store_true", help="compute activations twice, to save memory")
    stages.add_argument("--minutes", type=float, default=math.inf, help="stop and save after this time")
    stages.add_argument("--save-every", type=int, default=TrainingConfig.save_every, help="steps between saves")
    stages.add_argument("--score-every", type=int, default=0, help="steps between held-out scores; 0: never")
    stages.add_argument("--held-out", type=int, default=TrainingConfig.held_out, help="samples to score on")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        done = _train(options)
    except OspreyError as error:
        log.error("%s", error)
        return 2
    return 0 if done else 3


@dataclass(frozen=True)
class _Data:
    """What a run learns from."""

    survey: Survey
    task: Task
    """Its region names are not known yet."""
    samples: int | None
    """How many there are; None: without end."""
    per_scene: int


def _train(options: argparse.Namespace) -> bool:
    _check(options)
    # Read into main memory: what goes to the device, and how precisely, depends on what learns.
    start = Osprey.from_pretrained(options.start, "cpu", "float32") if options.start else None
    whole = start if start is not None and not options.parts else None
    config = TrainingConfig(
        workers=options.workers,
        seed=options.seed,
        data_seed=options.data_seed,
        save_every=options.save_every,
        score_every=options.score_every,
        held_out=options.held_out,
        gradient_checkpointing=options.checkpointing,
        precision=options.precision,
    )
    if whole is not None:
        sizes = whole.network.config
        context = min(MAX_CONTEXT, sizes.language.max_position_embeddings)
        config = replace(config, model=sizes, max_tokens=context - sizes.vision.image_token_count)
    elif options.extractor == "sampler":
        config = replace(
            config, model=replace(config.model, extractor=replace(config.model.extractor, sampler=SAMPLER))
        )
    data = _records(options) if options.records else _scenes(options, config)
    config = _with_stages(options, config, data)
    prepared = prepare(
        options.out, data.survey, config.model.language.vocab_size, whole.prompts.tokenizer if whole else None
    )
    task = replace(data.task, region_names=prepared.region_names)
    if not task.region_names and any(stage.objective == "regions" for stage in config.stages):
        raise InputError("training.names_missing")
    run = Run(
        options.out,
        config,
        prepared.tokenizer,
        task,
        resolve_device(options.device),
        whole.network if whole else None,
        options.lora,
    )
    if start is not None and whole is None and run.is_new:
        run.start_from(start.network, tuple(options.parts))
    done = run.train(options.minutes)
    run.save_model(options.out / "model")
    return done


def _check(options: argparse.Namespace) -> None:
    """Raise InputError for options that do not go together."""
    if options.parts and not options.start:
        raise InputError("training.parts_without_start")
    if options.extractor and options.start and not options.parts:
        raise InputError("training.extractor_with_start")
    if options.lora and (not options.start or options.parts):
        raise InputError("training.lora_without_start")
    if options.records and options.atlas:
        raise InputError("training.records_and_atlas")
    for name in ("save_every", "held_out"):
        if getattr(options, name) < 1:
            raise InputError("training.option_too_small", name=name.replace("_", "-"))
    if options.lora < 0 or options.score_every < 0 or not options.scale > 0:
        raise InputError("training.options_negative")


def _records(options: argparse.Namespace) -> _Data:
    source = RecordSource.read(options.records, options.pictures)
    held_out = None
    if options.score_every:
        source, held_out = source.split(options.held_out)
    return _Data(source, Task(lambda stage: source, (), held_out), len(source.entries), 1)


def _scenes(options: argparse.Namespace, config: TrainingConfig) -> _Data:
    source = SceneSource(
        options.atlas,
        config.styles,
        config.things,
        config.dialogues_per_scene,
        config.model.vision.image_size,
        config.inked,
    )
    kinds = read_recipe(options.recipe or "nano").only(options.only).stages[-1]
    held_out = source.held_out(kinds.kinds if isinstance(kinds, Stage) else ())
    return _Data(source, Task(source.for_stage, (), held_out), None, config.dialogues_per_scene)


def _with_stages(options: argparse.Namespace, config: TrainingConfig, data: _Data) -> TrainingConfig:
    recipe = read_recipe(options.recipe or ("published" if options.records else "nano")).only(options.only)
    stages = recipe.for_samples(data.samples)
    if options.accumulate is not None:
        stages = tuple(replace(stage, accumulate=options.accumulate) for stage in stages)
    config = replace(
        config,
        stages=stages,
        dialogues_per_scene=data.per_scene,
        weight_decay=recipe.weight_decay,
        betas=recipe.betas,
    )
    return config.scaled(options.scale)


if __name__ == "__main__":
    tolerate_any_encoding()
    sys.exit(main())
