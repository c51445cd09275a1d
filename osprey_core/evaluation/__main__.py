"""Scores of a model on made scenes: `python -m osprey_core.evaluation nano --atlas art-cache/atlas-train.npz`.

Every question has an answer known from its scene, which no training has seen. Each score comes with its count and a
95 % bootstrap interval, and controls show what is left when the region is taken away.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from osprey_core.engine import Osprey
from osprey_core.errors import InputError, OspreyError
from osprey_core.evaluation.failures import choose_failures, failure_sheet
from osprey_core.evaluation.questions import balanced, choose_topics, conversations
from osprey_core.evaluation.scoring import answers, report, summarise
from osprey_core.evaluation.sentence_similarity import load_sentence_encoder
from osprey_core.training.config import NANO_STYLES, NANO_THINGS
from osprey_core.training.sources import SceneSource

log = logging.getLogger(__name__)

FAILURES = 8
"""Wrong answers that `--failures` draws."""


def main(argv: Sequence[str] | None = None) -> int:
    """Evaluate; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.evaluation", description=__doc__)
    parser.add_argument("model", help='"nano", a folder or a Hub name')
    parser.add_argument("--atlas", type=Path, help="sprites; without them scenes hold drawn objects and shapes only")
    parser.add_argument("--styles", nargs="*", default=list(NANO_STYLES), help="art styles; none given: all")
    parser.add_argument("--questions", type=int, default=300, help="questions per score, at least")
    parser.add_argument("--kinds", nargs="*", default=[], help="only these scores or kinds of question")
    parser.add_argument("--conversations", type=int, default=100, help="dialogues whose later turns are asked too")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, help="write all figures as JSON")
    parser.add_argument("--answers", type=Path, help="write every question and answer, one JSON object a line")
    parser.add_argument("--failures", type=Path, help="draw some wrong answers into a PNG")
    parser.add_argument("--no-controls", action="store_true")
    parser.add_argument("--sentence-encoder", type=Path, help="folder of all-MiniLM-L6-v2, for Semantic Similarity")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        results = _evaluate(options)
        log.info("%s", report(results))
        if options.out:
            _write(options.out, json.dumps(results, indent=1) + "\n")
    except OspreyError as error:
        log.error("%s", error)
        return 2
    return 0


def _evaluate(options: argparse.Namespace) -> dict[str, Any]:
    topics = choose_topics(options.kinds)
    encode = load_sentence_encoder(options.sentence_encoder)
    model = Osprey.from_pretrained(options.model, options.device)
    atlas = SceneSource(options.atlas, tuple(options.styles), _taught(options)).load()
    pictures = balanced(atlas, options.questions, topics) + conversations(atlas, options.conversations, topics)
    if not pictures:
        raise InputError("evaluation.questions_impossible")
    progress = tqdm(pictures, desc="pictures", mininterval=10)
    judged = list(answers(model, progress, not options.no_controls))
    if options.answers:
        _write(options.answers, "".join(json.dumps(one.to_json(), ensure_ascii=False) + "\n" for one in judged))
    if options.failures:
        png = io.BytesIO()
        failure_sheet(choose_failures(judged, FAILURES), atlas).quantize(128).save(png, "PNG", optimize=True)
        _write(options.failures, png.getvalue())
    return {"model": options.model, "pictures": len(pictures), **summarise(judged, encode)}


def _taught(options: argparse.Namespace) -> tuple[str, ...]:
    """The things that the embedded model is taught, as far as the atlas shows them in the wanted styles."""
    atlas = SceneSource(options.atlas, tuple(options.styles)).load()
    return tuple(name for name in NANO_THINGS if atlas is not None and name in atlas.sprites)


def _write(path: Path, content: str | bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    except OSError as error:
        raise InputError("evaluation.file_unwritable", path=str(path), reason=str(error.strerror or error)) from error


if __name__ == "__main__":
    sys.exit(main())
