"""Scores of segmenters on photographs: `python -m osprey_core.evaluation segmenter --coco FILE --pictures FOLDER`.

Things of at least 32 x 32 pixels are clicked and boxed as a person would; each figure comes with a 95 % interval that
resamples pictures.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from typing import Any

from tqdm import tqdm

from osprey_core.errors import InputError, OspreyError
from osprey_core.evaluation.photograph_options import (
    add_photograph_options,
    joined,
    photographs_by_file,
    tell_figures,
)
from osprey_core.evaluation.segmenters import SMALLEST_AREA, judge_photographs, table_of, things_of
from osprey_core.segment import SEGMENTERS, load_segmenter

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Evaluate; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.evaluation segmenter", description=__doc__)
    add_photograph_options(parser, required=True)
    parser.add_argument("--segmenters", nargs="+", default=["classic", "learned"], help=", ".join(SEGMENTERS))
    parser.add_argument("--max-clicks", type=int, default=20, help="for the count of clicks; default 20")
    parser.add_argument("--no-everything", action="store_true", help="leave out the masks of everything")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="auto", help="float32: the photo tower looks in it on every CPU")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        figures = _evaluate(options)
        log.info("%s", table_of(figures))
        tell_figures(options, figures)
    except OspreyError as error:
        log.error("%s", error)
        return 2
    return 0


def _evaluate(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    if options.max_clicks < 1:
        raise InputError("evaluation.clicks_invalid", value=options.max_clicks)
    photographs = joined(photographs_by_file(options, lambda photograph: bool(things_of(photograph))))
    if not photographs:
        raise InputError("evaluation.things_missing", path=", ".join(map(str, options.coco)), area=SMALLEST_AREA)
    figures = {}
    for name in options.segmenters:
        segmenter = load_segmenter(name, options.device, options.dtype)
        progress = tqdm(photographs, desc=name, mininterval=10)
        figures[name] = judge_photographs(segmenter, progress, options.max_clicks, not options.no_everything)
    return figures
