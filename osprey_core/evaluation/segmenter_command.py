"""Scores of segmenters on photographs: `python -m osprey_core.evaluation segmenter --coco FILE --pictures FOLDER`.

Things of at least 32 x 32 pixels are clicked and boxed as a person would; each figure comes with a 95 % interval that
resamples pictures.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from osprey_core.errors import InputError, OspreyError
from osprey_core.evaluation.measures import Score
from osprey_core.evaluation.segmenters import SMALLEST_AREA, judge_photographs, table_of, things_of
from osprey_core.segment import SEGMENTERS, load_segmenter
from osprey_core.training.scenes.photographs import held_back, read_photographs

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Evaluate; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.evaluation segmenter", description=__doc__)
    parser.add_argument("--coco", type=Path, required=True, help="a file in COCO's shape with outlined things")
    parser.add_argument("--pictures", type=Path, required=True, help="the folder of its pictures")
    parser.add_argument("--segmenters", nargs="+", default=["classic", "learned"], help=", ".join(SEGMENTERS))
    parser.add_argument("--held-back", metavar="SET", help="only the pictures of a set that were never trained on")
    parser.add_argument("--max-clicks", type=int, default=20, help="for the count of clicks; default 20")
    parser.add_argument("--limit", type=int, help="only so many pictures, the first ones")
    parser.add_argument("--no-everything", action="store_true", help="leave out the masks of everything")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, help="write all figures as JSON")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        figures = _evaluate(options)
        log.info("%s", table_of(figures))
        if options.out:
            _write(options.out, json.dumps(_plain(figures), indent=1) + "\n")
    except OspreyError as error:
        log.error("%s", error)
        return 2
    return 0


def _evaluate(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    if options.max_clicks < 1:
        raise InputError("evaluation.clicks_invalid", value=options.max_clicks)
    photographs = [item for item in read_photographs(options.coco, options.pictures) if things_of(item)]
    if options.held_back:
        wanted = held_back(options.held_back)
        photographs = [item for item in photographs if item.number in wanted]
    photographs = photographs[: options.limit]
    if not photographs:
        raise InputError("evaluation.things_missing", path=str(options.coco), area=SMALLEST_AREA)
    figures = {}
    for name in options.segmenters:
        segmenter = load_segmenter(name, options.device)
        progress = tqdm(photographs, desc=name, mininterval=10)
        figures[name] = judge_photographs(segmenter, progress, options.max_clicks, not options.no_everything)
    return figures


def _write(path: Path, content: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise InputError("evaluation.file_unwritable", path=str(path), reason=str(error.strerror or error)) from error


def _plain(figures: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        name: {measure: asdict(value) if isinstance(value, Score) else value for measure, value in told.items()}
        for name, told in figures.items()
    }
