"""What all sections share: the device, the sizes of the measures, and how times are taken."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from osprey_core.io.pictures import read_picture
from osprey_core.regions.masks import Mask

EXAMPLES = Path(__file__).parents[2] / "examples"
PHOTOGRAPHS = ("05-astronaut.jpg", "07-coffee.jpg", "04-cat.jpg")


@dataclass(frozen=True)
class Setting:
    """Where to measure, and how much of it. `tiny` tries the program; its figures mean nothing."""

    device: torch.device
    tiny: bool = False

    @property
    def repeats(self) -> int:
        """Measured runs of every time."""
        return 1 if self.tiny else 5

    @property
    def answer_tokens(self) -> int:
        """Length of the long answers."""
        return 4 if self.tiny else 96

    @property
    def region_counts(self) -> tuple[int, ...]:
        """Regions that are described together."""
        return (2,) if self.tiny else (16, 64)

    def synchronize(self) -> None:
        """Wait for all that was given to the card."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def times(self, work: Callable[[int], object], repeats: int | None = None) -> dict[str, Any]:
        """Median and all times of work that is repeated, after one run that is not counted.

        Args:
            work: is given the number of the run, from 0 for the one that is not counted.
            repeats: counted runs; None for the setting's.
        """
        seconds = []
        for repeat in range((repeats or self.repeats) + 1):
            self.synchronize()
            began = time.perf_counter()
            work(repeat)
            self.synchronize()
            seconds.append(time.perf_counter() - began)
        return {"median_ms": milliseconds(statistics.median(seconds[1:])), "runs_ms": [*map(milliseconds, seconds[1:])]}

    def memory(self) -> dict[str, float]:
        """GB on the card: held now, and at most since `forget_peak`. Empty on a CPU."""
        if self.device.type != "cuda":
            return {}
        held, peak = torch.cuda.memory_allocated(self.device), torch.cuda.max_memory_allocated(self.device)
        reserved = torch.cuda.max_memory_reserved(self.device)
        return {"held_gb": gigabytes(held), "peak_gb": gigabytes(peak), "peak_reserved_gb": gigabytes(reserved)}

    def forget_peak(self) -> None:
        """Measure the largest use of memory from now on."""
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)


def milliseconds(seconds: float) -> float:
    """Rounded to a hundredth."""
    return round(seconds * 1000, 2)


def gigabytes(nbytes: int) -> float:
    """In 2³⁰ bytes, rounded to a hundredth."""
    return round(nbytes / 2**30, 2)


def photographs(setting: Setting) -> list[np.ndarray]:
    """Example photographs, uint8 (H, W, 3)."""
    names = PHOTOGRAPHS[:1] if setting.tiny else PHOTOGRAPHS
    return [np.asarray(read_picture(EXAMPLES / name)) for name in names]


def middle_box(image: np.ndarray) -> Mask:
    """The middle third of a picture as a mask bool (H, W)."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), dtype=np.bool_)
    mask[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = True
    return mask
