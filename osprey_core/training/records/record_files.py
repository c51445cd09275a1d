"""Reads files of records in all supported shapes: Osprey-724K, LLaVA, COCO, LVIS, RefCOCO.

`read_entries` recognises the shape and decodes nothing, so that large files open quickly; an `Entry` is decoded when
its record is asked for. This module opens no pictures.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from osprey_core.errors import InputError
from osprey_core.i18n import Message
from osprey_core.language.prompts import Turn
from osprey_core.training.records.coco import coco_items, is_coco
from osprey_core.training.records.expressions import (
    INSTANCES_FILE,
    PICKLES,
    expression_items,
    is_expressions,
    read_pickle,
)
from osprey_core.training.records.records import TrainingRecord, answers_mention_regions, from_json, introduced

log = logging.getLogger(__name__)

BRIEF = " Answer the question using a single word or phrase."
"""What the published training says behind every question of its part-level and short-form files."""

_BRIEF_FILES = ("part_level", "part_categories", "part_attributes", "short_form")
"""Endings of names; the two kinds of part_level may lie in files of their own."""
_INTRODUCED_FILES = ("conversation", *_BRIEF_FILES)


@dataclass(frozen=True)
class Entry:
    """One record of a file, not yet decoded."""

    file: Path
    where: Message
    values: Any

    def record(self) -> TrainingRecord:
        """Decode it, worded as the published training words files of that name.

        Raises InputError naming the file, the entry and what is wrong with it.
        """
        try:
            record = from_json(self.values)
        except InputError as error:
            raise InputError(
                "sample_file.entry_invalid", path=str(self.file), where=self.where, reason=error
            ) from error
        published = self.file.stem.startswith("osprey_")
        if published and self.file.stem.endswith(_BRIEF_FILES):
            record = replace(record, turns=tuple(_briefly(turn) for turn in record.turns))
        if (published and self.file.stem.endswith(_INTRODUCED_FILES)) or answers_mention_regions(record):
            record = introduced(record)
        return record


def read_entries(path: str | Path) -> list[Entry]:
    """The records of a file in any of the shapes above.

    Raises InputError naming the file, and the entry where one is to blame: the file cannot be read, or has another
    shape. Masks and conversations are checked when an entry is decoded.
    """
    path = Path(path)
    content = read_pickle(path) if path.suffix in PICKLES else _read_json(path)
    try:
        if is_coco(content):
            return [Entry(path, where, item) for where, item in coco_items(content)]
        if is_expressions(content):
            beside = path.parent / INSTANCES_FILE
            if not beside.is_file():
                raise InputError("expressions.instances_missing", file=INSTANCES_FILE)
            return [Entry(path, where, item) for where, item in expression_items(content, _instances(beside))]
    except InputError as error:
        raise InputError("sample_file.invalid", path=str(path), reason=error) from error
    if not isinstance(content, list):
        raise InputError("sample_file.not_a_list", path=str(path))
    # Conversations without a single question are in the published files; they teach nothing.
    return [
        Entry(path, Message("samples.record", {"place": place}), item)
        for place, item in enumerate(content)
        if not (isinstance(item, Mapping) and item.get("conversations") == [] and "id" in item)
    ]


def load_records(path: str | Path, on_bad: Literal["raise", "skip"] = "raise") -> Iterator[TrainingRecord]:
    """Read and decode the records of a file one by one.

    Raises InputError naming the file, the entry and what is wrong with it; with on_bad="skip" a bad entry is logged
    and left out, and only an unreadable file raises.
    """
    for entry in read_entries(path):
        try:
            yield entry.record()
        except InputError as error:
            if on_bad == "raise":
                raise
            log.warning("Left out: %s", error)


def _briefly(turn: Turn) -> Turn:
    return turn if turn.question.endswith(BRIEF.strip()) else replace(turn, question=turn.question + BRIEF)


def _instances(path: Path) -> Mapping[str, Any]:
    content = _read_json(path)
    if not is_coco(content):
        raise InputError("sample_file.instances_invalid", file=path.name)
    found: Mapping[str, Any] = content
    return found


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError("sample_file.missing", path=str(path)) from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError("sample_file.json_unreadable", path=str(path), reason=str(error)) from error
