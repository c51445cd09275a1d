"""Open-vocabulary segmentation on Cityscapes and ADE20K-150 (Osprey, table 2): the class of every given segment.

Every segment of the panoptic ground truth is one prompt. The answer is compared with all classes by sentence
embeddings, and the cosines become scores as in the released code. Only the class can be wrong, never the mask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from osprey_core.errors import InputError
from osprey_core.evaluation.given_masks import LabelledSegment, mean_iou, panoptic_quality
from osprey_core.evaluation.measures import resampled
from osprey_core.evaluation.papers.items import (
    DOTTED_OVERVIEW,
    AskedAs,
    Item,
    Outcome,
    find_picture,
    objects,
    read_json,
)
from osprey_core.evaluation.sentence_similarity import SentenceEncoder
from osprey_core.vocabularies import Vocabulary

ASKED_AS = AskedAs(DOTTED_OVERVIEW)

QUESTION_TEXTS = {
    "released": "What is in <region1>? Using a short phrase.",
    "paper": "Can you give me a short description of <region1>? Using a short phrase.",
}
"""The question of the released code, and the one that the paper prints."""

SENTENCE = "There is a {} in the scene."
MOST_SEGMENTS = 300
MOST_DETECTIONS = 100
"""Of a picture, in AP."""

_RECALLS = np.linspace(0, 1, 101)


def read_items(
    file: Path, maps: Path, pictures: Path, vocabulary: Vocabulary, question: str, limit: int | None = None
) -> list[Item]:
    """Segments of a file in COCO's panoptic form with its folder of id maps; `limit` counts pictures.

    Args:
        question: "released" or "paper".

    Raises:
        InputError: the file is another one, or its categories are not those of the vocabulary.
    """
    content = read_json(file)
    if not isinstance(content, dict):
        raise InputError("papers.file_foreign", path=str(file))
    places = class_places(objects(content.get("categories"), file, "id", "name"), vocabulary, file)
    names = {entry["id"]: entry["file_name"] for entry in objects(content.get("images"), file, "id", "file_name")}
    items = []
    for entry in objects(content.get("annotations"), file, "image_id", "file_name", "segments_info")[:limit]:
        id_map = maps / entry["file_name"]
        name = names.get(entry["image_id"], Path(entry["file_name"]).with_suffix(".jpg").name)
        picture = _picture_of(pictures, name)
        for segment in entry["segments_info"][:MOST_SEGMENTS]:
            number = int(segment["id"])
            if number == 0 or segment["category_id"] not in places:
                continue
            items.append(
                Item(
                    f"{entry['file_name']} {number}",
                    picture,
                    QUESTION_TEXTS[question],
                    partial(_mask_of, id_map, number),
                    (entry["file_name"], places[segment["category_id"]], int(segment.get("area", 0)), id_map, number),
                )
            )
    return items


def class_places(categories: Sequence[Mapping[str, Any]], vocabulary: Vocabulary, file: Path) -> dict[int, int]:
    """Place in the vocabulary by category id: by name, or in the order of ids where there are as many of them."""
    by_name = {name: place for place, name in enumerate(vocabulary.names)}
    if all(category["name"] in by_name for category in categories):
        return {int(category["id"]): by_name[category["name"]] for category in categories}
    if len(categories) != len(vocabulary.names):
        raise InputError("papers.categories_foreign", path=str(file), vocabulary=vocabulary.name)
    return {number: place for place, number in enumerate(sorted(int(category["id"]) for category in categories))}


def _picture_of(folder: Path, name: str) -> Path:
    """The picture; of Cityscapes in the folder of its city, under the name that the ground truth is made from."""
    city = Path(name).name.split("_")[0]
    names = (name, name.replace("_gtFine_leftImg8bit", "_leftImg8bit"))
    for candidate in (*names, *(f"{city}/{other}" for other in names)):
        if (folder / candidate).is_file():
            return folder / candidate
    return find_picture(folder, name)


def segment_mask(id_map: Path, number: int) -> np.ndarray:
    """bool (H, W): where the map (R + 256 G + 65536 B) holds the number. Raises InputError where it cannot be read."""
    try:
        with Image.open(id_map) as picture:
            channels = np.asarray(picture.convert("RGB"), dtype=np.int64)
    except OSError as error:
        raise InputError("papers.map_unreadable", path=str(id_map)) from error
    return np.asarray(channels @ np.array([1, 256, 65536]) == number)


def _mask_of(id_map: Path, number: int) -> tuple[np.ndarray]:
    return (segment_mask(id_map, number),)


def class_scores(answers: Sequence[str], vocabulary: Vocabulary, encode: SentenceEncoder) -> NDArray[np.float32]:
    """Scores (N, C) of answers: the soft-maxed cosine with the best synonym's sentence, without a temperature."""
    sentences = [SENTENCE.format(text) for entry in vocabulary.classes for text in entry.texts]
    owners = np.repeat(np.arange(len(vocabulary.classes)), [len(entry.texts) for entry in vocabulary.classes])
    written = [answer.strip() or "." for answer in answers]  # an encoder may refuse an empty text
    cosines = np.asarray(encode(written)) @ np.asarray(encode(sentences)).T  # (N, synonyms)
    best = np.full((len(answers), len(vocabulary.classes)), -np.inf)
    np.maximum.at(best.T, owners, cosines.T)
    powers = np.exp(best - best.max(1, keepdims=True))
    return (powers / powers.sum(1, keepdims=True)).astype(np.float32)


def ranked_precision(pictures: Sequence[Sequence[LabelledSegment]], things: Sequence[int]) -> float:
    """AP as the released code has it: of a picture, the best pairs of segment and class are detections.

    All segments and classes compete for a picture's MOST_DETECTIONS places; detections of stuff are then left out. A
    detection is right where the class is the segment's own. Every right one overlaps fully, so that AP is the same at
    all thresholds; precision is interpolated at COCO's 101 recalls, and is 0 at recalls that are not reached. The
    evaluation of Cityscapes' own tools interpolates otherwise.
    """
    found: dict[int, list[tuple[float, bool]]] = {place: [] for place in things}
    true = dict.fromkeys(things, 0)
    for segments in pictures:
        if not segments:
            continue
        for segment in segments:
            if segment.truth in true:
                true[segment.truth] += 1
        scores = np.stack([segment.scores for segment in segments])
        for place in np.argsort(-scores, axis=None, kind="stable")[:MOST_DETECTIONS]:
            row, label = divmod(int(place), scores.shape[1])
            if label in found:
                found[label].append((float(scores[row, label]), segments[row].truth == label))
    values = []
    for label in things:
        if not true[label]:
            continue
        hits = np.array([hit for _, hit in sorted(found[label], key=lambda one: -one[0])], dtype=bool)
        reached = hits.cumsum() / true[label]
        precision = hits.cumsum() / np.arange(1, len(hits) + 1)
        best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
        places = np.searchsorted(reached, _RECALLS, side="left")
        values.append(float(np.append(best_from_here, 0.0)[np.minimum(places, len(hits))].mean()))
    return float(np.mean(values)) if values else float("nan")


def measure(
    items: Sequence[Item], answers: Mapping[str, str], vocabulary: Vocabulary, encode: SentenceEncoder
) -> Outcome:
    """PQ, AP and mIoU in per cent, with intervals over pictures."""
    scores = class_scores([answers[item.key] for item in items], vocabulary, encode)
    pictures: dict[str, list[LabelledSegment]] = {}
    for item, row in zip(items, scores, strict=True):
        picture, truth, area, id_map, number = item.truth
        pictures.setdefault(picture, []).append(
            LabelledSegment(truth, area or int(segment_mask(id_map, number).sum()), row)
        )
    things = [place for place, entry in enumerate(vocabulary.classes) if entry.is_thing]
    classes = len(vocabulary.classes)

    def per_cent(
        of: Callable[[Sequence[Sequence[LabelledSegment]]], float],
    ) -> Callable[[Sequence[Sequence[LabelledSegment]]], float]:
        return lambda chosen: 100 * of(chosen)

    def joined(chosen: Sequence[Sequence[LabelledSegment]]) -> list[LabelledSegment]:
        return [segment for segments in chosen for segment in segments]

    groups = list(pictures.values())
    return Outcome(
        {
            "PQ": resampled(groups, per_cent(lambda chosen: panoptic_quality(joined(chosen), classes))),
            "AP": resampled(groups, per_cent(lambda chosen: ranked_precision(chosen, things))),
            "mIoU": resampled(groups, per_cent(lambda chosen: mean_iou(joined(chosen), classes))),
        }
    )
