"""Train a model: `python -m osprey_core.training --out runs/nano --atlas art-cache/atlas-train.npz`.

Run it again with the same arguments to go on where it was stopped. The finished model is written to OUT/model.
"""

from __future__ import annotations

import argparse
import logging
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from ..engine import resolve_device
from ..errors import OspreyError
from .config import TrainingConfig
from .loop import Run, Task
from .sources import SceneSource, prepare

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Train; returns the process's exit code: 0 when all stages are done, 3 when time ran out first."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.training", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run: state, log, vocabulary, model")
    parser.add_argument("--atlas", type=Path, help="sprites, from `python -m osprey_core.training.art`")
    parser.add_argument("--start", type=Path, help="a model folder whose weights to start from, where they fit")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=2, help="processes that make scenes")
    parser.add_argument("--scale", type=float, default=1.0, help="multiply every stage's steps")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop and save after this time")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        done = _train(options)
    except OspreyError as error:
        log.error("%s", error)
        return 2
    return 0 if done else 3


def _train(options: argparse.Namespace) -> bool:
    config = TrainingConfig(workers=options.workers, seed=options.seed).scaled(options.scale)
    source = SceneSource(
        options.atlas, config.styles, config.things, config.dialogues_per_scene, config.model.vision.image_size
    )
    prepared = prepare(options.out, source, config.model.language.vocab_size)
    run = Run(
        options.out,
        config,
        prepared.tokenizer,
        Task(source.for_stage, prepared.region_names),
        resolve_device(options.device),
    )
    if options.start is not None and run.is_new:
        run.start_from(options.start)
    done = run.train(options.minutes)
    run.save_model(options.out / "model")
    return done


if __name__ == "__main__":
    sys.exit(main())
