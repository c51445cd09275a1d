"""What frozen towers see, kept on disk: each training picture is encoded once, however often it is talked about.

`python -m osprey_core.training.frozen_features photos|scenes …` writes shards of `FrozenPicture`: the maps that become
image tokens, and every region's pooled features, of the model's own encoder and of the photo tower. Training on them
costs the extractor and the language model alone. It does not know how they are trained.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from osprey_core.config import IMAGE_PLACEHOLDER_ID
from osprey_core.engine import Osprey
from osprey_core.language.prompts import PromptWriter, Turn
from osprey_core.model.mask_pooling import area_weights, cover_grid, mask_pooling, resize_masks
from osprey_core.model.preprocess import image_to_tensor
from osprey_core.runtime.photo_levels import shared_photo_encoder
from osprey_core.training.batches import IGNORED
from osprey_core.training.config import NANO_INKED, NANO_STAGES, NANO_STYLES, NANO_THINGS
from osprey_core.training.dialogues import DialogueSample
from osprey_core.training.dialogues.photo_talks import photo_sample
from osprey_core.training.scenes.photographs import (
    Photograph,
    PhotoOptions,
    absent_things,
    countable,
    held_back,
    only_pictures,
    photo_scene,
    read_photographs,
)
from osprey_core.training.sources import SceneSource

log = logging.getLogger(__name__)

PICTURES_PER_SHARD = 20
MAX_TOKENS = 380
"""Longest conversation in ids, without the picture's tokens."""


@dataclass(frozen=True)
class FrozenTalk:
    """One conversation: ids and labels int64 (T,), the picture's id standing once; shown: region row per mark."""

    ids: torch.Tensor
    labels: torch.Tensor
    shown: torch.Tensor


@dataclass(frozen=True)
class FrozenPicture:
    """One picture, encoded, with its conversations.

    maps: {"res4": (C, h, w) fp16 of the model's own encoder, "photo_res4", "photo_res5": of the photo tower}.
    pooled: fp16 (R, D), for each region the levels of the own encoder and then those of the photo tower, in order.
    shapes: uint8 (R, mask_size²), masks on the spatial token's grid, 255 being 1. kind: "photo" or "scene".
    """

    kind: str
    maps: dict[str, torch.Tensor]
    pooled: torch.Tensor
    shapes: torch.Tensor
    names: tuple[str, ...]
    talks: tuple[FrozenTalk, ...]


class Freezer:
    """Encodes pictures with a model's encoder and the photo tower."""

    def __init__(self, model: Osprey) -> None:
        self.model = model
        self.photo = shared_photo_encoder()

    @torch.inference_mode()
    def freeze(self, kind: str, samples: Sequence[DialogueSample]) -> FrozenPicture:
        """The picture that all samples are about, encoded once."""
        config = self.model.network.config
        image = samples[0].image
        own = self.model.network.vision_tower(image_to_tensor(image, config.vision.image_size)[None])
        photo = self.photo.levels(image)
        pooled, shapes, talks, names = [], [], [], []
        first = 0
        for sample in samples:
            talk = tokenized(self.model.prompts, sample, first)
            masks = torch.from_numpy(np.stack(sample.masks)) if sample.masks else torch.zeros(0, 1, 1)
            talks.append(talk)
            if not len(masks):
                continue
            rows = [mask_pooling(level, cover_grid(masks, level.shape[-2:])[None])[0] for level in own.values()]
            rows += [
                mask_pooling(level, area_weights(masks, (level.shape[-2], level.shape[-1]))[None])[0]
                for level in photo.values()
            ]
            pooled.append(torch.cat(rows, 1).half())
            side = config.extractor.mask_size
            shapes.append((resize_masks(masks, (side, side)).flatten(1) * 255).round().byte())
            names += sample.region_names
            first += len(masks)
        maps = {"res4": own["res4"], "photo_res4": photo["res4"], "photo_res5": photo["res5"]}
        return FrozenPicture(
            kind,
            {name: level[0].half().clone() for name, level in maps.items()},
            torch.cat(pooled) if pooled else torch.zeros(0, 1, dtype=torch.half),
            torch.cat(shapes) if shapes else torch.zeros(0, 1, dtype=torch.uint8),
            tuple(names),
            tuple(talks),
        )


def tokenized(prompts: PromptWriter, sample: DialogueSample, first_region: int = 0) -> FrozenTalk:
    """A conversation as ids and labels; region 0 is row `first_region`. Last turns beyond the limit are left out."""
    turns = [Turn(turn.question, turn.answer, turn.known_regions) for turn in sample.dialogue]
    while True:
        prompt, learned = prompts.transcript(turns, len(sample.masks))
        if len(prompt.ids) <= MAX_TOKENS or len(turns) == 1:
            break
        turns = turns[:-1]
    ids = torch.tensor(prompt.ids)
    labels = torch.where(torch.tensor(learned), ids, IGNORED)
    labels = torch.cat([labels[1:], labels.new_full((1,), IGNORED)])  # position t predicts id t + 1
    return FrozenTalk(ids, labels, torch.tensor(prompt.regions, dtype=torch.long) + first_region)


def photo_pictures(
    freezer: Freezer, sets: Sequence[list[Photograph]], seed: int, talks: int
) -> Iterator[FrozenPicture]:
    """Photographs in other light, cut, mirrored and pasted on, without end; sets in turns by `seed`."""
    donors = [photograph for photographs in sets for photograph in photographs]
    while True:
        rng = np.random.default_rng([seed, 17])
        # The set with stuff and many categories comes twice as often as its share of pictures would have it.
        photographs = sets[0] if rng.random() < 0.62 or len(sets) == 1 else sets[-1]
        photograph = photographs[int(rng.integers(len(photographs)))]
        scene = photo_scene(photograph, rng, PhotoOptions(), donors)
        absent, may_count = absent_things(photograph, scene), countable(photograph, scene)
        made = [photo_sample(scene, absent, (seed, number), 10, may_count) for number in range(talks)]
        if kept := [sample for sample in made if sample is not None]:
            yield freezer.freeze("photo", kept)
        seed += 1


def scene_pictures(freezer: Freezer, atlas: Path, seed: int) -> Iterator[FrozenPicture]:
    """Made scenes as in the embedded model's last stage, without end."""
    source = SceneSource(atlas, NANO_STYLES, NANO_THINGS, 2, inked=NANO_INKED).for_stage(NANO_STAGES[-1])
    while True:
        yield freezer.freeze("scene", source(seed))  # type: ignore[arg-type]
        seed += 1


def save_shard(path: Path, pictures: Sequence[FrozenPicture]) -> None:
    """Write pictures; a reader never sees half a file."""
    partial = path.with_suffix(".partial")
    rows = [
        {
            "kind": p.kind,
            "maps": p.maps,
            "pooled": p.pooled,
            "shapes": p.shapes,
            "names": list(p.names),
            "talks": [(talk.ids, talk.labels, talk.shown) for talk in p.talks],
        }
        for p in pictures
    ]
    torch.save(rows, partial)
    partial.replace(path)


def load_shard(path: Path) -> list[FrozenPicture]:
    """Read what `save_shard` wrote."""
    return [
        FrozenPicture(
            row["kind"],
            row["maps"],
            row["pooled"],
            row["shapes"],
            tuple(row["names"]),
            tuple(FrozenTalk(*talk) for talk in row["talks"]),
        )
        for row in torch.load(path, weights_only=True)
    ]


def image_token_ids(talk: FrozenTalk) -> int:
    """Place of the picture's id in a conversation."""
    return int((talk.ids == IMAGE_PLACEHOLDER_ID).nonzero()[0, 0])


def main(argv: Sequence[str] | None = None) -> int:
    """Write shards until there are enough; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.training.frozen_features", description=__doc__)
    parser.add_argument("kind", choices=("photos", "scenes"))
    parser.add_argument("--out", type=Path, required=True, help="folder of the shards")
    parser.add_argument("--model", default="nano", help="whose encoder and vocabulary")
    parser.add_argument("--shards", type=int, default=50, help=f"of {PICTURES_PER_SHARD} pictures each")
    parser.add_argument("--seed", type=int, default=5_000_000, help="of the first picture")
    parser.add_argument("--talks", type=int, default=3, help="conversations about each photograph")
    parser.add_argument("--photos", type=Path, help="folder with coco100.json, images, voc497.json and images-voc")
    parser.add_argument("--atlas", type=Path, help="sprites of made scenes")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    freezer = Freezer(Osprey.from_pretrained(options.model, "cpu", "float32"))
    began = time.monotonic()
    for number in range(options.shards):
        path = options.out / f"{options.kind}-{options.seed}-{number:04}.pt"
        if path.is_file():
            continue
        seed = options.seed + number * PICTURES_PER_SHARD * 2
        if options.kind == "photos":
            sets = [
                only_pictures(read_photographs(options.photos / f"{name}.json", options.photos / folder), held, False)
                for name, folder, held in (
                    ("coco100", "images", held_back("coco100")),
                    ("voc497", "images-voc", held_back("voc497")),
                )
            ]
            pictures = photo_pictures(freezer, sets, seed, options.talks)
        else:
            pictures = scene_pictures(freezer, options.atlas, seed)
        save_shard(path, [next(pictures) for _ in range(PICTURES_PER_SHARD)])
        log.info("%s after %.0f s", path.name, time.monotonic() - began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
