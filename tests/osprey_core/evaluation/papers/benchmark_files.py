"""Tiny files in the layouts of the published benchmarks, and an encoder of sentences that can be worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_masks

WORDS = ("car", "road", "sky", "person", "tree", "dog")


def picture(path: Path, seed: int = 0, size_hw: tuple[int, int] = (40, 60)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (*size_hw, 3), dtype=np.uint8)).save(path)
    return path


def box_mask(top: int, left: int, bottom: int, right: int, size_hw: tuple[int, int] = (40, 60)) -> np.ndarray:
    mask = np.zeros(size_hw, bool)
    mask[top:bottom, left:right] = True
    return mask


def coded(mask: np.ndarray) -> dict[str, Any]:
    rle = coco_masks.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": [int(v) for v in rle["size"]], "counts": rle["counts"].decode()}


def write(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")
    return path


def write_lines(path: Path, values: Sequence[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(value) + "\n" for value in values), "utf-8")
    return path


def word_encoder(texts: Sequence[str]) -> np.ndarray:
    """Unit vectors: one axis for each of WORDS that a text holds, and one that all texts share a little."""
    rows = []
    for text in texts:
        words = text.lower().replace(".", " ").split()
        row = np.array([0.1, *(float(word in words) for word in WORDS)])
        rows.append(row / np.linalg.norm(row))
    return np.stack(rows)
