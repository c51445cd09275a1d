"""What both towers see of annotated regions in photographs, exactly as an opened picture's view sees them.

`python -m osprey_core.training.photo_features MODEL --photos FOLDER --out FILE` writes them for `prototypes`: every
region of every training photograph as it is and mirrored, with its mask and (things) with its box. It knows nothing of
what is fitted to them.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from osprey_core.engine import Osprey
from osprey_core.model.mask_pooling import mask_pooling
from osprey_core.training.photo_batches import pooling_of
from osprey_core.training.photo_start import KnownRegions
from osprey_core.training.photo_stream import PHOTO_SETS
from osprey_core.training.scenes.photographs import Photograph, held_back, only_pictures, photo_names, read_photographs
from osprey_core.view import View

log = logging.getLogger(__name__)


@torch.inference_mode()
def pooled_features(view: View, masks: Sequence[np.ndarray]) -> torch.Tensor:
    """Features of regions in the extractor's order, raw: float32 (Q, D).

    masks: bool (H, W) of the picture's size, at least one.
    """
    extractor, levels = pooling_of(view.network), view.encoding().levels
    stack = torch.from_numpy(np.stack(masks)).to(levels["res4"].device)
    grids = extractor.rasterize(stack, {name: (level.shape[-2], level.shape[-1]) for name, level in levels.items()})
    pooled = {name: mask_pooling(levels[name], cells[None])[0] for name, cells in grids.cells.items()}
    pooled |= view.close_ups(masks) or {}
    return torch.cat([pooled[name].float() for name in extractor.level_names], 1).cpu()


def asked_masks(photograph: Photograph) -> Iterator[tuple[str, np.ndarray]]:
    """Names and masks bool (H, W) of a photograph's regions: each by its mask, things by their boxes as well."""
    names = photo_names()
    for region in photograph.regions:
        if region.is_crowd:
            continue
        name = names.name(region.category)
        if region.rle is not None:
            yield name, region.mask(photograph.size_hw)
        if region.is_thing:
            yield name, region.box_mask(photograph.size_hw)


def features_of(model: Osprey, photographs: Sequence[Photograph], mirrored: bool = True) -> KnownRegions:
    """All regions of photographs, as they are and if wanted mirrored as well."""
    features: list[torch.Tensor] = []
    names: list[str] = []
    for place, photograph in enumerate(photographs):
        found = list(asked_masks(photograph))
        if not found:
            continue
        image = photograph.image()
        for step in (1, -1) if mirrored else (1,):
            view = model.open(np.ascontiguousarray(image[:, ::step]))
            features.append(pooled_features(view, [np.ascontiguousarray(mask[:, ::step]) for _, mask in found]))
            names += [name for name, _ in found]
        if place % 50 == 49:
            log.info("%d of %d photographs, %d regions", place + 1, len(photographs), len(names))
    return KnownRegions(torch.cat(features), tuple(names))


def training_photographs(photos: Path) -> list[Photograph]:
    """The photographs of all sets but those held back."""
    found: list[Photograph] = []
    for name, folder in PHOTO_SETS:
        found += only_pictures(read_photographs(photos / f"{name}.json", photos / folder), held_back(name), False)
    return found


def load_features(path: Path) -> KnownRegions:
    """What the command wrote."""
    content = torch.load(path, weights_only=True)
    return KnownRegions(content["features"].float(), tuple(content["names"]))


def main(argv: Sequence[str] | None = None) -> int:
    """Encode and write; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.training.photo_features", description=__doc__)
    parser.add_argument("model", help="folder of a model with a photo tower as its only network")
    parser.add_argument("--photos", type=Path, required=True, help="folder with coco100.json, images, voc497.json, …")
    parser.add_argument("--out", type=Path, required=True, help="a file of torch")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    model = Osprey.from_pretrained(options.model, "cpu", "float32")
    known = features_of(model, training_photographs(options.photos))
    torch.save({"features": known.features.half(), "names": list(known.names)}, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
