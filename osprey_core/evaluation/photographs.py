"""Names of things in photographs: how many are right, how sure the model is, what is left without the region.

Every thing of a COCO file that is large enough is asked for with the published category question, once with its own
mask and once with its box. An answer is right if it is the category's name or one of its other words, as
`photo_names.json` has them. Intervals resample pictures, since things of one picture resemble each other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from osprey_core.engine import Osprey
from osprey_core.evaluation.judges import semantic_iou, words_of
from osprey_core.evaluation.measures import ROUNDS, Score
from osprey_core.evaluation.sentence_similarity import SentenceEncoder, semantic_similarity
from osprey_core.language.prompts import QUESTIONS
from osprey_core.region_model import Guess, NamedRegion, RegionToken
from osprey_core.training.scenes.names import Thing
from osprey_core.training.scenes.photographs import Photograph, PhotoRegion, photo_names
from osprey_core.view import View

SMALLEST_AREA = 32 * 32
"""Pixels of a thing's mask (or of its box, where there is no mask) below which it is not asked for."""

BINS = 10
"""Of the reliability diagram: equally wide, from 0 to 1."""

EXACT, BOX = "mask", "box"
SHUFFLED, NO_MASK_TOKEN, BLANK = "mask shuffled", "mask token off", "picture blank"


@dataclass(frozen=True)
class NamedThing:
    """One thing, asked for in one way."""

    picture: int
    way: str
    """"mask", "box" or a control."""
    truth: str
    accepted: tuple[str, ...]
    answer: str
    confidence: float
    guesses: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        return is_name(self.answer, self.accepted)


def is_name(answer: str, accepted: Iterable[str]) -> bool:
    """Whether an answer is one of the names, but for articles, case and punctuation."""
    said = words_of(answer)
    return any(said == words_of(name) for name in accepted)


def things_to_name(photograph: Photograph) -> list[PhotoRegion]:
    """The things of a photograph that are asked for: no crowds, none that is small."""
    found = []
    for region in photograph.regions:
        if region.is_thing and not region.is_crowd and int(region.mask(photograph.size_hw).sum()) >= SMALLEST_AREA:
            found.append(region)
    return found


def name_things(model: Osprey, photographs: Iterable[Photograph], controls: bool = True) -> Iterator[NamedThing]:
    """Ask for every thing with its mask (where it has one) and with its box, and in the controls' ways."""
    names = photo_names()
    for photograph in photographs:
        things = things_to_name(photograph)
        if not things:
            continue
        view = model.open(photograph.image())
        blank = model.open(np.full((*photograph.size_hw, 3), 128, np.uint8)) if controls else None
        masks = [thing.mask(photograph.size_hw) for thing in things]
        rng = np.random.default_rng(photograph.number)
        for thing, mask in zip(things, masks, strict=True):
            truth = names.thing(thing.category)
            told = partial(_told, photograph.number, truth)
            yield told(BOX, view.name(thing.box_mask(photograph.size_hw)))
            if thing.rle is None:
                continue
            yield told(EXACT, view.name(mask))
            if blank is None:
                continue
            others = [other for other in masks if not (other & mask).any()]
            if others:
                yield told(SHUFFLED, view.name(others[int(rng.integers(len(others)))]))
            yield told(BLANK, blank.name(mask))
            yield told(NO_MASK_TOKEN, _without_mask_token(view, mask))


def _told(picture: int, truth: Thing, way: str, named: NamedRegion) -> NamedThing:
    names = tuple(guess.name for guess in named.guesses)
    confidence = named.guesses[0].confidence if named.guesses else 0.0
    accepted = tuple(sorted(truth.words))
    return NamedThing(picture, way, truth.name, accepted, names[0] if names else "", confidence, names)


def _without_mask_token(view: View, mask: np.ndarray) -> NamedRegion:
    switched_off: tuple[RegionToken] = ("mask",)
    answer = view.ask(QUESTIONS["category"], [mask], without=switched_off)
    return NamedRegion((Guess(answer, 0.0, 0.0),), 0.0)


def by_picture(
    things: Sequence[NamedThing], figure: Callable[[Sequence[NamedThing]], float], rounds: int = ROUNDS, seed: int = 0
) -> Score:
    """A figure of things with the 95 % interval of resampled pictures; all nan without a thing."""
    if not things:
        return Score(float("nan"), float("nan"), float("nan"), 0)
    groups: dict[int, list[NamedThing]] = defaultdict(list)
    for thing in things:
        groups[thing.picture].append(thing)
    pictures = list(groups.values())
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(rounds):
        drawn = rng.integers(0, len(pictures), len(pictures))
        values.append(figure([thing for place in drawn for thing in pictures[int(place)]]))
    low, high = np.quantile(values, [0.025, 0.975])
    return Score(figure(things), float(low), float(high), len(things))


def accuracy(things: Sequence[NamedThing]) -> float:
    """Share of right names."""
    return float(np.mean([thing.is_right for thing in things]))


def class_mean(things: Sequence[NamedThing]) -> float:
    """Mean over the true names of the share of right ones."""
    rights: dict[str, list[bool]] = defaultdict(list)
    for thing in things:
        rights[thing.truth].append(thing.is_right)
    return float(np.mean([np.mean(found) for found in rights.values()]))


def calibration_error(confidences: Sequence[float], rights: Sequence[bool], bins: int = BINS) -> float:
    """Expected calibration error (Guo et al., 2017): mean of |share right - mean confidence| over bins, by count."""
    return float(sum(abs(b.right - b.confidence) * b.count for b in reliability(confidences, rights, bins))) / max(
        1, len(rights)
    )


@dataclass(frozen=True)
class Bin:
    """One bar of a reliability diagram: mean confidence, share right, and how many answers."""

    confidence: float
    right: float
    count: int


def reliability(confidences: Sequence[float], rights: Sequence[bool], bins: int = BINS) -> list[Bin]:
    """Answers in equally wide bins of confidence, from 0 to 1; bins without an answer are left out."""
    values, truth = np.asarray(confidences, float), np.asarray(rights, float)
    places = np.minimum((values * bins).astype(int), bins - 1)
    found = []
    for place in range(bins):
        inside = places == place
        if inside.any():
            found.append(Bin(float(values[inside].mean()), float(truth[inside].mean()), int(inside.sum())))
    return found


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Probability that a value of the first kind is above one of the second, ties counting half; nan without both."""
    if not positive or not negative:
        return float("nan")
    first, second = np.asarray(positive)[:, None], np.asarray(negative)[None]
    return float(((first > second) + 0.5 * (first == second)).mean())


_LOWEST_SLOPE = 1e-3  # the order of confidences is that of the probabilities


def fit_scale(probabilities: Sequence[float], rights: Sequence[bool]) -> tuple[float, float]:
    """Slope and offset of `language.guesses.calibrated` that make these answers likeliest, by Newton's method.

    A little weight (0.01) is on slope 1 and offset 0, so that few answers cannot ask for boundless ones.
    """
    p = np.clip(np.asarray(probabilities, float), 1e-6, 1 - 1e-6)
    inputs = np.stack([np.log(p / (1 - p)), np.ones(len(p))], 1)
    truth = np.asarray(rights, float)
    start = np.array([1.0, 0.0])
    values = start.copy()
    for _ in range(50):
        told = 1 / (1 + np.exp(-np.clip(inputs @ values, -60, 60)))
        gradient = inputs.T @ (told - truth) + 0.01 * (values - start)
        curvature = (inputs * (told * (1 - told))[:, None]).T @ inputs + 0.01 * np.eye(2)
        step = np.clip(np.linalg.solve(curvature, gradient), -0.5, 0.5)  # a full step may overshoot where all is sure
        values -= step
        if np.abs(step).max() < 1e-9:
            break
    if values[0] >= _LOWEST_SLOPE:
        return float(values[0]), float(values[1])
    # More probable names are not more often right: one confidence for all, the share of right ones.
    share = (truth.sum() + 0.5) / (len(truth) + 1)
    return _LOWEST_SLOPE, float(np.log(share / (1 - share)) - _LOWEST_SLOPE * inputs[:, 0].mean())


def summarise_names(things: Sequence[NamedThing], encode: SentenceEncoder | None = None) -> dict[str, Any]:
    """All figures, JSON-ready: by way of asking the accuracy, mean over classes, semantic IoU and similarity; the
    calibration and its diagram; the commonest confusions."""
    ways = list(dict.fromkeys(thing.way for thing in things))
    results: dict[str, Any] = {"ways": {}, "pictures": len({thing.picture for thing in things})}
    for way in ways:
        found = [thing for thing in things if thing.way == way]
        scores = {"accuracy": by_picture(found, accuracy)}
        if way in (EXACT, BOX):
            scores["mean over classes"] = by_picture(found, class_mean)
            scores["semantic IoU"] = by_picture(
                found, lambda some: float(np.mean([semantic_iou(one.answer, one.accepted) for one in some]))
            )
            if encode is not None:
                values = semantic_similarity([one.answer for one in found], [one.accepted for one in found], encode)
                told = {id(one): value for one, value in zip(found, values, strict=True)}
                scores["semantic similarity"] = by_picture(
                    found,
                    lambda some, told=told: float(np.mean([told[id(one)] for one in some])),  # type: ignore[misc]
                )
            scores["right among three guesses"] = by_picture(
                found,
                lambda some: float(np.mean([any(is_name(g, one.accepted) for g in one.guesses[:3]) for one in some])),
            )
            scores["calibration error"] = by_picture(
                found, lambda some: calibration_error([one.confidence for one in some], [one.is_right for one in some])
            )
            diagram = reliability([one.confidence for one in found], [one.is_right for one in found])
            results.setdefault("reliability", {})[way] = [vars(b) for b in diagram]
            known = [one.confidence for one in found if one.is_right]
            wrong = [one.confidence for one in found if not one.is_right]
            results.setdefault("auroc right against wrong", {})[way] = auroc(known, wrong)
        results["ways"][way] = {name: vars(score) for name, score in scores.items()}
    wrong_pairs = Counter((one.truth, one.answer) for one in things if one.way == EXACT and not one.is_right)
    results["confusions"] = [[truth, answer, count] for (truth, answer), count in wrong_pairs.most_common(20)]
    return results


def names_report(results: dict[str, Any]) -> str:
    """The figures as a Markdown table."""
    lines = ["| asked with | score | value | 95 % interval | things |", "| --- | --- | --- | --- | --- |"]
    for way, scores in results["ways"].items():
        lines += [
            f"| {way} | {name} | {s['value']:.1%} | {s['low']:.1%} – {s['high']:.1%} | {s['count']} |"
            for name, s in scores.items()
        ]
    for way, value in results.get("auroc right against wrong", {}).items():
        lines += ["", f"Confidence of right against wrong names ({way}): AUROC {value:.3f}."]
    return "\n".join(lines)
