"""Packs annotated photographs for the laboratory: `python -m benchmarks.laboratory.photographs PHOTOS OUT`.

PHOTOS holds `coco100.json`, `images`, `voc497.json` and `images-voc`; what `photo_split.json` holds back is for tests.
Writes OUT-train.npz and OUT-test.npz, which the laboratory reads where COCO's tools are not installed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.laboratory.pictures import SIDE_PX, Pictures, cover_map, save_pictures, tested_covers
from osprey_core.training.scenes.photographs import (
    STYLE_BOX,
    Photograph,
    held_back,
    only_pictures,
    photo_scene,
    read_photographs,
)

SETS = (("coco100", "images"), ("voc497", "images-voc"))


def main(argv: Sequence[str]) -> int:
    """Write both files. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.laboratory.photographs", description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("out", type=Path, help="beginning of the files' names")
    parser.add_argument("--quality", type=int, default=70, help="of the pictures, as WebP")
    options = parser.parse_args(list(argv))
    for part in ("train", "test"):
        photographs = [
            photograph
            for name, folder in SETS
            for photograph in only_pictures(
                read_photographs(options.photos / f"{name}.json", options.photos / folder),
                held_back(name),
                part == "test",
            )
        ]
        pictures, names = packed(photographs, part == "test")
        save_pictures(Path(f"{options.out}-{part}.npz"), pictures, names, options.quality)
        print(f"{part}: {len(pictures.images)} photographs, {len(pictures.names)} regions, {len(names)} names")
    return 0


def packed(photographs: Sequence[Photograph], tested: bool) -> tuple[Pictures, list[str]]:
    """Photographs as squares with things and stuff as regions, and their names; `tested`: with all kinds of masks."""
    images, counts, words, exact, covers = [], [0], list[str](), list[bool](), list[np.ndarray]()
    for photograph in photographs:
        rng = np.random.default_rng([photograph.number, 80])
        scene = photo_scene(photograph, rng)
        images.append(cv2.resize(scene.image, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA))
        found = [(thing.name, thing.mask, thing.style != STYLE_BOX) for thing in scene.objects]
        found += [(stretch.name, stretch.mask, True) for stretch in scene.regions]
        for name, mask, known in found:
            square = cv2.resize(mask.astype(np.uint8), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_NEAREST) > 0
            square = square if square.any() else mask
            words.append(name)
            exact.append(known)
            covers.append(tested_covers(rng, square) if tested else cover_map(square)[None])
        counts.append(len(found))
    names = sorted(set(words))
    numbers = {name: number for number, name in enumerate(names)}
    classes = np.array([numbers[word] for word in words], np.int64)
    stacked = np.stack(covers, 1)
    return Pictures(np.stack(images), np.cumsum(counts), classes, np.array(exact), stacked), names


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
