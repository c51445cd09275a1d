"""Tiny files in the original layouts of COCO, LLaVA, RefCOCO, LVIS and PACO, all about the same two pictures."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from tests.osprey_core.evaluation.papers.benchmark_files import box_mask, coded, picture, write

NUMBERS = (391895, 9)
SIZE_HW = (40, 60)


def outline(x: float, y: float, width: float, height: float) -> list[list[float]]:
    return [[x, y, x + width, y, x + width, y + height, x, y + height]]


def annotation(number: int, image: int, category: int, box: list[float], **more: Any) -> dict[str, Any]:
    entry = {"id": number, "image_id": image, "category_id": category, "bbox": box, "iscrowd": 0}
    return {**entry, "segmentation": outline(*box), **more}


def images(**more: Any) -> list[dict[str, Any]]:
    height, width = SIZE_HW
    return [{"id": n, "file_name": f"{n:012d}.png", "height": height, "width": width, **more} for n in NUMBERS]


INSTANCES = {
    "images": images(),
    "annotations": [
        annotation(1, 391895, 18, [6, 4, 30, 20]),
        annotation(2, 391895, 1, [40, 8, 15, 28]),
        annotation(3, 391895, 1, [0, 0, 60, 40], iscrowd=1),
        annotation(4, 391895, 18, [1, 1, 4, 4]),  # too small to be told
        annotation(5, 9, 51, [12, 10, 30, 20]),
    ],
    "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}, {"id": 51, "name": "bowl"}],
}
CAPTIONS = {
    "images": images(),
    "annotations": [
        {"id": 1, "image_id": 391895, "caption": "A dog and a man."},
        {"id": 2, "image_id": 9, "caption": "A bowl on a\n table. "},
        {"id": 3, "image_id": 9, "caption": "Some soup."},
    ],
}
LLAVA = [
    {
        "id": "000000391895",
        "image": "000000391895.jpg",
        "conversations": [
            {"from": "human", "value": "<image>\nDescribe it."},
            {"from": "gpt", "value": "A brown dog sits beside a man in a blue shirt."},
        ],
    }
]
REFERENCES = [
    {"ann_id": 1, "image_id": 391895, "ref_id": 0, "split": "train", "sentences": [{"sent": "brown dog"}]},
    {"ann_id": 2, "image_id": 391895, "ref_id": 1, "split": "train", "sentences": [{"raw": "man in blue"}]},
    {"ann_id": 5, "image_id": 9, "ref_id": 2, "split": "train", "sentences": [{"sent": "soup bowl"}, {"sent": "bowl"}]},
    {"ann_id": 5, "image_id": 9, "ref_id": 3, "split": "testA", "sentences": [{"sent": "secret of the test set"}]},
]
WITH_MASK = {
    "images": [
        {
            "id": 70,
            "original_id": 391895,
            "file_name": "COCO_train2014_000000391895.png",
            "height": 40,
            "width": 60,
            "caption": "the dog on the left",
        }
    ],
    "annotations": [annotation(900, 70, 18, [6, 4, 30, 20], original_id=1)],
    "categories": [{"id": 18, "name": "object"}],
}
"""RefCOCO+ as Osprey's second stage reads it: an entry of images for each expression."""

PACO = {
    "images": images(),
    "annotations": [
        annotation(1, 9, 1, [12, 10, 30, 20], attribute_ids=[0, 25, 31, 55], unknown_material=1),
        annotation(2, 9, 2, [14, 12, 26, 9], attribute_ids=[29, 53], segmentation=coded(box_mask(12, 14, 21, 40))),
        annotation(3, 391895, 3, [6, 4, 10, 9], attribute_ids=[]),
        annotation(4, 391895, 2, [6, 4, 10, 2], attribute_ids=[0]),  # too thin to be told
    ],
    "categories": [
        {"id": 1, "name": "bowl", "supercategory": "OBJECT"},
        {"id": 2, "name": "bowl:inner_body", "supercategory": "PART"},
        {"id": 3, "name": "dog:ear", "supercategory": "PART"},
    ],
    "part_categories": [{"id": 1, "name": "inner_body"}],
    "attributes": [
        {"id": 0, "name": "black"},
        {"id": 25, "name": "white"},
        {"id": 29, "name": "other(color)"},
        {"id": 31, "name": "striped"},
        {"id": 53, "name": "ceramic"},
        {"id": 55, "name": "opaque"},
    ],
    "attr_type_to_attr_idxs": {
        "color": [0, 25, 29],
        "pattern_marking": [31],
        "material": [53],
        "transparency": [55],
    },
}


def write_sources(folder: Path) -> dict[str, Path]:
    """All files, and the two pictures."""
    for number in NUMBERS:
        picture(folder / "pictures" / f"{number:012d}.png", number)
    for name in ("refcoco", "bare"):
        (folder / name).mkdir()
        (folder / name / "refs(unc).p").write_bytes(pickle.dumps(REFERENCES))
    write(folder / "refcoco" / "instances.json", INSTANCES)
    return {
        "things": write(folder / "instances_train2017.json", INSTANCES),
        "captions": write(folder / "captions_train2017.json", CAPTIONS),
        "llava": write(folder / "detail_23k.json", LLAVA),
        "refcoco": folder / "refcoco" / "refs(unc).p",
        "bare": folder / "bare" / "refs(unc).p",
        "with_mask": write(folder / "finetune_refcoco+_train_with_mask.json", WITH_MASK),
        "paco": write(folder / "paco_lvis_v1_train.json", PACO),
    }
