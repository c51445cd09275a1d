"""Osprey-724K's positive and negative questions: is the category of a region this one? No model writes them.

Every region is asked about twice, once with its own category and once with a wrong one, so that yes and no are equally
many. Wrong ones are, in turns, that of the nearest thing of another category (spatial), and one of the names that are
most alike by sentence embeddings (class-aware).
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from osprey_core.evaluation.sentence_similarity import SentenceEncoder
from osprey_core.training.records.coco import by_id, category_names, entries, file_name

QUESTION = "Is the category of <region{number}> {name}?"
YES, NO = "Yes", "No"
ALIKE = 8
"""A class-aware wrong name is one of so many that are most alike."""
SMALLEST_SIDE = 8.0
"""Regions with a box of fewer pixels on a side are not asked about: nobody could tell."""

SPATIAL, CLASS_AWARE = "spatial", "class-aware"


def alike_names(names: Sequence[str], encode: SentenceEncoder) -> dict[str, list[str]]:
    """For every name the ALIKE others that are most alike, the most alike first."""
    unique = sorted(set(names))
    vectors = np.asarray(encode(unique))
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    order = np.argsort(-cosines, axis=1, kind="stable")[:, : min(ALIKE, len(unique) - 1)]
    return {name: [unique[place] for place in row] for name, row in zip(unique, order, strict=True)}


def make_records(
    content: Mapping[str, Any], alike: Mapping[str, Sequence[str]], per_picture: int, seed: int = 0
) -> Iterator[tuple[dict[str, Any], Counter[str]]]:
    """(record in the published layout, counts of its wrong names by kind) of each picture of a file in COCO's shape.

    Args:
        alike: as `alike_names` gives it.
        per_picture: regions of one record, at most, chosen at random by the seed and the picture's id.

    Raises InputError where the file is broken.
    """
    names, pictures = category_names(content), by_id(content, "images")
    regions: dict[Any, list[Mapping[str, Any]]] = {}
    for region in entries(content, "annotations"):
        if region.get("image_id") in pictures and region.get("category_id") in names and not region.get("iscrowd"):
            regions.setdefault(region["image_id"], []).append(region)
    for number, of_picture in regions.items():
        rng = np.random.default_rng([seed, zlib.crc32(str(number).encode())])
        askable = [region for region in of_picture if min(region["bbox"][2:4]) >= SMALLEST_SIDE]
        chosen = [askable[place] for place in sorted(rng.permutation(len(askable))[:per_picture])]
        conversations: list[dict[str, str]] = []
        kinds: Counter[str] = Counter()
        there = {names[region["category_id"]] for region in of_picture}
        for place, region in enumerate(chosen, 1):
            own = names[region["category_id"]]
            found = _wrong_name(region, of_picture, names, alike, there, bool(place % 2), rng)
            if found is None:
                continue
            kind, wrong = found
            kinds[kind] += 1
            pairs = [(own, YES), (wrong, NO)]
            for name, answer in pairs if rng.random() < 0.5 else reversed(pairs):
                conversations.append({"from": "human", "value": QUESTION.format(number=place, name=name)})
                conversations.append({"from": "gpt", "value": answer})
        if conversations:
            yield _record(str(number), pictures[number], chosen, conversations), kinds


def _wrong_name(
    region: Mapping[str, Any],
    others: Sequence[Mapping[str, Any]],
    names: Mapping[Any, str],
    alike: Mapping[str, Sequence[str]],
    there: set[str],
    spatial_first: bool,
    rng: np.random.Generator,
) -> tuple[str, str] | None:
    """(kind, a category that the region is not), by the wanted kind or else by the other; None where there is none.

    A class-aware name is none of the picture's: two annotators may have called the same thing by both.
    """
    own = names[region["category_id"]]
    different = [other for other in others if names[other["category_id"]] != own]
    spatial = class_aware = None
    if different:
        nearest = min(different, key=lambda other: math.dist(_middle(region), _middle(other)))
        spatial = (SPATIAL, names[nearest["category_id"]])
    candidates = [name for name in alike.get(own, ()) if name not in there]
    if candidates:
        class_aware = (CLASS_AWARE, candidates[int(rng.integers(len(candidates)))])
    return (spatial or class_aware) if spatial_first else (class_aware or spatial)


def _middle(region: Mapping[str, Any]) -> tuple[float, float]:
    x, y, width, height = region["bbox"]
    return x + width / 2, y + height / 2


def _record(
    number: str, picture: Mapping[str, Any], regions: Sequence[Mapping[str, Any]], conversations: list[dict[str, str]]
) -> dict[str, Any]:
    """One entry in the layout of osprey_lvis_positive_negative.json."""
    return {
        "id": number,
        "file_name": file_name(picture),
        "height": picture["height"],
        "width": picture["width"],
        "annotation": [{"bbox": region["bbox"], "segmentation": region["segmentation"]} for region in regions],
        "conversations": conversations,
    }
