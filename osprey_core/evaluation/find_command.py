"""Find, measured: `python -m osprey_core.evaluation find MODEL --coco FILE --pictures FOLDER`.

Without photographs it searches made scenes, with the sprites of `--atlas`. With both, `--scenes` says how many scenes
are searched beside the photographs. Prints the rows of a model card.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from osprey_core.analysis.find import DEFAULT_THRESHOLD
from osprey_core.backends.loading import load_region_model
from osprey_core.errors import InputError, OspreyError
from osprey_core.evaluation.finding import (
    THRESHOLDS,
    SearchedPicture,
    drawn,
    finds_report,
    photographed,
    search,
    summarise_finds,
    without_nan,
)
from osprey_core.io.files import plain_json, write_file
from osprey_core.segment import DEFAULT_SEGMENTER, SEGMENTERS, load_segmenter
from osprey_core.training.config import NANO_STYLES, NANO_THINGS
from osprey_core.training.dialogues import EVALUATION_SEEDS, DialogueOptions
from osprey_core.training.scenes.photographs import held_back, only_pictures, read_photographs
from osprey_core.training.scenes.scene import make_scene
from osprey_core.training.sources import SceneSource

log = logging.getLogger(__name__)

SCENES = 200
_SCENES_FROM = 2_000_000  # far behind the seeds of questions and conversations


def main(argv: Sequence[str] | None = None) -> int:
    """Evaluate; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.evaluation find", description=__doc__)
    parser.add_argument("model", help='"nano", "labels", a folder or a Hub name')
    parser.add_argument("--coco", type=Path, action="append", default=[], help="photographs: a file in COCO's shape")
    parser.add_argument("--pictures", type=Path, action="append", default=[], help="the folder of its pictures")
    parser.add_argument(
        "--held-back", metavar="SET", action="append", default=[], help="only pictures that were never trained on"
    )
    parser.add_argument("--scenes", type=int, help=f"made scenes; {SCENES} without photographs, else none")
    parser.add_argument("--atlas", type=Path, help="sprites; without them scenes hold drawn objects and shapes only")
    parser.add_argument("--labels", metavar="CLIP", help="a CLIP that is asked in the model's place")
    parser.add_argument("--segmenter", default=DEFAULT_SEGMENTER, help=", ".join(SEGMENTERS))
    parser.add_argument("--threshold", type=float, default=DEFAULT_THRESHOLD, help="of the figures with intervals")
    parser.add_argument("--limit", type=int, help="only so many photographs of each file, the first ones")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, help="write all figures as JSON")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        results = _evaluate(options)
        log.info("%s", finds_report(results))
        if options.out:
            write_file(options.out, plain_json({"model": options.model, **without_nan(results)}).encode())
    except OspreyError as error:
        log.error("%s", error)
        return 2
    return 0


def _evaluate(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    if len(options.coco) != len(options.pictures) or len(options.held_back) not in (0, len(options.coco)):
        raise InputError("evaluation.pictures_missing")
    sets: dict[str, list[SearchedPicture]] = {}
    photographs = list(_photographs(options))
    if photographs:
        sets["photographs"] = photographs
    count = options.scenes if options.scenes is not None else (0 if options.coco else SCENES)
    if count:
        sets["drawn scenes"] = _scenes(options.atlas, count)
    if not any(sets.values()):
        raise InputError("evaluation.questions_impossible")
    model = load_region_model(options.model, options.device)
    clip = None
    if options.labels is not None:
        from osprey_core.analysis.open_vocabulary import OpenVocabulary

        clip = OpenVocabulary.from_pretrained(options.labels, options.device)
    segmenter = load_segmenter(options.segmenter, "cpu" if options.device == "auto" else options.device)
    thresholds = sorted({*THRESHOLDS, options.threshold})
    results = {}
    for name, pictures in sets.items():
        progress = tqdm(pictures, desc=name, mininterval=10)
        results[name] = summarise_finds(list(search(model, segmenter, progress, clip, thresholds)), options.threshold)
    return results


def _photographs(options: argparse.Namespace) -> list[SearchedPicture]:
    found: list[SearchedPicture] = []
    for place, (file, folder) in enumerate(zip(options.coco, options.pictures, strict=True)):
        photographs = read_photographs(file, folder)
        if options.held_back:
            photographs = only_pictures(photographs, held_back(options.held_back[place]), True)
        found += photographed(photographs[: options.limit], place)
    return found


def _scenes(atlas_file: Path | None, count: int) -> list[SearchedPicture]:
    """Scenes that no training and no other evaluation sees, with the things that the embedded model is taught."""
    atlas = SceneSource(atlas_file, tuple(NANO_STYLES)).load()
    if atlas is not None:
        names = tuple(name for name in NANO_THINGS if name in atlas.sprites)
        atlas = SceneSource(atlas_file, tuple(NANO_STYLES), names).load()
    seeds = EVALUATION_SEEDS[_SCENES_FROM : _SCENES_FROM + count]
    return list(drawn((make_scene(seed, DialogueOptions().scene, atlas) for seed in seeds), atlas))
