"""What a benchmark asks: one item is one question about a picture and some of its regions.

Readers make items of the published files; the runner answers them; a benchmark's measures compare answers with `truth`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from osprey_core.errors import InputError
from osprey_core.io.files import parse_json, read_file
from osprey_core.training.records.records import region_mask

MAX_FILE_BYTES = 4 * 2**30


@dataclass(frozen=True)
class Item:
    """One question of a benchmark."""

    key: str
    """Its own name among all items of the benchmark."""
    picture: Path
    question: str
    """Regions are called `<region1>` …"""
    masks: Callable[[], Sequence[np.ndarray]] = tuple
    """Decodes the regions: bool (H, W) of the picture's size; called when the item is asked."""
    truth: Any = None
    """What the benchmark's measures compare the answer with."""


def read_json(path: Path) -> Any:
    """A JSON file, or one JSON value a line. Raises InputError where it is neither or not there."""
    data = read_file(path, MAX_FILE_BYTES)
    try:
        return parse_json(data)
    except InputError:
        lines = [line for line in data.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
        return [parse_json(line) for line in lines]


def objects(value: Any, path: Path, *names: str) -> list[dict[str, Any]]:
    """The value as a list of objects that all have these entries. Raises InputError where it is another one."""
    if isinstance(value, dict) and all(name in value for name in names):  # a file of one line
        value = [value]
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise InputError("papers.file_foreign", path=str(path))
    for place, entry in enumerate(value, 1):
        if missing := [name for name in names if name not in entry]:
            raise InputError("papers.entry_incomplete", path=str(path), place=place, names=", ".join(missing))
    return value


def decode(segmentation: Any, size_hw: tuple[int, int]) -> np.ndarray:
    """A COCO segmentation (polygons or run lengths) as bool (H, W). Raises InputError where it cannot be decoded.

    An outline too thin for any pixel gives an empty mask.
    """
    try:
        return region_mask({"segmentation": segmentation}, 0, size_hw)
    except InputError as error:
        if error.code != "samples.segmentation_empty":
            raise
        return np.zeros(size_hw, bool)


def decoded(segmentation: Any, size_hw: tuple[int, int]) -> tuple[np.ndarray]:
    """As `decode`, for an item of one region."""
    return (decode(segmentation, size_hw),)


def find_picture(folder: Path, name: str) -> Path:
    """The picture of that name in the folder, also without COCO's old prefix ("COCO_train2014_"), as released.

    Raises InputError where it is not there.
    """
    last = Path(name).name
    for candidate in dict.fromkeys((name, last, last.split("_")[-1])):
        if (folder / candidate).is_file():
            return folder / candidate
    raise InputError("papers.picture_missing", name=name, folder=str(folder))


@dataclass(frozen=True)
class AskedAs:
    """How the released code of a benchmark asks."""

    intro: str
    """What stands before the question; `<image>` is the picture."""
    temperature: float = 0.2
    max_new_tokens: int = 1024


@dataclass
class Outcome:
    """What a benchmark's measures say. Scores are published ones, most of them per cent."""

    scores: dict[str, Any] = field(default_factory=dict)
    """By name a `measures.Score`."""
    notes: list[str] = field(default_factory=list)


OVERVIEW = "<image>\nThis provides an overview of the picture.\n"
"""The usual sentence before a question in the released code."""

DOTTED_OVERVIEW = "<image>.\nThis provides an overview of the picture.\n"


def dumped(value: Any) -> str:
    """One line of JSON."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode() + "\n"
