"""The laboratory's pictures: drawn once by many processes, or packed photographs; regions as coarse cover maps.

It knows no network. Everything is an array, so that a whole set can lie on a graphics card.
"""

from __future__ import annotations

import json
import mmap
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from osprey_core.training.art import Atlas
from osprey_core.training.scenes.crowds import GRIDS, make_crowd
from osprey_core.training.scenes.hand_masks import MASK_STYLES, hand_mask

SIDE_PX = 384
"""Side of stored pictures."""
COVER_SIDE = 96
"""Side of stored masks."""
MASKS = ("exact", "rough", "box")
"""The masks that a tested region has: its own, one as by hand, its bounding box."""
_MOST_IN_A_CROWD = max(GRIDS) ** 2
_BY_HAND = tuple(style for style in MASK_STYLES if style not in ("exact", "box"))


@dataclass(frozen=True)
class Pictures:
    """N pictures with R regions altogether. A picture's regions follow one another."""

    images: np.ndarray
    """uint8 (N, S, S, 3), RGB."""
    first: np.ndarray
    """int64 (N + 1,): place of each picture's first region; last, R."""
    names: np.ndarray
    """int64 (R,): class of each region."""
    exact: np.ndarray
    """bool (R,): whether the region's own mask is known; else `covers` is its box."""
    covers: np.ndarray
    """uint8 (M, R, 96, 96), of 255, how much of each cell is covered: all MASKS of tested regions, else exact ones."""

    @property
    def areas(self) -> np.ndarray:
        """float (R,): share of the picture that each region's own mask covers."""
        return np.asarray(self.covers[0].reshape(len(self.names), -1).mean(1, dtype=np.float64) / 255)

    def chosen(self, kept: np.ndarray) -> Pictures:
        """Those of the pictures where bool (N,) is true."""
        counts = np.diff(self.first)
        regions = np.repeat(kept, counts)
        first = np.concatenate([[0], np.cumsum(counts[kept])])
        return Pictures(
            self.images[kept],
            first,
            self.names[regions],
            self.exact[regions],
            np.ascontiguousarray(self.covers[:, regions]),
        )


def cover_map(mask: np.ndarray) -> np.ndarray:
    """uint8 (96, 96): how much of each cell a mask bool (H, W) covers."""
    share = cv2.resize(mask.astype(np.float32), (COVER_SIDE, COVER_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(np.rint(share * 255), np.uint8)


def boxed(mask: np.ndarray) -> np.ndarray:
    """The filled bounding box of a mask bool (H, W) that is not empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = np.zeros_like(mask)
    box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return box


def tested_covers(rng: np.random.Generator, mask: np.ndarray) -> np.ndarray:
    """uint8 (3, 96, 96): a region's masks for a test, in the order of MASKS."""
    style = _BY_HAND[int(rng.integers(len(_BY_HAND)))]
    masks = mask, hand_mask(rng, mask, style), boxed(mask)
    return np.stack([cover_map(each) for each in masks])


def draw_scenes(
    atlas: Atlas | None,
    names: Sequence[str],
    seeds: range,
    processes: int,
    seconds: float = float("inf"),
    tested: bool = False,
) -> Pictures:
    """Crowded pictures by seed, drawn by processes that share memory; things without a class are left out.

    Args:
        names: the classes.
        seconds: what is not begun by then is left out.
        tested: with all MASKS.
    """
    count = len(seeds)
    kinds = len(MASKS) if tested else 1
    images = _shared((count, SIDE_PX, SIDE_PX, 3))
    covers = _shared((count, _MOST_IN_A_CROWD, kinds, COVER_SIDE, COVER_SIDE))
    classes = _shared((count, _MOST_IN_A_CROWD), np.int16)
    done = _shared((count,))
    numbers = {name: number for number, name in enumerate(names)}
    end = time.monotonic() + seconds

    def work(start: int) -> None:
        cv2.setNumThreads(0)
        for place in range(start, count, processes):
            if time.monotonic() > end:
                return
            crowd = make_crowd(seeds[place], atlas, SIDE_PX)
            rng = np.random.default_rng([seeds[place], 80])
            images[place] = crowd.image
            classes[place] = -1
            for region, (mask, name) in enumerate(zip(crowd.masks, crowd.region_names, strict=True)):
                classes[place, region] = numbers.get(name, -1)
                covers[place, region] = tested_covers(rng, mask) if tested else cover_map(mask)[None]
            done[place] = 1

    # Forked processes share the arrays and the atlas; nothing is sent between them.
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=work, args=(start,)) for start in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("a process that draws pictures ended with an error, which it has printed")
    whole = done.astype(bool)
    there = (classes >= 0) & whole[:, None]
    first = np.concatenate([[0], np.cumsum(there.sum(1)[whole])])
    flat = np.ascontiguousarray(covers[there].swapaxes(0, 1))  # (R, M, 96, 96) -> (M, R, 96, 96)
    named = classes[there].astype(np.int64)
    return Pictures(images if whole.all() else images[whole], first, named, np.ones(len(named), bool), flat)


def save_pictures(path: Path, pictures: Pictures, names: Sequence[str], quality: int) -> None:
    """Write a set with the classes' names; pictures as WebP, which loses a little."""
    files = []
    for image in pictures.images:
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        files.append(cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].reshape(-1))
    ends = np.cumsum([len(file) for file in files])
    np.savez_compressed(
        path,
        files=np.concatenate(files),
        ends=ends,
        first=pictures.first,
        names=pictures.names,
        exact=pictures.exact,
        covers=pictures.covers,
        classes=json.dumps(list(names)),
    )


def load_pictures(path: Path) -> tuple[Pictures, list[str]]:
    """What `save_pictures` has written: the set, and the classes' names."""
    with np.load(path, allow_pickle=False) as stored:
        ends = stored["ends"].tolist()
        blob = stored["files"]
        images = [
            cv2.cvtColor(np.asarray(cv2.imdecode(blob[start:end], cv2.IMREAD_COLOR)), cv2.COLOR_BGR2RGB)
            for start, end in zip([0, *ends[:-1]], ends, strict=True)
        ]
        pictures = Pictures(np.stack(images), stored["first"], stored["names"], stored["exact"], stored["covers"])
        return pictures, list(json.loads(str(stored["classes"])))


def _shared(shape: tuple[int, ...], dtype: type = np.uint8) -> np.ndarray:
    """An array of zeros that forked processes share."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(mmap.mmap(-1, max(1, size)), dtype, int(np.prod(shape))).reshape(shape)
