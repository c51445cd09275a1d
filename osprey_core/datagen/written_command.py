"""The kinds of dialogue that a writer model makes, on the command line:
`python -m osprey_core.datagen conversation --regions FILES --captions FILES --writer openai:URL#MODEL --out FILE`.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from tqdm import tqdm

from osprey_core.backends.openai_model import OpenAIEndpoint, OpenAIModel
from osprey_core.datagen.annotated import AnnotatedPicture
from osprey_core.datagen.annotation_files import read_paco, read_pictures, read_texts, read_things
from osprey_core.datagen.writer import Writer
from osprey_core.datagen.writer_tasks import KINDS, WriterTask, tasks_of
from osprey_core.datagen.writing import Estimate, Price, Report, estimate, patient, write_all
from osprey_core.errors import InputError
from osprey_core.io.files import check_file_writable, plain_json, write_file
from osprey_core.language.sampling import SamplingSettings

log = logging.getLogger(__name__)

INCOMPLETE = 3
"""The exit code where some requests failed; the same command asks these again."""


def add_kinds(kinds: Any) -> None:
    """Add a command for each kind to the parsers of kinds."""
    for name, kind in KINDS.items():
        parser = kinds.add_parser(name, help=kind.title, description=f"{kind.title[0].upper()}{kind.title[1:]}.")
        if kind.of_parts:
            parser.add_argument("--paco", type=Path, nargs="+", required=True, help="paco_lvis_v1_….json")
        else:
            parser.add_argument(
                "--regions",
                type=Path,
                nargs="+",
                required=True,
                help="RefCOCO's refs(…).p with instances.json beside it, or files in COCO's shape",
            )
            parser.add_argument(
                "--captions",
                type=Path,
                nargs="*",
                default=[],
                help="LLaVA's descriptions or COCO's captions of whole pictures; the first file that has any counts",
            )
        if kind.with_things:
            parser.add_argument("--things", type=Path, help="COCO's instances: everything in the pictures, with boxes")
        parser.add_argument(
            "--writer",
            required=True,
            metavar="openai:URL#MODEL",
            help="who writes; the key is in OPENAI_API_KEY",
        )
        parser.add_argument(
            "--out", type=Path, required=True, help=f"the file of records, usually {kind.file}; statistics go beside it"
        )
        parser.add_argument("--replies", type=Path, help="the file that keeps all replies; default: OUT.replies.jsonl")
        parser.add_argument("--limit", type=int, help="requests, at most")
        parser.add_argument("--regions-per-request", type=int, default=8, help="regions of one record, at most")
        parser.add_argument("--concurrency", type=int, default=4, help="requests at a time")
        parser.add_argument("--retries", type=int, default=6, help="how often a failed request is sent again")
        parser.add_argument("--temperature", type=float, default=0.7)
        parser.add_argument("--max-new-tokens", type=int, default=3000)
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument(
            "--price",
            type=float,
            nargs=2,
            metavar=("READ", "WRITTEN"),
            help="money for a million tokens that the model reads and writes",
        )
        parser.add_argument("--yes", action="store_true", help="ask, whatever the estimate says")
        parser.add_argument("--dry-run", action="store_true", help="show estimate and first request, ask nothing")


def make(options: argparse.Namespace) -> tuple[dict[str, Any], int]:
    """Make the records of a kind; statistics and the exit code. `options.kind` is one of `KINDS`.

    Raises InputError for a wrong option, a file that cannot be used, or an endpoint that refuses.
    """
    _check(options)
    replies = options.replies or options.out.with_name(options.out.name + ".replies.jsonl")
    _check_paths(options, replies)
    endpoint = OpenAIEndpoint.of(options.writer)
    settings = SamplingSettings(options.temperature, 1.0, options.max_new_tokens, options.seed)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # else a line for each request between the progress
    try:
        options.out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError("file.unwritable", path=str(options.out), reason=str(error.strerror or error)) from error
    check_file_writable(options.out)
    tasks = list(islice(tasks_of(options.kind, _pictures(options), options.regions_per_request), options.limit))
    if not tasks:
        files = options.paco if KINDS[options.kind].of_parts else options.regions
        raise InputError("datagen.regions_missing", path=", ".join(map(str, files)))
    stop = threading.Event()
    writer = Writer(OpenAIModel(endpoint), settings, replies, patient(stop, options.retries, 1.0))
    price = Price(*options.price) if options.price else None
    expected = estimate(tasks, writer)
    _tell(expected, price)
    if options.dry_run:
        for message in tasks[0].messages():
            log.info("\n[%s]\n%s", message["role"], message["content"])
        return {}, 0
    if not options.yes and expected.requests:
        raise InputError("datagen.not_confirmed")
    return _write(options, tasks, writer, price, stop)


def _write(
    options: argparse.Namespace, tasks: list[WriterTask], writer: Writer, price: Price | None, stop: threading.Event
) -> tuple[dict[str, Any], int]:
    report, by_place = Report(options.kind), dict[int, dict[str, Any]]()
    with closing(write_all(tasks, writer, options.concurrency, stop)) as written:
        for place, outcome in tqdm(written, total=len(tasks), desc=options.kind, mininterval=5):
            report.add(outcome)
            if outcome.record is not None:
                by_place[place] = outcome.record
    records = [record for _, record in sorted(by_place.items(), key=lambda item: item[0])]
    statistics = {"writer": options.writer, **report.statistics(records, writer.sent, price)}
    if not records:
        log.info("%s", plain_json(statistics))
        raise InputError("datagen.nothing_written")
    write_file(options.out, json.dumps(records, ensure_ascii=False).encode("utf-8", "replace"))
    write_file(_statistics_file(options.out), plain_json(statistics).encode())
    return statistics, INCOMPLETE if report.failures else 0


def _check(options: argparse.Namespace) -> None:
    for name in ("limit", "regions_per_request", "concurrency"):
        if (value := getattr(options, name)) is not None and value < 1:
            raise InputError("training.option_too_small", name=name.replace("_", "-"))
    if options.retries < 0 or (options.price and not all(0 <= value < math.inf for value in options.price)):
        raise InputError("datagen.options_negative")


def _check_paths(options: argparse.Namespace, replies: Path) -> None:
    """Raises InputError where a file would be written over that is read, or that was paid for."""
    if KINDS[options.kind].of_parts:
        read = list(options.paco)
    else:
        read = [*options.regions, *options.captions]
        read += [options.things] if KINDS[options.kind].with_things and options.things else []
    written = {path.resolve() for path in (options.out, _statistics_file(options.out), replies)}
    if len(written) < 3 or written & {path.resolve() for path in read}:
        raise InputError("datagen.files_same")


def _statistics_file(out: Path) -> Path:
    return out.with_name(out.name + ".statistics.json")


def _pictures(options: argparse.Namespace) -> Iterator[AnnotatedPicture]:
    if KINDS[options.kind].of_parts:
        yield from read_paco(options.paco)
        return
    texts = read_texts(options.captions)
    things = read_things(options.things) if KINDS[options.kind].with_things and options.things else {}
    pictures = read_pictures(options.regions)
    log.info(
        "%d pictures; texts about %d of them and lists of things of %d of them.",
        len(pictures),
        sum(picture.key in texts for picture in pictures),
        sum(picture.key in things for picture in pictures),
    )
    for picture in pictures:
        yield replace(picture, texts=texts.get(picture.key, ()), things=tuple(things.get(picture.key, ())))


def _tell(expected: Estimate, price: Price | None) -> None:
    log.info(
        "%d requests to send, %d replies are kept from before. About %d tokens to read and %d to write.",
        expected.requests,
        expected.kept,
        expected.prompt_tokens,
        expected.new_tokens,
    )
    if price is not None:
        log.info("That costs about %.2f at the price given.", price.of(expected.prompt_tokens, expected.new_tokens))
