"""Referring classification on LVIS and PACO (Osprey, table 3): the category of a given mask, in a word or phrase.

Semantic Similarity is the cosine of sentence embeddings, Semantic IoU the overlap of words, both as the released code
computes them: with articles, split at white space.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from osprey_core.evaluation.measures import bootstrap
from osprey_core.evaluation.papers.items import (
    OVERVIEW,
    AskedAs,
    Item,
    Outcome,
    decoded,
    find_picture,
    objects,
    read_json,
)
from osprey_core.evaluation.sentence_similarity import SentenceEncoder, semantic_similarity
from osprey_core.language.prompts import QUESTIONS

ASKED_AS = AskedAs(OVERVIEW)


def read_items(file: Path, pictures: Path, limit: int | None = None) -> list[Item]:
    """Items of lvis_val_1k_category.json or paco_val_1k_category.json; `limit` counts pictures.

    The file is a list of {file_name, height, width, categories, annotations}, the last two parallel.
    """
    items = []
    for entry in objects(read_json(file), file, "file_name", "height", "width", "categories", "annotations")[:limit]:
        picture = find_picture(pictures, entry["file_name"])
        size_hw = (int(entry["height"]), int(entry["width"]))
        for place, (name, annotation) in enumerate(zip(entry["categories"], entry["annotations"], strict=True)):
            items.append(
                Item(
                    f"{entry['file_name']} {place}",
                    picture,
                    QUESTIONS["category"],
                    partial(decoded, annotation["segmentation"], size_hw),
                    cleaned_name(str(name)),
                )
            )
    return items


def cleaned_name(name: str) -> str:
    """A category's name as the released code compares it."""
    return name.replace("_", " ").replace(":", " ")


def cleaned_answer(answer: str) -> str:
    """An answer as the released code compares it: what stands between its first two colons, without marks."""
    answer = answer.strip()
    if ":" in answer:
        answer = answer.split(":")[1]
    return answer.replace(".", " ").replace(":", " ").replace(",", " ")


def word_overlap(answer: str, truth: str) -> float:
    """Semantic IoU: shared words over all words, in lower case; 0 where there is none."""
    said, true = set(answer.lower().split()), set(truth.lower().split())
    return len(said & true) / len(said | true) if said | true else 0.0


def measure(items: Sequence[Item], answers: Mapping[str, str], encode: SentenceEncoder | None) -> Outcome:
    """SS and S-IoU in per cent, with intervals over the objects; without an encoder no SS."""
    said = [cleaned_answer(answers[item.key]) for item in items]
    truths = [str(item.truth) for item in items]
    outcome = Outcome()
    if encode is not None:
        similar: list[Any] = semantic_similarity([" ".join(s.split()) for s in said], [[t] for t in truths], encode)
        outcome.scores["SS"] = bootstrap([100 * value for value in similar])
    else:
        outcome.notes.append("SS needs a sentence encoder: --sentence-encoder.")
    overlaps = [100 * word_overlap(answer, truth) for answer, truth in zip(said, truths, strict=True)]
    outcome.scores["S-IoU"] = bootstrap(overlaps)
    return outcome
