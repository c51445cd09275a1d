"""Scores of a model on made scenes: `python -m osprey_core.evaluation nano --atlas art-cache/atlas-train.npz`.

Every question has an answer known from the scene. Each score comes with its count and a 95 % bootstrap interval, and
controls show what is left when the region is taken away. It judges answers; it does not know how they are made.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from .engine import Osprey, RegionToken, View
from .errors import OspreyError
from .prompts import Turn
from .training.config import NANO_STYLES, NANO_THINGS
from .training.dialogues import EVALUATION_SEEDS, RELATION_WORDS, DialogueOptions, DialogueSample, sample
from .training.sources import SceneSource

log = logging.getLogger(__name__)

YES_NO = frozenset({"presence", "is_color", "is_category", "is_position", "has_part", "use_group"})
"""Kinds of question that are answered by yes or no."""

SCORES = {
    "category": ("category",),
    "name in a sentence": ("what", "short", "detailed"),
    "colour": ("color", "named_color"),
    "position": ("position", "named_position"),
    "size": ("size",),
    "relation of two regions": ("relation",),
    "part of what": ("part_of",),
    "count": ("count",),
    "refusal": ("refusal",),
}
"""Reported score -> the kinds of question it is taken over."""


@dataclass(frozen=True)
class Question:
    """One question about one scene, with what may be answered."""

    kind: str
    text: str
    masks: tuple[np.ndarray, ...]
    history: tuple[Turn, ...]
    answer: str
    accepted: tuple[str, ...]


@dataclass(frozen=True)
class Score:
    """A share with its 95 % bootstrap interval, over `count` questions."""

    value: float
    low: float
    high: float
    count: int


def questions_of(made: DialogueSample) -> Iterator[Question]:
    """Every turn of a dialogue as a question with the true answers before it as history."""
    turns: list[Turn] = []
    for turn in made.dialogue:
        masks = tuple(made.masks[: turn.known_regions])
        yield Question(turn.kind, turn.question, masks, tuple(turns), turn.answer, turn.accepted)
        turns.append(Turn(turn.question, turn.answer, turn.known_regions))


def words_of(text: str) -> list[str]:
    """Lower-case words without articles and punctuation."""
    return [word for word in re.findall(r"[a-z0-9'-]+", text.lower()) if word not in ("a", "an", "the")]


def is_right(question: Question, answer: str) -> bool:
    """Whether an answer says what the scene says.

    Yes/no: the same first word. Relations: the same relation word in the first sentence. Otherwise one of the accepted
    answers, word for word, or, where a sentence was asked for, contained in it.
    """
    if question.kind in YES_NO:
        return words_of(answer)[:1] == words_of(question.answer)[:1]
    if question.kind == "relation":
        return _relations(answer) == _relations(question.answer)
    given = words_of(answer)
    for accepted in (question.answer, *question.accepted):
        wanted = words_of(accepted)
        if given == wanted or (question.kind != "category" and wanted and _contains(given, wanted)):
            return True
    return False


def semantic_iou(answer: str, accepted: Iterable[str]) -> float:
    """Overlap of words, |A ∩ B| / |A ∪ B|, with the best of the accepted answers (Osprey, section 5.1)."""
    given = set(words_of(answer))
    return max((len(given & set(words_of(a))) / max(1, len(given | set(words_of(a)))) for a in accepted), default=0.0)


def bootstrap(values: Sequence[float], rounds: int = 2000, seed: int = 0) -> Score:
    """Mean of the values with the 95 % interval of its bootstrap distribution."""
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        return Score(float("nan"), float("nan"), float("nan"), 0)
    picks = np.random.default_rng(seed).integers(0, array.size, (rounds, array.size))
    low, high = np.quantile(array[picks].mean(1), [0.025, 0.975])
    return Score(float(array.mean()), float(low), float(high), int(array.size))


def yes_no_measures(pairs: Sequence[tuple[bool, bool]]) -> dict[str, float]:
    """POPE's measures from (said yes, is yes) pairs: accuracy, precision, recall, F1 and the share of yes."""
    said = np.array([pair[0] for pair in pairs], dtype=bool)
    truth = np.array([pair[1] for pair in pairs], dtype=bool)
    hits = float((said & truth).sum())
    precision = hits / max(1.0, float(said.sum()))
    recall = hits / max(1.0, float(truth.sum()))
    return {
        "accuracy": float((said == truth).mean()) if pairs else float("nan"),
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(1e-9, precision + recall),
        "yes_rate": float(said.mean()) if pairs else float("nan"),
        "count": len(pairs),
    }


Ask = Callable[[DialogueSample, View, Question], str]
"""Answers one question; controls change what the model is given."""


def plain(made: DialogueSample, view: View, question: Question) -> str:
    """The question as it is, answered greedily."""
    return view.ask(question.text, question.masks, question.history)


def without(*tokens: RegionToken) -> Ask:
    """Control: the regions' mask tokens or spatial tokens are zero."""
    switched_off: Collection[RegionToken] = tokens
    return lambda made, view, q: view.ask(q.text, q.masks, q.history, without=switched_off)


def blank_picture(made: DialogueSample, view: View, question: Question) -> str:
    """Control: the picture is an even grey; the masks are the true ones."""
    grey = view.model.open(np.full_like(made.image, 128))
    return grey.ask(question.text, question.masks, question.history)


def shuffled_masks(made: DialogueSample, view: View, question: Question) -> str:
    """Control: every region is another object's mask. Pictures with one object have none to give: all is asked."""
    rng = np.random.default_rng(made.scene.seed)
    others = [item.mask for item in made.scene.objects if not any((item.mask & mask).any() for mask in question.masks)]
    swapped = [others[int(rng.integers(len(others)))] if others else mask for mask in question.masks]
    return view.ask(question.text, swapped, question.history)


CONTROLS: dict[str, tuple[Ask, tuple[str, ...]]] = {
    "masks shuffled": (shuffled_masks, ("category", "color", "position")),
    "mask token off": (without("mask"), ("category", "color", "position")),
    "spatial token off": (without("pos"), ("category", "color", "position")),
    "picture blank": (blank_picture, ("category", "color", "position")),
}
"""Name -> how questions are asked, and of which kinds."""


def evaluate(model: Osprey, made: Sequence[DialogueSample], controls: bool = True) -> dict[str, Any]:
    """All scores of a model on made scenes, JSON-ready."""
    right: dict[str, list[float]] = {}
    overlaps: list[float] = []
    yes_no: list[tuple[bool, bool]] = []
    control_right: dict[str, dict[str, list[float]]] = {name: {} for name in CONTROLS} if controls else {}
    for one in tqdm(made, desc="scenes", mininterval=10):
        view = model.open(one.image)
        for question in questions_of(one):
            answer = plain(one, view, question)
            right.setdefault(question.kind, []).append(is_right(question, answer))
            if question.kind == "category":
                overlaps.append(semantic_iou(answer, (question.answer, *question.accepted)))
            if question.kind in YES_NO:
                yes_no.append((words_of(answer)[:1] == ["yes"], words_of(question.answer)[:1] == ["yes"]))
            for name, found in control_right.items():
                ask, kinds = CONTROLS[name]
                if question.kind in kinds and not (ask is shuffled_masks and len(one.scene.objects) < 2):
                    found.setdefault(question.kind, []).append(is_right(question, ask(one, view, question)))
    scores = {
        name: vars(bootstrap([value for kind in kinds for value in right.get(kind, [])]))
        for name, kinds in SCORES.items()
    }
    return {
        "scenes": len(made),
        "questions": sum(len(values) for values in right.values()),
        "scores": scores,
        "semantic_iou": vars(bootstrap(overlaps)),
        "yes_no": yes_no_measures(yes_no),
        "by_kind": {kind: vars(bootstrap(values)) for kind, values in sorted(right.items())},
        "controls": {
            name: {kind: vars(bootstrap(values)) for kind, values in found.items()}
            for name, found in control_right.items()
        },
    }


def held_out(source: SceneSource, count: int) -> list[DialogueSample]:
    """Samples from seeds that training never uses."""
    atlas = source.load()
    return [sample(seed, DialogueOptions(), atlas) for seed in EVALUATION_SEEDS[:count]]


def report(results: dict[str, Any]) -> str:
    """The scores as a Markdown table."""
    lines = ["| score | value | 95 % interval | questions |", "| --- | --- | --- | --- |"]
    rows = {**results["scores"], "semantic IoU of categories": results["semantic_iou"]}
    for name, score in rows.items():
        if score["count"]:
            interval = f"{score['low']:.1%} – {score['high']:.1%}"
            lines.append(f"| {name} | {score['value']:.1%} | {interval} | {score['count']} |")
    measures = results["yes_no"]
    lines += ["", "Yes/no: " + ", ".join(f"{k.replace('_', ' ')} {v:.3g}" for k, v in measures.items())]
    for name, kinds in results["controls"].items():
        lines.append(f"{name}: " + ", ".join(f"{kind} {s['value']:.1%} (n={s['count']})" for kind, s in kinds.items()))
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Evaluate; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.evaluation", description=__doc__)
    parser.add_argument("model", help='"nano", a folder or a Hub name')
    parser.add_argument("--atlas", type=Path, help="sprites; without them scenes hold drawn objects and shapes only")
    parser.add_argument("--styles", nargs="*", default=list(NANO_STYLES), help="art styles; none given: all")
    parser.add_argument("--scenes", type=int, default=300)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, help="write all figures as JSON")
    parser.add_argument("--no-controls", action="store_true")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        model = Osprey.from_pretrained(options.model, options.device)
        source = SceneSource(options.atlas, tuple(options.styles), NANO_THINGS)
        results = evaluate(model, held_out(source, options.scenes), controls=not options.no_controls)
    except OspreyError as error:
        log.error("%s", error)
        return 2
    log.info("%s", report(results))
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


def _relations(text: str) -> list[str]:
    """The relation words of an answer's first sentence, in order."""
    first = text.lower().split(".")[0]
    phrases = [*RELATION_WORDS.values(), "in front of", "behind", "inside", "part of"]
    return [phrase for _, phrase in sorted((first.find(p), p) for p in phrases if p in first)]


def _contains(given: list[str], wanted: list[str]) -> bool:
    return any(given[i : i + len(wanted)] == wanted for i in range(len(given) - len(wanted) + 1))


if __name__ == "__main__":
    sys.exit(main())
