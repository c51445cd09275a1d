"""What else is asked about photographs: colours, places, relations, counts, yes or no, from the training's dialogues.

Questions and answers are computed from annotations and pixels, as for training (`training.dialogues.photo_talks`).
Intervals resample pictures.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from osprey_core.engine import Osprey
from osprey_core.evaluation.controls import plain
from osprey_core.evaluation.judges import is_right
from osprey_core.evaluation.measures import resampled
from osprey_core.evaluation.questions import questions_of
from osprey_core.training.dialogues import DialogueSample
from osprey_core.training.dialogues.photo_talks import photo_sample
from osprey_core.training.scenes.photographs import Photograph, absent_things, countable, photo_scene

DIALOGUES = 3
"""About each photograph."""
TURNS = 10


def dialogues_about(photograph: Photograph) -> list[DialogueSample]:
    """Dialogues about a photograph as it is; none where nothing plain can be asked."""
    scene = photo_scene(photograph, np.random.default_rng(1))
    absent, may_count = absent_things(photograph, scene), countable(photograph, scene)
    found = [photo_sample(scene, absent, (photograph.number, n), TURNS, may_count) for n in range(DIALOGUES)]
    return [sample for sample in found if sample is not None]


def ask_about(model: Osprey, photographs: Iterable[Photograph]) -> dict[str, Any]:
    """Shares of right answers by kind of question: {"color": {"value", "low", "high", "count"}, …}."""
    by_kind: dict[str, list[list[bool]]] = {}
    for photograph in photographs:
        view = model.open(photograph.image())
        right: dict[str, list[bool]] = {}
        for sample in dialogues_about(photograph):
            for question in questions_of(sample):
                right.setdefault(question.kind, []).append(is_right(question, plain(sample, view, question)))
        for kind, found in right.items():
            by_kind.setdefault(kind, []).append(found)
    scores = {}
    for kind, groups in sorted(by_kind.items()):
        score = resampled(groups, lambda some: float(np.mean([one for group in some for one in group])))
        scores[kind] = {**vars(score), "count": sum(len(group) for group in groups)}
    return scores


def dialogues_report(scores: dict[str, Any]) -> str:
    """The shares as a Markdown table."""
    lines = ["| kind of question | right | 95 % interval | questions |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {kind.replace('_', ' ')} | {s['value']:.1%} | {s['low']:.1%} – {s['high']:.1%} | {s['count']} |"
        for kind, s in scores.items()
    ]
    return "\n".join(lines)
