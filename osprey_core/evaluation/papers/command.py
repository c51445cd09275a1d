"""The papers' benchmarks: `python -m osprey_core.evaluation lvis MODEL --data lvis_val_1k_category.json …`.

Answers are kept in --out, so that the same command goes on where it was stopped, and measures again for nothing.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from osprey_core.errors import InputError, OspreyError
from osprey_core.evaluation.papers import captions, hallucination, judged, open_segmentation, pope, referring
from osprey_core.evaluation.papers.items import AskedAs, Item, Outcome
from osprey_core.evaluation.papers.report import as_table, results
from osprey_core.evaluation.papers.runner import RunSettings, answer_items
from osprey_core.evaluation.sentence_similarity import SentenceEncoder, load_sentence_encoder
from osprey_core.io.files import plain_json, write_file
from osprey_core.vocabularies import load_vocabulary

log = logging.getLogger(__name__)

Loader = Callable[[str, str], Any]
"""A model by its name and device."""


@dataclass(frozen=True)
class Benchmark:
    """One of the papers' benchmarks: what it reads, asks and measures."""

    title: str
    asked_as: AskedAs
    read: Callable[[argparse.Namespace], list[Item]]
    measure: Callable[[argparse.Namespace, Sequence[Item], Mapping[str, str]], Outcome]
    add_options: Callable[[argparse.ArgumentParser], None] = lambda parser: None
    several_files: bool = False


def _encoder(options: argparse.Namespace) -> SentenceEncoder | None:
    return load_sentence_encoder(options.sentence_encoder)


def _needed_encoder(options: argparse.Namespace) -> SentenceEncoder:
    """Raises InputError where there is no sentence encoder."""
    encode = _encoder(options)
    if encode is None:
        raise InputError("papers.encoder_missing")
    return encode


def _with_encoder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sentence-encoder", help="folder or Hub name of all-MiniLM-L6-v2; default: its package, if installed"
    )


def _with_maps(parser: argparse.ArgumentParser) -> None:
    _with_encoder(parser)
    parser.add_argument("--maps", type=Path, required=True, help="the folder of the panoptic id maps")
    parser.add_argument(
        "--question",
        choices=sorted(open_segmentation.QUESTION_TEXTS),
        default="released",
        help="the question's words: those of the released code, or those that the paper prints",
    )


def _segmentation(title: str, vocabulary: str) -> Benchmark:
    return Benchmark(
        title,
        open_segmentation.ASKED_AS,
        lambda options: open_segmentation.read_items(
            options.data, options.maps, options.pictures, load_vocabulary(vocabulary), options.question, options.limit
        ),
        lambda options, items, answers: open_segmentation.measure(
            items, answers, load_vocabulary(vocabulary), _needed_encoder(options)
        ),
        _with_maps,
    )


def _referring(title: str) -> Benchmark:
    return Benchmark(
        title,
        referring.ASKED_AS,
        lambda options: referring.read_items(options.data, options.pictures, options.limit),
        lambda options, items, answers: referring.measure(items, answers, _encoder(options)),
        _with_encoder,
    )


def _read_captions(options: argparse.Namespace) -> list[Item]:
    captions.check_scorer()
    return captions.read_items(options.data, options.pictures, options.limit)


def _with_judge(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--context", type=Path, required=True, help="what the judge knows of the pictures")
    parser.add_argument(
        "--reference", type=Path, required=True, help="the answers that those of the model are held against"
    )
    parser.add_argument("--rule", type=Path, help="the benchmark's rules for judges; default: rules of our own")
    parser.add_argument(
        "--judge", required=True, metavar="openai:URL#MODEL", help="who judges; the key is read from OPENAI_API_KEY"
    )


def _judge(options: argparse.Namespace, items: Sequence[Item], answers: Mapping[str, str]) -> Outcome:
    if options.cut_answers == "released":
        answers = {key: judged.cut_answer(answer) for key, answer in answers.items()}
    scores = judged.judge(items, answers, options.judge, options.out / "judged.jsonl")
    return judged.measure(items, scores, options.judge)


def _judged(title: str, cut: str) -> Benchmark:
    def add_options(parser: argparse.ArgumentParser) -> None:
        _with_judge(parser)
        parser.add_argument(
            "--cut-answers",
            choices=("released", "never"),
            default=cut,
            help="keep what stands between an answer's first two colons, as the released code; default: %(default)s",
        )

    return Benchmark(
        title,
        judged.ASKED_AS,
        lambda options: judged.read_items(
            options.data, options.pictures, options.context, options.reference, options.rule, options.limit
        ),
        _judge,
        add_options,
    )


BENCHMARKS: dict[str, Benchmark] = {
    "lvis": _referring("referring classification on LVIS"),
    "paco": _referring("referring classification on PACO"),
    "cityscapes": _segmentation("open-vocabulary segmentation on Cityscapes", "cityscapes"),
    "ade20k": _segmentation("open-vocabulary segmentation on ADE20K-150", "ade20k"),
    "pope": Benchmark(
        "POPE: questions whether an object is there",
        pope.ASKED_AS,
        lambda options: pope.read_items(options.data, options.pictures, options.limit),
        lambda options, items, answers: pope.measure(items, answers),
        several_files=True,
    ),
    "refcocog": Benchmark(
        "captions of regions on RefCOCOg; needs Java and requirements-captions.txt",
        captions.ASKED_AS,
        _read_captions,
        lambda options, items, answers: captions.measure(items, answers),
    ),
    "ferret-bench": _judged("Ferret-Bench: descriptions of and reasoning about regions, scored by a judge", "never"),
    "hallucination": Benchmark(
        "things mentioned in descriptions of pictures that are not there, by length of the text",
        hallucination.ASKED_AS,
        lambda options: hallucination.read_items(options.data, options.pictures, options.limit),
        lambda options, items, answers: hallucination.measure(items, answers),
    ),
    "description": _judged("detailed descriptions of regions, scored by a judge", "released"),
}


def main(name: str, argv: Sequence[str], load: Loader | None = None) -> int:
    """Run one benchmark; returns the process's exit code. `load` stands in for the usual loading of models."""
    benchmark = BENCHMARKS[name]
    asked_as = benchmark.asked_as
    parser = argparse.ArgumentParser(prog=f"python -m osprey_core.evaluation {name}", description=benchmark.title)
    parser.add_argument("model", help='"nano", a folder or a Hub name, or openai:URL#MODEL')
    parser.add_argument(
        "--data", type=Path, required=True, nargs="+" if benchmark.several_files else None, help="the published file"
    )
    parser.add_argument("--pictures", type=Path, required=True, help="the folder of its pictures")
    parser.add_argument("--out", type=Path, required=True, help="folder of answers, results.json and table.md")
    parser.add_argument("--limit", type=int, help="only so many pictures or questions, the first ones")
    parser.add_argument("--batch-size", type=int, default=16, help="regions that are answered together")
    parser.add_argument(
        "--intro",
        choices=("released", "model"),
        default="released",
        help="the sentence before a question: the released evaluation's, or the one that the model was made with",
    )
    parser.add_argument(
        "--temperature", type=float, default=asked_as.temperature, help="default: %(default)s, released"
    )
    parser.add_argument("--max-new-tokens", type=int, default=asked_as.max_new_tokens)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    benchmark.add_options(parser)
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        if options.batch_size < 1 or (options.limit is not None and options.limit < 1):
            raise InputError("papers.option_too_small")
        found = _run(name, benchmark, options, load or _load)
        write_file(options.out / "results.json", plain_json(found).encode())
        write_file(options.out / "table.md", (as_table(found) + "\n").encode())
        log.info("%s", as_table(found))
    except OspreyError as error:
        log.error("%s", error)
        return 2
    return 0


def _run(name: str, benchmark: Benchmark, options: argparse.Namespace, load: Loader) -> dict[str, Any]:
    items = benchmark.read(options)
    if not items:
        raise InputError("papers.items_missing", path=str(options.data))
    settings = RunSettings(
        f"{name} {options.question}" if "question" in options else name,
        options.model,
        benchmark.asked_as.intro if options.intro == "released" else "",
        options.temperature,
        options.max_new_tokens,
        options.seed,
    )
    model = load(options.model, options.device)
    answers = answer_items(model, items, options.out / "answers.jsonl", settings, options.batch_size)
    outcome = benchmark.measure(options, items, answers)
    return results(name, options.model, asdict(settings), len(items), outcome)


def _load(name: str, device: str) -> Any:
    from osprey_core.backends.loading import load_region_model

    return load_region_model(name, device)
