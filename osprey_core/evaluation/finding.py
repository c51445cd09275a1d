"""Find, measured: of what phrases name in a picture, how much is found, and how many finds are right.

Phrases are names of what a picture shows, and as many of what it does not show. A find is right if it covers a thing of
that name with an IoU of at least 0.5, each thing once. Intervals resample pictures.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from osprey_core.analysis.find import DEFAULT_THRESHOLD, Finds, find
from osprey_core.evaluation.measures import ROUNDS, Score
from osprey_core.regions.masks import Mask, box_xyxy
from osprey_core.segment import Segmenter
from osprey_core.training.art import Atlas
from osprey_core.training.dialogues.absent import absent_things, is_kin
from osprey_core.training.scenes.photographs import Photograph, photo_names
from osprey_core.training.scenes.scene import Scene

LEAST_IOU = 0.5
"""Overlap from which on a find is right."""

SMALLEST_THING = 32 * 32
"""Pixels of a photographed thing below which it is neither missed nor wrong, as in COCO's middle and large things."""
SMALLEST_DRAWN_THING = 16 * 16
"""The same for made scenes, whose pictures are smaller."""

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(2, 20))


@dataclass(frozen=True, eq=False)
class WantedThing:
    """One thing of a name: its pixels bool (H, W), or its filled box where only that is known."""

    mask: Mask
    is_box: bool = False

    def iou(self, other: Mask) -> float:
        """Intersection over union with a mask, or, of a box, with the mask's box."""
        if self.is_box:
            x0, y0, x1, y1 = box_xyxy(other)
            other = np.zeros_like(other)
            other[y0:y1, x0:x1] = True
        union = int(np.count_nonzero(self.mask | other))
        return int(np.count_nonzero(self.mask & other)) / union if union else 0.0


@dataclass(frozen=True, eq=False)
class SearchedPicture:
    """A picture with what may be searched in it."""

    number: int
    image: np.ndarray
    """uint8 (H, W, 3)."""
    there: dict[str, list[WantedThing]]
    """The things of each name."""
    ignored: dict[str, list[WantedThing]] = field(default_factory=dict)
    """Things of a name that are neither missed nor wrong: crowds, tiny ones."""
    absent: tuple[str, ...] = ()
    """Names of what the picture does not show, as many as of what it shows."""


@dataclass(frozen=True)
class PhraseOutcome:
    """What one phrase found in one picture, at one threshold."""

    picture: int
    phrase: str
    is_there: bool
    threshold: float
    things: int
    """Things of that name."""
    outlined: int
    """Of those, how many some segment covers with the least IoU: more cannot be found."""
    finds: int
    """Finds that count: without those on ignored things."""
    right: int


def photographed(photographs: Iterable[Photograph], seed: int = 0) -> Iterator[SearchedPicture]:
    """Photographs with the names of their things, and with names that their file says are not there."""
    names = photo_names()
    for photograph in photographs:
        there: dict[str, list[WantedThing]] = defaultdict(list)
        ignored: dict[str, list[WantedThing]] = defaultdict(list)
        shown = {names.thing(region.category).name for region in photograph.regions}
        for region in photograph.regions:
            if not region.is_thing:
                continue
            target = WantedThing(region.mask(photograph.size_hw), region.rle is None)
            is_counted = not region.is_crowd and int(np.count_nonzero(target.mask)) >= SMALLEST_THING
            (there if is_counted else ignored)[names.thing(region.category).name].append(target)
        told = {names.thing(word).name for word in photograph.known if names.aliases.get(word, word) in names.things}
        absent = _drawn_lots(sorted(told - shown), len(there), (seed, photograph.number))
        if there:
            yield SearchedPicture(photograph.number, photograph.image(), dict(there), dict(ignored), absent)


def drawn(scenes: Iterable[Scene], atlas: Atlas | None = None, seed: int = 0) -> Iterator[SearchedPicture]:
    """Made scenes with the names of their things, and with names of things that they plainly do not show."""
    known = absent_things(atlas)
    for scene in scenes:
        there: dict[str, list[WantedThing]] = defaultdict(list)
        ignored: dict[str, list[WantedThing]] = defaultdict(list)
        for item in scene.objects:
            (there if item.area >= SMALLEST_DRAWN_THING else ignored)[item.name].append(WantedThing(item.mask))
        others = [thing.name for thing in known if not any(is_kin(thing, item.thing) for item in scene.objects)]
        absent = _drawn_lots(sorted(set(others)), len(there), (seed, scene.seed))
        if there:
            yield SearchedPicture(scene.seed, scene.image, dict(there), dict(ignored), absent)


def search(
    model: Any,
    segmenter: Segmenter,
    pictures: Iterable[SearchedPicture],
    clip: Any = None,
    thresholds: Sequence[float] = THRESHOLDS,
) -> Iterator[PhraseOutcome]:
    """Search every phrase in its picture, as the page does: in everything that the segmenter finds.

    Args:
        model: opens pictures, see `find`. clip: an `OpenVocabulary` that is asked in its place, or None.
    """
    for number, picture in enumerate(pictures):  # numbers of several files may be the same
        everything = segmenter.open(picture.image).everything()
        segments = [scored.mask for scored in everything if scored.mask.any()]
        view = model.open(picture.image)
        seen = clip.open(picture.image) if clip is not None else None
        for phrase, is_there in [
            *((name, True) for name in picture.there),
            *((name, False) for name in picture.absent),
        ]:
            targets, ignored = picture.there.get(phrase, []), picture.ignored.get(phrase, [])
            finds = find(view, segments, phrase, seen)
            outlined = sum(any(target.iou(segment) >= LEAST_IOU for segment in segments) for target in targets)
            for threshold in thresholds:
                counted, right = matched(finds, threshold, segments, targets, ignored)
                yield PhraseOutcome(number, phrase, is_there, threshold, len(targets), outlined, counted, right)


def matched(
    finds: Finds,
    threshold: float,
    segments: Sequence[Mask],
    targets: Sequence[WantedThing],
    ignored: Sequence[WantedThing],
) -> tuple[int, int]:
    """How many finds count at a threshold and how many are right: best first, each takes the best thing left."""
    left = list(targets)
    counted = right = 0
    for one in finds.at(threshold):
        segment = segments[one.place]
        overlaps = [target.iou(segment) for target in left]
        if overlaps and max(overlaps) >= LEAST_IOU:
            left.pop(int(np.argmax(overlaps)))
            counted, right = counted + 1, right + 1
        elif not any(_lies_on(segment, target.mask) for target in ignored):
            counted += 1
    return counted, right


def summarise_finds(outcomes: Sequence[PhraseOutcome], threshold: float = DEFAULT_THRESHOLD) -> dict[str, Any]:
    """All figures, JSON-ready: those at a threshold with intervals, and how they change with the threshold."""
    chosen = [one for one in outcomes if one.threshold == threshold]
    by_threshold = {}
    for value in sorted({one.threshold for one in outcomes}):
        some = [one for one in outcomes if one.threshold == value]
        by_threshold[str(value)] = {name: _rounded(figure(some)) for name, figure in FIGURES.items()}
    return {
        "threshold": threshold,
        "pictures": len({one.picture for one in chosen}),
        "present phrases": sum(one.is_there for one in chosen),
        "absent phrases": sum(not one.is_there for one in chosen),
        "figures": {name: vars(_by_picture(chosen, figure)) for name, figure in FIGURES.items()},
        "thresholds": by_threshold,
    }


def finds_report(parts: dict[str, dict[str, Any]]) -> str:
    """The figures of several sets of pictures ("photographs", "drawn scenes") as the rows of a model card."""
    lines = ["| pictures | find | value | 95 % interval |", "| --- | --- | --- | --- |"]
    for name, results in parts.items():
        lines += [
            f"| {name} | {figure} | {_share(score['value'])} | {_share(score['low'])} – {_share(score['high'])} |"
            for figure, score in results["figures"].items()
        ]
    for name, results in parts.items():
        phrases = f"{results['present phrases']} phrases for what is there, {results['absent phrases']} for what is not"
        lines += ["", f"{name.capitalize()}: {results['pictures']} pictures, {phrases}; score {results['threshold']}."]
    return "\n".join(lines)


def without_nan(value: Any) -> Any:
    """The figures with None in the place of each that is not defined, as JSON has them."""
    if isinstance(value, dict):
        return {key: without_nan(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def _share(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.1%}".replace("%", " %")


def _precision_there(outcomes: Sequence[PhraseOutcome]) -> float:
    finds = sum(one.finds for one in outcomes if one.is_there)
    return sum(one.right for one in outcomes) / finds if finds else float("nan")


def _precision(outcomes: Sequence[PhraseOutcome]) -> float:
    finds = sum(one.finds for one in outcomes)
    return sum(one.right for one in outcomes) / finds if finds else float("nan")


def _recall(outcomes: Sequence[PhraseOutcome]) -> float:
    things = sum(one.things for one in outcomes)
    return sum(one.right for one in outcomes) / things if things else float("nan")


def _recall_outlined(outcomes: Sequence[PhraseOutcome]) -> float:
    outlined = sum(one.outlined for one in outcomes)
    return sum(one.right for one in outcomes) / outlined if outlined else float("nan")


def _nothing_found(outcomes: Sequence[PhraseOutcome]) -> float:
    absent = [one.finds == 0 for one in outcomes if not one.is_there]
    return float(np.mean(absent)) if absent else float("nan")


FIGURES: dict[str, Callable[[Sequence[PhraseOutcome]], float]] = {
    "precision, phrases for what is there": _precision_there,
    "precision, absent phrases among them": _precision,
    "recall": _recall,
    "recall of things with a fitting segment": _recall_outlined,
    "nothing found for absent phrases": _nothing_found,
}
"""What is told, by its name. Precision without a find is nan."""


def _by_picture(
    outcomes: Sequence[PhraseOutcome],
    figure: Callable[[Sequence[PhraseOutcome]], float],
    rounds: int = ROUNDS,
    seed: int = 0,
) -> Score:
    """A figure with the 95 % interval of resampled pictures; its count is that of phrases."""
    groups: dict[int, list[PhraseOutcome]] = defaultdict(list)
    for one in outcomes:
        groups[one.picture].append(one)
    pictures = list(groups.values())
    if not pictures:
        return Score(float("nan"), float("nan"), float("nan"), 0)
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(rounds):
        picked = rng.integers(0, len(pictures), len(pictures))
        values.append(figure([one for place in picked for one in pictures[int(place)]]))
    known = np.array(values)[~np.isnan(values)]
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (float("nan"), float("nan"))
    return Score(figure(outcomes), float(low), float(high), len(outcomes))


def _lies_on(segment: Mask, other: Mask) -> bool:
    """Whether more than half of a segment lies on a mask."""
    return 2 * int(np.count_nonzero(segment & other)) > int(np.count_nonzero(segment))


def _drawn_lots(names: Sequence[str], count: int, seed: tuple[int, int]) -> tuple[str, ...]:
    """Some of the names, by lot."""
    order = np.random.default_rng(seed).permutation(len(names))[:count]
    return tuple(names[int(place)] for place in order)


def _rounded(value: float) -> float:
    return round(value, 4)
