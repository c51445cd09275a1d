"""Encoded pictures on disk, for training on a CPU: `python -m osprey_core.training.photo_pool --out FOLDER …`.

Encoding a picture and its regions' close-ups costs a CPU far more than learning from it, so each is encoded once and
learned from often; the model's own encoder then stays as it is. Several processes may fill one folder from different
first pictures, and a run picks up what comes.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from osprey_core.config import PhotoTowerConfig
from osprey_core.engine import Osprey
from osprey_core.runtime.photo_levels import load_photo_tower
from osprey_core.training.endless import endless_batches
from osprey_core.training.photo_batches import Encoded, encode
from osprey_core.training.photo_start import grown
from osprey_core.training.photo_stream import PictureSource, PictureStream, RawPicture, Talk

log = logging.getLogger(__name__)

PICTURES_PER_SHARD = 20


@dataclass(frozen=True)
class PooledPicture:
    """One picture of `Encoded`, on the CPU: float16, the cells bool."""

    kind: str
    own_res4: torch.Tensor
    tower_maps: torch.Tensor
    pooled: torch.Tensor
    shapes: torch.Tensor
    cells: torch.Tensor
    names: tuple[str, ...]
    talks: tuple[Talk, ...]


def encoded_pictures(encoded: Encoded, pictures: Sequence[RawPicture]) -> list[PooledPicture]:
    """Take a batch apart."""
    found, row = [], 0
    for place, picture in enumerate(pictures):
        rows = slice(row, row + len(picture.names))
        found.append(
            PooledPicture(
                picture.kind,
                encoded.own_res4[place].half().cpu(),
                encoded.tower_maps[place].half().cpu(),
                encoded.pooled[rows].half().cpu(),
                encoded.shapes[rows].half().cpu(),
                encoded.cells[rows].cpu(),
                picture.names,
                picture.talks,
            )
        )
        row += len(picture.names)
    return found


def together(pictures: Sequence[PooledPicture], device: torch.device) -> Encoded:
    """Pictures as one batch on a device."""
    counts = torch.tensor([len(picture.names) for picture in pictures])
    return Encoded(
        torch.stack([picture.own_res4 for picture in pictures]).float().to(device),
        torch.stack([picture.tower_maps for picture in pictures]).float().to(device),
        torch.cat([picture.pooled for picture in pictures]).float().to(device),
        torch.cat([picture.shapes for picture in pictures]).float().to(device),
        torch.repeat_interleave(torch.arange(len(pictures)), counts).to(device),
        torch.cat([picture.cells for picture in pictures]).to(device),
    )


def save_shard(path: Path, pictures: Sequence[PooledPicture]) -> None:
    """Write pictures; a reader never sees half a file."""
    rows = [
        {**vars(p), "names": list(p.names), "talks": [(t.ids, t.labels, t.shown) for t in p.talks]} for p in pictures
    ]
    partial = path.with_suffix(".partial")
    torch.save([{key: _own(value) for key, value in row.items()} for row in rows], partial)
    partial.replace(path)


def _own(value: object) -> object:
    """Without the batch that a tensor is a part of."""
    return value.clone() if isinstance(value, torch.Tensor) else value


def load_shard(path: Path) -> list[PooledPicture]:
    """Read what `save_shard` wrote."""
    return [
        PooledPicture(**{**row, "names": tuple(row["names"]), "talks": tuple(Talk(*talk) for talk in row["talks"])})
        for row in torch.load(path, weights_only=True)
    ]


class EncodedPool:
    """All shards of a folder, looked up again as new ones arrive; photographs and scenes apart.

    kinds: of pictures that are kept.
    """

    def __init__(self, folder: Path, kinds: Collection[str] = ("photo", "scene")) -> None:
        self._folder, self._kinds = folder, kinds
        self.by_kind: dict[str, list[PooledPicture]] = {"photo": [], "scene": []}
        self._read: set[str] = set()

    def refresh(self) -> list[PooledPicture]:
        """Read shards that are new; their pictures."""
        new: list[PooledPicture] = []
        for path in sorted(self._folder.glob("*.pt")):
            if path.name not in self._read:
                new += [picture for picture in load_shard(path) if picture.kind in self._kinds]
                self._read.add(path.name)
        for picture in new:
            self.by_kind[picture.kind].append(picture)
        return new

    def all(self) -> list[PooledPicture]:
        """All pictures that are there by now."""
        self.refresh()
        return [picture for found in self.by_kind.values() for picture in found]

    def draw(self, rng: random.Random, photos: int, scenes: int) -> list[PooledPicture]:
        """Pictures of both kinds by chance."""
        wanted = {"photo": photos, "scene": scenes}
        return [one for kind, count in wanted.items() for one in rng.sample(self.by_kind[kind], count)]


def main(argv: Sequence[str] | None = None) -> int:
    """Encode pictures; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.training.photo_pool", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the shards")
    parser.add_argument("--photos", type=Path, required=True, help="folder with coco100.json, images, voc497.json, …")
    parser.add_argument("--atlas", type=Path, help="sprites of made scenes")
    parser.add_argument("--model", default="nano", help="whose encoder and vocabulary")
    parser.add_argument("--shards", type=int, default=100, help=f"of {PICTURES_PER_SHARD} pictures each")
    parser.add_argument("--seed", type=int, default=9_000_000, help="of the first picture")
    parser.add_argument("--photo-share", type=float, default=0.45, help="of the pictures")
    parser.add_argument("--close-up-size", type=int, default=256)
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    model = Osprey.from_pretrained(options.model, "cpu", "float32")
    network = grown(model.network, PhotoTowerConfig(close_up_size=options.close_up_size)).float()
    source = PictureSource(options.photos, options.atlas)
    photos = round(PICTURES_PER_SHARD * options.photo_share)
    stream = PictureStream(source, model.prompts, network.config, photos, PICTURES_PER_SHARD - photos, options.seed)
    tower, began = load_photo_tower(), time.monotonic()
    tower.to(memory_format=torch.channels_last)
    for number in range(options.shards):
        path = options.out / f"{options.seed}-{number:04}.pt"
        if path.is_file():
            continue
        pictures: list[PooledPicture] = []
        batches = endless_batches(stream, number * PICTURES_PER_SHARD, 1, 0)
        while len(pictures) < PICTURES_PER_SHARD:
            raw = next(batches)
            pictures += encoded_pictures(encode(network, tower, raw, False), raw)
        save_shard(path, pictures)
        log.info("%s after %.0f s", path.name, time.monotonic() - began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
