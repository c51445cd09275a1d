"""What else is asked about photographs: colours, places, relations, counts, yes or no, from the training's dialogues.

Questions and answers are computed from annotations and pixels, as for training (`training.dialogues.photo_talks`).
What a whole picture shows is judged by the names in the answer. Intervals resample pictures.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from osprey_core.engine import Osprey
from osprey_core.evaluation.controls import plain
from osprey_core.evaluation.judges import is_right
from osprey_core.evaluation.measures import resampled
from osprey_core.evaluation.questions import questions_of
from osprey_core.language.wording import NUMBERS, plural, with_article
from osprey_core.training.dialogues import DialogueSample
from osprey_core.training.dialogues.photo_talks import photo_sample
from osprey_core.training.scenes.photographs import Photograph, absent_things, countable, photo_names, photo_scene

DIALOGUES = 3
"""About each photograph."""
TURNS = 10
WHOLE_PICTURE = "What is in this picture?"
SMALLEST_SHARE = 0.003
"""Of the picture: of what is smaller it is neither asked that an answer names it, nor wrong if it does."""


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
                if question.kind == "picture":
                    continue  # no sentence is the only true one: see `ask_what_is_there`
                right.setdefault(question.kind, []).append(is_right(question, plain(sample, view, question)))
        for kind, found in right.items():
            by_kind.setdefault(kind, []).append(found)
    return {kind: _right_share(groups) for kind, groups in sorted(by_kind.items())}


def _right_share(groups: Sequence[Sequence[bool]]) -> dict[str, Any]:
    """{"value", "low", "high", "count"} of what is right, for groups of questions about a picture each."""
    score = resampled(groups, lambda some: float(np.mean([one for group in some for one in group])))
    return {**vars(score), "count": sum(len(group) for group in groups)}


def ask_what_is_there(model: Osprey, photographs: Iterable[Photograph]) -> dict[str, Any]:
    """How many of the names in answers to `WHOLE_PICTURE` are right, and how many of the annotated names they hold.

    {"precision": {"value", "low", "high", "count"}, "recall": …}; counts are of names.
    """
    pictures = []
    for photograph in photographs:
        large, small = set[str](), set[str]()
        for region in photograph.regions:
            share = float(region.mask(photograph.size_hw).mean())
            (large if share >= SMALLEST_SHARE else small).add(photo_names().name(region.category))
        said = names_in(model.open(photograph.image()).ask(WHOLE_PICTURE), large | small)
        pictures.append((len(said & large), len(said - (small - large)), len(large)))
    places = {"precision": 1, "recall": 2}
    return {
        name: {**vars(resampled(pictures, partial(_ratio, at=at))), "count": sum(p[at] for p in pictures)}
        for name, at in places.items()
    }


def ask_for_things(model: Osprey, photographs: Iterable[Photograph]) -> dict[str, Any]:
    """Whether there is each annotated thing, how many, and the same of as many that are not there, at random.

    A number is right if the answer has it; crowds are not counted.

    Returns:
        {"whether there is one": {"value", "low", "high", "count"}, "how many there are": …}; counts are of questions.
    """
    right: dict[str, list[list[bool]]] = {"whether there is one": [], "how many there are": []}
    for photograph in photographs:
        view = model.open(photograph.image())
        names = photo_names()
        there = Counter(names.thing(region.category).name for region in photograph.regions if region.is_thing)
        crowds = {names.thing(region.category).name for region in photograph.regions if region.is_crowd}
        absent = [thing.name for thing in absent_things(photograph, photo_scene(photograph, np.random.default_rng(1)))]
        chosen = np.random.default_rng(photograph.number).permutation(absent)[: len(there)].tolist()
        whether, how_many = [], []
        for name in (*there, *chosen):
            noun = names.things[name].noun
            said = view.ask(f"Is there {with_article(noun)} in the picture?")
            whether.append(said.lower().startswith("yes" if there[name] else "no"))
            if name not in crowds:
                said = view.ask(f"How many {plural(noun)} are there?")
                how_many.append(_says_number(said, there[name]))
        for kind, found in zip(right, (whether, how_many), strict=True):
            right[kind] += [found] if found else []
    return {kind: _right_share(groups) for kind, groups in right.items()}


def _says_number(answer: str, number: int) -> bool:
    """Whether the first number in an answer is this one; "no" is 0."""
    words = [word for word in re.findall(r"\w+", answer.lower()) if word in NUMBERS or word.isdigit()]
    return bool(words) and words[0] in (str(number), *NUMBERS[number : number + 1])


def names_in(answer: str, others: Iterable[str] = ()) -> set[str]:
    """The things and the stuff that an answer names by any of their words, in the singular or plural.

    Of names that overlap, the longest counts. others: further names to look for.
    """
    table = photo_names()
    words = {name: name for name in (*others, *table.stuff.values())}
    words |= {word: name for name, thing in table.things.items() for word in (name, thing.noun, *thing.synonyms)}
    forms = {form: name for word, name in words.items() for form in (plural(word), word)}
    longest_first = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    return {forms[found] for found in re.findall(rf"\b(?:{longest_first})\b", answer.lower())}


def _ratio(pictures: Sequence[tuple[int, int, int]], at: int) -> float:
    """Right names by the entries `at` of the pictures; nan where there is none."""
    whole = sum(picture[at] for picture in pictures)
    return sum(picture[0] for picture in pictures) / whole if whole else float("nan")


def dialogues_report(scores: dict[str, Any]) -> str:
    """The shares as a Markdown table."""
    lines = ["| kind of question | right | 95 % interval | questions |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {kind.replace('_', ' ')} | {s['value']:.1%} | {s['low']:.1%} – {s['high']:.1%} | {s['count']} |"
        for kind, s in scores.items()
    ]
    return "\n".join(lines)
