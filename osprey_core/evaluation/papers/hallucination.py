"""Object hallucination by length: what a description of a picture mentions that is not there (after CHAIR).

CHAIR (Rohrbach et al., 2018) compares the objects that a text mentions with COCO's annotations. Longer texts mention
more, so every answer is measured at several lengths: its first so many words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from osprey_core.errors import InputError
from osprey_core.evaluation.measures import resampled
from osprey_core.evaluation.papers.items import OVERVIEW, AskedAs, Item, Outcome, find_picture, objects, read_json
from osprey_core.language.wording import plural
from osprey_core.vocabularies import load_vocabulary

ASKED_AS = AskedAs(OVERVIEW)
QUESTION = "Describe this picture in detail."
LENGTHS = (10, 25, 50, 100, 0)
"""Words of an answer that are measured; 0: all."""


def read_items(file: Path, pictures: Path, limit: int | None = None) -> list[Item]:
    """One item for each picture of a file in COCO's layout; its truth is the set of its objects' names.

    Raises InputError where the file is another one, or has no category of COCO's.
    """
    content = read_json(file)
    if not isinstance(content, dict):
        raise InputError("papers.file_foreign", path=str(file))
    names = {entry["id"]: str(entry["name"]) for entry in objects(content.get("categories"), file, "id", "name")}
    if not set(names.values()) & set(mentioned_as().values()):
        raise InputError("papers.categories_foreign", path=str(file), vocabulary="coco")
    there: dict[object, set[str]] = {}
    for annotation in objects(content.get("annotations"), file, "image_id", "category_id"):
        there.setdefault(annotation["image_id"], set()).add(names[annotation["category_id"]])
    items = []
    for image in objects(content.get("images"), file, "id", "file_name")[:limit]:
        picture = find_picture(pictures, str(image["file_name"]))
        items.append(Item(str(image["id"]), picture, QUESTION, truth=frozenset(there.get(image["id"], ()))))
    return items


@cache
def mentioned_as() -> dict[str, str]:
    """COCO's name of a thing by each word for it, one or many of them: "doughnuts" is a "donut"."""
    words = {}
    for entry in load_vocabulary("coco").classes:
        if entry.is_thing:
            for text in (entry.name, *entry.texts):
                words[text.lower()] = words[plural(text.lower())] = entry.name
    return words


def mentioned(text: str) -> list[str]:
    """The things that a text mentions, each mention once; a longer name counts before a shorter one inside it."""
    return [mentioned_as()[match[0]] for match in _pattern().finditer(" ".join(text.lower().split()))]


@cache
def _pattern() -> re.Pattern[str]:
    words = sorted(mentioned_as(), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b")


def measure(items: Sequence[Item], answers: Mapping[str, str]) -> Outcome:
    """CHAIR_i, the share of mentions that are not there, and CHAIR_s, that of texts with one, by length; per cent."""
    outcome = Outcome()
    for length in LENGTHS:
        rows = []
        for item in items:
            words = answers[item.key].split()
            said = mentioned(" ".join(words[:length] if length else words))
            rows.append((sum(name not in item.truth for name in said), len(said)))
        name = f"first {length} words" if length else "whole"
        outcome.scores[f"CHAIR_i, {name}"] = resampled(rows, _share_of_mentions)
        outcome.scores[f"CHAIR_s, {name}"] = resampled(
            rows, lambda chosen: 100 * sum(wrong > 0 for wrong, _ in chosen) / len(chosen)
        )
    return outcome


def _share_of_mentions(rows: Sequence[tuple[int, int]]) -> float:
    total = sum(count for _, count in rows)
    return 100 * sum(wrong for wrong, _ in rows) / total if total else 0.0
