"""Trains the learned segmenter: `python -m osprey_core.training.segmenter --photos FILE FOLDER --out FOLDER`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from osprey_core.errors import InputError
from osprey_core.io.streams import tolerate_any_encoding
from osprey_core.model.towers import PHOTO_SIZE
from osprey_core.runtime.devices import resolve_device
from osprey_core.runtime.photo_levels import TOWER_FILE, load_photo_tower
from osprey_core.segment.learned import load_click_network
from osprey_core.training.segmenter.tasks import LabelledPicture, PictureVarieties, drawn_pictures, read_pictures
from osprey_core.training.segmenter.trainer import SegmenterTrainer, SegmenterTraining

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Train from the command line; returns the process's exit code."""
    default = SegmenterTraining()
    parser = argparse.ArgumentParser(prog="python -m osprey_core.training.segmenter", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run: checkpoint, log, weights")
    parser.add_argument(
        "--photos",
        nargs=2,
        action="append",
        default=[],
        metavar=("FILE", "FOLDER"),
        help="a COCO file and the folder of its pictures; may be given several times",
    )
    parser.add_argument(
        "--weights", type=float, nargs="*", default=[], help="how often each --photos is taken; default 1"
    )
    parser.add_argument("--held-back", type=Path, help="JSON: for each COCO file's stem the ids that must not be read")
    parser.add_argument("--drawn", type=int, default=150, help="scenes of the project's own generator; default 150")
    parser.add_argument("--drawn-weight", type=float, default=0.25)
    parser.add_argument("--steps", type=int, default=default.steps)
    parser.add_argument("--minutes", type=float, help="end after so many minutes, whatever the steps")
    parser.add_argument("--pictures", type=int, default=default.pictures, help="per step")
    parser.add_argument("--targets", type=int, default=default.targets, help="per picture")
    parser.add_argument("--pool", type=int, default=default.pool, help="varied pictures that are encoded in all")
    parser.add_argument("--learning-rate", type=float, default=default.learning_rate)
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--start", type=Path, help="weights of a trained network to go on from")
    parser.add_argument("--tower", type=Path, default=TOWER_FILE)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", type=int, default=4, help="processes that make pictures, on a GPU")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.threads)
    weights = options.weights or [1.0] * len(options.photos)
    if len(weights) != len(options.photos):
        raise InputError("segmenter_training.sets_mismatch", weights=len(weights), sets=len(options.photos))
    held_back = json.loads(options.held_back.read_text(encoding="utf-8")) if options.held_back else {}
    sets: list[tuple[float, list[LabelledPicture]]] = []
    for weight, (file, folder) in zip(weights, options.photos, strict=True):
        left_out = set(held_back.get(Path(file).stem, ()))
        sets.append((weight, read_pictures(Path(file), Path(folder), left_out)))
        log.info("%s: %d pictures with outlines", file, len(sets[-1][1]))
    if options.drawn:
        sets.append((options.drawn_weight, drawn_pictures(range(options.drawn))))
    config = SegmenterTraining(
        steps=options.steps,
        minutes=options.minutes,
        pictures=options.pictures,
        targets=options.targets,
        pool=options.pool,
        learning_rate=options.learning_rate,
        seed=options.seed,
    )
    varieties = PictureVarieties(sets, PHOTO_SIZE)
    device = resolve_device(options.device)
    trainer = SegmenterTrainer(load_photo_tower(options.tower), varieties, config, options.out, device, options.workers)
    if trainer.resume():
        log.info("going on at step %d", trainer.step)
    elif options.start:
        trainer.start_from(load_click_network(options.start))
    trainer.run()
    return 0


if __name__ == "__main__":
    tolerate_any_encoding()
    sys.exit(main())
