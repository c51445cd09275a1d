"""Scores of a model on made scenes: `python -m osprey_core.evaluation nano --atlas art-cache/atlas-train.npz`.

Every question has an answer known from its scene, which no training has seen. Each score comes with its count and a
95 % bootstrap interval, and controls show what is left when the region is taken away. With `--coco FILE --pictures
FOLDER` the things of annotated photographs are asked for instead. Segmenters are measured by
`python -m osprey_core.evaluation segmenter --coco FILE --pictures FOLDER`, the confidence of names by
`python -m osprey_core.evaluation confidence nano …`, finding by phrases by `… find nano …`, and labelling with given
masks by `… labels nano …`.
The papers' benchmarks go by their names:
`python -m osprey_core.evaluation lvis MODEL --data FILE --pictures FOLDER --out FOLDER`, and so on.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from osprey_core.engine import Osprey
from osprey_core.errors import InputError, OspreyError
from osprey_core.evaluation import confidence, find_command, labels_command, segmenter_command
from osprey_core.evaluation.failures import choose_failures, failure_sheet
from osprey_core.evaluation.papers import command as papers_command
from osprey_core.evaluation.photograph_dialogues import ask_about, ask_for_things, ask_what_is_there, dialogues_report
from osprey_core.evaluation.photographs import SMALLEST_AREA, name_things, names_report, summarise_names
from osprey_core.evaluation.questions import balanced, choose_topics, conversations
from osprey_core.evaluation.scoring import answers, report, summarise
from osprey_core.evaluation.sentence_similarity import load_sentence_encoder
from osprey_core.io.streams import tolerate_any_encoding
from osprey_core.training.config import NANO_STYLES, NANO_THINGS
from osprey_core.training.scenes.photographs import held_back, only_pictures, read_photographs
from osprey_core.training.sources import SceneSource

log = logging.getLogger(__name__)

FAILURES = 8
"""Wrong answers that `--failures` draws."""


def main(argv: Sequence[str] | None = None) -> int:
    """Evaluate; returns the process's exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["segmenter"]:
        return segmenter_command.main(given[1:])
    if given[:1] == ["find"]:
        return find_command.main(given[1:])
    if given[:1] == ["labels"]:
        return labels_command.main(given[1:])
    if given[:1] == ["confidence"]:
        return confidence.main(given[1:])
    if given and given[0] in papers_command.BENCHMARKS:
        return papers_command.main(given[0], given[1:])
    parser = argparse.ArgumentParser(prog="python -m osprey_core.evaluation", description=__doc__)
    parser.add_argument("model", help='"nano", a folder or a Hub name')
    parser.add_argument("--atlas", type=Path, help="sprites; without them scenes hold drawn objects and shapes only")
    parser.add_argument("--styles", nargs="*", default=list(NANO_STYLES), help="art styles; none given: all")
    parser.add_argument("--questions", type=int, default=300, help="questions per score, at least")
    parser.add_argument("--kinds", nargs="*", default=[], help="only these scores or kinds of question")
    parser.add_argument("--conversations", type=int, default=100, help="dialogues whose later turns are asked too")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto", help="of the weights; float32: pictures are read in it too")
    parser.add_argument("--out", type=Path, help="write all figures as JSON")
    parser.add_argument("--answers", type=Path, help="write every question and answer, one JSON object a line")
    parser.add_argument("--failures", type=Path, help="draw some wrong answers into a PNG")
    parser.add_argument("--no-controls", action="store_true")
    parser.add_argument("--coco", type=Path, help="photographs: a file in COCO's shape, whose things are to be named")
    parser.add_argument("--pictures", type=Path, help="the folder of its pictures")
    parser.add_argument("--held-back", metavar="SET", help="only pictures of a set that were never trained on")
    parser.add_argument("--dialogues", action="store_true", help="ask for more than names about photographs")
    parser.add_argument("--limit", type=int, help="only so many photographs, the first ones")
    parser.add_argument("--sentence-encoder", type=Path, help="folder of all-MiniLM-L6-v2, for Semantic Similarity")
    options = parser.parse_args(given)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        if options.coco is not None:
            results = _evaluate_photographs(options)
            log.info("%s", names_report(results))
            if "dialogues" in results:
                log.info("\n%s", dialogues_report(results["dialogues"]))
        else:
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
    model = Osprey.from_pretrained(options.model, options.device, options.dtype)
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


def _evaluate_photographs(options: argparse.Namespace) -> dict[str, Any]:
    if options.pictures is None:
        raise InputError("evaluation.pictures_missing")
    photographs = read_photographs(options.coco, options.pictures)
    if options.held_back:
        photographs = only_pictures(photographs, held_back(options.held_back), True)
    photographs = photographs[: options.limit]
    model = Osprey.from_pretrained(options.model, options.device, options.dtype)
    named = list(name_things(model, tqdm(photographs, desc="photographs", mininterval=10), not options.no_controls))
    if not named:
        raise InputError("evaluation.things_missing", path=str(options.coco), area=SMALLEST_AREA)
    if options.answers:
        _write(options.answers, "".join(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in named))
    encode = load_sentence_encoder(options.sentence_encoder)
    results = {"model": options.model, **summarise_names(named, encode)}
    if options.dialogues:
        results["dialogues"] = ask_about(model, tqdm(photographs, desc="dialogues", mininterval=10))
        told = ask_what_is_there(model, tqdm(photographs, desc="whole pictures", mininterval=10))
        results["dialogues"] |= {f"names told of the whole picture: {name}": score for name, score in told.items()}
        results["dialogues"] |= ask_for_things(model, tqdm(photographs, desc="whole pictures", mininterval=10))
    return results


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
    tolerate_any_encoding()
    sys.exit(main())
