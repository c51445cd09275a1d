"""Reads RefCOCO's files as records: expressions that each refer to one region of a COCO picture.

`refs(….)p`, or the same list as JSON, names the annotation that each expression refers to; `instances.json` beside it
holds the annotations. Pickles are read without running code from them.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from osprey_core.errors import InputError
from osprey_core.i18n import Message
from osprey_core.training.dialogues.phrasings import WORDINGS
from osprey_core.training.records.coco import MAX_REGIONS, by_id, category_names, picture_item
from osprey_core.training.records.records import worded

INSTANCES_FILE = "instances.json"
PICKLES = (".p", ".pkl", ".pickle")


def is_expressions(content: Any) -> bool:
    """Whether a file's content is RefCOCO's list of references."""
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, Mapping) and "sentences" in first and "ann_id" in first


def read_pickle(path: Path) -> Any:
    """Plain values of a pickle. Raises InputError where it is damaged or holds anything else."""
    try:
        with path.open("rb") as file:
            return _PlainUnpickler(file, encoding="latin1").load()
    except FileNotFoundError as error:
        raise InputError("sample_file.missing", path=str(path)) from error
    except Exception as error:  # damaged pickles raise anything
        raise InputError("expressions.pickle_unreadable", path=str(path), reason=str(error)) from error


def expression_items(
    content: Sequence[Any], instances: Mapping[str, Any], splits: Sequence[str] = ("train",)
) -> Iterator[tuple[Message, dict[str, Any]]]:
    """(where, item) for each picture with expressions, items in the shape of records.

    Every sentence of a reference is a turn that asks for a short description. References of other splits are left out;
    those without a split are taken.

    Raises InputError naming the reference that is broken.
    """
    names = category_names(instances)
    pictures = by_id(instances, "images")
    annotations = by_id(instances, "annotations")
    expressions: dict[Any, list[tuple[Any, str]]] = {}  # picture -> (annotation, sentence)
    for place, reference in enumerate(content):
        where = Message("expressions.reference", {"place": place})
        if not isinstance(reference, Mapping) or reference.get("ann_id") not in annotations:
            raise InputError("expressions.annotation_unknown", where=where, file=INSTANCES_FILE)
        if reference.get("split", splits[0]) not in splits:
            continue
        annotation = annotations[reference["ann_id"]]
        if annotation.get("image_id") not in pictures or annotation.get("category_id") not in names:
            raise InputError("expressions.picture_unknown", where=where, file=INSTANCES_FILE)
        sentences = reference.get("sentences")
        if not isinstance(sentences, list) or not sentences:
            raise InputError("expressions.sentences_missing", where=where)
        for sentence in sentences:
            text = sentence.get("sent") or sentence.get("raw") if isinstance(sentence, Mapping) else sentence
            if not isinstance(text, str) or not text.strip():
                raise InputError("expressions.sentence_empty", where=where)
            expressions.setdefault(annotation["image_id"], []).append((reference["ann_id"], text.strip()))
    for number, of_picture in expressions.items():
        for start in range(0, len(of_picture), MAX_REGIONS):
            pairs = of_picture[start : start + MAX_REGIONS]
            order = list(dict.fromkeys(annotation for annotation, _ in pairs))
            key = f"{number} {start}"
            conversations = []
            for place, (annotation, text) in enumerate(pairs):
                question = worded(WORDINGS["short"].templates, f"{key} {place}", order.index(annotation) + 1)
                conversations += [{"from": "human", "value": question}, {"from": "gpt", "value": text}]
            regions = [annotations[annotation] for annotation in order]
            labels = [names[region["category_id"]] for region in regions]
            yield (
                Message("coco.picture", {"id": str(number)}),
                picture_item(pictures[number], key, regions, labels, conversations),
            )


class _PlainUnpickler(pickle.Unpickler):
    """Numbers, texts, lists and dictionaries need no class; whatever does is refused."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")
