"""Scores of segmenters on outlined things in photographs: how good is the mask after some clicks, from a box, unasked.

The clicks are those of `osprey_core.segment.clicks`: first the middle of the thing's largest piece, then the middle of
the largest error. Intervals resample pictures, since the things of one picture are not independent.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from osprey_core.evaluation.measures import ROUNDS, Score
from osprey_core.regions.masks import Mask, area, box_xyxy, intersection_over_union
from osprey_core.segment import OpenedPicture, Segmenter
from osprey_core.segment.clicks import middle_of_largest_piece, next_click
from osprey_core.segment.protocol import PointXY
from osprey_core.training.scenes.photographs import Photograph

SMALLEST_AREA = 32 * 32
"""Things with fewer pixels are left out, as COCO's "small" ones."""

CLICKS_TOLD = (1, 2, 3, 5)
"""After so many clicks the overlap is reported."""

GOOD_IOU = 0.85
"""Clicks are counted until the mask is as good as this ("NoC@85")."""

FOUND_IOU = 0.5
"""A thing counts as found by "everything" if a mask overlaps it at least so much."""


@dataclass
class ThingScores:
    """What one thing gave. iou: after click 1, 2, …; a run that ended early goes on with its last value."""

    picture: int
    area: int
    iou: list[float] = field(default_factory=list)
    best_iou: float = 0.0
    box_iou: float = 0.0
    clicks: int = 0
    everything_iou: float | None = None
    click_seconds: float = 0.0


def things_of(photograph: Photograph) -> list[Mask]:
    """The things of a photograph that are measured: outlined, no crowd, large enough; bool (H, W) each."""
    masks = [
        np.ascontiguousarray(region.mask(photograph.size_hw))
        for region in photograph.regions
        if region.is_thing and not region.is_crowd and region.rle is not None
    ]
    return [mask for mask in masks if area(mask) >= SMALLEST_AREA]


def judge_photograph(
    segmenter: Segmenter, photograph: Photograph, max_clicks: int = 20, everything: bool = True
) -> tuple[list[ThingScores], dict[str, float]]:
    """Scores of every measured thing of a picture, and the seconds of opening it and of finding everything."""
    masks = things_of(photograph)
    began = time.perf_counter()
    opened = segmenter.open(np.ascontiguousarray(photograph.image()))
    seconds = {"open": time.perf_counter() - began}
    scores = [_judge(opened, mask, photograph.number, max_clicks) for mask in masks]
    if everything and masks:
        began = time.perf_counter()
        found = [item.mask for item in opened.everything()]
        seconds["everything"] = time.perf_counter() - began
        for score, mask in zip(scores, masks, strict=True):
            score.everything_iou = max((intersection_over_union(mask, other) for other in found), default=0.0)
    return scores, seconds


def judge_photographs(
    segmenter: Segmenter, photographs: Iterable[Photograph], max_clicks: int = 20, everything: bool = True
) -> dict[str, Any]:
    """All figures of a segmenter: each a `Score`, seconds as plain medians."""
    things: list[ThingScores] = []
    seconds: dict[str, list[float]] = {"open": [], "everything": []}
    for photograph in photographs:
        scores, took = judge_photograph(segmenter, photograph, max_clicks, everything)
        things += scores
        for name, value in took.items():
            seconds[name].append(value)
    figures: dict[str, Any] = dict(summarise_things(things, max_clicks))
    figures["seconds"] = {name: float(np.median(values)) for name, values in seconds.items() if values}
    if things:
        figures["seconds"]["click"] = float(np.median([thing.click_seconds for thing in things]))
    return figures


def summarise_things(things: Sequence[ThingScores], max_clicks: int) -> dict[str, Score]:
    """Means over things by name of the measure, with intervals over pictures; {} without things."""
    if not things:
        return {}
    pictures = [thing.picture for thing in things]
    told = {
        f"{count} click{'s' if count > 1 else ''}": [thing.iou[count - 1] for thing in things]
        for count in CLICKS_TOLD
        if count <= max_clicks
    }
    told["best candidate of 1 click"] = [thing.best_iou for thing in things]
    told["box"] = [thing.box_iou for thing in things]
    told[f"clicks to {GOOD_IOU:g} (of {max_clicks})"] = [float(thing.clicks) for thing in things]
    if all(thing.everything_iou is not None for thing in things):
        told[f"everything: found at {FOUND_IOU:g}"] = [float((t.everything_iou or 0) >= FOUND_IOU) for t in things]
        told["everything: best IoU"] = [t.everything_iou or 0.0 for t in things]
    return {name: bootstrap_by_group(values, pictures) for name, values in told.items()}


def bootstrap_by_group(values: Sequence[float], groups: Sequence[int], rounds: int = ROUNDS, seed: int = 0) -> Score:
    """Mean of all values; its 95 % interval comes from resampling whole groups. nan without a value."""
    if not values:
        return Score(float("nan"), float("nan"), float("nan"), 0)
    _, places = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(places, weights=np.asarray(values, np.float64))
    counts = np.bincount(places).astype(np.float64)
    picks = np.random.default_rng(seed).integers(0, len(sums), (rounds, len(sums)))
    means = sums[picks].sum(1) / counts[picks].sum(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Score(float(np.mean(values)), float(low), float(high), len(values))


def table_of(figures: dict[str, dict[str, Any]]) -> str:
    """The figures of several segmenters as text, a column for each."""
    names = list(figures)
    measures = [name for name in next(iter(figures.values())) if name != "seconds"]
    rows = [["", *names]]
    for measure in measures:
        rows.append([measure, *(_told(figures[name][measure]) for name in names)])
    for kind in ("open", "click", "everything"):
        if all(kind in figures[name]["seconds"] for name in names):
            rows.append([f"seconds: {kind}", *(f"{figures[name]['seconds'][kind]:.2f}" for name in names)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(names) + 1)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _told(score: Score) -> str:
    return f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]"


def _judge(opened: OpenedPicture, target: Mask, picture: int, max_clicks: int) -> ThingScores:
    scores = ThingScores(picture, area(target), clicks=max_clicks)
    began = time.perf_counter()
    for candidates in _clicked(opened, target, max_clicks):
        overlap = intersection_over_union(candidates[0], target)
        scores.iou.append(overlap)
        if len(scores.iou) == 1:
            scores.click_seconds = time.perf_counter() - began
            scores.best_iou = max(intersection_over_union(mask, target) for mask in candidates)
        if overlap >= GOOD_IOU:
            scores.clicks = min(scores.clicks, len(scores.iou))
            if len(scores.iou) >= max(CLICKS_TOLD):
                break
    scores.iou += [scores.iou[-1]] * (max_clicks - len(scores.iou))
    x0, y0, x1, y1 = (float(side) for side in box_xyxy(target))
    scores.box_iou = intersection_over_union(opened.segment((), (), (x0, y0, x1, y1))[0].mask, target)
    return scores


def _clicked(opened: OpenedPicture, target: Mask, max_clicks: int) -> Iterator[list[Mask]]:
    """The candidates after each click, the first click in the middle, the others where the first candidate errs."""
    points: list[PointXY] = [middle_of_largest_piece(target)]
    labels = [1]
    for _ in range(max_clicks):
        candidates = [item.mask for item in opened.segment(points, labels)]
        yield candidates
        correction = next_click(target, candidates[0])
        if correction is None:
            return
        points.append(correction.point_xy)
        labels.append(correction.label)
