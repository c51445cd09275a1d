"""Training records from annotated pictures: `python -m osprey_core.datagen positive-negative --lvis FILE --out FILE`.

The other kinds of dialogue are written by a model behind an OpenAI-compatible endpoint (`written_command`). Records are
in the layout of Osprey-724K's files, which `--records` of `osprey_core.training` reads.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from osprey_core.datagen import written_command
from osprey_core.datagen.positive_negative import NO, YES, alike_names, make_records
from osprey_core.datagen.writer_tasks import KINDS
from osprey_core.errors import InputError, OspreyError
from osprey_core.evaluation.papers.items import read_json
from osprey_core.evaluation.sentence_similarity import load_sentence_encoder
from osprey_core.io.files import check_file_writable, plain_json, write_file
from osprey_core.io.streams import tolerate_any_encoding
from osprey_core.training.records.coco import category_names, is_coco

log = logging.getLogger(__name__)

PUBLISHED = {"yes": 64_000, "no": 64_000}
"""Questions of this kind in Osprey-724K."""


def main(argv: Sequence[str] | None = None) -> int:
    """Make records; returns the process's exit code."""
    options = command_parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        if options.kind in KINDS:
            statistics, code = written_command.make(options)
        else:
            statistics, code = _positive_negative(options), 0
    except OspreyError as error:
        log.error("%s", error)
        return 2
    except KeyboardInterrupt:
        kept = " Replies are kept; the same command goes on." if options.kind in KINDS else ""
        log.error("Interrupted.%s", kept)
        return 130
    log.info("%s", "\n".join(f"{name}: {value}" for name, value in statistics.items()))
    return code


def command_parser() -> argparse.ArgumentParser:
    """What the command line may hold."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.datagen", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    kind = kinds.add_parser(
        "positive-negative", help="is the category of a region this one? yes and no, no model needed"
    )
    kind.add_argument("--lvis", type=Path, required=True, help="LVIS, or another file in COCO's shape with outlines")
    kind.add_argument(
        "--out", type=Path, required=True, help="the file of records; FILE.statistics.json goes beside it"
    )
    kind.add_argument("--per-picture", type=int, default=5, help="regions that are asked about, at most")
    kind.add_argument("--limit", type=int, help="records, at most")
    kind.add_argument("--seed", type=int, default=0)
    kind.add_argument("--sentence-encoder", help="folder or Hub name of the encoder that finds names that are alike")
    written_command.add_kinds(kinds)
    return parser


def _positive_negative(options: argparse.Namespace) -> dict[str, Any]:
    for name in ("per_picture", "limit"):
        if (value := getattr(options, name)) is not None and value < 1:
            raise InputError("training.option_too_small", name=name.replace("_", "-"))
    content = read_json(options.lvis)
    if not is_coco(content):
        raise InputError("papers.file_foreign", path=str(options.lvis))
    encode = load_sentence_encoder(options.sentence_encoder)
    if encode is None:
        raise InputError("papers.encoder_missing")
    check_file_writable(options.out)
    alike = alike_names(list(category_names(content).values()), encode)
    records = list[dict[str, Any]]()
    kinds = Counter[str]()
    for record, of_record in tqdm(make_records(content, alike, options.per_picture, options.seed), mininterval=5):
        if options.limit is not None and len(records) >= options.limit:
            break
        records.append(record)
        kinds += of_record
    if not records:
        raise InputError("papers.items_missing", path=str(options.lvis))
    write_file(options.out, json.dumps(records, ensure_ascii=False).encode())
    statistics = {
        "records": len(records),
        "regions": sum(len(record["annotation"]) for record in records),
        "yes": _answers(records, YES),
        "no": _answers(records, NO),
        **{f"wrong names, {kind}": count for kind, count in sorted(kinds.items())},
        "published": PUBLISHED,
    }
    write_file(options.out.with_name(options.out.name + ".statistics.json"), plain_json(statistics).encode())
    return statistics


def _answers(records: Sequence[dict[str, Any]], answer: str) -> int:
    return sum(said["value"] == answer for record in records for said in record["conversations"])


if __name__ == "__main__":
    tolerate_any_encoding()
    sys.exit(main())
