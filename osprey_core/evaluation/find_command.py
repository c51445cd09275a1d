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
)
from osprey_core.evaluation.photograph_options import add_photograph_options, photographs_by_file, tell_figures
from osprey_core.segment import DEFAULT_SEGMENTER, SEGMENTERS, load_segmenter
from osprey_core.training.config import NANO_STYLES, NANO_THINGS
from osprey_core.training.dialogues import EVALUATION_SEEDS, DialogueOptions
from osprey_core.training.scenes.scene import make_scene
from osprey_core.training.sources import SceneSource

log = logging.getLogger(__name__)

SCENES = 200
_SCENES_FROM = 2_000_000  # far behind the seeds of questions and conversations


def main(argv: Sequence[str] | None = None) -> int:
    """Evaluate; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.evaluation find", description=__doc__)
    parser.add_argument("model", help='"nano", "labels", a folder or a Hub name')
    add_photograph_options(parser, required=False)
    parser.add_argument("--scenes", type=int, help=f"made scenes; {SCENES} without photographs, else none")
    parser.add_argument("--atlas", type=Path, help="sprites; without them scenes hold drawn objects and shapes only")
    parser.add_argument("--labels", metavar="CLIP", help="a CLIP that is asked in the model's place")
    parser.add_argument("--segmenter", default=DEFAULT_SEGMENTER, help=", ".join(SEGMENTERS))
    parser.add_argument("--threshold", type=float, default=DEFAULT_THRESHOLD, help="of the figures with intervals")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        results = _evaluate(options)
        log.info("%s", finds_report(results))
        tell_figures(options, {"model": options.model, **results})
    except OspreyError as error:
        log.error("%s", error)
        return 2
    return 0


def _evaluate(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    sets: dict[str, list[SearchedPicture]] = {}
    by_file = photographs_by_file(options)
    photographs = [one for place, of_file in enumerate(by_file) for one in photographed(of_file, place)]
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


def _scenes(atlas_file: Path | None, count: int) -> list[SearchedPicture]:
    """Scenes that no training and no other evaluation sees, with the things that the embedded model is taught."""
    atlas = SceneSource(atlas_file, tuple(NANO_STYLES)).load()
    if atlas is not None:
        names = tuple(name for name in NANO_THINGS if name in atlas.sprites)
        atlas = SceneSource(atlas_file, tuple(NANO_STYLES), names).load()
    seeds = EVALUATION_SEEDS[_SCENES_FROM : _SCENES_FROM + count]
    return list(drawn((make_scene(seed, DialogueOptions().scene, atlas) for seed in seeds), atlas))
