"""Captions of regions on RefCOCOg (Osprey, table 4), scored with METEOR and CIDEr by pycocoevalcap.

That package is an extra (requirements-captions.txt) and needs Java for its tokenizer and for METEOR.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from osprey_core.errors import InputError
from osprey_core.evaluation.measures import Score, bootstrap
from osprey_core.evaluation.papers.items import (
    DOTTED_OVERVIEW,
    AskedAs,
    Item,
    Outcome,
    decoded,
    find_picture,
    objects,
    read_json,
)

ASKED_AS = AskedAs(DOTTED_OVERVIEW)
QUESTION = "Please give me a short description of <region1>."


def read_items(file: Path, pictures: Path, limit: int | None = None) -> list[Item]:
    """Items of finetune_refcocog_val_with_mask.json: images carry captions; `limit` counts regions.

    Raises InputError where the file is another one.
    """
    content = read_json(file)
    if not isinstance(content, dict):
        raise InputError("papers.file_foreign", path=str(file))
    images = {image["id"]: image for image in objects(content.get("images"), file, "id", "file_name", "caption")}
    items = []
    for annotation in objects(content.get("annotations"), file, "id", "image_id", "segmentation")[:limit]:
        image = images.get(annotation["image_id"])
        if image is None:
            raise InputError("papers.file_foreign", path=str(file))
        size_hw = (int(image["height"]), int(image["width"]))
        items.append(
            Item(
                str(annotation["id"]),
                find_picture(pictures, str(image["file_name"])),
                QUESTION,
                partial(decoded, annotation["segmentation"], size_hw),
                str(image["caption"]),
            )
        )
    return items


def check_scorer() -> None:
    """Raise InputError where pycocoevalcap or Java is missing: before hours of answers, not after them."""
    if importlib.util.find_spec("pycocoevalcap") is None:
        raise InputError("papers.captions_missing")
    if shutil.which("java") is None:
        raise InputError("papers.java_missing")


def measure(items: Sequence[Item], answers: Mapping[str, str]) -> Outcome:
    """METEOR and CIDEr times 100. METEOR is no mean of single captions: its interval is that of their mean, moved."""
    check_scorer()
    references = {item.key: [{"caption": str(item.truth)}] for item in items}
    captions = {item.key: [{"caption": " ".join(answers[item.key].split())}] for item in items}
    tokenizer = importlib.import_module("pycocoevalcap.tokenizer.ptbtokenizer")
    cider = importlib.import_module("pycocoevalcap.cider.cider")
    meteor = importlib.import_module("pycocoevalcap.meteor.meteor")
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        tokens = tokenizer.PTBTokenizer()
        true, said = tokens.tokenize(references), tokens.tokenize(captions)
        _, of_each = cider.Cider().compute_score(true, said)
        whole, parts = meteor.Meteor().compute_score(true, said)
    mean = bootstrap([100 * float(part) for part in parts])
    moved = 100 * float(whole) - mean.value
    return Outcome(
        {
            "METEOR": Score(mean.value + moved, mean.low + moved, mean.high + moved, mean.count),
            "CIDEr": bootstrap([100 * float(value) for value in of_each]),
        }
    )
