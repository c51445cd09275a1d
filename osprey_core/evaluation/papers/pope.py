"""POPE (Li et al., 2023; Osprey, table 5): is there such an object in the picture? No region is shown.

The splits random, popular and adversarial are files of their own; each is measured by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from osprey_core.errors import InputError
from osprey_core.evaluation.measures import Score, yes_no_measures
from osprey_core.evaluation.papers.items import AskedAs, Item, Outcome, find_picture, objects, read_json

ASKED_AS = AskedAs("<image>\n")

NAMES = {"accuracy": "accuracy", "precision": "precision", "recall": "recall", "f1": "F1", "yes_rate": "yes"}


def read_items(files: Sequence[Path], pictures: Path, limit: int | None = None) -> list[Item]:
    """Items of files with one {image, text, label} a line; `limit` counts questions of each file.

    Raises InputError where a label is neither yes nor no.
    """
    items = []
    for file in files:
        for place, entry in enumerate(objects(read_json(file), file, "image", "text", "label")[:limit], 1):
            label = str(entry["label"]).strip().lower()
            if label not in ("yes", "no"):
                raise InputError("papers.label_unknown", path=str(file), place=place, label=repr(entry["label"])[:40])
            split = split_of(file)
            picture = find_picture(pictures, str(entry["image"]))
            items.append(Item(f"{split} {place}", picture, str(entry["text"]), truth=(split, label == "yes")))
    return items


def split_of(file: Path) -> str:
    """The split that a file is, by its name."""
    known = [name for name in ("random", "popular", "adversarial") if name in file.stem]
    return known[0] if len(known) == 1 else file.stem


def says_yes(answer: str) -> bool:
    """Whether an answer counts as yes: by the rule of POPE's own evaluation, unless its first sentence denies."""
    words = answer.strip().split(".")[0].replace(",", "").split(" ")
    return not any(word.lower() == "no" or word == "not" for word in words)


def measure(items: Sequence[Item], answers: Mapping[str, str]) -> Outcome:
    """Accuracy, precision, recall, F1 and share of yes of each split, in per cent."""
    outcome = Outcome()
    for split in dict.fromkeys(item.truth[0] for item in items):
        pairs = [(says_yes(answers[item.key]), item.truth[1]) for item in items if item.truth[0] == split]
        for name, score in yes_no_measures(pairs).items():
            shown = Score(100 * score.value, 100 * score.low, 100 * score.high, score.count)
            outcome.scores[f"{split} {NAMES[name]}"] = shown
    return outcome
