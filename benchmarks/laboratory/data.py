"""Everything that the laboratory's networks see: drawn scenes, photographs, and the names of what is on them."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.laboratory.pictures import Pictures, draw_scenes, load_pictures
from benchmarks.laboratory.table import Table
from osprey_core.training.art import Atlas, atlas_of, load_atlas
from osprey_core.training.config import NANO_THINGS
from osprey_core.training.scenes.drawn import OBJECTS, SHAPES

log = logging.getLogger("benchmarks.laboratory")

HELD_OUT_SETS = {"scenes": "atlas-train.npz", "scenes in an unseen style": "atlas-heldout.npz"}
PHOTOGRAPHS = "photographs"


@dataclass(frozen=True)
class Data:
    """Pictures to train on and to test with; all have the same classes."""

    scenes: Pictures
    photographs: Pictures | None
    tests: dict[str, Pictures]
    names: list[str]
    seconds: float

    @property
    def summary(self) -> dict[str, Any]:
        """Numbers for the results."""
        return {
            "classes": len(self.names),
            "pictures": {
                "scenes": [len(self.scenes.images), len(self.scenes.names)],
                PHOTOGRAPHS: [len(self.photographs.images), len(self.photographs.names)]
                if self.photographs
                else [0, 0],
            },
            "test_pictures": {name: [len(test.images), len(test.names)] for name, test in self.tests.items()},
            **({"commonest": commonest} if (commonest := self.commonest) else {}),
        }

    @property
    def commonest(self) -> dict[str, Any]:
        """The commonest name of the training photographs, and what share of tested regions it is right for."""
        if self.photographs is None:
            return {}
        number = int(np.bincount(self.photographs.names).argmax())
        tested = self.tests[PHOTOGRAPHS]
        right = tested.names == number
        exact = float(right[tested.exact].mean()) if tested.exact.any() else 0.0
        return {"name": self.names[number], "exact": round(exact, 4), "box": round(float(right.mean()), 4)}

    def bench(self, table: Table, steps: int, device: str, graphs: bool) -> Any:
        """All of it on a device, for runs of so many steps."""
        import torch

        from benchmarks.laboratory.stock import Stock
        from benchmarks.laboratory.trial import Bench

        place = torch.device(device)
        return Bench(
            Stock(self.scenes, place),
            Stock(self.photographs, place) if self.photographs is not None else None,
            {name: Stock(test, place) for name, test in self.tests.items()},
            len(self.names),
            steps,
            table.scenes_per_step,
            table.photographs_per_step,
            table.test_sizes,
            graphs,
        )

    def timed(self, table: Table, device: str, first_runs: int, graphs: bool) -> dict[str, float]:
        """Seconds of one training step by condition, for the conditions of the table's first runs."""
        from benchmarks.laboratory.trial import seconds_per_step

        few = self.scenes.chosen(np.arange(len(self.scenes.images)) < 4 * table.scenes_per_step)
        bench = Data(few, self.photographs, {}, self.names, 0.0).bench(table, 1, device, graphs)
        found: dict[str, float] = {}
        like: dict[tuple[Any, ...], float] = {}
        for run in table.runs[:first_runs]:
            shape = (run.tower, run.size, run.levels, run.extractor)
            if shape not in like:
                like[shape] = round(seconds_per_step(run, bench), 5)
            found[run.condition] = like[shape]
        return found


def draw(
    atlas: Path,
    photographs: Path | None,
    count: int,
    test_count: int,
    processes: int,
    seconds: float,
    seeds: tuple[int, int],
) -> Data:
    """Draw the scenes and read the photographs. seeds: where those of training and of test pictures begin."""
    begin = time.monotonic()
    sprites = _taught(load_atlas(atlas / HELD_OUT_SETS["scenes"]))
    packed = [load_pictures(Path(f"{photographs}-{part}.npz")) for part in ("train", "test")] if photographs else []
    photo_names = packed[0][1] if packed else []
    names = sorted({*sprites.names, *OBJECTS, *SHAPES, *photo_names})
    tests: dict[str, Pictures] = {}
    for place, (name, file) in enumerate(HELD_OUT_SETS.items()):
        first = seeds[1] + place * test_count
        chosen = sprites if place == 0 else _taught(load_atlas(atlas / file))
        tests[name] = draw_scenes(chosen, names, range(first, first + test_count), processes, tested=True)
    train_photographs = None
    if packed:
        train_photographs = _renumbered(*packed[0], names)
        tests[PHOTOGRAPHS] = _renumbered(*packed[1], names)
    left = seconds - (time.monotonic() - begin)
    scenes = draw_scenes(sprites, names, range(seeds[0], seeds[0] + count), processes, left)
    log.info("%d pictures drawn in %.0f s", len(scenes.images), time.monotonic() - begin)
    return Data(scenes, train_photographs, tests, names, time.monotonic() - begin)


def _taught(atlas: Atlas) -> Atlas:
    """The things that the embedded model is taught, in every style that the atlas has."""
    return atlas_of(sprite for name in NANO_THINGS for sprite in atlas.sprites.get(name, ()))


def _renumbered(pictures: Pictures, own_names: list[str], names: list[str]) -> Pictures:
    """The same pictures with classes among other names; regions whose name is not among them are dropped."""
    numbers = {name: number for number, name in enumerate(names)}
    classes = np.array([numbers.get(own_names[number], -1) for number in pictures.names], np.int64)
    known = classes >= 0
    owners = np.repeat(np.arange(len(pictures.images)), np.diff(pictures.first))
    counts = np.bincount(owners[known], minlength=len(pictures.images))
    first = np.concatenate([[0], np.cumsum(counts)])
    return Pictures(pictures.images, first, classes[known], pictures.exact[known], pictures.covers[:, known])
