"""The questions of an evaluation: single ones, equally many for each score, and conversations.

They are about scenes that no training has seen, and every answer is computed from its scene. This module does not know
which model answers or how answers are judged.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from osprey_core.errors import InputError
from osprey_core.evaluation.judges import YES_NO, words_of
from osprey_core.language.prompts import Turn
from osprey_core.training.art import Atlas
from osprey_core.training.dialogues import (
    EVALUATION_SEEDS,
    DialogueOptions,
    DialogueSample,
    sample,
    sample_about,
)
from osprey_core.training.scenes.scene import make_scene

log = logging.getLogger(__name__)

LATER_TURNS = "later turns of a conversation"
"""Score of everything that is asked after a conversation's first question."""

MIN_PER_KIND = 100
"""A score over several kinds of question has at least so many of each, where as many are asked for at all."""

_TRIES_PER_PICTURE = 3
_PICTURES_PER_QUESTION = 40
_CONVERSATIONS_FROM = 1_000_000  # far behind the seeds of single questions


@dataclass(frozen=True)
class Topic:
    """One kind of question, the score that it counts for, and what its regions show."""

    score: str
    kind: str
    about: Literal["anything", "objects", "parts"] = "anything"


TOPICS = (
    Topic("category", "category", "objects"),
    Topic("name in a sentence", "what"),
    Topic("name in a sentence", "short"),
    Topic("name in a sentence", "detailed"),
    Topic("colour", "color"),
    Topic("position", "position", "objects"),
    Topic("size", "size"),
    Topic("part", "category", "parts"),
    Topic("part", "part_of"),
    Topic("part", "parts"),
    Topic("relation of two regions", "relation"),
    Topic("yes or no", "presence"),
    Topic("yes or no", "is_color"),
    Topic("yes or no", "is_category"),
    Topic("yes or no", "is_position"),
    Topic("yes or no", "has_part"),
    Topic("count", "count"),
    Topic("refusal", "refusal"),
)
"""Everything that is asked, by the score it counts for."""


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
class HeldOut:
    """One picture never trained on: image uint8 (H, W, 3), and (score, sample, question) for each question about it."""

    image: np.ndarray
    asked: tuple[tuple[str, DialogueSample, Question], ...]


def questions_of(made: DialogueSample) -> Iterator[Question]:
    """Every turn of a dialogue as a question with the true answers before it as history."""
    turns: list[Turn] = []
    for turn in made.dialogue:
        masks = tuple(made.masks[: turn.known_regions])
        yield Question(turn.kind, turn.question, masks, tuple(turns), turn.answer, turn.accepted)
        turns.append(Turn(turn.question, turn.answer, turn.known_regions))


def choose_topics(names: Collection[str] = ()) -> tuple[Topic, ...]:
    """The topics of the named scores or kinds of question; none named: all. Raises InputError for unknown names."""
    known = {name for topic in TOPICS for name in (topic.score, topic.kind)}
    if unknown := sorted(set(names) - known):
        raise InputError("evaluation.score_unknown", names=", ".join(unknown), known=str(sorted(known)))
    return tuple(topic for topic in TOPICS if not names or topic.score in names or topic.kind in names)


def balanced(atlas: Atlas | None, per_score: int, topics: Collection[Topic] = TOPICS) -> list[HeldOut]:
    """Single questions about fresh scenes, at least `per_score` for each score, at most one of a kind per picture.

    Questions to be answered by yes or no have as many of each answer. A picture is used for all the questions it
    allows, so that it is encoded once for them. Kinds that too few pictures allow are logged and stay short.

    Raises InputError unless `per_score` is at least 1.
    """
    if per_score < 1:
        raise InputError("evaluation.count_invalid", value=per_score)
    wanted = {topic: _quota(per_score, topic, topics) for topic in topics}
    counts: Counter[tuple[Topic, str]] = Counter()
    pictures: list[HeldOut] = []
    for seed in EVALUATION_SEEDS[: _PICTURES_PER_QUESTION * max(wanted.values())]:
        short = [topic for topic in topics if any(counts[topic, side] < n for side, n in _sides(topic, wanted[topic]))]
        if not short:
            break
        scene = make_scene(seed, DialogueOptions().scene, atlas)
        asked: list[tuple[str, DialogueSample, Question]] = []
        for topic in short if scene.objects else ():
            options = DialogueOptions(kinds=(topic.kind,), about=topic.about, single_turn_share=1.0)
            sides = dict(_sides(topic, wanted[topic]))
            for attempt in range(_TRIES_PER_PICTURE):
                made = sample_about(scene, (seed, TOPICS.index(topic), attempt), options, atlas)
                if made is None:
                    continue
                question = next(questions_of(made))
                side = _side(question)
                if counts[topic, side] < sides[side]:
                    counts[topic, side] += 1
                    asked.append((topic.score, made, question))
                    break
        if asked:
            pictures.append(HeldOut(scene.image, tuple(asked)))
    for topic, number in wanted.items():
        count = sum(counts[topic, side] for side, _ in _sides(topic, number))
        if count < number:
            log.warning("Only %d of %d questions of the kind %s were found.", count, number, topic.kind)
    return pictures


def conversations(atlas: Atlas | None, count: int, topics: Collection[Topic] = TOPICS) -> list[HeldOut]:
    """Dialogues of several turns; every turn but the first is a question, with the true answers before it."""
    options = DialogueOptions(kinds=tuple(dict.fromkeys(topic.kind for topic in topics)), single_turn_share=0.0)
    if len(options.kinds) == 1:  # one kind has too few different questions for a conversation
        return []
    pictures = []
    for seed in EVALUATION_SEEDS[_CONVERSATIONS_FROM : _CONVERSATIONS_FROM + count]:
        made = sample(seed, options, atlas)
        later = tuple((LATER_TURNS, made, question) for question in questions_of(made) if question.history)
        if later:
            pictures.append(HeldOut(made.image, later))
    return pictures


def _quota(per_score: int, topic: Topic, topics: Collection[Topic]) -> int:
    share = -(-per_score // sum(other.score == topic.score for other in topics))
    number = max(share, min(per_score, MIN_PER_KIND))
    return number + number % 2 if topic.kind in YES_NO else number


def _sides(topic: Topic, number: int) -> list[tuple[str, int]]:
    """How many questions are wanted by what their answer begins with: yes and no, or anything."""
    return [("yes", number // 2), ("no", number // 2)] if topic.kind in YES_NO else [("", number)]


def _side(question: Question) -> str:
    return words_of(question.answer)[0] if question.kind in YES_NO else ""
