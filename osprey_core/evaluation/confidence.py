"""How sure a name is, measured and set: `python -m osprey_core.evaluation confidence MODEL --coco … --atlas …`.

Names of photographed and of drawn things that were never trained on, with the model's own probabilities. Slope and
offset of the confidence are fitted to them; what is reported is fitted to other pictures than it is measured on, in
five folds. Things that the model has no name for are asked for as well. With `--write` its config.json is changed.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from osprey_core.config import ConfidenceConfig, OspreyConfig
from osprey_core.engine import Osprey
from osprey_core.errors import InputError, OspreyError
from osprey_core.evaluation.judges import is_right
from osprey_core.evaluation.photographs import (
    BOX,
    EXACT,
    Bin,
    auroc,
    calibration_error,
    fit_scale,
    is_name,
    name_things,
    reliability,
)
from osprey_core.evaluation.questions import Question, balanced, choose_topics
from osprey_core.language.guesses import calibrated
from osprey_core.runtime import checkpoint, hub
from osprey_core.training.config import NANO_STYLES, NANO_THINGS
from osprey_core.training.scenes.photographs import held_back, only_pictures, read_photographs
from osprey_core.training.sources import SceneSource

log = logging.getLogger(__name__)

FOLDS = 5
PHOTOGRAPHED, DRAWN = "photographed", "drawn"


@dataclass(frozen=True)
class ProbableName:
    """One name with the model's probability of it; group is the picture or scene that it came from."""

    kind: str
    """PHOTOGRAPHED or DRAWN."""
    group: int
    probability: float
    right: bool


def photographed_names(model: Osprey, file: Path, pictures: Path, held: str | None) -> Iterator[ProbableName]:
    """Names of the things of photographs, by mask and by box. The model's confidences must be its probabilities."""
    photographs = read_photographs(file, pictures)
    if held:
        photographs = only_pictures(photographs, held_back(held), True)
    for thing in name_things(model, tqdm(photographs, desc=file.stem, mininterval=10), controls=False):
        if thing.way in (EXACT, BOX):
            yield ProbableName(PHOTOGRAPHED, thing.picture, thing.confidence, thing.is_right)


def drawn_names(
    model: Osprey, atlas: Path, names: Callable[[Sequence[str]], tuple[str, ...]], count: int
) -> Iterator[ProbableName]:
    """Names of drawn things on scenes that no training has seen.

    Args:
        names: of those that the atlas has, the ones that scenes are made of.
    """
    there = SceneSource(atlas, NANO_STYLES).load()
    assert there is not None
    scenes = SceneSource(atlas, NANO_STYLES, names(there.names)).load()
    for place, picture in enumerate(tqdm(balanced(scenes, count, choose_topics(["category"])), mininterval=10)):
        view = model.open(picture.image)
        for _, _, question in picture.asked:
            named = view.name(asked_mask(question))
            if named.guesses:
                right = is_right(question, named.guesses[0].name) or is_name(named.guesses[0].name, question.accepted)
                yield ProbableName(DRAWN, 10**9 + place, named.guesses[0].probability, right)


def asked_mask(question: Question) -> np.ndarray:
    """The mask of the region that a question is about: the first that it mentions, else the first there is."""
    mentioned = re.search(r"<region(\d+)>", question.text)
    return question.masks[int(mentioned[1]) - 1 if mentioned else 0]


def cross_fitted(names: Sequence[ProbableName]) -> list[float]:
    """Confidence of each name by a scale that was fitted to other pictures."""
    groups = sorted({name.group for name in names})
    order = np.random.default_rng(0).permutation(len(groups))
    fold_of = {groups[int(place)]: number % FOLDS for number, place in enumerate(order)}
    confidences = [0.0] * len(names)
    for fold in range(FOLDS):
        others = [name for name in names if fold_of[name.group] != fold]
        slope, offset = fit_scale([n.probability for n in others], [n.right for n in others])
        for place, name in enumerate(names):
            if fold_of[name.group] == fold:
                confidences[place] = calibrated(name.probability, slope, offset)
    return confidences


def summarise_confidence(
    names: Sequence[ProbableName], unknown: Sequence[ProbableName], apart: bool = False
) -> dict[str, Any]:
    """Scales, calibration errors before and after, diagrams, and how well confidence tells known from unknown things.

    Args:
        names: of things that the model has names for.
        unknown: of drawn things that it has none for.
        apart: whether each kind has a scale of its own, as where a network answers about each.

    Returns:
        {"scales": {kind: (slope, offset)}, "kinds": {"all": …, kind: …}, "unknown": …}; without `apart`, the one
        scale is under "all".
    """
    kinds = tuple(dict.fromkeys(name.kind for name in names))
    scales: dict[str, tuple[float, float]] = {}
    confidences = [0.0] * len(names)
    for kind in kinds if apart else ("all",):
        places = [place for place, name in enumerate(names) if kind in ("all", name.kind)]
        of_kind = [names[place] for place in places]
        scales[kind] = fit_scale([n.probability for n in of_kind], [n.right for n in of_kind])
        for place, confidence in zip(places, cross_fitted(of_kind), strict=True):
            confidences[place] = confidence
    results: dict[str, Any] = {"scales": scales, "kinds": {}}
    for kind in ("all", *kinds):
        chosen = [place for place, name in enumerate(names) if kind in ("all", name.kind)]
        told, rights = [confidences[place] for place in chosen], [names[place].right for place in chosen]
        results["kinds"][kind] = {
            "count": len(chosen),
            "accuracy": float(np.mean(rights)),
            "error before": calibration_error([names[place].probability for place in chosen], rights),
            "error": calibration_error(told, rights),
            "reliability": [vars(b) for b in reliability(told, rights)],
            "auroc right against wrong": auroc(
                [c for c, right in zip(told, rights, strict=True) if right],
                [c for c, right in zip(told, rights, strict=True) if not right],
            ),
        }
    if unknown:
        strange = [calibrated(name.probability, *(scales.get(name.kind) or scales["all"])) for name in unknown]
        drawn = [c for c, name in zip(confidences, names, strict=True) if name.kind == DRAWN]
        results["unknown"] = {
            "count": len(unknown),
            "mean confidence": float(np.mean(strange)),
            "auroc known against unknown": auroc(drawn, strange),
        }
    return results


def draw_reliability(results: dict[str, Any], path: Path) -> None:
    """The diagrams of all kinds side by side, as a PNG. Raises InputError without matplotlib."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise InputError("curves.matplotlib_missing") from error
    kinds = results["kinds"]
    figure, axes = plt.subplots(1, len(kinds), figsize=(3.2 * len(kinds), 3.2), squeeze=False, dpi=80)
    for axis, (kind, found) in zip(axes[0], kinds.items(), strict=True):
        bins = [Bin(**b) for b in found["reliability"]]
        axis.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        axis.scatter([b.confidence for b in bins], [b.right for b in bins], s=[10 + 3 * b.count**0.5 * 4 for b in bins])
        axis.plot([b.confidence for b in bins], [b.right for b in bins], linewidth=1)
        axis.set(title=f"{kind}: error {found['error']:.3f}", xlabel="confidence", xlim=(0, 1), ylim=(0, 1))
    axes[0][0].set_ylabel("share right")
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and with `--write` set; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.evaluation confidence", description=__doc__)
    parser.add_argument("model", help='"nano" or a folder')
    parser.add_argument("--coco", type=Path, nargs="*", default=[], help="files in COCO's shape")
    parser.add_argument("--pictures", type=Path, nargs="*", default=[], help="the folders of their pictures")
    parser.add_argument(
        "--held-back", nargs="*", default=[], help="for each file the set whose held back pictures count"
    )
    parser.add_argument("--atlas", type=Path, help="sprites, for drawn things")
    parser.add_argument("--questions", type=int, default=300, help="drawn things, known and unknown each")
    parser.add_argument(
        "--unsure-below", type=float, default=0.5, help="confidence below which an answer is a question"
    )
    parser.add_argument("--write", action="store_true", help="write the scale into the model's config.json")
    parser.add_argument("--out", type=Path, help="write all figures as JSON")
    parser.add_argument("--diagram", type=Path, help="draw the reliability diagrams into a PNG")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        results = _measure(options)
        shown = {
            kind: {k: v for k, v in found.items() if k != "reliability"} for kind, found in results["kinds"].items()
        }
        log.info("%s", json.dumps({**results, "kinds": shown}, indent=1))
        if options.out:
            options.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        if options.diagram:
            draw_reliability(results, options.diagram)
        if options.write:
            _write(options.model, results["scales"], options.unsure_below)
    except OspreyError as error:
        log.error("%s", error)
        return 2
    return 0


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    model = Osprey.from_pretrained(options.model, "cpu", "float32")
    # Names come with their plain probabilities.
    for network in model.networks:
        network.config = replace(network.config, confidence=ConfidenceConfig())
    names: list[ProbableName] = []
    sets = options.held_back or [None] * len(options.coco)
    for file, pictures, held in zip(options.coco, options.pictures, sets, strict=True):
        names += photographed_names(model, file, pictures, held)
    unknown: list[ProbableName] = []
    if options.atlas:
        taught = frozenset(NANO_THINGS)
        names += drawn_names(
            model, options.atlas, lambda have: tuple(n for n in have if n in taught), options.questions
        )
        unknown += drawn_names(
            model, options.atlas, lambda have: tuple(n for n in have if n not in taught), options.questions
        )
    if not names:
        raise InputError("evaluation.nothing_to_name")
    two = model.photographs is not None and len({name.kind for name in names}) > 1
    return summarise_confidence(names, [name for name in unknown if not name.right], two)


def _write(name: str, scales: Mapping[str, tuple[float, float]], unsure_below: float) -> None:
    """Set the scales in a model's config.json: each network's, or one for all."""
    folder = hub.find_checkpoint(name, None)
    config = OspreyConfig.from_dict(checkpoint.read_json(folder / checkpoint.CONFIG_FILE))
    by_kind = {kind: ConfidenceConfig(*scale, unsure_below) for kind, scale in scales.items()}
    config = replace(config, confidence=by_kind.get(DRAWN) or by_kind.get("all") or config.confidence)
    if config.photographs is not None:
        of_photographs = by_kind.get(PHOTOGRAPHED) or by_kind.get("all") or config.photographs.confidence
        config = replace(config, photographs=replace(config.photographs, confidence=of_photographs))
    checkpoint.write_config(folder, config)
