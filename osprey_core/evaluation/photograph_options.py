"""What the commands about annotated photographs have in common: which photographs, and where the figures go."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from osprey_core.errors import InputError
from osprey_core.evaluation.finding import without_nan
from osprey_core.evaluation.measures import Score
from osprey_core.io.files import plain_json, write_file
from osprey_core.training.scenes.photographs import Photograph, held_back, only_pictures, read_photographs

_NUMBERS_OF_A_FILE = 10**12


def add_photograph_options(parser: argparse.ArgumentParser, required: bool) -> None:
    """Options that choose photographs, and those that say where the figures go."""
    texts = {
        "--coco": "photographs: a file in COCO's shape with outlines; once for each file",
        "--pictures": "the folder of its pictures, once for each file",
    }
    for name, text in texts.items():
        parser.add_argument(name, type=Path, action="append", required=required, default=[], help=text)
    parser.add_argument(
        "--held-back",
        metavar="SET",
        action="append",
        default=[],
        help="only the pictures of a set that were never trained on, once for each file",
    )
    parser.add_argument("--limit", type=int, help="only so many photographs of each file, the first ones")
    parser.add_argument("--out", type=Path, help="write all figures as JSON")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON on the standard output")


def photographs_by_file(
    options: argparse.Namespace, counts: Callable[[Photograph], bool] = lambda photograph: True
) -> list[list[Photograph]]:
    """The photographs of each file that the options choose and that count.

    Raises InputError where the options do not fit together or a file cannot be read.
    """
    if len(options.coco) != len(options.pictures) or len(options.held_back) not in (0, len(options.coco)):
        raise InputError("evaluation.pictures_missing")
    if options.limit is not None and options.limit < 1:
        raise InputError("training.option_too_small", name="limit")
    by_file = []
    for place, (file, folder) in enumerate(zip(options.coco, options.pictures, strict=True)):
        photographs = read_photographs(file, folder)
        if options.held_back:
            photographs = only_pictures(photographs, held_back(options.held_back[place]), True)
        by_file.append([photograph for photograph in photographs if counts(photograph)][: options.limit])
    return by_file


def joined(by_file: Sequence[Sequence[Photograph]]) -> list[Photograph]:
    """The photographs of all files, with numbers that are different between files; those of the first file stay."""
    return [
        replace(photograph, number=photograph.number + place * _NUMBERS_OF_A_FILE)
        for place, photographs in enumerate(by_file)
        for photograph in photographs
    ]


def tell_figures(options: argparse.Namespace, figures: Mapping[str, Any]) -> None:
    """Write and print the figures as the options want them; one that is not defined is null.

    Raises InputError where the file cannot be written.
    """
    text = plain_json(without_nan(_plain(dict(figures))))
    if options.out:
        try:
            options.out.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = str(error.strerror or error)
            raise InputError("evaluation.file_unwritable", path=str(options.out), reason=reason) from error
        write_file(options.out, text.encode())
    if options.json:
        sys.stdout.write(text)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return asdict(value) if isinstance(value, Score) else value
